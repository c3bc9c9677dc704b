//! Registry, constants and reference page say the same. `UPDATE=1` rewrites the latter two.

mod constants;
mod dashboards;
mod definition;
mod page;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use definition::Registry;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The file holds exactly `expected`; with `UPDATE=1` it does afterwards.
fn check_file(path: &Path, expected: &str) {
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("make the folder");
        std::fs::write(path, expected).expect("write the file");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    let differs = found.lines().zip(expected.lines()).position(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "{} is stale from line {}: run `UPDATE=1 cargo test -p hoptap-semconv`",
        path.display(),
        differs.unwrap_or_else(|| found.lines().count().min(expected.lines().count())) + 1,
    );
}

#[test]
fn constants_are_those_of_the_registry() {
    let registry = Registry::read(&root());
    check_file(&root().join("src/generated.rs"), &constants::render(&registry));
}

#[test]
fn the_reference_page_is_that_of_the_registry() {
    let registry = Registry::read(&root());
    check_file(&root().join("../docs/telemetry.md"), &page::render(&registry));
}

#[test]
fn dashboards_and_rules_ask_for_what_the_registry_names() {
    dashboards::check(&Registry::read(&root()), &root().join("../dashboards"), &["json", "yml"], &[], 200);
}

#[test]
fn pages_name_what_the_registry_names() {
    // Traefik's own names are in no registry.
    let traefik = std::fs::read_to_string(root().join("src/traefik.rs")).expect("read Traefik's names");
    let mut but: Vec<&str> = traefik.split('"').filter(|text| text.starts_with("traefik_")).collect();
    but.extend([
        // Before an ellipsis.
        "traefik_router_",
        "traefik_service_",
        // A value and a key of the configuration.
        "http_capture",
        "traefik_names",
        // What Traefik has and `docs/traefik-names.md` says is not served.
        "traefik_config_reloads_total",
        "traefik_config_last_reload_success",
        "traefik_tls_certs_not_after",
        "traefik_open_connections",
    ]);
    dashboards::check(&Registry::read(&root()), &root().join("../docs"), &["md"], &but, 60);
}

#[test]
fn nothing_is_defined_that_nothing_refers_to() {
    let registry = Registry::read(&root());
    let used: BTreeSet<&str> = registry.references().collect();
    let defined = registry.own.keys().chain(registry.upstream.keys());
    let idle: Vec<&String> = defined.filter(|key| !used.contains(key.as_str())).collect();
    assert!(idle.is_empty(), "no signal refers to {idle:?}");
    let refined: BTreeSet<&str> = registry.metrics.iter().map(|metric| metric.name.as_str()).collect();
    let idle: Vec<&String> = registry.upstream_metrics.iter().filter(|name| !refined.contains(name.as_str())).collect();
    assert!(idle.is_empty(), "metrics.yaml does not refine {idle:?}");
}

#[test]
fn ours_does_not_redefine_what_opentelemetry_names() {
    let registry = Registry::read(&root());
    let both: Vec<&String> = registry.own.keys().filter(|key| registry.upstream.contains_key(*key)).collect();
    assert!(both.is_empty(), "{both:?} is in registry/attributes.yaml and in upstream.yaml");
    for attribute in registry.own.values() {
        assert!(!attribute.stability.is_empty(), "{}: Weaver wants a stability", attribute.key);
        let text = matches!(&attribute.kind, definition::Type::Plain(kind) if kind == "string");
        assert!(!text || !attribute.examples.is_empty(), "{}: Weaver wants examples of a string", attribute.key);
    }
}

#[test]
fn no_two_metrics_meet_in_prometheus() {
    let registry = Registry::read(&root());
    let mut names = BTreeSet::new();
    for metric in &registry.metrics {
        assert!(names.insert(constants::prometheus(metric)), "{} meets another metric", metric.name);
    }
}

#[test]
fn metric_names_are_translated_as_opentelemetry_does() {
    let cases = [
        ("http.server.request.duration", "histogram", "s", "http_server_request_duration_seconds"),
        ("http.server.request.body.size", "histogram", "By", "http_server_request_body_size_bytes"),
        ("http.server.active_requests", "updowncounter", "{request}", "http_server_active_requests"),
        ("process.cpu.time", "counter", "s", "process_cpu_time_seconds_total"),
        ("hoptap.captured.bytes", "counter", "By", "hoptap_captured_bytes_total"),
        ("hoptap.drops", "counter", "{request}", "hoptap_drops_total"),
    ];
    for (name, instrument, unit, expected) in cases {
        let text = format!("{{name: {name}, instrument: {instrument}, unit: \"{unit}\", brief: x}}");
        let metric = serde_saphyr::from_str(&text).expect("the case is a metric");
        assert_eq!(constants::prometheus(&metric), expected);
    }
}
