//! The servers behind a service, and which of them a socket's peer address is.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::configuration::{LoadBalancer, Service, qualify};
use super::names::Names;
use crate::event::{Event, Name};
use crate::redact::without_user;

/// Services nest; deeper than this is taken for a circle.
const MAX_DEPTH: usize = 32;
/// Services visited on the way: a circle that branches would have no end.
const MAX_STEPS: usize = 10_000;
/// Servers of one service that are kept.
const MAX_SERVERS: usize = 4096;

/// One server that a service may send a request to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The leaf: the load balancer that holds the server.
    pub service: Name,
    /// As configured.
    pub url: Name,
    pub host: Name,
    pub port: u16,
    pub branch: Branch,
}

/// Why a request would go to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Branch {
    Main,
    /// A failover's second choice.
    Fallback,
    /// Gets a copy; its answer is thrown away.
    Mirror,
}

/// What is known of one server: None where candidates disagree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    pub service: Option<Name>,
    pub url: Option<Name>,
    /// The socket's peer is one of the candidates.
    pub found: bool,
}

/// Addresses of host names, where the caller knows them.
pub type Addresses = HashMap<Name, Vec<IpAddr>>;

impl Server {
    fn new(service: &Name, url: &str, branch: Branch, names: &mut Names) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let authority = authority.rsplit('@').next()?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ if scheme.eq_ignore_ascii_case("https") => (authority, 443),
            _ => (authority, 80),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(Self {
            service: Name::clone(service),
            url: names.intern(&without_user(url)),
            host: names.intern(host),
            port,
            branch,
        })
    }

    /// None: it depends on the addresses of a name that the caller did not give.
    fn is_at(&self, peer: SocketAddr, addresses: &Addresses) -> Option<bool> {
        if self.port != peer.port() {
            return Some(false);
        }
        let same = |ip: &IpAddr| ip.to_canonical() == peer.ip();
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Some(same(&ip));
        }
        if self.host.eq_ignore_ascii_case("localhost") {
            return Some(peer.ip().is_loopback());
        }
        addresses.get(&self.host).map(|known| known.iter().any(same))
    }

    /// Which of `candidates` is at `peer`. Servers known to be there win over those that may be.
    pub fn choose(candidates: &[Self], peer: SocketAddr, addresses: &Addresses) -> Chosen {
        let peer = Event::canonical(peer);
        let at = |wanted| candidates.iter().filter(move |server| server.is_at(peer, addresses) == wanted);
        let known = Chosen::prefer_main(at(Some(true)));
        if known.found { known } else { Chosen::prefer_main(at(None)) }
    }
}

impl Chosen {
    /// A failover's second choice and a mirror are served where the first choice is not.
    fn prefer_main<'a>(servers: impl Iterator<Item = &'a Server> + Clone) -> Self {
        let main = Self::agree(servers.clone().filter(|server| server.branch == Branch::Main));
        if main.found { main } else { Self::agree(servers) }
    }

    pub(super) fn agree<'a>(servers: impl Iterator<Item = &'a Server>) -> Self {
        let mut servers = servers.peekable();
        let Some(first) = servers.peek().copied() else {
            return Self::default();
        };
        let mut chosen =
            Self { service: Some(Name::clone(&first.service)), url: Some(Name::clone(&first.url)), found: true };
        for server in servers {
            chosen.service = chosen.service.filter(|service| *service == server.service);
            chosen.url = chosen.url.filter(|url| *url == server.url);
        }
        chosen
    }
}

/// All servers that `service` may lead to, by way of whatever services lie between.
pub(super) fn servers(service: &str, services: &BTreeMap<String, Service>, names: &mut Names) -> Arc<[Server]> {
    let mut walk = Walk { services, names, steps: MAX_STEPS, found: Vec::new() };
    walk.visit(service, Branch::Main, MAX_DEPTH);
    walk.found.into()
}

struct Walk<'a> {
    services: &'a BTreeMap<String, Service>,
    names: &'a mut Names,
    steps: usize,
    found: Vec<Server>,
}

impl Walk<'_> {
    fn visit(&mut self, name: &str, branch: Branch, depth: usize) {
        let services = self.services;
        let Some(service) = services.get(name) else {
            return;
        };
        if depth == 0 || self.steps == 0 {
            return;
        }
        self.steps -= 1;
        let mut go = |next: &str, branch| self.visit(&qualify(next, name), branch, depth - 1);
        for weighted in [&service.weighted, &service.highest_random_weight].into_iter().flatten() {
            for next in &weighted.services {
                go(&next.name, branch);
            }
        }
        if let Some(failover) = &service.failover {
            go(&failover.service, branch);
            go(&failover.fallback, branch.max(Branch::Fallback));
        }
        if let Some(mirroring) = &service.mirroring {
            go(&mirroring.service, branch);
            for mirror in &mirroring.mirrors {
                go(&mirror.name, Branch::Mirror);
            }
        }
        if let Some(balancer) = &service.load_balancer {
            self.collect(name, balancer, branch);
        }
    }

    fn collect(&mut self, name: &str, balancer: &LoadBalancer, branch: Branch) {
        let leaf = self.names.intern(name);
        for server in &balancer.servers {
            if self.found.len() == MAX_SERVERS {
                return;
            }
            let server = Server::new(&leaf, &server.url, branch, self.names);
            self.found.extend(server.filter(|server| !self.found.contains(server)));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;
    use crate::traefik::configuration::Configuration;

    const SERVICES: &str = r#"{"services":{
        "a@file":{"loadBalancer":{"servers":[{"url":"http://10.0.0.1:80"},{"url":"http://user:pass@10.0.0.2/base"}]}},
        "b@file":{"loadBalancer":{"servers":[{"url":"h2c://10.0.0.1:81"},{"url":"https://[::1]"},{"url":"nonsense"}]}},
        "n@file":{"loadBalancer":{"servers":[{"url":"http://app:80"},{"url":"http://db:80"},{"url":"http://localhost:9"}]}},
        "w@file":{"weighted":{"services":[{"name":"a"},{"name":"b@file"}]}},
        "m@file":{"mirroring":{"service":"a","mirrors":[{"name":"b","percent":10}]}},
        "f@file":{"failover":{"service":"w","fallback":"n"}},
        "twice@file":{"weighted":{"services":[{"name":"a"},{"name":"copy"}]}},
        "copy@file":{"loadBalancer":{"servers":[{"url":"http://10.0.0.1:80"}]}},
        "circle@file":{"weighted":{"services":[{"name":"circle"},{"name":"circle"},{"name":"gone"}]}}}}"#;

    fn check(service: &str, peer: &str, expected: (Option<&str>, Option<&str>)) {
        let services = Configuration::parse(SERVICES).unwrap().services;
        let addresses = Addresses::from([("app".into(), vec!["10.0.0.7".parse().unwrap()])]);
        let candidates = servers(&format!("{service}@file"), &services, &mut Names::new(100));
        let chosen = Server::choose(&candidates, peer.parse().unwrap(), &addresses);
        assert_eq!((chosen.service.as_deref(), chosen.url.as_deref()), expected, "{service} {peer}");
    }

    #[test]
    fn peers_tell_servers() {
        check("a", "10.0.0.1:80", (Some("a@file"), Some("http://10.0.0.1:80")));
        check("a", "[::ffff:10.0.0.2]:80", (Some("a@file"), Some("http://10.0.0.2/base")));
        check("a", "10.0.0.3:80", (None, None));
        check("w", "10.0.0.1:81", (Some("b@file"), Some("h2c://10.0.0.1:81")));
        check("w", "[::1]:443", (Some("b@file"), Some("https://[::1]")));
        check("m", "10.0.0.1:81", (Some("b@file"), Some("h2c://10.0.0.1:81")));
        check("n", "10.0.0.7:80", (Some("n@file"), Some("http://app:80")));
        check("n", "10.0.0.8:80", (Some("n@file"), Some("http://db:80")));
        check("n", "[::1]:9", (Some("n@file"), Some("http://localhost:9")));
        check("f", "127.0.0.1:9", (Some("n@file"), Some("http://localhost:9")));
        check("twice", "10.0.0.1:80", (None, Some("http://10.0.0.1:80")));
        check("circle", "10.0.0.1:80", (None, None));
        check("gone", "10.0.0.1:80", (None, None));
    }

    #[test]
    fn branches_are_told_apart() {
        let services = Configuration::parse(SERVICES).unwrap().services;
        for (service, expected) in [("m@file", [2, 0, 2]), ("f@file", [4, 3, 0]), ("twice@file", [3, 0, 0])] {
            let found = servers(service, &services, &mut Names::new(100));
            let count = |branch| found.iter().filter(|server| server.branch == branch).count();
            let counts = [Branch::Main, Branch::Fallback, Branch::Mirror].map(count);
            assert_eq!(counts, expected, "{service}");
        }
    }
}
