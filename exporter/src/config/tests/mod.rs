//! Names, sizes, secrets, and what beats what. Whole files are in `tests/configuration.rs`.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::near::nearest;
use super::{Configuration, Lookup, read};

fn configuration(text: &str) -> Configuration {
    read("file", text, &|_| None).unwrap_or_else(|report| panic!("{report}")).configuration
}

#[test]
fn the_nearest_name() {
    let known = ["event_stores", "object_stores", "level", "otlp", "s3", "tap"];
    let check = |name: &str, expected: Option<&str>| assert_eq!(nearest(name, known), expected, "{name}");
    check("event_store", Some("event_stores"));
    check("objectStores", Some("object_stores"));
    check("object-stores", Some("object_stores"));
    check("lvl", Some("level"));
    check("otel", Some("otlp"));
    check("S3", Some("s3"));
    check("tpa", Some("tap"));
    check("weather", None);
    check("", None);
    check(&"x".repeat(10_000), None);
}

#[test]
fn defaults() {
    let least = configuration("version: 2");
    assert_eq!(least.limits.body_bytes, 1 << 20);
    assert_eq!(least.limits.memory, 256 << 20);
    assert_eq!(least.metrics.listen, Some(([0, 0, 0, 0], 9464).into()));
    assert!(least.prints() && least.collector().is_none());
    assert_eq!(least.most_detailed(), super::Level::Summary);
}

#[test]
fn every_example_of_the_reference_is_accepted() {
    let reader = super::page::described();
    assert!(reader.page.is_some_and(|entries| entries.len() > 100));
    let wrong: Vec<String> = reader.problems.into_iter().map(|problem| problem.what).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sizes() {
    let bytes = |text: &str| configuration(&format!("version: 2\nlimits: {{body_bytes: {text}}}")).limits.body_bytes;
    assert_eq!(bytes("65536"), 65_536);
    assert_eq!(bytes("64KiB"), 65_536);
    assert_eq!(bytes("\"1 mib\""), 1 << 20);
    assert_eq!(bytes("1MB"), 1_000_000);
    assert_eq!(bytes("0"), 0);
}

const COLLECTOR: &str = "version: 2\nspans:\n  endpoint: http://file:4318\n  protocol: grpc\n  headers: {a: 'b, c'}\n";

#[test]
fn the_environment_beats_the_file() {
    let file = configuration(COLLECTOR);
    let nothing: Lookup<'_> = &|_| None;
    let check = |name: &str, environment: Lookup<'_>, expected: Option<&str>| {
        assert_eq!(file.variable(name, environment).as_deref(), expected, "{name}");
    };
    check("OTEL_EXPORTER_OTLP_ENDPOINT", nothing, Some("http://file:4318"));
    check("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", nothing, None);
    check("OTEL_EXPORTER_OTLP_PROTOCOL", nothing, Some("grpc"));
    check("OTEL_EXPORTER_OTLP_HEADERS", nothing, Some("a=b%2C%20c"));
    check("OTEL_BSP_MAX_QUEUE_SIZE", nothing, Some("32768"));
    check("OTEL_SERVICE_NAME", nothing, None);
    let protocol: Lookup<'_> = &|name| (name == "OTEL_EXPORTER_OTLP_PROTOCOL").then(|| "http/json".to_owned());
    check("OTEL_EXPORTER_OTLP_PROTOCOL", protocol, Some("http/json"));
    // Another collector gets none of what was meant for the file's.
    let endpoint: Lookup<'_> = &|name| (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| "http://other:4318".to_owned());
    check("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, Some("http://other:4318"));
    check("OTEL_EXPORTER_OTLP_HEADERS", endpoint, None);
    check("OTEL_EXPORTER_OTLP_PROTOCOL", endpoint, None);
}

#[test]
fn a_secret_is_not_printed() {
    let text = "version: 2\nservices:\n  object_stores:\n    - type: s3\n      bucket: b\n      \
                access_key: {type: text, value: hunter2}\n      secret_key: {type: text, value: hunter2}\n";
    let loaded = read("file", text, &|_| None).unwrap();
    let said = format!("{loaded:?} {} {}", loaded.configuration, loaded.warnings);
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn what_the_file_hides() {
    let check = |redact: &str, name: &str, value: &str, expected: &str| {
        let redaction = configuration(&format!("version: 2\nredact: {{{redact}}}")).redact;
        assert_eq!(redaction.header(name, value.into()), expected, "{redact}");
    };
    check("headers: X-Session", "x-session", "a", "REDACTED");
    check("", "cookie", "a=1; sid=2", "REDACTED");
    check("cookies: []", "cookie", "a=1; sid=2", "a=1; sid=2");
    check("cookies: sid", "cookie", "a=1; sid=2", "a=1; sid=REDACTED");
    check("cookies: [sid]", "authorization", "Bearer a", "REDACTED");
    check("query: [invite]", "location", "/x?invite=1&b=2", "/x?invite=REDACTED&b=2");
    let bodies = configuration("version: 2\nredact: {json: '**.pin', form: [pin], patterns: [{regex: 'k-(\\d+)'}]}");
    assert!(bodies.redact.has_body_rules());
    assert!(!configuration("version: 2").redact.has_body_rules());
}
