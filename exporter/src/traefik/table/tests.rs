#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use serde::Deserialize;

use super::*;
use crate::exchange::{Headers, Version};

/// Made by `HOPTAP_RECORD=… cargo test --test routing_oracle` from the access log of a real Traefik 3.6.12.
const RECORDED: &str = include_str!("../../../tests/data/routing_oracle.ndjson");

#[derive(Deserialize)]
struct Recording {
    rawdata: String,
    entrypoints: String,
}

#[derive(Debug, Deserialize)]
struct Case {
    entrypoint: String,
    version: String,
    method: String,
    host: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    client: String,
    refused: bool,
    router: Option<String>,
    service: Option<String>,
    url: Option<String>,
}

#[test]
fn recorded_requests_go_where_they_went() {
    let mut lines = RECORDED.lines();
    let recording: Recording = serde_json::from_str(lines.next().unwrap()).unwrap();
    let table = Table::new(&recording.rawdata, Some(&recording.entrypoints), None).unwrap();
    let mut compared = 0;
    for line in lines {
        let case: Case = serde_json::from_str(line).unwrap();
        let block: String = case.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = Headers::new(block.as_bytes());
        let found = table.resolve(&Request {
            entrypoint: &case.entrypoint,
            tls: false,
            version: if case.version == "HTTP/1.0" { Version::Http10 } else { Version::Http11 },
            method: &case.method,
            host: &case.host,
            path: &case.path,
            query: case.query.as_deref(),
            headers: &headers,
            client: case.client.parse().ok(),
        });
        assert_eq!(found.refusal.is_some(), case.refused, "{line}");
        if found.ambiguous {
            continue;
        }
        compared += 1;
        assert_eq!(found.router, case.router.map(Name::from), "{line}");
        let taken = case.service.zip(case.url);
        if let Some((service, url)) = taken {
            assert!(found.servers.iter().any(|server| *server.service == *service && *server.url == *url), "{line}");
            assert!(found.leaf.is_none_or(|leaf| *leaf == *service), "{line}");
            assert!(found.server_url.is_none_or(|found| *found == *url), "{line}");
        }
    }
    assert!(compared > 300, "only {compared} recorded requests were compared");
}

const RAW: &str = r#"{"routers":{
    "web@file":{"using":["web"],"rule":"PathPrefix(`/`)","service":"one","status":"enabled"},
    "exact@docker":{"using":["web"],"rule":"Host(`a`)","service":"both@file","priority":100,"status":"enabled"},
    "tls@file":{"using":["web"],"rule":"Host(`a`)","service":"one","tls":{},"status":"enabled"},
    "off@file":{"using":["web"],"rule":"Host(`off`)","service":"one","priority":900,"status":"disabled","error":["no"]},
    "warn@file":{"using":["web"],"rule":"Host(`warn`)","service":"one","priority":900,"status":"warning","error":["x"]},
    "old@file":{"entryPoints":["old"],"rule":"Host(`a`, `b`)","ruleSyntax":"v2","service":"one","status":"enabled"},
    "default@internal":{"using":["old"],"rule":"Path(`/{x}`)","ruleSyntax":"default","service":"ping@internal","priority":9223372036854775807},
    "t1@file":{"using":["web"],"rule":"Host(`tie`)","service":"one","priority":50},
    "t2@file":{"using":["web"],"rule":"Host(`tie`) && Path(`/x`)","service":"two","priority":50},
    "red@internal":{"using":["web"],"rule":"Host(`red`)","service":"noop@internal","priority":9223372036854775806},
    "p@file":{"using":["web"],"rule":"Host(`tree`)","priority":200,"status":"enabled"},
    "c@file":{"rule":"PathPrefix(`/c`)","service":"one","parentRefs":["p@file","q@file"],"status":"enabled"},
    "d@file":{"rule":"PathPrefix(`/c`) && Method(`GET`)","service":"one","parentRefs":["p@file"],"error":["warned"],"status":"warning"},
    "q@file":{"rule":"PathPrefix(`/q`)","parentRefs":["p@file"],"status":"enabled"},
    "loop@file":{"rule":"Path(`/`)","parentRefs":["loop@file"],"status":"disabled"},
    "childless@file":{"using":["web"],"rule":"Host(`none`)","priority":300,"status":"enabled"},
    "bad@file":{"using":["web"],"rule":"Host(","service":"one","status":"enabled"}},
  "services":{
    "one@file":{"loadBalancer":{"servers":[{"url":"http://10.0.0.1:80"}]}},
    "two@file":{"loadBalancer":{"servers":[{"url":"http://10.0.0.2:80"},{"url":"http://10.0.0.3:80"}]}},
    "both@file":{"weighted":{"services":[{"name":"one"},{"name":"two"}]}},
    "ping@internal":{},"noop@internal":{}}}"#;

/// `entrypoint[+tls] host path` against `router | service | leaf | url` and what else is to say.
fn check(table: &Table, request: &str, expected: &str) {
    let [entrypoint, host, path] = request.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{request}");
    };
    let found = table.resolve(&Request {
        entrypoint: entrypoint.trim_end_matches("+tls"),
        tls: entrypoint.ends_with("+tls"),
        version: Version::Http11,
        method: "GET",
        host,
        path,
        query: None,
        headers: &Headers::default(),
        client: None,
    });
    let part = |name: &Option<Name>| name.as_deref().unwrap_or("-").to_owned();
    let mut text = [&found.router, &found.service, &found.leaf, &found.server_url].map(part).join(" | ");
    for (flag, word) in
        [(found.internal, " internal"), (found.ambiguous, " ambiguous"), (found.refusal.is_some(), " refused")]
    {
        if flag {
            text.push_str(word);
        }
    }
    assert_eq!(text, expected, "{request}");
}

#[test]
fn routers_take_requests() {
    let table = Table::new(RAW, None, None).unwrap();
    for (request, expected) in [
        ("web x /", "web@file | one@file | one@file | http://10.0.0.1:80"),
        ("web a /", "exact@docker | both@file | - | -"),
        ("web+tls a /", "tls@file | one@file | one@file | http://10.0.0.1:80"),
        ("web+tls b /", "- | - | - | -"),
        ("web off /", "web@file | one@file | one@file | http://10.0.0.1:80"),
        ("web warn /", "warn@file | one@file | one@file | http://10.0.0.1:80"),
        ("old b /", "old@file | one@file | one@file | http://10.0.0.1:80"),
        ("old c /x", "- | - | - | -"),
        ("old c /{x}", "default@internal | ping@internal | - | - internal"),
        ("web tie /", "t1@file | one@file | one@file | http://10.0.0.1:80"),
        ("web tie /x", "t1@file | one@file | one@file | http://10.0.0.1:80 ambiguous"),
        ("web red /", "red@internal | noop@internal | - | - internal"),
        ("web tree /c", "p@file -> c@file | one@file | one@file | http://10.0.0.1:80"),
        ("web tree /q", "p@file -> q@file | - | - | -"),
        ("web tree /", "p@file | - | - | -"),
        ("web none /", "web@file | one@file | one@file | http://10.0.0.1:80"),
        ("web a /#", "- | - | - | - refused"),
        ("nowhere a /", "- | - | - | -"),
    ] {
        check(&table, request, expected);
    }
    assert!(table.warnings().iter().any(|warning| warning.contains("bad@file")), "{:?}", table.warnings());
}

#[test]
fn before_version_3_rules_are_v2() {
    let raw = r#"{"routers":{"r@file":{"entryPoints":["web"],"using":["web"],"service":"s",
        "rule":"Host(`a`,`b`) && Path(`/{id:[0-9]+}`)","status":"enabled"}}}"#;
    let old = Table::new(raw, None, Some("2.11.4")).unwrap();
    check(&old, "web b /42", "r@file | s@file | - | -");
    check(&old, "web b /x", "- | - | - | -");
    check(&Table::new(raw, None, Some("3.1.0")).unwrap(), "web b /42", "- | - | - | -");
}

#[test]
fn entrypoints_come_by_address() {
    let table = Table::new("{}", Some(r#"[{"name":"web","address":":80"}]"#), None).unwrap();
    let found = |address: &str| table.entrypoint(address.parse().unwrap()).map(|name| name.to_string());
    assert_eq!(found("10.0.0.9:80").as_deref(), Some("web"));
    assert_eq!(found("10.0.0.9:81"), None);
    assert!(Table::new("no json", None, None).is_err());
    assert!(Table::new("{}", Some("{}"), None).is_err());
}
