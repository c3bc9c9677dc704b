//! One request with its response, on both hops: what the pipeline hands to the outputs.
//!
//! Values only: no clocks, no maps. `link` makes them, `export` reads them.

pub mod hop;
pub mod kept;
pub mod stream;
pub mod tls;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::event::{Name, Process};

pub use hop::{Body, ErrorKind, Headers, Hop, Method, Version};
pub use kept::{Content, Contents, Cut, Format, Kept, Level};
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
    pub kept: Kept,
}

impl Exchange {
    /// Spans that it makes: one for the client's request, one for each attempt.
    pub fn spans(&self) -> usize {
        usize::from(self.server.is_some()) + self.attempts.len()
    }

    /// That of its first span: the trace and its flag are the same in all of them.
    pub fn context(&self) -> Option<&Context> {
        let server = self.server.as_ref().map(|server| &server.context);
        server.or_else(|| self.attempts.first().map(|attempt| &attempt.context))
    }
}

impl Exchange {
    /// Drops what goes beyond the level: header lines that were read for names and rules only, bodies that no rule
    /// selected.
    pub fn forget_beyond(&mut self) {
        let level = self.kept.level;
        for hop in self.hops_mut() {
            if level < Level::Full {
                hop.contents = None;
            }
            if level < Level::Details {
                hop.request_headers = Headers::default();
                hop.response_headers = Headers::default();
            }
        }
    }

    /// Both kinds of hops, the client's first.
    pub fn hops_mut(&mut self) -> impl Iterator<Item = &mut Hop> {
        let attempts = self.attempts.iter_mut().map(|attempt| &mut *attempt.hop);
        self.server.iter_mut().map(|server| &mut *server.hop).chain(attempts)
    }

    /// Bytes of bodies that it holds.
    pub fn content_bytes(&self) -> usize {
        let attempts = self.attempts.iter().map(|attempt| &attempt.hop);
        let contents =
            self.server.iter().map(|server| &server.hop).chain(attempts).filter_map(|hop| hop.contents.as_deref());
        contents
            .flat_map(|both| [&both.request, &both.response])
            .flatten()
            .map(|content| content.captured.bytes.len())
            .sum()
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
    pub hop: Box<Hop>,
    pub entrypoint: Option<Name>,
    /// `parent@file -> child@file` where routers nest, as Traefik's access log writes it.
    pub router: Option<Name>,
    /// The rule of the last router that took it.
    pub rule: Option<Name>,
    /// The service that the last router names: the weighted, mirroring or failover one where they nest.
    pub router_service: Option<Name>,
    /// The leaf service that served; None where none was reached.
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
    pub hop: Box<Hop>,
    pub role: Role,
    /// 0 for the first send of a request; counts the sends of the same request before this one.
    pub resend_count: u32,
    pub service: Option<Name>,
    /// As [`Server::server_url`].
    pub server_url: Option<Name>,
    /// Whose the address is that the request went to, as its users call it. None: no container, or not known for sure.
    pub container: Option<Name>,
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
