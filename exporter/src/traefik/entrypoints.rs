//! Entrypoints: which name stands for which listening address, and what it does to a request before routing.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use super::network::Network;
use crate::event::{Event, Name};

/// One entrypoint. The settings are Traefik's defaults where only name and address are known.
#[derive(Debug, Clone)]
pub struct EntryPoint {
    pub name: Name,
    pub address: Address,
    pub(super) sanitize_path: bool,
    pub(super) encode_query_semicolons: bool,
    pub(super) forwarded_insecure: bool,
    pub(super) forwarded_trusted: Vec<Network>,
    pub(super) forwarded_connection: Vec<String>,
}

/// Where an entrypoint listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// None: all addresses, or a host name that is not known here.
    pub ip: Option<IpAddr>,
    pub port: u16,
    pub protocol: Protocol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Tcp,
    Udp,
}

impl Address {
    /// `:80`, `127.0.0.1:80`, `[::]:443`, `localhost:8080/tcp`, `:53/udp`; None for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, protocol) = match text.split_once('/') {
            None => (text, Protocol::Tcp),
            Some((address, protocol)) if protocol.eq_ignore_ascii_case("tcp") => (address, Protocol::Tcp),
            Some((address, protocol)) if protocol.eq_ignore_ascii_case("udp") => (address, Protocol::Udp),
            Some(_) => return None,
        };
        let (host, port) = address.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
        let ip = host.parse::<IpAddr>().ok().filter(|ip| !ip.is_unspecified());
        Some(Self { ip: ip.map(|ip| ip.to_canonical()), port: port.parse().ok()?, protocol })
    }

    fn takes(&self, local: SocketAddr) -> bool {
        self.protocol == Protocol::Tcp && self.port == local.port() && self.ip.is_none_or(|ip| ip == local.ip())
    }
}

impl EntryPoint {
    /// Of name and address as the static configuration writes them; None for an address that is none.
    pub fn new(name: &str, address: &str) -> Option<Self> {
        Some(Self {
            name: name.into(),
            address: Address::parse(address)?,
            sanitize_path: true,
            encode_query_semicolons: false,
            forwarded_insecure: false,
            forwarded_trusted: Vec::new(),
            forwarded_connection: Vec::new(),
        })
    }

    /// The entrypoint that accepted on `local`: one bound to that very address before one bound to all.
    pub fn find(entrypoints: &[Self], local: SocketAddr) -> Option<&Self> {
        let local = Event::canonical(local);
        let taking = || entrypoints.iter().filter(|entrypoint| entrypoint.address.takes(local));
        taking().find(|entrypoint| entrypoint.address.ip.is_some()).or_else(|| taking().next())
    }

    /// From the answer of `/api/entrypoints`. Entries that are not understood are left out.
    ///
    /// # Errors
    /// The text is not a JSON array.
    pub fn list(api: &str) -> Result<Vec<Self>, serde_json::Error> {
        let entries: Vec<serde_json::Value> = serde_json::from_str(api)?;
        Ok(entries
            .into_iter()
            .filter_map(|entry| serde_json::from_value::<Entry>(entry).ok())
            .filter_map(Entry::into_entrypoint)
            .collect())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: String,
    #[serde(default)]
    address: String,
    #[serde(default)]
    http: Http,
    #[serde(default)]
    forwarded_headers: Forwarded,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Http {
    sanitize_path: Option<bool>,
    encode_query_semicolons: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Forwarded {
    insecure: bool,
    #[serde(rename = "trustedIPs")]
    trusted: Vec<String>,
    connection: Vec<String>,
}

impl Entry {
    fn into_entrypoint(self) -> Option<EntryPoint> {
        Some(EntryPoint {
            sanitize_path: self.http.sanitize_path.unwrap_or(true),
            encode_query_semicolons: self.http.encode_query_semicolons,
            forwarded_insecure: self.forwarded_headers.insecure,
            forwarded_trusted: self
                .forwarded_headers
                .trusted
                .iter()
                .filter_map(|range| Network::parse(range))
                .collect(),
            forwarded_connection: self.forwarded_headers.connection,
            ..EntryPoint::new(&self.name, &self.address)?
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            (":80", Some((None, 80, Protocol::Tcp))),
            ("127.0.0.1:80", Some((Some("127.0.0.1"), 80, Protocol::Tcp))),
            ("[::]:443", Some((None, 443, Protocol::Tcp))),
            ("[::1]:443/TCP", Some((Some("::1"), 443, Protocol::Tcp))),
            ("0.0.0.0:1/tcp", Some((None, 1, Protocol::Tcp))),
            (":53/udp", Some((None, 53, Protocol::Udp))),
            ("localhost:8080", Some((None, 8080, Protocol::Tcp))),
            (":80/sctp", None),
            (":http", None),
            ("80", None),
            ("", None),
        ] {
            let found = Address::parse(text).map(|found| (found.ip, found.port, found.protocol));
            let expected =
                expected.map(|(ip, port, protocol)| (ip.map(|ip: &str| ip.parse().unwrap()), port, protocol));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn local_addresses_find_their_entrypoint() {
        let entrypoints: Vec<_> = [("all", ":80"), ("one", "10.0.0.1:80"), ("dns", ":53/udp"), ("six", "[::1]:81")]
            .iter()
            .filter_map(|(name, address)| EntryPoint::new(name, address))
            .collect();
        for (local, expected) in [
            ("10.0.0.1:80", Some("one")),
            ("[::ffff:10.0.0.1]:80", Some("one")),
            ("10.0.0.2:80", Some("all")),
            ("[::1]:80", Some("all")),
            ("[::1]:81", Some("six")),
            ("127.0.0.1:81", None),
            ("10.0.0.1:53", None),
        ] {
            let found = EntryPoint::find(&entrypoints, local.parse().unwrap());
            assert_eq!(found.map(|found| &*found.name), expected, "{local}");
        }
    }

    #[test]
    fn the_api_names_settings() {
        let text = r#"[
            {"name":"web","address":":80","http":{"sanitizePath":false,"encodeQuerySemicolons":true},
             "forwardedHeaders":{"insecure":true,"trustedIPs":["10.0.0.0/8","nonsense"],"connection":["X-Keep"]}},
            {"name":"plain","address":":81"},
            {"name":"broken","address":7},
            "nonsense"]"#;
        let found = EntryPoint::list(text).unwrap();
        let [web, plain] = found.as_slice() else {
            panic!("expected two entrypoints, found {found:?}");
        };
        assert!(!web.sanitize_path && web.encode_query_semicolons && web.forwarded_insecure);
        assert_eq!((web.forwarded_trusted.len(), web.forwarded_connection.len()), (1, 1));
        assert!(plain.sanitize_path && !plain.encode_query_semicolons && !plain.forwarded_insecure);
        assert!(EntryPoint::list("{}").is_err());
    }
}
