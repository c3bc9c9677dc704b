//! Exchanges made by hand, for the tests of every output.

use std::sync::Arc;

use bytes::Bytes;

use crate::body::{self, Captured};
use crate::event::Process;
use crate::exchange::{
    Attempt, Body, Content, Contents, Context, ErrorKind, Exchange, Headers, Hop, Kept, Level, Link, Method,
    NameSource, Role, Server, Version,
};
use crate::redact::Failed;

/// 2026-07-01T00:00:00Z.
const START: u64 = 1_782_864_000_000_000_000;

pub(crate) fn hop() -> Hop {
    Hop {
        start: START,
        first_byte: Some(START + 7_900_000),
        end: START + 8_100_000,
        method: Method::Post,
        path: "/api/service-a/users".into(),
        query: None,
        absolute: None,
        host: Some("localhost:8083".into()),
        user_agent: Some("curl/7.81.0".into()),
        version: Version::Http11,
        status: Some(200),
        error: None,
        tls: None,
        local: ([172, 18, 0, 2], 80).into(),
        peer: ([172, 18, 0, 1], 53122).into(),
        request: Body { size: 34, wire: 34, incomplete: false },
        response: Body { size: 151, wire: 162, incomplete: false },
        request_headers: Headers::default(),
        response_headers: Headers::default(),
        contents: None,
        upgraded: None,
        rpc: None,
        websocket: None,
        reset: None,
        missing: Vec::new(),
    }
}

pub(crate) fn context(span_id: u64, parent: Option<u64>) -> Context {
    Context {
        trace_id: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c,
        span_id,
        parent,
        parent_is_remote: false,
        sampled: None,
        trace_state: None,
    }
}

pub(crate) fn attempt(span_id: u64) -> Attempt {
    Attempt {
        context: context(span_id, Some(0xb7ad)),
        hop: Box::new(Hop {
            start: START + 400_000,
            first_byte: Some(START + 5_700_000),
            end: START + 5_900_000,
            path: "/users".into(),
            local: ([172, 18, 0, 2], 41000).into(),
            peer: ([172, 18, 0, 3], 8000).into(),
            ..hop()
        }),
        role: Role::Backend,
        resend_count: 0,
        service: Some("service-a@docker".into()),
        server_url: Some("http://172.18.0.3:8000".into()),
        container: None,
        link: Some(Link::Exact),
        router: Some("service-a@docker".into()),
        entrypoint: Some("web".into()),
    }
}

/// One POST through one router to one backend, at level `summary`.
pub(crate) fn exchange() -> Exchange {
    Exchange {
        process: Arc::new(Process {
            executable: "/usr/local/bin/traefik".into(),
            version: Some("3.6.12".into()),
            go_version: Some("go1.26.8".into()),
            container: Some("traefik-demo".into()),
            probes: Vec::new(),
        }),
        pid: 789,
        server: Some(Server {
            context: context(0xb7ad, None),
            hop: Box::new(hop()),
            entrypoint: Some("web".into()),
            router: Some("service-a@docker".into()),
            rule: Some("PathPrefix(`/api/service-a`)".into()),
            router_service: Some("service-a@docker".into()),
            service: Some("service-a@docker".into()),
            server_url: Some("http://172.18.0.3:8000".into()),
            names: NameSource::Probes,
            internal: false,
            unrouted: false,
            overhead: 2_600_000,
            announced_client: None,
        }),
        attempts: vec![attempt(0xc0de)],
        kept: Kept::default(),
    }
}

/// A body that was captured whole.
pub(crate) fn content(content_type: &str, bytes: impl Into<Bytes>) -> Content {
    let bytes = bytes.into();
    let seen = bytes.len() as u64;
    let captured = Captured { bytes, seen, content_type: Some(content_type.into()), ..Captured::default() };
    Content { captured, ..Content::default() }
}

/// With bodies of every kind: JSON, gzip, an image, one that was cut, one that cannot be shown, and an empty one.
pub(crate) fn full() -> Exchange {
    let mut exchange = detailed();
    exchange.kept.level = Level::Full;
    let named = br#"{"name": "Alice", "role": "admin"}"#;
    let told = br#"{"service":"service-a","method":"POST"}"#;
    let mut squeezed = content("application/json", body::sample::encode("gzip", told));
    squeezed.captured.content_encoding = Some("gzip".into());
    squeezed.urls = vec!["s3://traffic/egress-response".into(), "file:///spool/egress-response".into()];
    let mut hidden = content("application/json", Bytes::new());
    hidden.captured.seen = 34;
    hidden.captured.truncated = true;
    hidden.withheld = Some(Failed::Json(17));
    if let Some(server) = &mut exchange.server {
        let mut response = content("text/plain; charset=utf-8", &b"bell\x07 \x1b[2J\r\n\ttab\xc3\xa4 \xc3"[..]);
        // Not text, for the control characters.
        response.captured.seen = 151;
        response.captured.truncated = true;
        let request = Some(content("application/json", &named[..]));
        server.hop.contents = Some(Box::new(Contents { request, response: Some(response) }));
    }
    exchange.attempts[0].hop.contents = Some(Box::new(Contents { request: Some(hidden), response: Some(squeezed) }));
    let mut retry = attempt(0xdead);
    let png = content("image/png", &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..]);
    let mut cut = content("text/plain", "first line\r\nsecond\tline, cut in the middle of a w");
    cut.captured.seen = 4096;
    cut.captured.truncated = true;
    retry.hop.contents = Some(Box::new(Contents { request: Some(png), response: Some(cut) }));
    exchange.attempts.push(retry);
    exchange
}

/// The same with headers, secrets among them.
pub(crate) fn detailed() -> Exchange {
    let mut exchange = exchange();
    if let Some(server) = &mut exchange.server {
        server.hop.query = Some("page=2&sig=s3cret".into());
        server.hop.request_headers = Headers::new(
            b"Host: localhost:8083\r\nUser-Agent: curl/7.81.0\r\nAuthorization: Bearer s3cret\r\n\
              Accept: text/html\r\naccept: */*\r\nContent-Type: application/json\r\n\r\n",
        );
        server.hop.response_headers = Headers::new(b"Content-Type: application/json\r\nSet-Cookie: id=s3cret\r\n\r\n");
    }
    exchange.attempts[0].hop.request_headers =
        Headers::new(b"X-Forwarded-For: 172.18.0.1\r\nX-Forwarded-Proto: http\r\n");
    exchange
}

/// A dial that was refused, and the retry that reached another server; named by the API, under a remote parent.
pub(crate) fn retried() -> Exchange {
    let mut exchange = exchange();
    let server = exchange.server.as_mut().into_iter().next();
    if let Some(server) = server {
        server.names = NameSource::Api;
        server.context.parent = Some(0x00f0_67aa_0ba9_02b7);
        server.context.parent_is_remote = true;
        server.context.sampled = Some(true);
        server.context.trace_state = Some("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7".into());
        server.announced_client = Some(([203, 0, 113, 7], 40000).into());
    }
    let mut refused = attempt(0xdead);
    refused.link = Some(Link::Inferred);
    refused.server_url = Some("http://172.18.0.9:8000".into());
    *refused.hop = Hop {
        first_byte: None,
        end: START + 390_000,
        start: START + 300_000,
        status: None,
        error: Some(ErrorKind::ConnectionRefused),
        peer: ([172, 18, 0, 9], 8000).into(),
        request: Body::default(),
        response: Body::default(),
        ..*attempt(0).hop
    };
    exchange.attempts[0].resend_count = 1;
    exchange.attempts[0].container = Some("demo-service-a-1".into());
    exchange.attempts.insert(0, refused);
    exchange
}

/// No router, no backend: 404 from Traefik itself, with a method that nobody knows.
pub(crate) fn unrouted() -> Exchange {
    let mut exchange = exchange();
    exchange.attempts.clear();
    if let Some(server) = &mut exchange.server {
        server.router = None;
        server.rule = None;
        server.service = None;
        server.server_url = None;
        server.names = NameSource::None;
        server.overhead = 200_000;
        server.hop.method = Method::Other("BREW".into());
        server.hop.end = START + 200_000;
        server.hop.first_byte = Some(START + 190_000);
        server.hop.status = Some(404);
        server.hop.host = None;
        server.hop.path = "/coffee".into();
        server.hop.user_agent = None;
        server.hop.request = Body::default();
        server.hop.response = Body { size: 19, wire: 19, incomplete: false };
    }
    exchange
}

/// A WebSocket session whose backend went away.
pub(crate) fn upgraded() -> Exchange {
    let mut exchange = exchange();
    if let Some(server) = &mut exchange.server {
        server.hop.method = Method::Get;
        server.hop.status = Some(101);
        server.hop.upgraded = Some("websocket".into());
        server.hop.end = START + 125_000_000_000;
        server.hop.tls = Some(Arc::default());
    }
    let attempt = &mut exchange.attempts[0];
    attempt.hop.method = Method::Get;
    attempt.hop.status = Some(101);
    attempt.hop.upgraded = Some("websocket".into());
    attempt.hop.error = Some(ErrorKind::ConnectionReset);
    attempt.hop.response.incomplete = true;
    exchange
}

/// A health check that failed: it belongs to no client request.
pub(crate) fn health_check() -> Exchange {
    let mut exchange = exchange();
    exchange.server = None;
    let attempt = &mut exchange.attempts[0];
    attempt.role = Role::HealthCheck;
    attempt.link = None;
    attempt.router = None;
    attempt.entrypoint = None;
    attempt.context.parent = None;
    attempt.hop.method = Method::Get;
    attempt.hop.path = "/health".into();
    attempt.hop.status = Some(503);
    attempt.hop.peer = "[fd00::3]:8000".parse().unwrap_or(attempt.hop.peer);
    exchange
}

/// Compares with `golden/{file}` beside this file; `UPDATE=1` writes it instead.
#[track_caller]
pub(crate) fn golden(file: &str, got: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/export/golden").join(file);
    if std::env::var_os("UPDATE").is_some() {
        let folder = path.parent().unwrap_or(&path);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, got))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let expected = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; write it with UPDATE=1", path.display()));
    assert!(got == expected, "{file} differs (UPDATE=1 rewrites it)\n--- expected\n{expected}\n--- got\n{got}");
}
