//! Which hops are told: `tap.direction` and `tap.ignore_loopback`.

use std::net::IpAddr;

use crate::config::{Direction, Tap};
use crate::exchange::{Attempt, Exchange, Hop, Level};

/// Leaves out what is not told. Where the client's hop is, the attempts hang below what asked the client's hop.
pub(super) fn narrow(tap: &Tap, exchange: &mut Exchange) {
    let loopback = |hop: &Hop| tap.ignore_loopback && hop.peer.ip().to_canonical().is_loopback();
    let tells = |attempt: &Attempt| {
        let internal = is_internal(attempt.hop.peer.ip());
        let wanted = match tap.direction {
            Direction::All | Direction::Egress => true,
            Direction::Ingress => false,
            Direction::EgressInternal => internal,
            Direction::EgressExternal => !internal,
        };
        wanted && !loopback(&attempt.hop)
    };
    exchange.attempts.retain(tells);
    let server = matches!(tap.direction, Direction::All | Direction::Ingress);
    if let Some(left_out) = exchange.server.take_if(|it| !server || loopback(&it.hop)) {
        let above = left_out.context;
        for attempt in &mut exchange.attempts {
            if attempt.context.parent == Some(above.span_id) {
                attempt.context.parent = above.parent;
                attempt.context.parent_is_remote = above.parent_is_remote;
            }
        }
    }
    if exchange.spans() == 0 {
        exchange.kept.level = Level::None;
    }
}

/// Private, loopback and link-local addresses (RFC 1918, 4193, 4291, 3927, 6598).
fn is_internal(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            address.is_private() || address.is_loopback() || address.is_link_local() || a == 100 && b & 0xc0 == 0x40
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn addresses() {
        let check = |address: &str, internal: bool| {
            assert_eq!(is_internal(address.parse().unwrap()), internal, "{address}");
        };
        for address in ["127.0.0.1", "10.1.2.3", "172.18.0.2", "192.168.1.1", "100.64.0.1", "::1", "fd00::1"] {
            check(address, true);
        }
        for address in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:4860::1"] {
            check(address, false);
        }
        check("::ffff:10.0.0.1", true);
        check("fe80::1", true);
    }
}
