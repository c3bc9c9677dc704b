//! A range of IP addresses as Traefik's rules and entrypoints write it.

use std::net::{IpAddr, Ipv6Addr};

/// An address, or all that share its first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    bits: u128,
    mask: u128,
}

impl Network {
    /// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`; None for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self::new(address, u32::MAX));
        }
        let (address, length) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let length: u32 = length.parse().ok()?;
        match address {
            IpAddr::V4(_) if length > 32 => None,
            IpAddr::V6(_) if length > 128 => None,
            // Go keeps an IPv4 mask of 4 bytes and one of 16 apart: a short IPv6 range holds no IPv4 address.
            IpAddr::V4(_) => Some(Self::new(address, length + 96)),
            IpAddr::V6(_) => Some(Self::new(address, length)),
        }
    }

    fn new(address: IpAddr, length: u32) -> Self {
        let mask = match length {
            0 => 0,
            1..=127 => u128::MAX << (128 - length),
            _ => u128::MAX,
        };
        let bits = mapped(address).to_bits() & mask;
        Self { bits, mask }
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let address = mapped(address);
        let short_range = self.mask.leading_ones() < 96;
        if short_range && address.to_ipv4_mapped().is_some() {
            return false;
        }
        address.to_bits() & self.mask == self.bits
    }
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn holds_addresses() {
        for (network, address, expected) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "::ffff:10.0.0.1", true),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.7/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "203.0.113.9", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("::1", "::1", true),
            ("127.0.0.1/32", "127.0.0.2", false),
        ] {
            let found = Network::parse(network).unwrap().contains(address.parse().unwrap());
            assert_eq!(found, expected, "{network} {address}");
        }
    }

    #[test]
    fn refuses_what_is_no_range() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0", "10.0.0.1/", "localhost", "010.0.0.1", "10.0.0.0/-1"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
