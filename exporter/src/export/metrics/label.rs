//! Label sets: what a series is known by on the page. Labels without a value are left out.

use std::fmt;
use std::net::SocketAddr;

use hoptap_semconv::{label, value::hoptap_hop_role as role};
use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, EncodeLabelValue, LabelSetEncoder};

use super::series::Labels;
use crate::event::Name;
use crate::exchange::{Context, ErrorKind, Role};

/// What everything beyond the cap is folded into, as the conventions write it.
const OTHER: &str = "_OTHER";

fn put(encoder: &mut LabelSetEncoder<'_>, key: &str, value: impl EncodeLabelValue) -> Result<(), fmt::Error> {
    (key, value).encode(encoder.encode_label())
}

fn put_name(encoder: &mut LabelSetEncoder<'_>, key: &str, name: Option<&Name>) -> Result<(), fmt::Error> {
    name.map_or(Ok(()), |name| put(encoder, key, &**name))
}

/// `error.type` where a hop failed: its own kind, else the status from `failure` on.
fn put_outcome(
    encoder: &mut LabelSetEncoder<'_>,
    status: Option<u16>,
    error: Option<ErrorKind>,
    failure: u16,
) -> Result<(), fmt::Error> {
    if let Some(status) = status {
        put(encoder, label::HTTP_RESPONSE_STATUS_CODE, status)?;
    }
    match (error, status) {
        (Some(error), _) => put(encoder, label::ERROR_TYPE, error.as_str()),
        (None, Some(status)) if status >= failure => put(encoder, label::ERROR_TYPE, status),
        _ => Ok(()),
    }
}

/// Labels of the `http.server.*` histograms.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Server {
    pub(super) entrypoint: Option<Name>,
    pub(super) router: Option<Name>,
    pub(super) service: Option<Name>,
    pub(super) method: &'static str,
    pub(super) scheme: &'static str,
    pub(super) status: Option<u16>,
    pub(super) error: Option<ErrorKind>,
}

impl EncodeLabelSet for Server {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        put_name(encoder, label::TRAEFIK_ENTRYPOINT_NAME, self.entrypoint.as_ref())?;
        put_name(encoder, label::TRAEFIK_ROUTER_NAME, self.router.as_ref())?;
        put_name(encoder, label::TRAEFIK_SERVICE_NAME, self.service.as_ref())?;
        put(encoder, label::HTTP_REQUEST_METHOD, self.method)?;
        put(encoder, label::URL_SCHEME, self.scheme)?;
        // The conventions: a 4xx is no failure of the server.
        put_outcome(encoder, self.status, self.error, 500)
    }
}

impl Labels for Server {
    fn folded() -> Self {
        let other = || Some(Name::from(OTHER));
        Self {
            entrypoint: other(),
            router: other(),
            service: other(),
            method: OTHER,
            scheme: OTHER,
            status: None,
            error: Some(ErrorKind::Other),
        }
    }
}

/// Labels of the `http.client.*` histograms.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Client {
    pub(super) router: Option<Name>,
    pub(super) service: Option<Name>,
    /// As configured; tells where the request went better than the address does, which changes with every restart.
    pub(super) server_url: Option<Name>,
    /// Whose the address is: says it best.
    pub(super) container: Option<Name>,
    /// Where no URL is known, or the container is.
    pub(super) peer: Option<SocketAddr>,
    /// None: folded.
    pub(super) role: Option<Role>,
    pub(super) method: &'static str,
    pub(super) status: Option<u16>,
    pub(super) error: Option<ErrorKind>,
}

impl EncodeLabelSet for Client {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        put_name(encoder, label::TRAEFIK_ROUTER_NAME, self.router.as_ref())?;
        put_name(encoder, label::TRAEFIK_SERVICE_NAME, self.service.as_ref())?;
        put(encoder, label::HOPTAP_HOP_ROLE, self.role.map_or(OTHER, role_name))?;
        if let (Some(container), Some(peer)) = (&self.container, self.peer) {
            put(encoder, label::SERVER_ADDRESS, &**container)?;
            put(encoder, label::SERVER_PORT, peer.port())?;
        } else if let Some(url) = &self.server_url {
            let (host, port) = authority(url);
            put(encoder, label::SERVER_ADDRESS, host)?;
            put(encoder, label::SERVER_PORT, port)?;
        } else if let Some(peer) = self.peer {
            put(encoder, label::SERVER_ADDRESS, peer.ip().to_canonical().to_string())?;
            put(encoder, label::SERVER_PORT, peer.port())?;
        }
        put(encoder, label::HTTP_REQUEST_METHOD, self.method)?;
        put_outcome(encoder, self.status, self.error, 400)
    }
}

impl Labels for Client {
    fn folded() -> Self {
        Self {
            router: Some(Name::from(OTHER)),
            service: Some(Name::from(OTHER)),
            server_url: Some(Name::from(OTHER)),
            container: None,
            peer: None,
            role: None,
            method: OTHER,
            status: None,
            error: Some(ErrorKind::Other),
        }
    }
}

/// As `hoptap.hop.role` wants it.
fn role_name(role: Role) -> &'static str {
    match role {
        Role::Backend => role::BACKEND,
        Role::Mirror => role::MIRROR,
        Role::ForwardAuth => role::FORWARD_AUTH,
        Role::ErrorPage => role::ERROR_PAGE,
        Role::Middleware => role::MIDDLEWARE,
        Role::HealthCheck => role::HEALTH_CHECK,
    }
}

/// Host and port of a server's URL; the port of its scheme where it names none, nothing where it has neither.
fn authority(url: &str) -> (&str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, _) = rest.split_at(end);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let default = match scheme {
        "http" | "h2c" => "80",
        "https" => "443",
        _ => "",
    };
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':').unwrap_or(default)),
        None => authority.rsplit_once(':').unwrap_or((authority, default)),
    }
}

/// Labels of `traefik.proxy.overhead`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Router(pub(super) Option<Name>);

impl EncodeLabelSet for Router {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        put_name(encoder, label::TRAEFIK_ROUTER_NAME, self.0.as_ref())
    }
}

impl Labels for Router {
    fn folded() -> Self {
        Self(Some(Name::from(OTHER)))
    }
}

/// Labels of `http.server.active_requests`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Active {
    pub(super) entrypoint: Option<Name>,
    pub(super) method: &'static str,
    pub(super) scheme: &'static str,
}

impl EncodeLabelSet for Active {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        put_name(encoder, label::TRAEFIK_ENTRYPOINT_NAME, self.entrypoint.as_ref())?;
        put(encoder, label::HTTP_REQUEST_METHOD, self.method)?;
        put(encoder, label::URL_SCHEME, self.scheme)
    }
}

impl Labels for Active {
    fn folded() -> Self {
        Self { entrypoint: Some(Name::from(OTHER)), method: OTHER, scheme: OTHER }
    }
}

/// Labels of what happens to connections of clients.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct EntryPoint {
    pub(super) entrypoint: Option<Name>,
}

impl EncodeLabelSet for EntryPoint {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        put_name(encoder, label::TRAEFIK_ENTRYPOINT_NAME, self.entrypoint.as_ref())
    }
}

impl Labels for EntryPoint {
    fn folded() -> Self {
        Self { entrypoint: Some(Name::from(OTHER)) }
    }
}

/// Exemplar: the span that an observation comes from. OpenMetrics fixes the two names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trace {
    trace_id: u128,
    span_id: u64,
}

impl From<&Context> for Trace {
    fn from(context: &Context) -> Self {
        Self { trace_id: context.trace_id, span_id: context.span_id }
    }
}

impl EncodeLabelSet for Trace {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        put(encoder, "trace_id", format!("{:032x}", self.trace_id))?;
        put(encoder, "span_id", format!("{:016x}", self.span_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, host: &str, port: &str) {
        assert_eq!(authority(url), (host, port), "{url}");
    }

    #[test]
    fn authority_of_a_server_url() {
        check("http://10.0.0.7:8000", "10.0.0.7", "8000");
        check("http://service-a:8000/base?x=1", "service-a", "8000");
        check("http://service-a", "service-a", "80");
        check("https://service-a/", "service-a", "443");
        check("h2c://service-a", "service-a", "80");
        check("https://[fd00::3]:8443/", "fd00::3", "8443");
        check("https://[fd00::3]", "fd00::3", "443");
        check("http://user:secret@host:81/", "host", "81");
        check("service-a:8000", "service-a", "8000");
        check("_OTHER", "_OTHER", "");
        check("", "", "");
        check("http://[", "[", "80");
    }
}
