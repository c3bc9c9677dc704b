//! The address of hoptap's own pages: whether it is free, or another hoptap has it.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};

use super::PATIENCE;
use super::finding::{Ends, Finding};
use crate::serve::{BindError, Listener};

const OTHER: &str = "another hoptap";
const LISTEN: &str = "listen address";

/// The page is a few kilobytes.
const LONGEST: u64 = 1 << 20;

pub(super) fn check(listen: Option<SocketAddr>) -> [Finding; 2] {
    let Some(address) = listen else {
        return [
            Finding::not_applicable(OTHER, "not looked for: --listen off"),
            Finding::not_applicable(LISTEN, "--listen off: no /metrics, no /readyz"),
        ];
    };
    match Listener::bind(address) {
        Ok(_) => [Finding::ok(OTHER, format!("none on {address}")), Finding::ok(LISTEN, format!("{address} is free"))],
        Err(error) => taken(address, &error),
    }
}

fn taken(address: SocketAddr, error: &BindError) -> [Finding; 2] {
    let there = matches!(error, BindError::InUse { .. }).then(|| ready(reached(address))).flatten();
    match there {
        Some(state) => [
            Finding::warning(OTHER, format!("one runs on {address}: {state}"))
                .lost("a second one would cost Traefik as much again, and tell the same")
                .advice(format!("ask it: curl http://{}/readyz; or stop it", reached(address))),
            Finding::not_applicable(LISTEN, format!("{address} is that hoptap's; for a second one, another --listen")),
        ],
        None => [
            Finding::ok(OTHER, format!("none on {address}")),
            Finding::failed(LISTEN, Ends::Usage, without_advice(&error.to_string()))
                .lost("hoptap does not start with it")
                .advice("choose another with --listen or metrics.listen, or --listen off"),
        ],
    }
}

/// What stands behind the semicolon says what to do, to who has no file.
fn without_advice(error: &str) -> &str {
    error.split("; ").next().unwrap_or(error)
}

/// Where one connects to what listens there.
fn reached(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback = if address.is_ipv4() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    address
}

/// What `/readyz` says there, if it is a hoptap's.
fn ready(address: SocketAddr) -> Option<String> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    write!(&stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    summary(body)
}

fn summary(body: &str) -> Option<String> {
    let state: serde_json::Value = serde_json::from_str(body).ok()?;
    let ready = state.get("ready")?.as_bool()?;
    let hook = state.get("hook")?;
    let processes = state.get("processes")?.as_object()?;
    let pids: Vec<&str> = processes.keys().map(String::as_str).collect();
    Some(match (ready, hook.as_str()) {
        (true, Some(hook)) => format!("it watches pid {} by {hook}", pids.join(", ")),
        _ => "it is not attached to a Traefik".into(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::super::Outcome;
    use super::*;

    #[test]
    fn pages() {
        let watches =
            r#"{"ready":true,"waits_for":[],"hook":"socket","refused_hooks":[],"processes":{"7":{},"81":{}}}"#;
        assert_eq!(summary(watches).as_deref(), Some("it watches pid 7, 81 by socket"));
        let waits = r#"{"ready":false,"waits_for":["x"],"hook":"socket","refused_hooks":[],"processes":{}}"#;
        assert_eq!(summary(waits).as_deref(), Some("it is not attached to a Traefik"));
        assert_eq!(summary(r#"{"ready":true}"#), None, "anybody may have such a page");
        assert_eq!(summary("ready"), None);
    }

    #[test]
    fn addresses() {
        let [_, off] = check(None);
        assert_eq!(off.result, Outcome::NotApplicable);
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        // It closes each connection without a word.
        let address = other.local_addr().unwrap();
        std::thread::spawn(move || other.accept().map(drop));
        let [hoptap, listen] = check(Some(address));
        assert_eq!(hoptap.result, Outcome::Ok, "{hoptap:?}");
        assert_eq!(listen.result, Outcome::Failed(Ends::Usage), "{listen:?}");
    }
}
