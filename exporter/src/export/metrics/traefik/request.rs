//! What Traefik's middleware for metrics says of a request: code, method, protocol and sizes.

use hoptap_semconv::traefik::{EXTENSION_METHOD, UNKNOWN, protocol};

use super::Measured;
use super::visit::{self, Visit};
use crate::exchange::{ErrorKind, Exchange, Headers, Hop, Method, Role, Server, Tls};
use crate::rpc::Kind;

/// "404 page not found" and a line end: what is written where no router takes a request.
const NOT_FOUND_BYTES: u64 = 19;

/// `UNKNOWN` of gRPC: what is said where there is no status.
const RPC_UNKNOWN: u16 = 2;

/// The client's request, as its entrypoint and its routers count it. None where nothing was answered.
pub(super) fn measured(server: &Server, exchange: &Exchange) -> Option<Measured> {
    let hop = &server.hop;
    let status = hop.status?;
    let protocol = protocol_of(hop);
    let upgraded = hop.upgraded.is_some();
    // Counted is what is read of a body, and nobody reads it unless a backend wants it.
    let read = visit::of(exchange).map(|visit| visit.attempt.hop.request.size).max().unwrap_or_default();
    Some(Measured {
        code: code(hop, protocol, status, false),
        method: method(&hop.method),
        protocol,
        duration: hop.duration(),
        // The bytes of a session pass by all that counts.
        request_bytes: match (read, hop.request.size) {
            _ if upgraded => 0,
            (0, _) => 0,
            // Over HTTP/3 the length is what the client announces.
            (read, 0) => read,
            (_, sent) => sent,
        },
        response_bytes: if upgraded { 0 } else { written(server, exchange, status) },
    })
}

/// The same of one visit of a service.
pub(super) fn of_visit(visit: &Visit<'_>, asked: Option<(&Server, Measured)>) -> Option<Measured> {
    let hop = &visit.attempt.hop;
    let told = || {
        let status = asked?.0.hop.status.filter(|status| *status >= 499)?;
        visit.last.then_some(status)
    };
    let status = hop.status.or_else(told).or_else(|| failure(hop.error?))?;
    let error_page = visit.attempt.role == Role::ErrorPage;
    let protocol = match asked {
        // The middleware `grpcWeb` makes gRPC of gRPC-Web.
        Some((_, measured)) if hop.rpc.is_none() => measured.protocol,
        _ => protocol_of(hop),
    };
    let upgraded = hop.upgraded.is_some();
    let request_bytes = match asked {
        // A request without a body of its own: the counter is still that of the client's (capture.go).
        Some((_, measured)) if error_page => measured.request_bytes,
        _ if upgraded => 0,
        _ => hop.request.size,
    };
    let response_bytes = match hop.status {
        _ if upgraded => 0,
        Some(_) => asked.and_then(|(server, _)| unpacked(visit, server)).unwrap_or(hop.response.size),
        None => text_length(status),
    };
    // The handler goes on until the client has taken the response.
    let until = asked.filter(|_| visit.last && !visit.mirrored).map_or(0, |(server, _)| server.hop.end);
    Some(Measured {
        code: code(hop, protocol, status, visit.mirrored),
        method: method(if hop.method == Method::Unknown {
            asked.map(|(server, _)| &server.hop.method)?
        } else {
            &hop.method
        }),
        protocol,
        duration: hop.end.max(until).saturating_sub(visit.start),
        request_bytes,
        response_bytes,
    })
}

/// Version and cipher suite.
pub(super) fn session(tls: &Tls) -> (&'static str, &'static str) {
    (tls.version_name().unwrap_or(UNKNOWN), tls.cipher_name().unwrap_or(UNKNOWN))
}

fn method(method: &Method) -> &'static str {
    match method {
        Method::Query | Method::Unknown => EXTENSION_METHOD,
        Method::Other(token) if &**token == "PRI" => "PRI",
        Method::Other(_) => EXTENSION_METHOD,
        known => known.known(),
    }
}

/// By the request's headers; where they are not kept, by what else tells.
fn protocol_of(hop: &Hop) -> &'static str {
    let headers = &hop.request_headers;
    if contains(headers, "Connection", "upgrade") && contains(headers, "Upgrade", "websocket") {
        return protocol::WEBSOCKET;
    }
    if contains(headers, "Accept", "text/event-stream") {
        return protocol::SSE;
    }
    match hop.rpc.map(|rpc| rpc.kind) {
        Some(Kind::Web | Kind::WebText) => protocol::GRPC_WEB,
        Some(Kind::Grpc) => protocol::GRPC,
        None if hop.websocket.is_some() || hop.upgraded.as_deref() == Some("websocket") => protocol::WEBSOCKET,
        None => protocol::HTTP,
    }
}

/// Of the first line of that name, as Traefik does.
fn contains(headers: &Headers, name: &str, item: &str) -> bool {
    headers.get(name).is_some_and(|value| value.split(',').any(|one| one.trim().eq_ignore_ascii_case(item)))
}

/// The status; for gRPC that of the call, as far as the middleware sees it: in the head, or in trailers that the head
/// announces. Others come under names of their own (`http.TrailerPrefix`), and a mirror's headers are thrown away.
fn code(hop: &Hop, protocol: &str, status: u16, mirrored: bool) -> u16 {
    if hop.upgraded.is_some() {
        // The proxy writes the head to the connection that it has taken over: the middleware hears of no status.
        return 0;
    }
    if protocol != protocol::GRPC && protocol != protocol::GRPC_WEB {
        return status;
    }
    let headers = &hop.response_headers;
    let in_head = match headers.get("grpc-status") {
        Some(_) => true,
        None if contains(headers, "Trailer", "grpc-status") => true,
        // Without a body there is but one block of headers.
        None => headers.is_empty() && hop.response.size == 0,
    };
    let of_call = hop.rpc.and_then(|rpc| rpc.status).and_then(|status| u16::try_from(status).ok());
    of_call.filter(|_| in_head && !mirrored).unwrap_or(RPC_UNKNOWN)
}

/// What the proxy answers (`ComputeStatusCode`, pkg/proxy/httputil/proxy.go).
fn failure(error: ErrorKind) -> Option<u16> {
    Some(match error {
        ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionClosed
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NotDialled => 502,
        ErrorKind::Timeout => 504,
        ErrorKind::Cancelled => 499,
        ErrorKind::MalformedResponse
        | ErrorKind::StreamReset
        | ErrorKind::StreamRefused
        | ErrorKind::TlsHandshake
        | ErrorKind::Other => 500,
    })
}

/// Bytes of the text that the proxy answers with: the phrase of the status.
fn text_length(status: u16) -> u64 {
    let phrase = match status {
        499 => "Client Closed Request",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        504 => "Gateway Timeout",
        _ => "",
    };
    phrase.len() as u64
}

/// Bytes of the response as they are written: net/http sends none of them in answer to a HEAD or to a client that went
/// away, and they are counted.
fn written(server: &Server, exchange: &Exchange, status: u16) -> u64 {
    let sent = server.hop.response.size;
    if sent > 0 {
        return sent;
    }
    match visit::of(exchange).filter(|visit| !visit.mirrored).last() {
        Some(visit) if visit.attempt.hop.status.is_none() => text_length(status),
        None if server.hop.method == Method::Head && server.router.is_none() && status == 404 => NOT_FOUND_BYTES,
        _ => sent,
    }
}

/// Bytes of a response that Go's client asked for with gzip, and unpacked, because the client's own request said
/// nothing of codings (`DisableCompression`, net/http/transport.go).
fn unpacked(visit: &Visit<'_>, server: &Server) -> Option<u64> {
    let packed = contains(&visit.attempt.hop.response_headers, "Content-Encoding", "gzip");
    let passed_on = server.hop.response_headers.get("Content-Encoding").is_some();
    (packed && !passed_on && visit.last && !visit.mirrored).then_some(server.hop.response.size)
}
