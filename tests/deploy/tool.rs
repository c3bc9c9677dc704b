//! Programs that read the files in `deploy/`, and where they are had.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hoptap_tests::process::on_path;

/// As in `scripts/validators`.
const VALIDATE: &str = "kubernetes-validate-1.37.0/bin/python";
const PODMONITOR: &str = "podmonitor-v0.85.0.yaml";
const COLLECTOR: &str = "otelcol-v0.140.0";

#[derive(Debug, Clone, Copy)]
pub(crate) enum Tool {
    OnPath(&'static str),
    /// Python with schemas of Kubernetes, and the definition of PodMonitor.
    KubernetesValidate,
    Collector,
    /// A docker that can show a stack as it would deploy it: 23 or later.
    DockerStack,
}

impl Tool {
    /// # Errors
    /// Where this machine does not have it: says what to do.
    pub(crate) fn find(self) -> Result<PathBuf> {
        match self {
            Self::OnPath(name) => on_path(name).with_context(|| format!("{name} is not on PATH")),
            Self::KubernetesValidate => cached(VALIDATE).and_then(|python| podmonitor().map(|_| python)),
            Self::Collector => cached(COLLECTOR),
            Self::DockerStack => {
                let docker = on_path("docker").context("docker is not on PATH")?;
                let help = Command::new(&docker).args(["stack", "config", "--help"]).output()?;
                let can = String::from_utf8_lossy(&help.stdout).contains("docker stack config");
                ensure!(can, "{} has no `stack config`: version 23 or later has", docker.display());
                Ok(docker)
            }
        }
    }
}

/// Where the definition of PodMonitor is.
///
/// # Errors
/// Where it is not there.
pub(crate) fn podmonitor() -> Result<PathBuf> {
    cached(PODMONITOR)
}

fn cached(name: &str) -> Result<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).context("expected HOME")?;
    let path = cache.join("hoptap").join(name);
    ensure!(path.exists(), "{} is not there: run scripts/validators", path.display());
    Ok(path)
}
