//! What `scripts/validators` leaves in the cache.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

/// An OpenTelemetry Collector.
///
/// # Errors
/// Where it is not there.
pub fn collector() -> Result<PathBuf> {
    cached("collector-0.140.0")
}

/// A Python with schemas of Kubernetes and their validator.
///
/// # Errors
/// Where it is not there.
pub fn kubernetes_validate() -> Result<PathBuf> {
    cached("kubernetes-validate-1.37.0/bin/python")
}

/// The definition of PodMonitor.
///
/// # Errors
/// Where it is not there.
pub fn podmonitor() -> Result<PathBuf> {
    cached("podmonitor-v0.85.0.yaml")
}

fn cached(name: &str) -> Result<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).context("expected HOME")?;
    let path = cache.join("hoptap").join(name);
    ensure!(path.exists(), "{} is not there: run scripts/validators", path.display());
    Ok(path)
}
