//! What is started, by what the file, the environment and the command line say.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::command::Command;
use crate::config;

/// One line for each thing that would be started.
fn shown(plan: &Plan) -> String {
    let mut lines = Vec::new();
    let target = |settings: &otlp::Settings| {
        let otlp::Endpoint { host, port, path, .. } = &settings.endpoint;
        format!("{host}:{port}{path} queue {} headers {}", settings.queue, settings.headers.len())
    };
    lines.extend(plan.spans.iter().map(|settings| {
        format!("spans {} bodies {} of {}", target(settings), settings.body_events, settings.sampler.shares.rest)
    }));
    lines.extend(plan.logs.iter().map(|settings| format!("logs {}", target(settings))));
    lines.extend(plan.stores.iter().map(|(store, limits)| match store {
        objects::Settings::S3(s3) => format!("s3 {} {:?} {}", s3.bucket, s3.endpoint, limits.bytes >> 20),
        objects::Settings::File(file) => format!("file {} {}", file.directory.display(), limits.bytes >> 20),
    }));
    lines.extend(plan.stdout.iter().map(|format| format!("stdout {format:?}")));
    lines.join("\n")
}

fn plan(file: Option<&str>, environment: &[(&str, &str)], line: &str, is_terminal: bool) -> Plan {
    let file = file.map(|text| {
        let text = format!("version: 2\n{text}");
        config::read("file", &text, &|_| Some("x".into())).unwrap_or_else(|report| panic!("{report}")).configuration
    });
    let lookup =
        |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let tell = Command::read(format!("hoptap {line}").split_whitespace()).unwrap().watch.tell;
    Plan::new(&tell, file.as_ref(), &lookup, is_terminal).unwrap()
}

#[track_caller]
fn check(file: &str, environment: &[(&str, &str)], line: &str, expected: &[&str]) {
    let plan = plan(Some(file), environment, line, false);
    assert_eq!(shown(&plan), expected.join("\n"), "{file} {environment:?} {line}");
}

const ENVIRONMENT: &[(&str, &str)] = &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318")];

#[test]
fn without_a_file() {
    let check = |environment: &[(&str, &str)], line: &str, is_terminal: bool, expected: &str| {
        assert_eq!(
            shown(&plan(None, environment, line, is_terminal)),
            expected,
            "{environment:?} {line} {is_terminal}"
        );
    };
    let spans = "spans env:4318/v1/traces queue 32768 headers 0 bodies true of 1";
    check(&[], "", false, "stdout Text");
    check(&[], "--format json", false, "stdout Json");
    check(ENVIRONMENT, "", false, spans);
    check(ENVIRONMENT, "", true, &format!("{spans}\nstdout Text"));
    check(ENVIRONMENT, "--format json", false, &format!("{spans}\nstdout Json"));
}

#[test]
fn standard_output_gets_what_its_stores_say() {
    let store = |event: &str, object: &str| format!("services: {{event_stores: [{event}], object_stores: [{object}]}}");
    check("", &[], "", &["stdout Kept"]);
    check("", &[], "--format text", &["stdout Text"]);
    check("", ENVIRONMENT, "", &["spans env:4318/v1/traces queue 32768 headers 0 bodies true of 1"]);
    check(&store("{type: stdout}", "{type: stdout}"), &[], "", &["stdout Events", "stdout Kept"]);
    check(&store("{type: stdout}", ""), &[], "", &["stdout Events"]);
    check(&store("{type: stdout}", ""), &[], "--format json", &["stdout Events", "stdout Json"]);
    check(&store("", "{type: stdout}"), &[], "", &["stdout Kept"]);
    check(&store("{type: disabled}", ""), &[], "", &[""]);
    check(&store("", "{type: disabled}"), &[], "", &[""]);
    check(
        &store("{type: stdout}, {type: stdout}", "{type: stdout}, {type: stdout}"),
        &[],
        "",
        &["stdout Events", "stdout Kept"],
    );
}

#[test]
fn several_of_each() {
    let file = "
services:
  event_stores:
    - {type: otlp, endpoint: 'http://one:4318', headers: {a: b}}
    - {type: otlp, endpoint: 'http://two:4318'}
    - {type: disabled}
  object_stores:
    - {type: s3, bucket: traffic, endpoint: 'minio:9000', insecure: true}
    - {type: file, directory: /spool}
    - {type: otlp, endpoint: 'http://three:4318', headers: {c: d}}
spans: {sample: {rest: 0.05}}
limits: {memory: 64MiB, queue: 100}
";
    let rest = ["s3 traffic Some(\"minio:9000\") 8", "file /spool 8"];
    let two = "spans two:4318/v1/traces queue 100 headers 0 bodies true of 0.05";
    let logs = "logs three:4318/v1/logs queue 100 headers 1";
    check(
        file,
        &[],
        "",
        &["spans one:4318/v1/traces queue 100 headers 1 bodies true of 0.05", two, logs, rest[0], rest[1]],
    );
    // The environment's takes the place of the first, without what was meant for that.
    check(
        file,
        ENVIRONMENT,
        "",
        &["spans env:4318/v1/traces queue 100 headers 0 bodies true of 0.05", two, logs, rest[0], rest[1]],
    );
    check(file, &[("OTEL_TRACES_EXPORTER", "none")], "", &[logs, rest[0], rest[1]]);
    let plan = plan(Some(file), &[], "", false);
    assert_eq!((plan.contents.bytes, plan.contents.decoded, plan.contents.exchanges), (16 << 20, 8 << 20, 100));
    let queues = plan.spans.iter().chain(&plan.logs).map(|settings| settings.queue_bytes);
    assert!(queues.eq([(16 << 20) / 3; 3]));
}

#[test]
fn bodies_go_along_as_they_are_told_to() {
    let file = |bodies: &str| format!("spans: {{bodies: {bodies}, endpoint: 'http://c:4318'}}");
    let spans = |events: bool| format!("spans c:4318/v1/traces queue 32768 headers 0 bodies {events} of 1");
    check(&file("event"), &[], "", &[&spans(true)]);
    check(&file("none"), &[], "", &[&spans(false)]);
    check(&file("log"), &[], "", &[&spans(false), "logs c:4318/v1/logs queue 32768 headers 0"]);
}

#[test]
fn the_file_says_what_is_hidden() {
    let plan = plan(Some("redact: {headers: [x-tenant]}"), &[], "", false);
    assert_eq!(plan.contents.redaction.header("X-Tenant", "a".into()), "REDACTED");
}

#[test]
fn a_store_that_cannot_be_used_is_the_files_fault() {
    let file = "services: {object_stores: [{type: file, directory: /proc/nowhere}]}";
    let error = plan(Some(file), &[], "", false).start().unwrap_err();
    assert_eq!(error.code(), 64, "{error}");
    assert!(error.to_string().contains("/proc/nowhere"), "{error}");
}
