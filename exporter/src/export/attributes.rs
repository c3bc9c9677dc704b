//! What an exchange says, as attributes of the semantic conventions: said once, for every output that has keys.
//!
//! An output takes them through [`Sink`], in the form it needs: span data, bytes of protobuf, JSON.

use std::borrow::Cow;

use hoptap_semconv::{attribute as key, value};

use super::short::Short;
use super::{bodies, url};
use crate::event::Name;
use crate::exchange::{Attempt, End, Headers, Hop, Link, Method, NameSource, Role, Rpc, Server, Tls};
use crate::redact::{REDACTED, Redaction};
use crate::rpc::status_name;

/// Takes attributes. Keys come at most once per span.
pub trait Sink {
    fn text(&mut self, key: &'static str, value: &str);

    /// A text that does not change while the program runs: nothing has to be copied.
    fn fixed(&mut self, key: &'static str, value: &'static str) {
        self.text(key, value);
    }

    /// A text in pieces that stand side by side in it.
    fn pieces(&mut self, key: &'static str, pieces: &[&str]) {
        self.text(key, &pieces.concat());
    }

    /// A name that is shared with many other spans.
    fn name(&mut self, key: &'static str, value: &Name) {
        self.text(key, value);
    }

    fn integer(&mut self, key: &'static str, value: i64);

    fn flag(&mut self, key: &'static str, value: bool);

    /// A key that traffic has a part in, with several values.
    fn list(&mut self, key: String, values: &[Cow<'_, str>]);
}

/// Says what is known of a client request: a SERVER span.
pub fn server(server: &Server, redaction: &Redaction, sink: &mut impl Sink) {
    let hop = &server.hop;
    method(hop, sink);
    sink.text(key::URL_PATH, &url::path(hop));
    if let Some(query) = &hop.query {
        sink.text(key::URL_QUERY, &redaction.query(query));
    }
    sink.fixed(key::URL_SCHEME, url::scheme(hop));
    let (address, port) = url::requested_server(hop);
    sink.text(key::SERVER_ADDRESS, &address);
    sink.integer(key::SERVER_PORT, port.into());
    // Not X-Forwarded-For: here it is as the client sent it, before Traefik decided whether to trust it.
    let client = server.announced_client.unwrap_or(hop.peer);
    sink.text(key::CLIENT_ADDRESS, Short::ip(client.ip()).as_str());
    sink.integer(key::CLIENT_PORT, client.port().into());
    outcome(hop, 500, sink);
    common(hop, redaction, sink);
    if let Some(rule) = &server.rule {
        sink.name(key::HTTP_ROUTE, rule);
    }
    names(
        server.entrypoint.as_ref(),
        server.router.as_ref(),
        server.service.as_ref(),
        server.server_url.as_ref(),
        sink,
    );
    if let Some(provider) = server.router.as_ref().and_then(|router| provider(router)) {
        sink.text(key::TRAEFIK_PROVIDER_NAME, provider);
    }
    if server.internal {
        sink.flag(key::TRAEFIK_INTERNAL, true);
    }
    if let Some(source) = names_source(server.names) {
        sink.fixed(key::HOPTAP_NAMES, source);
    }
    headers(hop, redaction, sink);
}

/// Says what is known of one request to a backend: a CLIENT span.
pub fn attempt(attempt: &Attempt, redaction: &Redaction, sink: &mut impl Sink) {
    let hop = &attempt.hop;
    method(hop, sink);
    url::reached(hop, redaction, |pieces| sink.pieces(key::URL_FULL, pieces));
    sink.fixed(key::URL_SCHEME, url::scheme(hop));
    server_address(attempt, sink);
    if attempt.resend_count > 0 {
        sink.integer(key::HTTP_REQUEST_RESEND_COUNT, attempt.resend_count.into());
    }
    outcome(hop, 400, sink);
    common(hop, redaction, sink);
    names(
        attempt.entrypoint.as_ref(),
        attempt.router.as_ref(),
        attempt.service.as_ref(),
        attempt.server_url.as_ref(),
        sink,
    );
    sink.fixed(key::HOPTAP_HOP_ROLE, role(attempt.role));
    if let Some(sure) = attempt.link {
        sink.fixed(key::HOPTAP_LINK, link(sure));
    }
    headers(hop, redaction, sink);
}

/// Where a request went, as people call it: the container where it is known, else the address.
pub fn server_address(attempt: &Attempt, sink: &mut impl Sink) {
    match &attempt.container {
        Some(container) => sink.name(key::SERVER_ADDRESS, container),
        None => sink.text(key::SERVER_ADDRESS, Short::ip(attempt.hop.peer.ip()).as_str()),
    }
    sink.integer(key::SERVER_PORT, attempt.hop.peer.port().into());
}

/// `error.type`: the status where it is one of the failures of this side, else why there is none.
pub fn error_type(hop: &Hop, failure: u16) -> Option<Short> {
    match hop.status {
        Some(status) if status >= failure => Some(Short::number(status)),
        _ => match hop.error {
            Some(kind) => Some(Short::of(kind.as_str())),
            None => rpc_error(hop, failure),
        },
    }
}

/// A call of gRPC fails with an HTTP status of 200. Which statuses are failures of the side that answered the
/// conventions for gRPC say; for who asked it is any but `OK`.
fn rpc_error(hop: &Hop, failure: u16) -> Option<Short> {
    let status = hop.rpc?.status.filter(|status| *status != 0)?;
    let of_server = ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];
    let name = status_name(status);
    let is_failure = failure < 500 || name.is_none_or(|name| of_server.contains(&name));
    is_failure.then(|| name.map_or(Short::of("_OTHER"), Short::of))
}

/// The provider of a router: what stands behind the last `@`.
pub fn provider(router: &str) -> Option<&str> {
    router.rsplit_once('@').map(|(_, provider)| provider)
}

pub fn role(role: Role) -> &'static str {
    match role {
        Role::Backend => value::hoptap_hop_role::BACKEND,
        Role::Mirror => value::hoptap_hop_role::MIRROR,
        Role::ForwardAuth => value::hoptap_hop_role::FORWARD_AUTH,
        Role::ErrorPage => value::hoptap_hop_role::ERROR_PAGE,
        Role::Middleware => value::hoptap_hop_role::MIDDLEWARE,
        Role::HealthCheck => value::hoptap_hop_role::HEALTH_CHECK,
    }
}

pub fn link(link: Link) -> &'static str {
    match link {
        Link::Exact => value::hoptap_link::EXACT,
        Link::Inferred => value::hoptap_link::INFERRED,
    }
}

fn names_source(source: NameSource) -> Option<&'static str> {
    match source {
        NameSource::Probes => Some(value::hoptap_names::PROBES),
        NameSource::Api => Some(value::hoptap_names::API),
        NameSource::Ambiguous => Some(value::hoptap_names::AMBIGUOUS),
        NameSource::None => None,
    }
}

fn method(hop: &Hop, sink: &mut impl Sink) {
    sink.fixed(key::HTTP_REQUEST_METHOD, hop.method.known());
    if let Method::Other(token) = &hop.method {
        sink.text(key::HTTP_REQUEST_METHOD_ORIGINAL, token);
    }
}

fn outcome(hop: &Hop, failure: u16, sink: &mut impl Sink) {
    if let Some(status) = hop.status {
        sink.integer(key::HTTP_RESPONSE_STATUS_CODE, status.into());
    }
    if let Some(error) = error_type(hop, failure) {
        sink.text(key::ERROR_TYPE, error.as_str());
    }
}

fn common(hop: &Hop, redaction: &Redaction, sink: &mut impl Sink) {
    let peer = Short::ip(hop.peer.ip());
    sink.text(key::NETWORK_PEER_ADDRESS, peer.as_str());
    sink.integer(key::NETWORK_PEER_PORT, hop.peer.port().into());
    sink.fixed(key::NETWORK_PROTOCOL_VERSION, hop.version.as_str());
    if let Some(agent) = &hop.user_agent {
        let hidden = redaction.names_header("user-agent");
        sink.text(key::USER_AGENT_ORIGINAL, if hidden { REDACTED } else { agent });
    }
    if !hop.missing.contains(&key::HTTP_REQUEST_BODY_SIZE) {
        sink.integer(key::HTTP_REQUEST_BODY_SIZE, bytes(hop.request.size));
    }
    // A size of nothing would read as an empty body: without an answer there is none.
    if hop.status.is_some() {
        sink.integer(key::HTTP_RESPONSE_BODY_SIZE, bytes(hop.response.size));
    }
    if let Some(protocol) = &hop.upgraded {
        sink.text(key::HOPTAP_UPGRADE_PROTOCOL, protocol);
    }
    if hop.request.incomplete || hop.response.incomplete {
        sink.flag(key::HOPTAP_BODY_INCOMPLETE, true);
    }
    if let Some(session) = &hop.tls {
        tls(session, sink);
    }
    if let Some(call) = &hop.rpc {
        rpc(hop, call, sink);
    }
    if let Some(session) = &hop.websocket {
        count(key::HOPTAP_WEBSOCKET_REQUEST_MESSAGES, session.sent, sink);
        count(key::HOPTAP_WEBSOCKET_RESPONSE_MESSAGES, session.received, sink);
        count(key::HOPTAP_WEBSOCKET_CLOSE_CODE, session.close_code.map(u64::from), sink);
    }
    if let Some(reset) = hop.reset {
        sink.fixed(
            key::HOPTAP_STREAM_RESET_BY,
            match reset.by {
                End::Client => value::hoptap_stream_reset_by::CLIENT,
                End::Server => value::hoptap_stream_reset_by::SERVER,
            },
        );
        sink.fixed(key::HOPTAP_STREAM_RESET_CODE, reset.code_name());
    }
    if !hop.missing.is_empty() {
        let names: Vec<_> = hop.missing.iter().map(|name| Cow::Borrowed(*name)).collect();
        sink.list(key::HOPTAP_UNKNOWN.into(), &names);
    }
}

fn tls(session: &Tls, sink: &mut impl Sink) {
    sink.fixed(key::TLS_PROTOCOL_NAME, "tls");
    if let Some(version) = session.version_name() {
        sink.fixed(key::TLS_PROTOCOL_VERSION, version);
    }
    if let Some(cipher) = session.cipher_name() {
        sink.fixed(key::TLS_CIPHER, cipher);
    }
    if let Some(name) = &session.server_name {
        sink.text(key::TLS_CLIENT_SERVER_NAME, name);
    }
    if let Some(protocol) = &session.protocol {
        sink.text(key::TLS_NEXT_PROTOCOL, protocol);
    }
    if session.resumed {
        sink.flag(key::TLS_RESUMED, true);
    }
}

fn rpc(hop: &Hop, call: &Rpc, sink: &mut impl Sink) {
    sink.fixed(key::RPC_SYSTEM_NAME, "grpc");
    sink.text(key::RPC_METHOD, hop.path.trim_start_matches('/'));
    if let Some(status) = call.status {
        match status_name(status) {
            Some(name) => sink.fixed(key::RPC_RESPONSE_STATUS_CODE, name),
            None => sink.text(key::RPC_RESPONSE_STATUS_CODE, &status.to_string()),
        }
    }
    count(key::HOPTAP_RPC_REQUEST_MESSAGES, call.requests, sink);
    count(key::HOPTAP_RPC_RESPONSE_MESSAGES, call.responses, sink);
}

fn count(key: &'static str, count: Option<u64>, sink: &mut impl Sink) {
    if let Some(count) = count {
        sink.integer(key, bytes(count));
    }
}

fn bytes(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn names(
    entrypoint: Option<&Name>,
    router: Option<&Name>,
    service: Option<&Name>,
    server_url: Option<&Name>,
    sink: &mut impl Sink,
) {
    if let Some(name) = entrypoint {
        sink.name(key::TRAEFIK_ENTRYPOINT_NAME, name);
    }
    if let Some(name) = router {
        sink.name(key::TRAEFIK_ROUTER_NAME, name);
    }
    if let Some(name) = service {
        sink.name(key::TRAEFIK_SERVICE_NAME, name);
    }
    if let Some(server) = server_url {
        sink.name(key::TRAEFIK_SERVER_URL, server);
    }
}

fn headers(hop: &Hop, redaction: &Redaction, sink: &mut impl Sink) {
    for (prefix, headers) in
        [(key::HTTP_REQUEST_HEADER, &hop.request_headers), (key::HTTP_RESPONSE_HEADER, &hop.response_headers)]
    {
        // Most spans have none.
        if headers.is_empty() {
            continue;
        }
        for (name, values) in grouped(headers, redaction) {
            sink.list(format!("{prefix}.{name}"), &values);
        }
    }
    bodies::urls(hop, sink);
}

/// Headers by lower-case name, in the order in which the names first came.
fn grouped<'a>(headers: &'a Headers, redaction: &Redaction) -> Vec<(String, Vec<Cow<'a, str>>)> {
    let mut groups: Vec<(String, Vec<Cow<'a, str>>)> = Vec::new();
    for (name, text) in headers.iter() {
        let text = redaction.header(&name, text);
        let name = name.to_ascii_lowercase();
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(text),
            None => groups.push((name, vec![text])),
        }
    }
    groups
}
