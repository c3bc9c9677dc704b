//! The prefix that a load balancer writes before a client's first byte.

use std::net::SocketAddrV4;

/// The text form, version 1.
pub fn v1(client: SocketAddrV4, server: SocketAddrV4) -> Vec<u8> {
    format!("PROXY TCP4 {} {} {} {}\r\n", client.ip(), server.ip(), client.port(), server.port()).into_bytes()
}

/// The binary form, version 2, command PROXY, TCP over IPv4.
pub fn v2(client: SocketAddrV4, server: SocketAddrV4) -> Vec<u8> {
    let mut prefix = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
    prefix.extend(client.ip().octets());
    prefix.extend(server.ip().octets());
    prefix.extend(client.port().to_be_bytes());
    prefix.extend(server.port().to_be_bytes());
    prefix
}
