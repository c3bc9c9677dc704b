//! Variables against what they mean, or against what is said of them.

use super::super::Settings;

fn load(variables: &[(&str, &str)]) -> Result<Settings, String> {
    Settings::from_env(&|name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    })
    .map_err(|problems| problems.to_string())
}

/// The lines of the settings' debug text that differ from the defaults.
#[track_caller]
fn check(variables: &[(&str, &str)], expected: &[&str]) {
    let text = |settings: Settings| format!("{settings:#?}");
    let default = text(load(&[]).unwrap());
    let got = text(load(variables).unwrap());
    let default: Vec<&str> = default.lines().map(str::trim).collect();
    let changed: Vec<&str> = got
        .lines()
        .map(str::trim)
        .filter(|line| !default.contains(line) && line.contains(char::is_alphanumeric))
        .map(|line| line.trim_end_matches(','))
        .collect();
    assert_eq!(changed, expected, "{variables:?}");
}

#[track_caller]
fn wrong(variables: &[(&str, &str)], expected: &str) {
    assert_eq!(load(variables).unwrap_err(), expected, "{variables:?}");
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const GRPC: &str = "path: \"/opentelemetry.proto.collector.trace.v1.TraceService/Export\"";

#[test]
fn defaults() {
    let settings = load(&[]).unwrap();
    let text = format!("{settings:?}");
    for part in [
        "target: None",
        "protocol: HttpProtobuf",
        "tls: false, host: \"localhost\", port: 4318, path: \"/v1/traces\"",
        "timeout: 10s, gzip: false",
        "queue: 32768, batch: 512, delay: 1s, export_timeout: 30s",
        "ratio: 1.0, parent_based: true",
        "attribute_count: 128, attribute_length: None",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn targets() {
    check(&[("OTEL_TRACES_EXPORTER", "otlp")], &["target: Collector"]);
    check(&[("OTEL_TRACES_EXPORTER", "console")], &["target: Console"]);
    check(&[("OTEL_TRACES_EXPORTER", "none"), (ENDPOINT, "http://localhost:4318")], &[]);
    check(&[("OTEL_SDK_DISABLED", "TRUE"), ("OTEL_TRACES_EXPORTER", "otlp")], &[]);
    check(&[("OTEL_SDK_DISABLED", "false"), ("OTEL_TRACES_EXPORTER", "otlp")], &["target: Collector"]);
    check(&[("OTEL_TRACES_EXPORTER", "  ")], &[]);
}

#[test]
fn endpoints() {
    check(&[(ENDPOINT, "http://localhost:4318")], &["target: Collector"]);
    check(&[(ENDPOINT, "http://a:1/")], &["target: Collector", "host: \"a\"", "port: 1"]);
    check(
        &[(ENDPOINT, "https://a/otlp/")],
        &["target: Collector", "tls: true", "host: \"a\"", "port: 443", "path: \"/otlp/v1/traces\""],
    );
    check(&[(ENDPOINT, "http://[::1]")], &["target: Collector", "host: \"::1\"", "port: 80"]);
    check(&[(TRACES, "http://a:1/x?y=1")], &["target: Collector", "host: \"a\"", "port: 1", "path: \"/x?y=1\""]);
    check(&[(TRACES, "http://a:1")], &["target: Collector", "host: \"a\"", "port: 1", "path: \"/\""]);
    check(
        &[(TRACES, "http://a:1/x"), (ENDPOINT, "http://b:2")],
        &["target: Collector", "host: \"a\"", "port: 1", "path: \"/x\""],
    );
    check(&[(PROTOCOL, "grpc")], &["protocol: Grpc", "port: 4317", GRPC]);
    check(
        &[(PROTOCOL, "grpc"), (ENDPOINT, "https://a:1/x")],
        &["target: Collector", "protocol: Grpc", "tls: true", "host: \"a\"", "port: 1", GRPC],
    );
    check(&[(PROTOCOL, "grpc"), ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")], &["protocol: HttpJson"]);
}

#[test]
fn samplers() {
    let name = "OTEL_TRACES_SAMPLER";
    let argument = "OTEL_TRACES_SAMPLER_ARG";
    check(&[(name, "parentbased_always_on"), (argument, "ignored")], &[]);
    check(&[(name, "always_on")], &["parent_based: false"]);
    check(&[(name, "always_off")], &["ratio: 0.0", "parent_based: false"]);
    check(&[(name, "parentbased_always_off")], &["ratio: 0.0"]);
    check(&[(name, "traceidratio"), (argument, "0.25")], &["ratio: 0.25", "parent_based: false"]);
    check(&[(name, "parentbased_traceidratio"), (argument, "0")], &["ratio: 0.0"]);
    check(&[(name, "traceidratio")], &["parent_based: false"]);
}

#[test]
fn everything_else() {
    check(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "250"), ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "500")], &["timeout: 500ms"]);
    check(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")], &["gzip: true"]);
    check(&[("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none")], &[]);
    check(&[("OTEL_BSP_MAX_QUEUE_SIZE", "100")], &["queue: 100", "batch: 100"]);
    check(
        &[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"), ("OTEL_BSP_SCHEDULE_DELAY", "5000")],
        &["batch: 10", "delay: 5s"],
    );
    check(&[("OTEL_BSP_EXPORT_TIMEOUT", "7000")], &["export_timeout: 7s"]);
    check(&[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "64"), ("OTEL_ATTRIBUTE_COUNT_LIMIT", "9")], &["attribute_count: 64"]);
    check(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100")], &["attribute_length: Some(", "100"]);
    check(&[("OTEL_SERVICE_NAME", "edge")], &["service_name: Some(", "\"edge\""]);
    check(&[("OTEL_RESOURCE_ATTRIBUTES", "a=1, b=x%2Cy ,")], &["resource: [", "\"a\"", "\"1\"", "\"b\"", "\"x,y\""]);
    check(&[("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret")], &["headers: [", "\"api-key\"", "Sensitive"]);
    check(&[("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem")], &["authorities: Some(", "\"/ca.pem\""]);
}

/// Of log records: each variable of theirs beats that of all signals, and no variable of spans counts.
#[test]
fn logs() {
    let load = |variables: &[(&str, &str)]| {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::logs_from_env(&lookup).map_err(|problems| problems.to_string())
    };
    let check = |variables: &[(&str, &str)], parts: &[&str]| {
        let text = format!("{:?}", load(variables).unwrap());
        for part in parts {
            assert!(text.contains(part), "{variables:?}: {part} is not in {text}");
        }
    };
    check(&[], &["target: None", "port: 4318, path: \"/v1/logs\"", "queue: 32768, batch: 512, delay: 1s"]);
    check(&[(ENDPOINT, "https://a/otlp/")], &["target: Collector", "path: \"/otlp/v1/logs\""]);
    check(
        &[(ENDPOINT, "http://b:2"), ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://a:1/x")],
        &["host: \"a\", port: 1, path: \"/x\""],
    );
    check(
        &[("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc"), (PROTOCOL, "http/json")],
        &["protocol: Grpc", "port: 4317, path: \"/opentelemetry.proto.collector.logs.v1.LogsService/Export\""],
    );
    check(&[("OTEL_LOGS_EXPORTER", "console")], &["target: Console"]);
    check(&[(TRACES, "http://a:1"), ("OTEL_TRACES_EXPORTER", "otlp")], &["target: None", "localhost"]);
    check(
        &[
            ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-key=s3cret"),
            ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "500"),
            ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "/ca.pem"),
            ("OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", "/me.pem"),
            ("OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", "/key.pem"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "70"),
            ("OTEL_BLRP_EXPORT_TIMEOUT", "80"),
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "90"),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "9"),
            ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "8"),
            ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7"),
        ],
        &[
            "\"x-key\", Sensitive",
            "timeout: 500ms, gzip: true",
            "/ca.pem",
            "/me.pem",
            "/key.pem",
            "queue: 90, batch: 9, delay: 70ms, export_timeout: 80ms",
            "attribute_count: 8, attribute_length: Some(7)",
        ],
    );
    let error = load(&[("OTEL_BLRP_MAX_QUEUE_SIZE", "10"), ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "11")]).unwrap_err();
    let expected = "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE=11: expected at most OTEL_BLRP_MAX_QUEUE_SIZE, which is 10";
    assert_eq!(error, expected);
}

#[test]
fn problems() {
    const URL: &str = "expected a URL such as http://localhost:4318 or https://collector.example";
    for bad in ["localhost:4317", "ftp://a", "http://", "http://a:99999", "http://user:pass@a", "x"] {
        wrong(&[(ENDPOINT, bad)], &format!("{ENDPOINT}={bad}: {URL}"));
    }
    wrong(&[(PROTOCOL, "http")], "OTEL_EXPORTER_OTLP_PROTOCOL=http: expected grpc, http/protobuf or http/json");
    wrong(&[("OTEL_TRACES_EXPORTER", "zipkin")], "OTEL_TRACES_EXPORTER=zipkin: expected otlp, console or none");
    wrong(&[("OTEL_SDK_DISABLED", "yes")], "OTEL_SDK_DISABLED=yes: expected true or false");
    wrong(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd")], "OTEL_EXPORTER_OTLP_COMPRESSION=zstd: expected gzip or none");
    wrong(
        &[("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")],
        "OTEL_EXPORTER_OTLP_TIMEOUT=10s: expected milliseconds, a whole number above 0",
    );
    wrong(&[("OTEL_BSP_MAX_QUEUE_SIZE", "0")], "OTEL_BSP_MAX_QUEUE_SIZE=0: expected a whole number above 0");
    wrong(
        &[("OTEL_BSP_MAX_QUEUE_SIZE", "10"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "11")],
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=11: expected at most OTEL_BSP_MAX_QUEUE_SIZE, which is 10",
    );
    for bad in ["1.1", "-0.1", "NaN", "half"] {
        wrong(
            &[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", bad)],
            &format!("OTEL_TRACES_SAMPLER_ARG={bad}: expected a number from 0 to 1"),
        );
    }
    wrong(
        &[("OTEL_EXPORTER_OTLP_HEADERS", "token s3cret,b=\u{1}")],
        "OTEL_EXPORTER_OTLP_HEADERS=(hidden): expected key=value, more of them after commas\n\
         OTEL_EXPORTER_OTLP_HEADERS=(hidden): expected names and values that HTTP allows",
    );
    wrong(
        &[("OTEL_TRACES_SAMPLER", "jaeger_remote"), (PROTOCOL, "udp")],
        "OTEL_EXPORTER_OTLP_PROTOCOL=udp: expected grpc, http/protobuf or http/json\n\
         OTEL_TRACES_SAMPLER=jaeger_remote: expected always_on, always_off, traceidratio, parentbased_always_on, \
         parentbased_always_off or parentbased_traceidratio",
    );
}
