//! Programs that read the files in `deploy/`, and where they are had.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hoptap_tests::process::on_path;
use hoptap_tests::validators;

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
            Self::KubernetesValidate => {
                validators::podmonitor()?;
                validators::kubernetes_validate()
            }
            Self::Collector => validators::collector(),
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
