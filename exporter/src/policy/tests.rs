//! What files say of exchanges, hop by hop.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::{Asked, Facts, Policy, Responded};
use crate::config;
use crate::exchange::{Exchange, Headers, Kept, Level, Method, Version};
use crate::export::sample;

fn policy(file: &str) -> Policy {
    let loaded = config::read("file", file, &|_| None).unwrap_or_else(|report| panic!("{report}"));
    Policy::of(&loaded.configuration, None)
}

/// A stack with this base level and these rules: expression and level.
fn rules(level: &str, rules: &[(&str, &str)]) -> String {
    let mut file = format!(
        "version: 2\nstacks:\n  s:\n    plugins:\n      - type: http_capture\n        config:\n          level: {level}\n"
    );
    if !rules.is_empty() {
        file.push_str("          rules:\n");
    }
    for (expression, level) in rules {
        file.push_str(&format!(
            "            - name: r\n              expr: '{expression}'\n              level: {level}\n"
        ));
    }
    file + "tap:\n  http:\n    stack: s\n"
}

#[track_caller]
fn check(file: &str, exchange: &Exchange, level: Level) {
    assert_eq!(policy(file).judge(exchange, None).level, level, "{file}");
}

/// `GET /api/users?page=2` for service-a.test; the backend is asked for `/users`, and both answer 200.
fn exchange() -> Exchange {
    let mut exchange = sample::detailed();
    exchange.server.as_mut().unwrap().hop.path = "/api/users".into();
    exchange.attempts[0].hop.path = "/users".into();
    exchange
}

#[test]
fn either_hop_selects_both() {
    let exchange = exchange();
    check(&rules("none", &[("http.req.path == \"/api/users\"", "full")]), &exchange, Level::Full);
    check(&rules("none", &[("http.req.path == \"/users\"", "full")]), &exchange, Level::Full);
    check(&rules("none", &[("http.req.path == \"/other\"", "full")]), &exchange, Level::None);
    // Both conditions on one hop, or it is no match.
    let across = "http.req.path == \"/users\" && direction == \"ingress\"";
    check(&rules("summary", &[(across, "full")]), &exchange, Level::Summary);
    check(&rules("none", &[("direction == \"egress\"", "details")]), &exchange, Level::Details);
}

#[test]
fn the_most_detailed_of_all_that_match() {
    let exchange = exchange();
    let any = "http.res.status >= 100";
    check(&rules("none", &[(any, "summary"), (any, "full"), (any, "details")]), &exchange, Level::Full);
    check(&rules("full", &[(any, "summary")]), &exchange, Level::Full);
    // Read from the top: a rule of level none ends it.
    check(&rules("full", &[(any, "none")]), &exchange, Level::None);
    check(&rules("none", &[(any, "full"), (any, "none"), (any, "full")]), &exchange, Level::None);
    check(&rules("summary", &[("http.res.status == 418", "none"), (any, "details")]), &exchange, Level::Details);
}

#[test]
fn fields_of_an_exchange() {
    let exchange = exchange();
    let server = exchange.server.as_ref().unwrap();
    let holds = |expression: &str| check(&rules("none", &[(expression, "full")]), &exchange, Level::Full);
    holds("http.req.method == \"GET\" || http.req.method == \"POST\"");
    holds("http.req.query != \"\"");
    holds("http.res.duration_ms > 0.001 && http.res.size >= 0");
    holds(&format!("client.ip == {}", server.announced_client.unwrap_or(server.hop.peer).ip()));
    holds(&format!("dst.port == {}", exchange.attempts[0].hop.peer.port()));
    holds(&format!("traefik.router == \"{}\"", server.router.as_deref().unwrap()));
    holds(&format!("trace.id == \"{:032x}\"", server.context.trace_id));
    holds("http.res.headers.content-type contains \"json\"");
    holds("src.process.path != \"\" && tls == false");
    let fails = |expression: &str| check(&rules("none", &[(expression, "full")]), &exchange, Level::None);
    fails("http.req.headers.x-nowhere != \"\"");
    fails("tags contains \"x\"");
    fails("src.process.user == \"root\"");
}

#[test]
fn the_host_is_a_header_in_every_version() {
    let mut exchange = exchange();
    let server = exchange.server.as_mut().unwrap();
    server.hop.host = Some("tenant-a.test:8000".into());
    server.hop.version = Version::Http2;
    server.hop.request_headers = Headers::new(b"accept: */*\r\n");
    check(&rules("none", &[(r"http.req.headers.host matches /^tenant-a\./", "full")]), &exchange, Level::Full);
}

#[test]
fn endpoints_have_stacks_of_their_own() {
    let file = "version: 2
stacks:
  all: {plugins: [{type: http_capture, config: {level: full, format: json}}]}
tap:
  endpoints:
    - {domain: api.test, http: {stack: all}}
    - {domain: '*.quiet.test', http: {stack: none}}
";
    let at = |host: &str, level: Level| {
        let mut exchange = exchange();
        exchange.server.as_mut().unwrap().hop.host = Some(host.into());
        check(file, &exchange, level);
    };
    at("api.test", Level::Full);
    at("API.test:8443", Level::Full);
    at("x.api.test", Level::Summary);
    at("a.quiet.test", Level::None);
    at("quiet.test", Level::Summary);
    at("[::1]:80", Level::Summary);
}

#[test]
fn what_is_told_later_follows() {
    let policy = policy(&rules("summary", &[("http.req.path == \"/api/users\"", "full")]));
    let mut late = exchange();
    late.server = None;
    let level =
        |before: Option<Level>| policy.judge(&late, before.map(|level| Kept { level, ..Kept::default() })).level;
    assert_eq!(level(None), Level::Summary);
    assert_eq!(level(Some(Level::Full)), Level::Full);
    assert_eq!(level(Some(Level::None)), Level::None);
}

#[test]
fn hops_that_are_not_told() {
    let check = |tap: &str, server: bool, attempts: usize, level: Level| {
        let policy = policy(&format!("version: 2\ntap: {{{tap}}}\n"));
        let mut exchange = exchange();
        exchange.kept = policy.judge(&exchange, None);
        policy.narrow(&mut exchange);
        let told = (exchange.server.is_some(), exchange.attempts.len(), exchange.kept.level);
        assert_eq!(told, (server, attempts, level), "{tap}");
        exchange
    };
    check("direction: all", true, 1, Level::Summary);
    check("direction: ingress", true, 0, Level::Summary);
    let egress = check("direction: egress", false, 1, Level::Summary);
    let whole = exchange();
    assert_eq!(egress.attempts[0].context.parent, whole.server.unwrap().context.parent);
    check("direction: egress-internal", false, 1, Level::Summary);
    check("direction: egress-external", false, 0, Level::None);
    check("direction: all, ignore_loopback: true", true, 1, Level::Summary);
}

#[test]
fn what_is_asked_for_is_kept() {
    let check = |file: &str, headers: bool, bodies: bool| {
        let policy = policy(file);
        assert_eq!((policy.wants_headers(), policy.wants_bodies()), (headers, bodies), "{file}");
    };
    check(&rules("summary", &[]), false, false);
    check(&rules("summary", &[("http.res.status >= 500", "none")]), false, false);
    check(&rules("none", &[("http.req.headers.x-a != \"\"", "summary")]), true, false);
    check(&rules("none", &[("http.res.status >= 500", "details")]), true, false);
    check(&rules("none", &[("http.res.status >= 500", "full")]), true, true);
    check(&rules("full", &[]), true, true);
    assert!(policy(&rules("full", &[])).is_full() && !policy(&rules("none", &[("tls", "full")])).is_full());
    // Nothing goes there.
    let unused = rules("full", &[]).replace("    stack: s\n", "    stack: none\n");
    check(&unused, false, false);
}

/// A request for `/upload` that still goes by, answered with this status so far.
fn under_way(path: &'static str, status: Option<u16>) -> Facts<'static> {
    static HEADERS: std::sync::LazyLock<Headers> = std::sync::LazyLock::new(Headers::default);
    let address = "127.0.0.1:80".parse().unwrap();
    let asked = Asked {
        method: &Method::Post,
        path,
        query: None,
        absolute: None,
        host: None,
        version: Version::Http11,
        headers: &HEADERS,
    };
    let answered = status.map(|status| Responded { status, headers: &HEADERS });
    Facts::under_way(Some(asked), answered, address, address)
}

#[test]
fn reach() {
    let check = |rule: &str, client: Facts<'_>, backend: Facts<'_>, reached: bool| {
        let policy = policy(&rules("summary", &[(rule, "full")]));
        assert_eq!(policy.may_be_full(&[client, backend]), reached, "{rule}");
    };
    let path = r#"http.req.path == "/upload""#;
    let errors = "http.res.status >= 500";
    check(path, under_way("/upload", None), under_way("/x", None), true);
    check(path, under_way("/x", None), under_way("/upload", None), true);
    check(path, under_way("/x", None), under_way("/y", None), false);
    check(errors, under_way("/x", None), under_way("/y", None), true);
    check(errors, under_way("/x", None), under_way("/y", Some(200)), true);
    check(errors, under_way("/x", Some(200)), under_way("/y", Some(200)), false);
    check(errors, under_way("/x", Some(200)), under_way("/y", Some(503)), true);
    check("http.res.duration_ms > 10", under_way("/x", Some(200)), under_way("/y", Some(200)), true);
    let both = r#"http.req.path == "/upload" && http.res.status >= 500"#;
    check(both, under_way("/x", None), under_way("/y", None), false);
    check(both, under_way("/upload", None), under_way("/y", None), true);
    check("traefik.router == \"r@file\"", under_way("/x", Some(200)), under_way("/y", Some(200)), true);
}
