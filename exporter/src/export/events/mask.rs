//! A client's address made too coarse to say who it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network: 24 bits of an IPv4 address (also of one in IPv6's clothes), 48 of an IPv6 address, the rest zero.
pub fn masked(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn networks() {
        let check = |address: &str, expected: &str| {
            assert_eq!(masked(address.parse().unwrap()).to_string(), expected);
        };
        check("203.0.113.77", "203.0.113.0");
        check("::ffff:203.0.113.77", "203.0.113.0");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1::");
        check("::1", "::");
    }
}
