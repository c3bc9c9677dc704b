// Command program prints what the reader of executables must find out without running it.
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"reflect"
	"unsafe"

	inner "example.com/program/inner/http"
)

type own struct {
	Flag  bool
	Count uint64
	name  string
}

//go:noinline
func small(values ...any) { fmt.Fprint(os.Stderr, values...) }

//go:noinline
func large(n int) byte {
	var b [3000]byte
	fill(b[:], n)
	return b[n]
}

//go:noinline
func huge(n int) byte {
	var b [100000]byte
	fill(b[:], n)
	return b[n]
}

//go:noinline
func fill(b []byte, n int) {
	for i := range b {
		b[i] = byte(i * n)
	}
}

//go:noinline
func leaf(n int) int { return n + 1 }

func layout(t reflect.Type, name string) {
	for i := 0; i < t.NumField(); i++ {
		fmt.Printf("field\t%s\t%s\t%d\n", name, t.Field(i).Name, t.Field(i).Offset)
	}
	pointer := any(reflect.Zero(reflect.PointerTo(t)).Interface())
	fmt.Printf("type\t*%s\t%d\n", name, *(*uintptr)(unsafe.Pointer(&pointer)))
}

func main() {
	small(leaf(len(os.Args)), large(3), huge(5), &own{name: "x"}, inner.New())
	fmt.Printf("function\tmain.main\t%d\n", reflect.ValueOf(main).Pointer())
	layout(reflect.TypeOf(own{}), "main.own")
	layout(reflect.TypeOf(inner.New()).Elem(), "example.com/program/inner/http.persistConn")
	layout(reflect.TypeOf(net.TCPConn{}), "net.TCPConn")
	layout(reflect.TypeOf(tls.Conn{}), "crypto/tls.Conn")
	layout(reflect.TypeOf(http.Request{}), "net/http.Request")
	idle, _ := reflect.TypeOf(http.Transport{}).FieldByName("idleConn")
	layout(idle.Type.Elem().Elem().Elem(), "net/http.persistConn")
	fd, _ := reflect.TypeOf(net.TCPConn{}).Field(0).Type.FieldByName("fd")
	layout(fd.Type.Elem(), "net.netFD")
	layout(fd.Type.Elem().Field(0).Type, "internal/poll.FD")
	maps, _ := os.ReadFile("/proc/self/maps")
	os.Stdout.Write(maps)
}
