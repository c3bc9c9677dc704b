//! Exchanges under the names that Traefik gives its own metrics, counted where and as Traefik v3.6 counts them.
//!
//! The facts: pkg/middlewares/metrics/metrics.go, pkg/middlewares/capture/capture.go and
//! pkg/server/middleware/observability.go. What differs, and why, is in docs/traefik-names.md.

mod labels;
mod page;
mod request;
mod visit;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hoptap_semconv::traefik::{BUCKETS, ENTRYPOINT, Place, ROUTER, SERVICE};

use super::histogram::Histogram;
use super::series::Table;
use super::{address, seconds};
use crate::event::Name;
use crate::exchange::{Exchange, Role, Server, Tls, Version};
use labels::{Names, Request, Session};

pub(super) use page::Page;

/// Between the names of routers that nest.
const NESTED: &str = " -> ";

/// The writer's side.
pub(super) struct Traefik {
    entrypoints: Counted,
    routers: Counted,
    services: Counted,
    retries: Table<usize, Names, Count>,
    up: Table<(usize, usize), Names, Count>,
    nested: Nested,
}

/// What is counted at one place.
struct Counted {
    place: &'static Place,
    requests: Table<RequestKey, Request, Requests>,
    sessions: Table<SessionKey, Session, Count>,
}

#[derive(PartialEq, Eq, Hash)]
struct RequestKey(usize, usize, u16, &'static str, &'static str);

#[derive(PartialEq, Eq, Hash)]
struct SessionKey(usize, usize, &'static str, &'static str);

/// The requests themselves are counted by the histogram.
#[derive(Debug)]
struct Requests {
    duration: Histogram,
    request_bytes: Count,
    response_bytes: Count,
}

/// One writer only.
#[derive(Debug, Default)]
struct Count(AtomicU64);

impl Count {
    fn add(&self, number: u64) {
        self.set(self.get() + number);
    }

    fn set(&self, number: u64) {
        self.0.store(number, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What is counted of one request at one place, besides whose it is.
#[derive(Debug, Clone, Copy)]
struct Measured {
    code: u16,
    method: &'static str,
    protocol: &'static str,
    /// Nanoseconds.
    duration: u64,
    request_bytes: u64,
    response_bytes: u64,
}

impl Traefik {
    pub(super) fn new(limit: usize) -> Self {
        let counted = |place| Counted {
            place,
            requests: Table::new(limit, || Requests {
                duration: Histogram::new(&BUCKETS),
                request_bytes: Count::default(),
                response_bytes: Count::default(),
            }),
            sessions: Table::new(limit, Count::default),
        };
        Self {
            entrypoints: counted(&ENTRYPOINT),
            routers: counted(&ROUTER),
            services: counted(&SERVICE),
            retries: Table::new(limit, Count::default),
            up: Table::new(limit, Count::default),
            nested: Nested { known: HashMap::new(), limit },
        }
    }

    /// Counts an exchange; says whether anything of it was folded.
    pub(super) fn observe(&mut self, exchange: &Exchange) -> bool {
        self.health(exchange);
        let Some(server) = &exchange.server else { return self.visits(exchange, None) };
        if !is_measured(server, exchange.process.has_probe("router")) {
            return false;
        }
        let mut folded = self.sessions(server, exchange);
        // The proxy panics when a body breaks off (shouldPanicOnCopyError, net/http/httputil): nothing behind
        // `next.ServeHTTP` in the middleware that counts is reached. quic-go's server is not net/http's, and it does not.
        let panics = server.hop.version != Version::Http3;
        let mut visits = visit::of(exchange).filter(|visit| !visit.mirrored);
        if panics && (visit::broke_off(&server.hop) || visits.any(|visit| visit::broke_off(&visit.attempt.hop))) {
            return folded;
        }
        let Some(measured) = request::measured(server, exchange) else { return folded };
        let entrypoint = server.entrypoint.as_ref();
        folded |= self.entrypoints.request(entrypoint, None, measured);
        for (router, service) in self.nested.routers(server).iter() {
            folded |= self.routers.request(Some(router), service.as_ref(), measured);
        }
        folded | self.visits(exchange, Some((server, measured)))
    }

    /// Requests over TLS are counted as they come in, whatever becomes of them.
    fn sessions(&mut self, server: &Server, exchange: &Exchange) -> bool {
        let Some(tls) = server.hop.tls.as_deref() else { return false };
        let mut folded = self.entrypoints.session(server.entrypoint.as_ref(), None, tls);
        for (router, service) in self.nested.routers(server).iter() {
            folded |= self.routers.session(Some(router), service.as_ref(), tls);
        }
        // The request for an error page is made anew, without the session (pkg/middlewares/customerrors).
        for visit in visit::of(exchange).filter(|visit| visit.attempt.role != Role::ErrorPage) {
            folded |= self.services.session(Some(&visit.service), None, tls);
        }
        folded
    }

    /// Each time that a service was asked: a retry asks again, a mirror is asked as well.
    fn visits(&mut self, exchange: &Exchange, asked: Option<(&Server, Measured)>) -> bool {
        let mut folded = false;
        let mut tries = 0;
        for visit in visit::of(exchange) {
            let service = Some(&visit.service);
            if visit.attempt.role == Role::Backend {
                if tries > 0 {
                    let found = self.retries.get(address(service), || Names::one(service));
                    found.metrics.add(1);
                    folded |= found.folded;
                }
                tries += 1;
            }
            // A mirror panics by itself.
            let counted = !(visit.mirrored && visit::broke_off(&visit.attempt.hop));
            if counted && let Some(measured) = request::of_visit(&visit, asked) {
                folded |= self.services.request(service, None, measured);
            }
        }
        folded
    }

    /// What Traefik's checks of its servers find (pkg/healthcheck/healthcheck.go).
    fn health(&mut self, exchange: &Exchange) {
        for attempt in exchange.attempts.iter().filter(|attempt| attempt.role == Role::HealthCheck) {
            let (Some(service), Some(url)) = (&attempt.service, &attempt.server_url) else { continue };
            let hop = &attempt.hop;
            let answered = hop.status.is_some_and(|status| (200..400).contains(&status));
            let up = answered && hop.rpc.is_none_or(|rpc| rpc.status == Some(0));
            let key = (address(Some(service)), address(Some(url)));
            let labels = || Names { first: Some(service.clone()), second: Some(url.clone()) };
            self.up.get(key, labels).metrics.set(u64::from(up));
        }
    }

    pub(super) fn page(&self) -> Page {
        Page::new(
            [&self.entrypoints, &self.routers, &self.services]
                .map(|counted| (counted.place, counted.requests.reader(), counted.sessions.reader())),
            self.retries.reader(),
            self.up.reader(),
        )
    }
}

impl Counted {
    fn request(&mut self, first: Option<&Name>, second: Option<&Name>, measured: Measured) -> bool {
        let Measured { code, method, protocol, .. } = measured;
        let key = RequestKey(address(first), address(second), code, method, protocol);
        let labels = || Request { names: Names::two(first, second), code: Some(code), method, protocol };
        let found = self.requests.get(key, labels);
        found.metrics.duration.observe(seconds(measured.duration));
        found.metrics.request_bytes.add(measured.request_bytes);
        found.metrics.response_bytes.add(measured.response_bytes);
        found.folded
    }

    fn session(&mut self, first: Option<&Name>, second: Option<&Name>, tls: &Tls) -> bool {
        let (version, cipher) = request::session(tls);
        let key = SessionKey(address(first), address(second), version, cipher);
        let found = self.sessions.get(key, || Session { names: Names::two(first, second), version, cipher });
        found.metrics.add(1);
        found.folded
    }
}

/// Whether Traefik's middleware for metrics sees a request. `named`: probes name the routers of its process.
fn is_measured(server: &Server, named: bool) -> bool {
    // Routers whose service is internal are not counted (shouldMeter, pkg/server/middleware/observability.go).
    let internal = server.internal || server.service.as_ref().is_some_and(|service| service.ends_with("@internal"));
    // Where no router takes a request there is one answer. Any other came before the entrypoint's chain: what
    // denyFragment refuses, or a host that is not the one of the TLS session.
    let early = named && server.router.is_none() && server.hop.status != Some(404);
    !(internal || server.unrouted || early)
}

/// Routers of one request with the service of each.
type Routers = Arc<[(Name, Option<Name>)]>;

/// Routers that nest are counted one by one, the outer ones with a service that is named after them.
struct Nested {
    /// By the address of the joined name; the name is kept so that the address stays its own.
    known: HashMap<(usize, usize), (Names, Routers)>,
    limit: usize,
}

impl Nested {
    fn routers(&mut self, server: &Server) -> Routers {
        let Some(joined) = &server.router else { return Arc::default() };
        let service = server.router_service.as_ref();
        let key = (address(Some(joined)), address(service));
        if self.known.len() >= self.limit && !self.known.contains_key(&key) {
            self.known.clear();
        }
        let (_, routers) = self.known.entry(key).or_insert_with(|| {
            let mut routers: Vec<(Name, Option<Name>)> = if joined.contains(NESTED) {
                joined.split(NESTED).map(|name| (name.into(), Some(format!("{name}-muxer").into()))).collect()
            } else {
                vec![(joined.clone(), None)]
            };
            if let Some((_, of_last)) = routers.last_mut() {
                *of_last = service.cloned();
            }
            (Names::two(Some(joined), service), routers.into())
        });
        Arc::clone(routers)
    }
}
