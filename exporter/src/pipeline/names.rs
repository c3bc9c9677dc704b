//! Traefik's names for requests that no probe named: entrypoints by port, the rest from its configuration.

use std::collections::VecDeque;
use std::net::SocketAddr;

use rustc_hash::FxHashMap;

use super::NamesFrom;
use crate::event::{Configuration, Name, Pid};
use crate::exchange::{Exchange, NameSource, Role, Server};
use crate::traefik::server::Addresses;
use crate::traefik::{Branch, EntryPoint, Names, Request, Resolution, Table};

/// Requests whose mirrors may still be under way.
const MIRRORED: usize = 256;

/// What is known of the configuration of each process.
#[derive(Debug, Default)]
pub(super) struct Sources {
    processes: FxHashMap<Pid, Source>,
    /// What was resolved for the last requests that may have mirrors, by trace.
    mirrored: VecDeque<(u128, Resolution)>,
    learned: Option<(Pid, SocketAddr)>,
}

#[derive(Debug, Default)]
struct Source {
    /// Entrypoints by local address, as probes have shown.
    seen: FxHashMap<SocketAddr, Name>,
    /// As the API or the static configuration says.
    entrypoints: Vec<EntryPoint>,
    raw_data: Option<String>,
    table: Option<Table>,
}

impl Sources {
    pub(super) fn configure(&mut self, pid: Pid, configuration: &Configuration) {
        let source = self.processes.entry(pid).or_default();
        match configuration {
            Configuration::EntryPoints(text) => match EntryPoint::list(text) {
                Ok(list) => source.entrypoints = list,
                Err(error) => tracing::warn!(pid, %error, "entrypoints of the api were not understood"),
            },
            Configuration::Static(list) if source.entrypoints.is_empty() => {
                source.entrypoints = list.iter().filter_map(|(name, address)| EntryPoint::new(name, address)).collect();
            }
            Configuration::Static(_) => {}
            Configuration::RawData(text) => source.raw_data = Some(text.clone()),
        }
        let Some(raw) = &source.raw_data else { return };
        match Table::with_entrypoints(raw, source.entrypoints.clone(), None) {
            Ok(table) => source.table = Some(table),
            Err(error) => tracing::warn!(pid, %error, "the routing table of the api was not understood"),
        }
    }

    pub(super) fn forget(&mut self, pid: Pid) {
        self.processes.remove(&pid);
    }

    pub(super) fn entrypoint(&self, pid: Pid, local: SocketAddr) -> Option<Name> {
        let source = self.processes.get(&pid)?;
        if let Some(seen) = source.seen.get(&local) {
            return Some(seen.clone());
        }
        EntryPoint::find(&source.entrypoints, local).map(|entrypoint| entrypoint.name.clone())
    }

    /// The port whose entrypoint was seen since this was last asked.
    pub(super) fn learned(&mut self, pid: Pid) -> Option<SocketAddr> {
        self.learned.take_if(|(of, _)| *of == pid).map(|(_, local)| local)
    }

    /// Completes the names of an exchange.
    pub(super) fn name(&mut self, exchange: &mut Exchange, from: NamesFrom, names: &mut Names) {
        let pid = exchange.pid;
        if let Some(server) = &mut exchange.server {
            let local = server.hop.local;
            match &server.entrypoint {
                Some(name) => {
                    let source = self.processes.entry(pid).or_default();
                    if source.seen.insert(local, name.clone()).is_none() {
                        self.learned = Some((pid, local));
                    }
                }
                None => server.entrypoint = self.entrypoint(pid, local),
            }
            for attempt in &mut exchange.attempts {
                attempt.entrypoint.clone_from(&server.entrypoint);
            }
        }
        let by_probes = match from {
            NamesFrom::Probes => true,
            NamesFrom::Auto => exchange.process.has_probe("router"),
            NamesFrom::Api => false,
        };
        if by_probes {
            return;
        }
        let Some(table) = self.processes.get(&pid).and_then(|source| source.table.as_ref()) else { return };
        let trace = exchange.attempts.first().map(|attempt| attempt.context.trace_id);
        let resolution = match &exchange.server {
            Some(server) => {
                let resolution = resolve(table, server);
                if resolution.servers.iter().any(|server| server.branch == Branch::Mirror) {
                    // Its copies are sent after the answer, and told by themselves.
                    if self.mirrored.len() >= MIRRORED {
                        self.mirrored.pop_front();
                    }
                    self.mirrored.push_back((server.context.trace_id, resolution.clone()));
                }
                resolution
            }
            None => {
                let same = self.mirrored.iter().rev().find(|(id, _)| Some(*id) == trace);
                same.map(|(_, resolution)| resolution.clone()).unwrap_or_default()
            }
        };
        let unknown = Addresses::new();
        let mut shared = |name: Option<Name>| name.map(|name| names.intern(&name));
        let mut answered = false;
        let of_router = resolution.service.or_else(|| resolution.router.as_deref().map(muxer));
        let (router, rule, of_router) = (shared(resolution.router), shared(resolution.rule), shared(of_router));
        let mut served = (None, None);
        for index in 0..exchange.attempts.len() {
            let (before, from_here) = exchange.attempts.split_at_mut(index);
            let Some(attempt) = from_here.first_mut().filter(|attempt| attempt.role != Role::HealthCheck) else {
                continue;
            };
            let own = Table::server(&resolution.servers, attempt.hop.peer, &unknown);
            // ForwardAuth says what it asks for (pkg/middlewares/auth/forward.go).
            let asks = attempt.hop.request_headers.get("x-forwarded-uri").is_some();
            let chosen = if own.found && !asks { own } else { table.any_server(attempt.hop.peer, &unknown) };
            attempt.role = match attempt.role {
                Role::Mirror => Role::Mirror,
                _ if asks => Role::ForwardAuth,
                _ if answered && !before.iter().any(|other| other.hop.asks_as(&attempt.hop)) => Role::ErrorPage,
                _ => Role::Backend,
            };
            attempt.router.clone_from(&router);
            if attempt.role == Role::ForwardAuth {
                continue;
            }
            answered |= attempt.hop.status.is_some_and(|status| status >= 400);
            attempt.service = shared(chosen.service);
            attempt.server_url = shared(chosen.url);
            if attempt.role != Role::Mirror {
                served = (attempt.service.clone(), attempt.server_url.clone());
            }
        }
        exchange.count_resends();
        let Some(server) = &mut exchange.server else { return };
        server.internal |= resolution.internal;
        server.names = match (&router, resolution.ambiguous) {
            (None, _) => NameSource::None,
            (_, true) => NameSource::Ambiguous,
            _ => NameSource::Api,
        };
        // A service that was never asked did not serve: a middleware or Traefik itself answered.
        (server.router, server.rule, server.router_service) = (router, rule, of_router);
        (server.service, server.server_url) = served;
    }
}

/// What Traefik calls the service of a router that has children and no child for a request (`buildHTTPHandler`,
/// pkg/server/router/router.go).
fn muxer(routers: &str) -> Name {
    let (_, last) = routers.rsplit_once(" -> ").unwrap_or(("", routers));
    format!("{last}-muxer").into()
}

/// What Traefik would have done with a request.
fn resolve(table: &Table, server: &Server) -> Resolution {
    let Some(entrypoint) = server.entrypoint.as_ref().filter(|_| !server.unrouted) else {
        return Resolution::default();
    };
    let hop = &server.hop;
    let authority = hop.absolute.as_deref().and_then(|absolute| absolute.split("://").nth(1));
    table.resolve(&Request {
        entrypoint,
        tls: hop.tls.is_some(),
        version: hop.version,
        method: hop.method.original(),
        host: authority.or(hop.host.as_deref()).unwrap_or_default(),
        path: &hop.path,
        query: hop.query.as_deref(),
        headers: &hop.request_headers,
        client: Some(server.announced_client.unwrap_or(hop.peer).ip()),
    })
}
