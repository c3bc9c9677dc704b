//! The PROXY protocol header that a load balancer puts before the first byte of a connection, versions 1 and 2,
//! as go-proxyproto 0.8 (the reader of Traefik 3.6) takes it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const SIGNATURE_1: &[u8] = b"PROXY ";
const SIGNATURE_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The longest line of version 1, its end included.
const LINE_LIMIT: usize = 107;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    /// It may still become a header.
    More,
    /// The stream does not start with one.
    None,
    /// It starts like one and does not go on as one: Traefik closes the connection.
    Malformed,
    Header {
        length: usize,
        source: Option<SocketAddr>,
    },
}

/// Looks for a header at the start of a connection.
pub(super) fn prefix(start: &[u8]) -> Prefix {
    if begins(start, SIGNATURE_1) {
        version_1(start)
    } else if begins(start, SIGNATURE_2) {
        version_2(start)
    } else {
        Prefix::None
    }
}

fn begins(start: &[u8], signature: &[u8]) -> bool {
    start.iter().zip(signature).all(|(found, expected)| found == expected)
}

fn version_1(start: &[u8]) -> Prefix {
    let start = start.get(..LINE_LIMIT).unwrap_or(start);
    let Some(newline) = memchr::memchr(b'\n', start) else {
        return match start.len() < LINE_LIMIT {
            true => Prefix::More,
            false => Prefix::Malformed,
        };
    };
    let line = start.get(..newline).unwrap_or_default();
    match line.strip_suffix(b"\r").and_then(announced) {
        Some(source) => Prefix::Header { length: newline + 1, source },
        None => Prefix::Malformed,
    }
}

/// The source in a line of version 1. None: not such a line.
fn announced(line: &[u8]) -> Option<Option<SocketAddr>> {
    let mut words = std::str::from_utf8(line).ok()?.split(' ').skip(1);
    let family = words.next()?;
    if family == "UNKNOWN" {
        return Some(None);
    }
    let mut address = || -> Option<IpAddr> {
        let word = words.next()?;
        match family {
            "TCP4" => word.parse::<Ipv4Addr>().ok().map(IpAddr::from),
            "TCP6" => word.parse::<Ipv6Addr>().ok().map(IpAddr::from),
            _ => None,
        }
    };
    let source = address()?;
    address()?;
    let port = words.next()?.parse::<u16>().ok()?;
    words.next()?.parse::<u16>().ok()?;
    Some(Some(SocketAddr::new(source, port)))
}

fn version_2(start: &[u8]) -> Prefix {
    let Some((fixed, rest)) = start.split_first_chunk::<16>() else {
        return Prefix::More;
    };
    let [.., command, family, high, low] = *fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let least = match (command, family >> 4) {
        (0x20, 0) => 0,
        (0x20 | 0x21, 1) => 12,
        (0x20 | 0x21, 2) => 36,
        (0x20 | 0x21, 3) => 216,
        _ => return Prefix::Malformed,
    };
    if length < least {
        return Prefix::Malformed;
    }
    let Some(block) = rest.get(..length) else {
        return Prefix::More;
    };
    Prefix::Header { length: fixed.len() + length, source: (command == 0x21).then(|| source(family, block)).flatten() }
}

fn source(family: u8, block: &[u8]) -> Option<SocketAddr> {
    let (ip, port) = match family >> 4 {
        1 => (IpAddr::from(*block.first_chunk::<4>()?), block.get(8..10)?),
        2 => (IpAddr::from(*block.first_chunk::<16>()?), block.get(32..34)?),
        _ => return None,
    };
    let port = u16::from_be_bytes(*port.first_chunk()?);
    Some(SocketAddr::new(ip, port))
}
