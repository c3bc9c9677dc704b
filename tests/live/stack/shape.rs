//! What is true of the stack whatever traffic there is.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use hoptap_tests::dashboard;
use hoptap_tests::stack::Stack;
use serde_json::Value;

/// CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_SYS_ADMIN (include/uapi/linux/capability.h).
const RIGHTS: u64 = 1 << 2 | 1 << 19 | 1 << 21;

pub(super) fn images(stack: &Stack) -> Result<()> {
    let wanted = stack.compose(&["--profile", "*", "config", "--images"])?;
    let here = stack.docker.run(&["images", "--format", "{{.Repository}}:{{.Tag}}"])?;
    let here: BTreeSet<&str> = here.lines().collect();
    for image in wanted.lines() {
        let version = image.rsplit_once(':').map(|(_, version)| version);
        ensure!(version.is_some_and(|version| version.contains(char::is_numeric)), "{image} is not pinned");
        ensure!(here.contains(image) || image.starts_with("grafana/grafana:"), "no image {image}: {here:?}");
    }
    Ok(())
}

/// There is no Grafana here that could say so itself.
pub(super) fn provisioned(stack: &Stack) -> Result<()> {
    let config: Value = serde_json::from_str(&stack.compose(&["--profile", "*", "config", "--format", "json"])?)?;
    let sources = std::fs::read_to_string(dashboard::folder().join("provisioning/datasources.yml"))?;
    let mut uids = BTreeSet::new();
    for line in sources.lines().map(str::trim) {
        if let Some(url) = line.strip_prefix("url: http://") {
            let host = url.split(':').next().unwrap_or_default();
            let networks = &config["services"][host]["networks"];
            ensure!(networks.get("telemetry").is_some(), "no service of Grafana's network is called {host}");
        }
        if let Some(uid) = line.strip_prefix("uid: ") {
            uids.insert(uid.to_owned());
        }
    }
    ensure!(uids.contains("prometheus") && uids.contains("jaeger"), "{uids:?}");
    for line in sources.lines().filter_map(|line| line.trim().strip_prefix("datasourceUid: ")) {
        ensure!(uids.contains(line), "exemplars point to {line}, which is none of {uids:?}");
    }
    let mounts = config["services"]["grafana"]["volumes"].as_array().context("expected volumes of Grafana")?;
    for mount in mounts {
        let source = mount["source"].as_str().unwrap_or_default();
        ensure!(std::path::Path::new(source).exists(), "Grafana is given {source}, which is not there");
    }
    Ok(())
}

pub(super) fn least_rights(stack: &Stack) -> Result<()> {
    let container = stack.compose(&["ps", "--quiet", "hoptap"])?;
    let inspected: Value = serde_json::from_str(&stack.docker.run(&["inspect", &container])?)?;
    let host = &inspected[0]["HostConfig"];
    ensure!(host["Privileged"] == false && host["ReadonlyRootfs"] == true && host["PidMode"] == "host", "{host}");
    let pid = &inspected[0]["State"]["Pid"];
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    for set in ["CapEff", "CapPrm", "CapBnd"] {
        let line = status.lines().find_map(|line| line.strip_prefix(set)?.strip_prefix(":\t"));
        let bits = u64::from_str_radix(line.context("expected capabilities")?, 16)?;
        ensure!(bits & !RIGHTS == 0, "{set} of hoptap is {bits:#x}, more than {RIGHTS:#x}");
    }
    Ok(())
}

pub(super) fn never_restarted(stack: &Stack) -> Result<()> {
    for service in ["hoptap", "traefik"] {
        let container = stack.compose(&["ps", "--quiet", service])?;
        let restarts = stack.docker.run(&["inspect", "--format", "{{.RestartCount}}", &container])?;
        ensure!(restarts == "0", "{service} was restarted {restarts} times");
    }
    Ok(())
}
