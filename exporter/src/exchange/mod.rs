//! One request with its response, on both hops: what the pipeline hands to the outputs.
//!
//! Values only: no clocks, no maps. `link` makes them, `export` reads them.

pub mod hop;
pub mod stream;
pub mod tls;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::event::{Name, Process};

pub use hop::{Body, ErrorKind, Headers, Hop, Method, Version};
pub use stream::{End, Reset, Rpc, WebSocket};
pub use tls::Tls;

/// A client request and its upstream attempts, complete, or the part of it that is complete now.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub process: Arc<Process>,
    pub pid: u32,
    /// None where the attempts belong to no client request (health checks), or to one that was handed out before
    /// (a mirror that ended after the response).
    pub server: Option<Server>,
    /// In the order in which they started.
    pub attempts: Vec<Attempt>,
}

impl Exchange {
    /// Spans that it makes: one for the client's request, one for each attempt.
    pub fn spans(&self) -> usize {
        usize::from(self.server.is_some()) + self.attempts.len()
    }
}

impl Exchange {
    /// Drops the header lines: they were read for names only.
    pub fn forget_headers(&mut self) {
        let hops = self.attempts.iter_mut().map(|attempt| &mut attempt.hop);
        for hop in hops.chain(self.server.as_mut().map(|server| &mut server.hop)) {
            hop.request_headers = Headers::default();
            hop.response_headers = Headers::default();
        }
    }

    /// Numbers the attempts that send the same request to a backend again.
    pub fn count_resends(&mut self) {
        for index in 1..self.attempts.len() {
            let (before, from_here) = self.attempts.split_at_mut(index);
            let Some(attempt) = from_here.first_mut().filter(|attempt| attempt.role == Role::Backend) else { continue };
            let same = |other: &&Attempt| other.role == Role::Backend && other.hop.asks_as(&attempt.hop);
            attempt.resend_count = u32::try_from(before.iter().filter(same).count()).unwrap_or(u32::MAX);
        }
    }
}

/// The client's request as Traefik served it: a SERVER span.
#[derive(Debug, Clone)]
pub struct Server {
    pub context: Context,
    pub hop: Hop,
    pub entrypoint: Option<Name>,
    /// `parent@file -> child@file` where routers nest, as Traefik's access log writes it.
    pub router: Option<Name>,
    /// The rule of the last router that took it.
    pub rule: Option<Name>,
    /// The leaf service that served; the router's service where no leaf was reached.
    pub service: Option<Name>,
    /// URL of the server that answered, as configured but never with a user or a password.
    pub server_url: Option<Name>,
    pub names: NameSource,
    /// net/http answered before any router was asked: what it refuses, and `OPTIONS *`.
    pub unrouted: bool,
    /// Served by Traefik itself: API, dashboard, ping, metrics.
    pub internal: bool,
    /// Nanoseconds of the request in which no upstream attempt was under way.
    pub overhead: u64,
    /// What the PROXY protocol announced as the client.
    pub announced_client: Option<SocketAddr>,
}

/// One request to a backend, or the try to make one: a CLIENT span.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub context: Context,
    pub hop: Hop,
    pub role: Role,
    /// 0 for the first send of a request; counts the sends of the same request before this one.
    pub resend_count: u32,
    pub service: Option<Name>,
    /// As [`Server::server_url`].
    pub server_url: Option<Name>,
    /// None where there is no client request to link to.
    pub link: Option<Link>,
    /// Router of the client request, for the labels of its metrics.
    pub router: Option<Name>,
    pub entrypoint: Option<Name>,
}

/// W3C trace context of one span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    pub trace_id: u128,
    pub span_id: u64,
    pub parent: Option<u64>,
    /// The parent came in with the request, from another process.
    pub parent_is_remote: bool,
    /// None where no `traceparent` came in and the sampler decides.
    pub sampled: Option<bool>,
    pub trace_state: Option<Arc<str>>,
}

/// Why a request was made to a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Backend,
    Mirror,
    ForwardAuth,
    ErrorPage,
    /// Made by a middleware that is none of the above (a plugin).
    Middleware,
    HealthCheck,
}

/// How sure it is that an attempt belongs to its client request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Link {
    Exact,
    Inferred,
}

/// Where the Traefik names of a request come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameSource {
    Probes,
    Api,
    /// Several routers of equal priority match: Traefik breaks the tie at random, and so did we.
    Ambiguous,
    None,
}
