//! A short text without an allocation: an address, a number, a fixed word.

use std::fmt::{self, Write};
use std::net::{IpAddr, SocketAddr};

/// The longest that is put in: an IPv6 address with zone and port, `[…39…%4294967295]:65535`.
const LONGEST: usize = 58;

/// What does not fit is cut off; nothing that is put in is so long.
#[derive(Clone, Copy)]
pub struct Short {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Short {
    fn empty() -> Self {
        Self { bytes: [0; LONGEST], length: 0 }
    }

    pub fn of(text: &str) -> Self {
        let mut short = Self::empty();
        short.push(text.as_bytes());
        short
    }

    pub fn number(number: u16) -> Self {
        let mut short = Self::empty();
        short.decimal(number);
        short
    }

    /// An address without a port; IPv4 where it is mapped into IPv6.
    pub fn ip(ip: IpAddr) -> Self {
        let mut short = Self::empty();
        match ip.to_canonical() {
            IpAddr::V4(ip) => short.octets(ip.octets()),
            // Into this `write` cannot fail: see LONGEST.
            IpAddr::V6(ip) => drop(write!(short, "{ip}")),
        }
        short
    }

    /// An address with its port, as it is.
    pub fn address(address: SocketAddr) -> Self {
        let mut short = Self::empty();
        match address {
            SocketAddr::V4(address) => {
                short.octets(address.ip().octets());
                short.one(b':');
                short.decimal(address.port());
            }
            SocketAddr::V6(address) => drop(write!(short, "{address}")),
        }
        short
    }

    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    fn octets(&mut self, [a, b, c, d]: [u8; 4]) {
        self.decimal(a.into());
        for octet in [b, c, d] {
            self.one(b'.');
            self.decimal(octet.into());
        }
    }

    /// By hand, digit by digit: `write!` takes ten times as long, and there are five of these in a span.
    fn decimal(&mut self, number: u16) {
        let mut begun = false;
        for power in [10_000, 1000, 100, 10] {
            begun |= number >= power;
            if begun {
                self.one(b'0' + (number / power % 10) as u8);
            }
        }
        self.one(b'0' + (number % 10) as u8);
    }

    fn one(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    fn push(&mut self, more: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.length..self.length + more.len()) {
            place.copy_from_slice(more);
            self.length += more.len();
        }
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

impl fmt::Display for Short {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use std::net::{Ipv6Addr, SocketAddrV6};

    use super::*;

    #[test]
    fn addresses_are_those_of_the_standard_library() {
        let check = |address: SocketAddr| {
            assert_eq!(Short::address(address).as_str(), address.to_string());
            let ip = address.ip();
            assert_eq!(Short::ip(ip).as_str(), ip.to_canonical().to_string());
        };
        check(([0, 0, 0, 0], 0).into());
        check(([10, 100, 9, 99], 80).into());
        check(([255, 255, 255, 255], 65535).into());
        check("[::1]:8080".parse().unwrap());
        check("[::ffff:10.0.0.1]:8080".parse().unwrap());
        let longest = Ipv6Addr::from(u128::MAX);
        check(SocketAddrV6::new(longest, u16::MAX, u32::MAX, u32::MAX).into());
        let mapped = "::ffff:255.255.255.255".parse().unwrap();
        check(SocketAddrV6::new(mapped, u16::MAX, 0, u32::MAX).into());
    }

    #[test]
    fn numbers_are_those_of_the_standard_library() {
        for number in 0..=u16::MAX {
            assert_eq!(Short::number(number).as_str(), number.to_string());
        }
    }
}
