//! Exchanges as rates, errors and durations, with hoptap's own numbers, for Prometheus.
//!
//! [`Metrics::observe`] runs on the one thread that reads events and may cost it well under half a microsecond: labels
//! are resolved once, found again by the addresses of the interned names, and no memory is asked for after that.
//! Nothing that a client sends becomes a label; what still grows too much is folded into `_OTHER`, and counted.

mod bucket;
mod classic;
mod histogram;
mod label;
mod own;
mod page;
mod process;
mod series;
mod traefik;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hoptap_semconv::metric;
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::counters::{Counters, Linked, Traffic};
use crate::event::Name;
use crate::exchange::{Attempt, Context, ErrorKind, Exchange, Hop, Link, Method, Role, Server};
use crate::readiness::Readiness;
use histogram::Histogram;
use own::Folded;
use series::{Family, Labels, Table};

pub use page::{Format, Page};

/// How the metrics are kept.
pub struct Settings {
    /// Series of one family, 2 000 by default; what comes beyond is folded into `_OTHER`.
    pub max_series: usize,
    /// Serve Traefik's own metric names as well.
    pub traefik_names: bool,
    /// Whether the spans of this exchange are exported, so that an exemplar that names one leads somewhere.
    pub sampled: Box<dyn Fn(&Exchange) -> bool + Send>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // Two sides of three histograms: about 40 MB of page, which a scrape still takes in its time, and which
            // fits with everything else in what hoptap may use. Routers × methods × statuses is rarely a tenth.
            max_series: 2_000,
            traefik_names: false,
            sampled: Box::new(|exchange| exchange.context().is_some_and(|context| context.sampled == Some(true))),
        }
    }
}

/// The writer's side: one thread observes.
pub struct Metrics {
    servers: Table<ServerKey, label::Server, HopMetrics>,
    clients: Table<ClientKey, label::Client, HopMetrics>,
    overheads: Table<usize, label::Router, Histogram>,
    active: Table<(usize, &'static str, bool), label::Active, Gauge>,
    handshakes: Table<usize, label::EntryPoint, Counter>,
    /// The same under Traefik's own names.
    traefik: Option<traefik::Traefik>,
    folded: Arc<Folded>,
    counters: Arc<Counters>,
    sampled: Box<dyn Fn(&Exchange) -> bool + Send>,
}

/// What is kept of every hop, under the labels of its side.
struct HopMetrics {
    duration: HistogramWithExemplars<label::Trace>,
    request_size: Histogram,
    response_size: Histogram,
}

#[derive(PartialEq, Eq, Hash)]
struct ServerKey {
    entrypoint: usize,
    router: usize,
    service: usize,
    method: &'static str,
    status: Option<u16>,
    error: Option<ErrorKind>,
    tls: bool,
}

#[derive(PartialEq, Eq, Hash)]
struct ClientKey {
    router: usize,
    service: usize,
    server_url: usize,
    container: usize,
    peer: Option<SocketAddr>,
    role: Role,
    method: &'static str,
    status: Option<u16>,
    error: Option<ErrorKind>,
}

impl Metrics {
    /// Makes the metrics and the page that shows them, together with hoptap's own numbers.
    pub fn new(settings: Settings, counters: Arc<Counters>, readiness: Arc<Readiness>) -> (Self, Page) {
        let folded = Folded { traefik: settings.traefik_names.then(Default::default), ..Folded::default() };
        let metrics = Self {
            servers: Table::new(settings.max_series, HopMetrics::new),
            clients: Table::new(settings.max_series, HopMetrics::new),
            overheads: Table::new(settings.max_series, || Histogram::new(&bucket::OVERHEAD)),
            active: Table::new(settings.max_series, Gauge::default),
            handshakes: Table::new(settings.max_series, Counter::default),
            traefik: settings.traefik_names.then(|| traefik::Traefik::new(settings.max_series)),
            folded: Arc::new(folded),
            counters: Arc::clone(&counters),
            sampled: settings.sampled,
        };
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        registry.register_collector(Box::new(own::Own::new(counters, readiness, Arc::clone(&metrics.folded))));
        let traefik = metrics.traefik.as_ref().map(traefik::Traefik::page);
        (metrics, Page::new(registry, traefik))
    }

    fn register(&self, registry: &mut Registry) {
        let histogram = MetricType::Histogram;
        register(registry, metric::HTTP_SERVER_REQUEST_DURATION, self.servers.family(histogram, |m| &m.duration));
        register(registry, metric::HTTP_SERVER_REQUEST_BODY_SIZE, self.servers.family(histogram, |m| &m.request_size));
        register(
            registry,
            metric::HTTP_SERVER_RESPONSE_BODY_SIZE,
            self.servers.family(histogram, |m| &m.response_size),
        );
        register(registry, metric::HTTP_SERVER_ACTIVE_REQUESTS, self.active.family(MetricType::Gauge, |m| m));
        register(registry, metric::HTTP_CLIENT_REQUEST_DURATION, self.clients.family(histogram, |m| &m.duration));
        register(registry, metric::HTTP_CLIENT_REQUEST_BODY_SIZE, self.clients.family(histogram, |m| &m.request_size));
        register(
            registry,
            metric::HTTP_CLIENT_RESPONSE_BODY_SIZE,
            self.clients.family(histogram, |m| &m.response_size),
        );
        register(registry, metric::HOPTAP_TLS_HANDSHAKE_FAILURES, self.handshakes.family(MetricType::Counter, |m| m));
        register(registry, metric::TRAEFIK_PROXY_OVERHEAD, self.overheads.family(histogram, |m| m));
    }

    /// Exemplars are of traces of which this says that they are kept.
    pub fn sample_by(&mut self, sampled: Box<dyn Fn(&Exchange) -> bool + Send>) {
        self.sampled = sampled;
    }

    /// Counts an exchange, its links, and the health checks among it. Every exchange comes here once, in any part.
    pub fn observe(&mut self, exchange: &Exchange) {
        let mut proxied = false;
        let sampled = (self.sampled)(exchange);
        for attempt in &exchange.attempts {
            if attempt.role == Role::HealthCheck {
                self.counters.told_apart.add(Traffic::HealthCheck, 1);
            } else {
                proxied = true;
                self.attempt(attempt, sampled);
            }
        }
        if let Some(server) = &exchange.server {
            self.server(server, proxied, sampled);
        }
        if let Some(traefik) = &mut self.traefik {
            let folded = traefik.observe(exchange);
            self.folded.traefik.iter().for_each(|count| count.add(folded));
        }
    }

    /// A client request began. What was said here must be said again to [`Metrics::request_ended`].
    pub fn request_began(&mut self, entrypoint: Option<&Name>, method: &Method, tls: bool) {
        self.active(entrypoint, method, tls).inc();
    }

    /// A client request ended that was announced to [`Metrics::request_began`].
    pub fn request_ended(&mut self, entrypoint: Option<&Name>, method: &Method, tls: bool) {
        self.active(entrypoint, method, tls).dec();
    }

    /// A client began TLS, and no session came about.
    pub fn handshake_failed(&mut self, entrypoint: Option<&Name>) {
        let labels = || label::EntryPoint { entrypoint: entrypoint.cloned() };
        self.handshakes.get(address(entrypoint), labels).metrics.inc();
    }

    fn active(&mut self, entrypoint: Option<&Name>, method: &Method, tls: bool) -> &Gauge {
        let method = method.known();
        let labels = || label::Active { entrypoint: entrypoint.cloned(), method, scheme: scheme(tls) };
        self.active.get((address(entrypoint), method, tls), labels).metrics
    }

    fn server(&mut self, server: &Server, proxied: bool, sampled: bool) {
        let hop = &server.hop;
        let method = hop.method.known();
        let key = ServerKey {
            entrypoint: address(server.entrypoint.as_ref()),
            router: address(server.router.as_ref()),
            service: address(server.service.as_ref()),
            method,
            status: hop.status,
            error: hop.error,
            tls: hop.tls.is_some(),
        };
        let found = self.servers.get(key, || label::Server {
            entrypoint: server.entrypoint.clone(),
            router: server.router.clone(),
            service: server.service.clone(),
            method,
            scheme: scheme(hop.tls.is_some()),
            status: hop.status,
            error: hop.error,
        });
        found.metrics.observe(hop, sampled.then_some(&server.context));
        self.folded.servers.add(found.folded);
        // A request that Traefik answered by itself has no other time than its own: it would drown what proxying adds.
        if proxied {
            let router = server.router.as_ref();
            let found = self.overheads.get(address(router), || label::Router(router.cloned()));
            found.metrics.observe(seconds(server.overhead));
            self.folded.overheads.add(found.folded);
        }
    }

    fn attempt(&mut self, attempt: &Attempt, sampled: bool) {
        self.counters.links.add(
            match attempt.link {
                Some(Link::Exact) => Linked::Exact,
                Some(Link::Inferred) => Linked::Inferred,
                None => Linked::None,
            },
            1,
        );
        let hop = &attempt.hop;
        let method = hop.method.known();
        // The URL says it better, and does not change with every address that its name resolves to.
        let peer = match attempt.container {
            // Its address changes with every start: series go by its name.
            Some(_) => Some(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), hop.peer.port())),
            None => (attempt.server_url.is_none() && !hop.peer.ip().is_unspecified()).then_some(hop.peer),
        };
        // A container that has a name is told by it, whatever URL it is reached by.
        let server_url = attempt.server_url.as_ref().filter(|_| attempt.container.is_none());
        let key = ClientKey {
            router: address(attempt.router.as_ref()),
            service: address(attempt.service.as_ref()),
            server_url: address(server_url),
            container: address(attempt.container.as_ref()),
            peer,
            role: attempt.role,
            method,
            status: hop.status,
            error: hop.error,
        };
        let found = self.clients.get(key, || label::Client {
            router: attempt.router.clone(),
            service: attempt.service.clone(),
            server_url: server_url.cloned(),
            container: attempt.container.clone(),
            peer,
            role: Some(attempt.role),
            method,
            status: hop.status,
            error: hop.error,
        });
        found.metrics.observe(hop, sampled.then_some(&attempt.context));
        self.folded.clients.add(found.folded);
    }
}

impl HopMetrics {
    fn new() -> Self {
        Self {
            duration: HistogramWithExemplars::new(bucket::DURATION.into_iter()),
            request_size: Histogram::new(&bucket::SIZE),
            response_size: Histogram::new(&bucket::SIZE),
        }
    }

    fn observe(&self, hop: &Hop, context: Option<&Context>) {
        let at = context.map(|_| SystemTime::UNIX_EPOCH + Duration::from_nanos(hop.end));
        self.duration.observe(seconds(hop.duration()), context.map(label::Trace::from), at);
        self.request_size.observe(bytes(hop.request.size));
        self.response_size.observe(bytes(hop.response.size));
    }
}

fn register<L, M, T>(registry: &mut Registry, metric: hoptap_semconv::Metric, family: Family<L, M, T>)
where
    L: Labels + EncodeLabelSet,
    M: Send + Sync + 'static,
    T: EncodeMetric + 'static,
{
    // The registry ends the sentence by itself.
    registry.register(metric.family(), metric.brief.trim_end_matches('.'), family);
}

fn address(name: Option<&Name>) -> usize {
    name.map_or(0, |name| Arc::as_ptr(name).cast::<u8>().addr())
}

fn scheme(tls: bool) -> &'static str {
    if tls { "https" } else { "http" }
}

#[expect(clippy::cast_precision_loss, reason = "a bucket is far coarser than the 53 bits that are kept")]
fn bytes(count: u64) -> f64 {
    count as f64
}

fn seconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64()
}

#[cfg(test)]
mod tests;
