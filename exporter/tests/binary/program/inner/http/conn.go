// Package http has a type of the same short name as one of net/http.
package http

type persistConn struct {
	Padding [3]uint64
	Conn    uint64
}

func New() any { return &persistConn{} }
