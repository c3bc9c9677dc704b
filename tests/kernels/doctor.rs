//! What `hoptap doctor` says of each kernel: which hooks it has, and what it counts as locked memory.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::Kernel;

/// Before it maps count as locked memory, and there are no tracepoints of sockets.
const OLD: &str = "5.10";

pub(crate) fn check(kernel: &Kernel, found: &str) -> Result<()> {
    let (code, findings) = found.split_once('\n').context("expected a code and findings")?;
    let findings: Vec<Value> = serde_json::from_str(findings)?;
    let result = |check: &str| {
        let finding = findings.iter().find(|finding| finding["check"] == check);
        finding.and_then(|finding| finding["result"].as_str()).unwrap_or("not looked at")
    };
    ensure!(code == "0", "expected 0, found {code}: {findings:#?}");
    let socket = if kernel.hooks.contains(&"socket") { "ok" } else { "warning" };
    let counted = if kernel.series == OLD { "ok" } else { "not applicable" };
    for (check, expected) in [
        ("kernel", "ok"),
        ("socket tracepoints", socket),
        ("sys_exit", "ok"),
        ("locked memory", counted),
        ("CAP_SYS_RESOURCE", counted),
        ("links", "ok"),
        ("names", "ok"),
        ("TLS in", "ok"),
        ("HTTP/3", "ok"),
    ] {
        let found = result(check);
        ensure!(found == expected, "{check}: expected {expected}, found {found}: {findings:#?}");
    }
    Ok(())
}
