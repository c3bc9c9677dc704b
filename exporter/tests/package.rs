//! The packages of a release hold what building them needs, and no recorded traffic.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Paths in the package of a crate, as cargo would make it.
fn listed(name: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .args(["package", "--list", "--allow-dirty", "--offline", "--package", name])
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn packages_hold_what_building_them_needs() {
    for (name, wanted) in [
        ("hoptap", &["src/main.rs", "build/main.rs", "prebuilt/x86_64.o", "prebuilt/sources.sha256"][..]),
        ("hoptap-ebpf", &["src/lib.rs", "src/main.rs"]),
        ("hoptap-semconv", &["src/lib.rs", "src/generated.rs", "registry/metrics.yaml"]),
    ] {
        let listed = listed(name);
        for file in wanted.iter().chain(&["Cargo.toml", "README.md", "LICENSE"]) {
            assert!(listed.contains(*file), "{name}: expected {file} in {listed:#?}");
        }
        let strays: Vec<&String> =
            listed.iter().filter(|path| ["tests/", "examples/"].iter().any(|start| path.starts_with(start))).collect();
        assert!(strays.is_empty(), "{name}: {strays:?}");
    }
}
