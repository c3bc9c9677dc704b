//! The routing table of a running Traefik, and what it would do with a request.
//!
//! As Traefik 3.6.12 builds it (pkg/server/router/router.go, pkg/config/runtime/runtime_http.go): per entrypoint one
//! list for plain and one for TLS connections, by priority; routers with `parentRefs` form lists inside their parents.
//! Routers of equal priority have no order: Traefik sorts them with an unstable sort, fed from a map.

mod route;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::configuration::Configuration;
use super::entrypoints::EntryPoint;
use super::names::Names;
use super::path::Refusal;
use super::request::{Request, View};
use super::rule::Syntax;
use super::server::{Addresses, Chosen, Server};
use crate::event::Name;
use route::{Builder, Route, Target};

/// Names held for one table; real tables have a few thousand.
const MAX_NAMES: usize = 100_000;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("expected the JSON of /api/rawdata, found something else: {0}")]
    RawData(serde_json::Error),
    #[error("expected the JSON of /api/entrypoints, found something else: {0}")]
    EntryPoints(serde_json::Error),
}

#[derive(Debug, Default)]
pub struct Table {
    entrypoints: Vec<EntryPoint>,
    /// By entrypoint; within it by whether the connection is TLS.
    routes: HashMap<Name, [Vec<Arc<Route>>; 2]>,
    warnings: Vec<String>,
    /// Of all load balancers.
    servers: Vec<Server>,
}

/// What Traefik would do with a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    pub entrypoint: Option<Name>,
    /// As Traefik's access log writes it: `parent@file -> child@file` where routers nest. None: 404, or `refusal`.
    pub router: Option<Name>,
    /// Of the last router that took it.
    pub rule: Option<Name>,
    /// The last router's service, qualified; None where a parent had no child for it.
    pub service: Option<Name>,
    /// Provider of the last router.
    pub provider: Option<Name>,
    /// The service that would serve, where only one can.
    pub leaf: Option<Name>,
    /// Where there is only one server to serve.
    pub server_url: Option<Name>,
    /// All servers that it may reach, mirrors included.
    pub servers: Arc<[Server]>,
    /// Served by Traefik itself: API, dashboard, ping, metrics, a redirection.
    pub internal: bool,
    /// Another router of the same priority matches as well.
    pub ambiguous: bool,
    /// Traefik answers 400 and asks no router.
    pub refusal: Option<Refusal>,
}

impl Table {
    /// From the answers of `/api/rawdata` and, where it is known, `/api/entrypoints`. `version` is Traefik's: before 3
    /// all rules are in the v2 syntax.
    ///
    /// # Errors
    /// An answer is not JSON of the right outer shape. Single entries that are not understood only become warnings.
    pub fn new(raw_data: &str, entrypoints: Option<&str>, version: Option<&str>) -> Result<Self, Error> {
        let entrypoints = match entrypoints {
            Some(text) => EntryPoint::list(text).map_err(Error::EntryPoints)?,
            None => Vec::new(),
        };
        Self::with_entrypoints(raw_data, entrypoints, version)
    }

    /// The same, with the entrypoints of the static configuration.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn with_entrypoints(
        raw_data: &str,
        entrypoints: Vec<EntryPoint>,
        version: Option<&str>,
    ) -> Result<Self, Error> {
        let configuration = Configuration::parse(raw_data).map_err(Error::RawData)?;
        let old = version.is_some_and(|version| version.trim_start_matches('v').starts_with("2."));
        let mut names = Names::new(MAX_NAMES);
        let mut builder = Builder::new(&configuration, old.then_some(Syntax::V2), &mut names);
        let mut routes: HashMap<Name, [Vec<Arc<Route>>; 2]> = HashMap::new();
        for (name, router) in &configuration.routers {
            if !router.parent_refs.is_empty() {
                continue;
            }
            let Some(route) = builder.root(name, router) else {
                continue;
            };
            let route = Arc::new(route);
            let used = if router.using.is_empty() { &router.entry_points } else { &router.using };
            for entrypoint in used {
                let lists = routes.entry(builder.names.intern(entrypoint)).or_default();
                let [plain, tls] = lists;
                let list = if router.tls { tls } else { plain };
                list.push(Arc::clone(&route));
            }
        }
        let mut servers: Vec<Server> = Vec::new();
        for (name, service) in &configuration.services {
            if service.load_balancer.is_some() {
                let found = super::server::servers(name, &configuration.services, builder.names);
                servers.extend(found.iter().cloned());
            }
        }
        let mut warnings = builder.warnings;
        warnings.extend(configuration.warnings);
        for list in routes.values_mut().flatten() {
            list.sort_by(|a, b| a.order(b));
        }
        Ok(Self { servers, entrypoints, routes, warnings })
    }

    /// Routers and services that were left out, and why. Traefik itself refuses most of them as well.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub fn entrypoints(&self) -> &[EntryPoint] {
        &self.entrypoints
    }

    /// Which server of any service is at the address to which Traefik connected.
    pub fn any_server(&self, peer: SocketAddr, addresses: &Addresses) -> Chosen {
        Server::choose(&self.servers, peer, addresses)
    }

    /// The entrypoint that accepted a connection on `local`.
    pub fn entrypoint(&self, local: SocketAddr) -> Option<&Name> {
        EntryPoint::find(&self.entrypoints, local).map(|entrypoint| &entrypoint.name)
    }

    pub fn resolve(&self, request: &Request<'_>) -> Resolution {
        let entrypoint = self.entrypoints.iter().find(|entrypoint| &*entrypoint.name == request.entrypoint);
        let known = self.routes.get_key_value(request.entrypoint);
        let mut resolution = Resolution {
            entrypoint: entrypoint.map(|entrypoint| &entrypoint.name).or(known.map(|(name, _)| name)).cloned(),
            ..Resolution::default()
        };
        let view = match View::new(*request, entrypoint) {
            Ok(view) => view,
            Err(refusal) => {
                resolution.refusal = Some(refusal);
                return resolution;
            }
        };
        if let Some((_, [plain, tls])) = known {
            let list = if request.tls { tls } else { plain };
            let first = first_match(list.iter().map(Arc::as_ref), &view, &mut resolution.ambiguous);
            descend(first, &view, &mut resolution);
        }
        resolution
    }

    /// Which of a resolution's servers is at the address to which Traefik connected. `addresses` holds what the
    /// caller knows of the servers' host names.
    pub fn server(servers: &[Server], peer: SocketAddr, addresses: &Addresses) -> Chosen {
        Server::choose(servers, peer, addresses)
    }
}

fn descend(first: Option<&Route>, view: &View<'_>, resolution: &mut Resolution) {
    let mut taken = first;
    while let Some(route) = taken {
        resolution.router = Some(Name::clone(&route.path));
        resolution.rule = Some(Name::clone(&route.rule_text));
        resolution.provider = route.provider.clone();
        taken = match &route.target {
            Target::Children(children) => first_match(children.iter(), view, &mut resolution.ambiguous),
            Target::Service(service) => {
                resolution.service = Some(Name::clone(&service.name));
                resolution.servers = Arc::clone(&service.servers);
                resolution.internal = service.internal;
                resolution.leaf = service.only.service.clone();
                resolution.server_url = service.only.url.clone();
                None
            }
        };
    }
}

/// The first that matches; says whether another of the same priority would have done as well.
fn first_match<'a>(
    mut routes: impl Iterator<Item = &'a Route>,
    view: &View<'_>,
    ambiguous: &mut bool,
) -> Option<&'a Route> {
    let first = routes.find(|route| route.rule.matches(view))?;
    *ambiguous |= routes.take_while(|route| route.priority == first.priority).any(|route| route.rule.matches(view));
    Some(first)
}

#[cfg(test)]
mod tests;
