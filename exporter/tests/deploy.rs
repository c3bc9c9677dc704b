//! What `deploy/` says of hoptap is true of this hoptap: configurations, arguments, capabilities, version.
//! Whether Kubernetes, systemd and others take the files is asked of them in `tests/deploy/`.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hoptap::capture::permissions::{Capability, Permissions};
use hoptap::command::Command;
use hoptap::config;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &str) -> String {
    let path = root().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn environment(name: &str) -> Option<String> {
    name.starts_with("AWS_").then(|| "key".to_owned())
}

fn loads(name: &str, text: &str) {
    let loaded = config::read(name, text, &environment).unwrap_or_else(|report| panic!("{report}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
}

fn manifests() -> Vec<Value> {
    serde_saphyr::from_multiple(&read("deploy/kubernetes/hoptap.yaml")).unwrap()
}

fn manifest(kind: &str) -> Value {
    manifests().into_iter().find(|manifest| manifest["kind"] == kind).unwrap()
}

fn container() -> Value {
    manifest("DaemonSet")["spec"]["template"]["spec"]["containers"][0].take()
}

/// What the code asks for on a kernel of 5.11 or later, without `CAP_`.
fn needed() -> BTreeSet<String> {
    // Nothing is had, and the kernel is not known: what every later one wants.
    let mut needed = Permissions::default().missing();
    // For probes, since CVE-2025-38466.
    needed.push(Capability::SysAdmin);
    needed.iter().map(|it| it.to_string().trim_start_matches("CAP_").to_owned()).collect()
}

#[test]
fn configurations_load_without_a_warning() {
    for file in ["deploy/systemd/hoptap.yaml", "deploy/swarm/hoptap.yaml", "deploy/cluster/hoptap.yaml"] {
        loads(file, &read(file));
    }
    loads("ConfigMap", manifest("ConfigMap")["data"]["hoptap.yaml"].as_str().unwrap());
}

#[test]
fn everywhere_the_same_capabilities() {
    let needed = needed();
    assert_eq!(needed.len(), 5, "{needed:?}");
    let words = |text: &str, before: &str| -> BTreeSet<String> {
        let found = text.split(before).skip(1).filter_map(|rest| rest.split_ascii_whitespace().next());
        found.map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()).collect()
    };
    let given = container()["securityContext"]["capabilities"]["add"].take();
    let given: BTreeSet<String> = serde_json::from_value(given).unwrap();
    assert_eq!(given, needed, "deploy/kubernetes/hoptap.yaml");
    // Docker 20.10 does not know two of them, for which another stands.
    let known = &needed - &["BPF", "PERFMON"].map(str::to_owned).into();
    for file in ["deploy/swarm/stack.yml", "docs/install.md", "Dockerfile"] {
        assert_eq!(words(&read(file), "--cap-add "), known, "{file}");
    }
    let unit = read("deploy/systemd/hoptap.service");
    for key in ["CapabilityBoundingSet=", "AmbientCapabilities="] {
        let line = unit.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        let given: BTreeSet<String> =
            line.split(' ').map(|name| name.strip_prefix("CAP_").unwrap().to_owned()).collect();
        assert_eq!(given, needed, "{key}");
    }
    let page = read("docs/security.md");
    for name in &needed {
        assert!(page.contains(&format!("| CAP_{name} |")), "docs/security.md does not say what CAP_{name} is for");
    }
}

#[test]
fn arguments_are_those_of_the_program() {
    let parse = |arguments: &[&str]| {
        let arguments = ["hoptap"].into_iter().chain(arguments.iter().copied());
        Command::read(arguments).unwrap_or_else(|error| panic!("{error}"))
    };
    let arguments: Vec<String> = serde_json::from_value(container()["args"].take()).unwrap();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let command = parse(&arguments);
    let mount = container()["volumeMounts"][0]["mountPath"].take();
    assert_eq!(command.watch.config.unwrap().parent().unwrap().to_str(), mount.as_str());
    let unit = read("deploy/systemd/hoptap.service");
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/hoptap ")).unwrap();
    parse(&line.split(' ').collect::<Vec<_>>());
    let stack = read("deploy/swarm/stack.yml");
    let line = stack.split("\"$$HOPTAP_IMAGE\" ").nth(1).and_then(|rest| rest.split(" <").next()).unwrap();
    parse(&line.split(' ').collect::<Vec<_>>());
}

#[test]
fn images_are_of_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    let mut named = 0;
    for file in ["deploy/kubernetes/hoptap.yaml", "deploy/swarm/stack.yml", "docs/install.md"] {
        let text = read(file);
        // `hoptap:` with a digit behind it, not the name of a service.
        for rest in text.split("hoptap:").skip(1).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            assert!(rest.starts_with(version), "{file} names an image of another version: {}", &rest[..8]);
            named += 1;
        }
    }
    assert!(named >= 3, "{named}");
    let kustomization = read("deploy/kubernetes/kustomization.yaml");
    assert!(kustomization.contains(&format!("newTag: {version}\n")), "{kustomization}");
    let changes = read("CHANGELOG.md");
    assert!(changes.contains(&format!("\n## [{version}]")), "CHANGELOG.md does not say what is new in {version}");
}
