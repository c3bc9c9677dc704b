//! Exchanges made by hand.

use std::sync::Arc;

use crate::event::{Name, Process};
use crate::exchange::{
    Attempt, Body, Context, ErrorKind, Exchange, Headers, Hop, Kept, Link, Method, NameSource, Role, Server, Version,
};

/// 2026-07-01T00:00:00Z.
const START: u64 = 1_782_864_000_000_000_000;

/// `200 12.5ms 34>151`: status (or an error kind), duration, body sizes.
pub(super) fn hop(method: &str, what: &str) -> Hop {
    let words: Vec<&str> = what.split(' ').collect();
    let (request, response) = words[2].split_once('>').unwrap();
    let duration: f64 = words[1].strip_suffix("ms").unwrap().parse().unwrap();
    let status = words[0].parse().ok();
    let error = match words[0] {
        "refused" => Some(ErrorKind::ConnectionRefused),
        "timeout" => Some(ErrorKind::Timeout),
        _ => None,
    };
    let body = |size: &str| Body { size: size.parse().unwrap(), ..Body::default() };
    Hop {
        start: START,
        first_byte: None,
        end: START + (duration * 1e6) as u64,
        method: Method::parse(method),
        path: "/users".into(),
        query: None,
        absolute: None,
        host: None,
        user_agent: None,
        version: Version::Http11,
        status,
        error,
        tls: None,
        local: ([172, 18, 0, 2], 80).into(),
        peer: ([172, 18, 0, 9], 8000).into(),
        request: body(request),
        response: body(response),
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

fn context(span_id: u64) -> Context {
    Context {
        trace_id: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c,
        span_id,
        parent: None,
        parent_is_remote: false,
        sampled: Some(false),
        trace_state: None,
    }
}

pub(super) fn name(text: &str) -> Option<Name> {
    (!text.is_empty()).then(|| text.into())
}

pub(super) fn server(names: [&str; 3], overhead: u64, hop: Hop) -> Server {
    Server {
        context: context(0xb7ad),
        hop: Box::new(hop),
        entrypoint: name(names[0]),
        router: name(names[1]),
        rule: None,
        router_service: name(names[2]),
        service: name(names[2]),
        server_url: None,
        names: NameSource::Probes,
        internal: names[1].ends_with("@internal"),
        unrouted: false,
        overhead,
        announced_client: None,
    }
}

fn attempt(role: Role, names: [&str; 3], hop: Hop) -> Attempt {
    Attempt {
        context: context(0xc0de),
        hop: Box::new(hop),
        role,
        resend_count: 0,
        service: name(names[1]),
        server_url: name(names[2]),
        container: None,
        link: (role != Role::HealthCheck).then_some(Link::Exact),
        router: name(names[0]),
        entrypoint: name("web"),
    }
}

pub(super) fn exchange(server: Option<Server>, attempts: Vec<Attempt>) -> Exchange {
    Exchange { process: Arc::new(Process::default()), pid: 7, server, attempts, kept: Kept::default() }
}

/// One of each kind that the labels tell apart.
pub(super) fn traffic() -> Vec<Exchange> {
    let users = ["web", "users@docker", "users@docker"];
    let backend = ["users@docker", "users@docker", "http://users:8000"];
    let mut secure = server(users, 2_600_000, hop("POST", "200 8.1ms 34>151"));
    secure.hop.tls = Some(Arc::default());
    secure.context.sampled = Some(true);
    let mut inferred = attempt(Role::Backend, backend, hop("POST", "200 5.5ms 34>151"));
    inferred.link = Some(Link::Inferred);
    // Its container's name stands for its URL.
    let shadow = ["users@docker", "shadow@file", "http://shadow:81"];
    let mut contained = attempt(Role::Mirror, shadow, hop("POST", "200 20ms 34>1"));
    contained.container = name("demo-shadow-1");
    vec![
        exchange(Some(secure), vec![inferred]),
        // A refused dial, then a retry that reached a server whose URL is not known.
        exchange(
            Some(server(users, 60_000, hop("GET", "200 3ms 0>2000"))),
            vec![
                attempt(Role::Backend, backend, hop("GET", "refused 0.4ms 0>0")),
                attempt(Role::Backend, ["users@docker", "users@docker", ""], hop("GET", "200 2.4ms 0>2000")),
            ],
        ),
        exchange(
            Some(server(["web", "auth@file -> deny@file", ""], 900_000, hop("GET", "403 4ms 0>9"))),
            vec![attempt(
                Role::ForwardAuth,
                ["auth@file -> deny@file", "", "https://[fd00::3]/auth"],
                hop("GET", "403 3.1ms 0>9"),
            )],
        ),
        exchange(
            Some(server(users, 500, hop("GET", "504 200ms 0>15"))),
            vec![attempt(Role::Backend, backend, hop("GET", "timeout 199ms 0>0"))],
        ),
        exchange(Some(server(["web", "", ""], 0, hop("BREW", "404 0.2ms 0>19"))), vec![]),
        exchange(Some(server(["traefik", "api@internal", "api@internal"], 0, hop("GET", "200 1ms 0>70000"))), vec![]),
        exchange(
            None,
            vec![attempt(Role::HealthCheck, ["", "users@docker", "http://users:8000"], hop("GET", "503 1ms 0>0"))],
        ),
        exchange(None, vec![contained]),
    ]
}
