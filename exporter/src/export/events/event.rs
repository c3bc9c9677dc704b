//! What may be told of one hop to anyone.

use hoptap_semconv::attribute as key;

use super::mask::masked;
use crate::event::Name;
use crate::exchange::{Attempt, Context, Exchange, Hop, Server};
use crate::export::attributes::{self, Sink};
use crate::export::direction::Direction;
use crate::export::short::Short;
use crate::export::url;

/// One hop of an exchange.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    pub context: &'a Context,
    pub hop: &'a Hop,
    of: Of<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Of<'a> {
    Server(&'a Server),
    Attempt(&'a Attempt),
}

impl<'a> Event<'a> {
    /// The events of an exchange, the client's request first.
    pub fn of(exchange: &'a Exchange) -> impl Iterator<Item = Self> {
        let server = exchange.server.iter();
        let server = server.map(|of| Self { context: &of.context, hop: &of.hop, of: Of::Server(of) });
        let attempts = exchange.attempts.iter();
        server.chain(attempts.map(|of| Self { context: &of.context, hop: &of.hop, of: Of::Attempt(of) }))
    }

    pub fn direction(&self) -> Direction {
        match self.of {
            Of::Server(_) => Direction::Ingress,
            Of::Attempt(_) => Direction::Egress,
        }
    }

    /// It failed, whoever's fault it is.
    pub fn failed(&self) -> bool {
        self.hop.error.is_some() || self.hop.status.is_some_and(|status| status >= 500)
    }

    /// Everything but ids and times.
    pub(super) fn attributes(&self, sink: &mut impl Sink) {
        let hop = self.hop;
        sink.fixed(key::HOPTAP_HOP_DIRECTION, self.direction().as_str());
        sink.fixed(key::HTTP_REQUEST_METHOD, hop.method.known());
        sink.fixed(key::URL_SCHEME, url::scheme(hop));
        sink.text(key::URL_PATH, &url::path(hop));
        if let Some(status) = hop.status {
            sink.integer(key::HTTP_RESPONSE_STATUS_CODE, status.into());
        }
        sink.fixed(key::NETWORK_PROTOCOL_VERSION, hop.version.as_str());
        if let Some(version) = hop.tls.as_ref().and_then(|session| session.version_name()) {
            sink.fixed(key::TLS_PROTOCOL_VERSION, version);
        }
        if !hop.missing.contains(&key::HTTP_REQUEST_BODY_SIZE) {
            sink.integer(key::HTTP_REQUEST_BODY_SIZE, size(hop.request.size));
        }
        if hop.status.is_some() {
            sink.integer(key::HTTP_RESPONSE_BODY_SIZE, size(hop.response.size));
        }
        match self.of {
            Of::Server(server) => ingress(server, sink),
            Of::Attempt(attempt) => egress(attempt, sink),
        }
    }
}

fn ingress(server: &Server, sink: &mut impl Sink) {
    let hop = &server.hop;
    if let Some(error) = attributes::error_type(hop, 500) {
        sink.text(key::ERROR_TYPE, error.as_str());
    }
    let (address, port) = url::requested_server(hop);
    sink.text(key::SERVER_ADDRESS, &address);
    sink.integer(key::SERVER_PORT, port.into());
    let client = server.announced_client.unwrap_or(hop.peer);
    sink.text(key::CLIENT_ADDRESS, Short::ip(masked(client.ip())).as_str());
    name(key::HTTP_ROUTE, server.rule.as_ref(), sink);
    name(key::TRAEFIK_ENTRYPOINT_NAME, server.entrypoint.as_ref(), sink);
    name(key::TRAEFIK_ROUTER_NAME, server.router.as_ref(), sink);
    name(key::TRAEFIK_SERVICE_NAME, server.service.as_ref(), sink);
    name(key::TRAEFIK_SERVER_URL, server.server_url.as_ref(), sink);
}

fn egress(attempt: &Attempt, sink: &mut impl Sink) {
    let hop = &attempt.hop;
    if let Some(error) = attributes::error_type(hop, 400) {
        sink.text(key::ERROR_TYPE, error.as_str());
    }
    // The backend's own: it is no person.
    attributes::server_address(attempt, sink);
    sink.fixed(key::HOPTAP_HOP_ROLE, attributes::role(attempt.role));
    name(key::TRAEFIK_ENTRYPOINT_NAME, attempt.entrypoint.as_ref(), sink);
    name(key::TRAEFIK_ROUTER_NAME, attempt.router.as_ref(), sink);
    name(key::TRAEFIK_SERVICE_NAME, attempt.service.as_ref(), sink);
    name(key::TRAEFIK_SERVER_URL, attempt.server_url.as_ref(), sink);
}

fn name(key: &'static str, name: Option<&Name>, sink: &mut impl Sink) {
    if let Some(name) = name {
        sink.name(key, name);
    }
}

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
