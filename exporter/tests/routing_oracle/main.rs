//! The routing table against the real Traefik: what its access log says of each request is the truth.
//!
//! Hundreds of random requests go to a Traefik with random rules. `HOPTAP_RECORD=<file>` writes the first run down
//! for the unit tests, which then need no Traefik; `HOPTAP_SEED=<number>` tries other cases.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod random;
mod traefik;

use std::net::IpAddr;

use hoptap::exchange::{Headers, Version};
use hoptap::traefik::{Request, Table};
use random::Random;
use serde_json::{Value, json};
use traefik::{Sent, Traefik};

/// Random rules in one configuration, and requests sent to each of them.
const RULES: usize = 120;
const REQUESTS_PER_RULE: usize = 10;

#[test]
fn agrees_with_the_access_log() {
    let mut configuration = fixed_routers();
    add_random_routers(&mut configuration, "v3", &mut Random::new(1 + seed()));
    add_random_routers(&mut configuration, "v2", &mut Random::new(2 + seed()));
    check("v3", &configuration, &mut Random::new(3 + seed()), std::env::var("HOPTAP_RECORD").ok());
}

#[test]
fn agrees_with_the_access_log_where_v2_is_the_default() {
    let mut configuration = json!({"http": {"routers": {}, "services": services()}});
    add_random_routers(&mut configuration, "", &mut Random::new(4 + seed()));
    check("v2", &configuration, &mut Random::new(5 + seed()), None);
}

/// Routers written by hand: layers, priorities, clones of entrypoint models, what Traefik refuses.
fn fixed_routers() -> Value {
    let routers = json!({
        "catch": {"rule": "PathPrefix(`/`)", "priority": 1, "service": "one", "entryPoints": ["web"]},
        "api-prefix": {"rule": "PathPrefix(`/api`)", "service": "one", "entryPoints": ["web", "raw"]},
        "api-host": {"rule": "Host(`API.test`) && PathPrefix(`/api`)", "service": "weighted"},
        "tls-only": {"rule": "Host(`api.test`) && PathPrefix(`/api`) && PathPrefix(`/`)", "service": "one", "tls": {}},
        "mirrored": {"rule": "Host(`mirror.test`)", "service": "mirrored", "entryPoints": ["web"]},
        "failing": {"rule": "Host(`fail.test`)", "service": "failing", "entryPoints": ["web"]},
        "hashed": {"rule": "Host(`hash.test`)", "service": "hashed", "entryPoints": ["web"]},
        "parent": {"rule": "Host(`tree.test`)", "entryPoints": ["web", "raw"]},
        "child-a": {"rule": "PathPrefix(`/a`)", "service": "one", "parentRefs": ["parent"]},
        "child-b": {"rule": "PathPrefix(`/b`)", "parentRefs": ["parent@file"]},
        "leaf-b1": {"rule": "Path(`/b/1`)", "service": "two", "parentRefs": ["child-b"]},
        "leaf-b2": {"rule": "Method(`POST`)", "service": "noop@internal", "parentRefs": ["child-b"]},
        "both": {"rule": "Host(`both.test`)", "service": "one", "entryPoints": ["web"]},
        "below-both": {"rule": "PathPrefix(`/a`)", "service": "two", "parentRefs": ["both"]},
        "gone-service": {"rule": "Host(`gone.test`)", "service": "gone", "entryPoints": ["web"]},
        "broken-rule": {"rule": "Host(`broken.test`", "service": "one", "entryPoints": ["web"]},
        "gone-entrypoint": {"rule": "Host(`half.test`)", "service": "two", "entryPoints": ["web", "nowhere"]},
        "mounted-api": {"rule": "Host(`api.internal.test`)", "service": "api@internal", "entryPoints": ["web"]},
        "negative": {"rule": "Host(`low.test`)", "priority": -5, "service": "two", "entryPoints": ["web"]},
        "tie-1": {"rule": "Host(`tie.test`) && PathPrefix(`/x`)", "priority": 500, "service": "one"},
        "tie-2": {"rule": "Host(`tie.test`) && Method(`GET`)", "priority": 500, "service": "two"},
        "forwarded": {"rule": "Header(`X-Forwarded-Proto`, `https`) && Header(`X-Forwarded-Port`, `80`)", "service": "two"},
        "named-client": {"rule": "Header(`X-Real-Ip`, `127.0.0.3`) && Path(`/who`)", "service": "two"},
        "upgrade": {"rule": "HeaderRegexp(`Connection`, `(?i)upgrade`)", "service": "two", "priority": 9000},
    });
    json!({"http": {"routers": routers, "services": services()}})
}

fn services() -> Value {
    // Port 1 refuses: Traefik answers 502, and its log names the service all the same.
    json!({
        "one": {"loadBalancer": {"servers": [{"url": "http://127.0.0.1:1"}]}},
        "checked": {"loadBalancer": {"servers": [{"url": "http://127.0.0.5:1"}], "healthCheck": {"path": "/", "interval": "1h"}}},
        "two": {"loadBalancer": {"servers": [{"url": "http://127.0.0.2:1/base"}]}},
        "pair": {"loadBalancer": {"servers": [{"url": "http://127.0.0.3:1"}, {"url": "http://127.0.0.4:1"}]}},
        "weighted": {"weighted": {"services": [{"name": "one", "weight": 1}, {"name": "pair", "weight": 1}]}},
        "hashed": {"highestRandomWeight": {"services": [{"name": "one", "weight": 1}, {"name": "two", "weight": 1}]}},
        "mirrored": {"mirroring": {"service": "two", "mirrors": [{"name": "one", "percent": 100}]}},
        "failing": {"failover": {"service": "checked", "fallback": "two"}},
    })
}

/// Each rule stands behind a header field of its own, so that a request asks one of them and no other.
fn add_random_routers(configuration: &mut Value, syntax: &str, random: &mut Random) {
    let v2 = syntax != "v3";
    let routers = configuration["http"]["routers"].as_object_mut().unwrap();
    for index in 0..RULES {
        let name = format!("random-{}-{index}", if v2 { "v2" } else { "v3" });
        let pick = if v2 { "Headers" } else { "Header" };
        let rule = format!("{pick}(`X-Pick`, `{name}`) && ({})", random.rule(v2, 2));
        let priority = 10_000 + routers.len();
        let mut router = json!({"rule": rule, "service": "one", "priority": priority});
        if !syntax.is_empty() {
            router["ruleSyntax"] = syntax.into();
        }
        routers.insert(name, router);
    }
}

fn check(default_syntax: &str, configuration: &Value, random: &mut Random, record: Option<String>) {
    let mut traefik = Traefik::start(default_syntax, configuration);
    let table = Table::new(&traefik.raw_data, Some(&traefik.entrypoints), None).unwrap();
    // Of all the rules, Traefik refuses only the one that is broken on purpose.
    for warning in table.warnings() {
        assert!(warning.contains("gone-") || warning.contains("broken"), "{warning}");
    }

    let names: Vec<String> = configuration["http"]["routers"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| name.starts_with("random-"))
        .cloned()
        .collect();
    let mut sent = Vec::new();
    for _ in 0..REQUESTS_PER_RULE {
        for name in &names {
            let request = random.request(Some(name));
            sent.push(traefik.send(request));
        }
    }
    for _ in 0..REQUESTS_PER_RULE * 50 {
        let request = random.request(None);
        sent.push(traefik.send(request));
    }
    traefik.collect(&mut sent);

    let mut wrong = Vec::new();
    let mut tally = Tally::default();
    for sent in &sent {
        wrong.extend(disagreement(&table, sent, &mut tally));
    }
    assert!(
        wrong.is_empty(),
        "{} of {} disagree:\n{}",
        wrong.len(),
        sent.len(),
        wrong.iter().take(20).cloned().collect::<Vec<_>>().join("\n")
    );
    // A comparison of nothing with nothing would agree as well.
    assert!(tally.routed > sent.len() / 5, "{tally:?}");
    assert!(tally.unrouted > sent.len() / 100, "{tally:?}");
    assert!(tally.refused > 5 && tally.ambiguous < sent.len() / 50, "{tally:?}");
    if let Some(path) = record {
        traefik.record(&path, &sent);
    }
}

/// Other cases for whoever wants more of them.
fn seed() -> u64 {
    std::env::var("HOPTAP_SEED").map_or(0, |seed| seed.parse().unwrap())
}

#[derive(Debug, Default)]
struct Tally {
    routed: usize,
    unrouted: usize,
    refused: usize,
    ambiguous: usize,
}

fn disagreement(table: &Table, sent: &Sent, tally: &mut Tally) -> Option<String> {
    let block = sent.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let headers = Headers::new(block.collect::<String>().as_bytes());
    let request = Request {
        entrypoint: &sent.entrypoint,
        tls: false,
        version: if sent.version == "HTTP/1.0" { Version::Http10 } else { Version::Http11 },
        method: &sent.method,
        host: &sent.host,
        path: &sent.path,
        query: sent.query.as_deref(),
        headers: &headers,
        client: sent.client.parse::<IpAddr>().ok(),
    };
    let found = table.resolve(&request);
    if found.refusal.is_some() || sent.log.is_none() {
        tally.refused += 1;
        let agree = found.refusal.is_some() == sent.log.is_none();
        return (!agree).then(|| format!("refusal {:?} for {sent:?}", found.refusal));
    }
    if found.ambiguous {
        tally.ambiguous += 1;
        return None;
    }
    let log = sent.log.as_ref().unwrap();
    let logged = |name: &str| log.get(name).and_then(Value::as_str);
    if found.router.is_some() {
        tally.routed += 1;
    } else {
        tally.unrouted += 1;
    }
    let service = logged("ServiceName");
    let url = logged("ServiceURL");
    let candidates_hold = service.is_none()
        || found.internal
        || found.servers.iter().any(|server| Some(&*server.service) == service && Some(&*server.url) == url);
    let agree = found.router.as_deref() == logged("RouterName")
        && candidates_hold
        && (found.leaf.is_none() || found.leaf.as_deref() == service)
        && (found.server_url.is_none() || found.server_url.as_deref() == url)
        && found.entrypoint.as_deref() == logged("entryPointName");
    (!agree).then(|| {
        let rule = found.rule.as_deref().unwrap_or_default();
        format!("found {:?} {:?} {:?} for {sent:?}\n  rule {rule}", found.router, found.leaf, found.server_url)
    })
}
