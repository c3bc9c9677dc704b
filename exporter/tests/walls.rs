//! The architecture as absences: what a folder must not name. Each test reads the sources as text, so that a wall is
//! found by whoever greps for it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One source file without its comments and without its tests.
struct Source {
    /// From `exporter/src`, such as `capture/session.rs`.
    path: String,
    text: String,
    lines: Vec<(usize, String)>,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    read(&root, &root, &mut found);
    assert!(found.len() > 100, "expected the sources in {}, found {} files", root.display(), found.len());
    found
}

fn read(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        let path = entry.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if entry.is_dir() {
            if entry.file_name().unwrap() != "tests" {
                read(root, &entry, found);
            }
        } else if path.ends_with(".rs") && !path.ends_with("tests.rs") && !path.ends_with("sample.rs") {
            let text = fs::read_to_string(&entry).unwrap();
            // Tests stand at the end of a file, in a module of this name.
            let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let lines = (1..)
                .zip(program.lines())
                .filter(|(_, line)| !line.trim_start().starts_with("//"))
                .map(|(number, line)| (number, line.to_owned()))
                .collect();
            found.push(Source { path, text, lines });
        }
    }
}

/// No line holds one of `words`, outside of paths that start with one of `allowed`.
fn check(words: &[&str], within: &[&str], allowed: &[&str]) {
    let starts = |path: &str, list: &[&str]| list.iter().any(|start| path.starts_with(start));
    let mut broken = Vec::new();
    for source in sources() {
        if !starts(&source.path, within) || starts(&source.path, allowed) {
            continue;
        }
        for (number, line) in &source.lines {
            broken.extend(
                words
                    .iter()
                    .filter(|word| line.contains(*word))
                    .map(|word| format!("\nexporter/src/{}:{number} names `{word}`: {}", source.path, line.trim())),
            );
        }
    }
    assert!(broken.is_empty(), "{}", broken.concat());
}

/// Everywhere.
const ALL: &[&str] = &[""];

/// What is a pure function of the event stream.
const PURE: &[&str] = &[
    "event.rs",
    "connection/",
    "http1/",
    "exchange/",
    "link/",
    "regexp.rs",
    "distance.rs",
    "traefik/",
    "rules/",
    "pipeline/",
    "policy/",
    "redact/",
    "body/",
];

#[test]
fn the_kernel_is_named_by_the_capture_only() {
    check(&["aya::", "aya_", "hoptap_ebpf"], ALL, &["capture/"]);
}

#[test]
fn telemetry_formats_are_named_by_the_outputs_only() {
    check(&["opentelemetry", "prometheus_client", "prost::", "object_store::"], ALL, &["export/"]);
}

#[test]
fn what_is_below_the_seam_reads_no_clock_no_file_no_socket() {
    let words = [
        "std::time::Instant",
        "std::time::SystemTime",
        "time::{",
        "Instant::now",
        "SystemTime::now",
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "tokio",
        "async ",
        ".await",
        "rand::",
        "RandomState",
    ];
    // The client of Traefik's API; what it learns comes in as an event.
    check(&words, PURE, &["traefik/api"]);
}

#[test]
fn the_pure_part_does_not_know_who_feeds_it_or_who_listens() {
    let words = ["crate::capture", "crate::export", "crate::serve", "crate::run", "crate::command", "crate::record"];
    check(&words, PURE, &[]);
}

#[test]
fn nothing_panics_on_purpose() {
    check(&[".unwrap()", ".expect(\"", "panic!(", "unreachable!("], ALL, &[]);
}

#[test]
fn telemetry_names_are_data() {
    let constants = Path::new(env!("CARGO_MANIFEST_DIR")).join("../semconv/src/generated.rs");
    let text = fs::read_to_string(constants).unwrap();
    // Names of more than one word: `exact` or `backend` may be said by anyone.
    let names: BTreeSet<String> = text
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|name| name.contains(['.', '_']) && !name.contains([' ', '/']))
        .map(|name| format!("\"{name}\""))
        .collect();
    assert!(names.len() > 100, "expected the names in generated.rs, found {}", names.len());
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != "\"_OTHER\"").collect();
    check(&names, ALL, &[]);
}

#[test]
fn every_file_says_what_it_owns_in_five_lines() {
    for source in sources() {
        let lines = source.text.lines().take_while(|line| line.starts_with("//!")).count();
        assert!((1..=5).contains(&lines), "exporter/src/{}: {lines} lines of module docs", source.path);
    }
}

/// A newcomer reads the list of modules as the architecture: sorted by the alphabet it would say nothing.
#[test]
fn modules_stand_in_the_order_of_the_data() {
    let text = sources().into_iter().find(|source| source.path == "lib.rs").unwrap().text;
    let modules: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let at = |name: &str| modules.iter().position(|module| *module == name).unwrap_or_else(|| panic!("no mod {name}"));
    let flow = ["capture", "event", "connection", "http1", "exchange", "link", "pipeline", "export", "serve", "run"];
    for (before, after) in flow.iter().zip(flow.iter().skip(1)) {
        assert!(at(before) < at(after), "{before} must stand before {after} in lib.rs");
    }
}
