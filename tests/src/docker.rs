//! A real Docker engine of its own: apart from one that the machine may run, and gone with its owner.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::process::{Process, Scratch, Stdout, on_path};

/// Networks of containers are taken from here, for the usual ones may be a running engine's.
const ADDRESSES: &str = r#"[{"base": "172.31.80.0/20", "size": 24}]"#;

/// Stopped when dropped, its containers before it.
#[derive(Debug)]
pub struct Docker {
    process: Process,
    scratch: Scratch,
}

impl Docker {
    /// # Errors
    /// Where there is no engine, or it does not start: with what it logged.
    pub async fn start() -> Result<Self> {
        let scratch = Scratch::new("docker")?;
        let path = |name: &str| scratch.path().join(name);
        let settings = format!(
            r#"{{"data-root": {:?}, "exec-root": {:?}, "pidfile": {:?}, "hosts": ["unix://{}"], "bridge": "none",
                "default-address-pools": {ADDRESSES}, "shutdown-timeout": 5}}"#,
            path("data"),
            path("exec"),
            path("pid"),
            path("docker.sock").display(),
        );
        std::fs::write(path("daemon.json"), settings)?;
        let mut command = Command::new(daemon().context("expected dockerd: scripts/setup installs it")?);
        command.arg("--config-file").arg(path("daemon.json"));
        let process = Process::start(command, &path("docker.log"), Stdout::Log)?;
        let mut docker = Self { process, scratch };
        let (host, folder) = (docker.host(), docker.scratch.path().to_owned());
        docker
            .process
            .wait_until("answered", Duration::from_secs(60), async || {
                client(&host, &folder).args(["version"]).output().is_ok_and(|output| output.status.success())
            })
            .await?;
        Ok(docker)
    }

    /// As DOCKER_HOST names it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    pub fn socket(&self) -> std::path::PathBuf {
        self.scratch.path().join("docker.sock")
    }

    /// Lets `docker compose` be this program.
    ///
    /// # Errors
    /// Where it cannot be put in its place.
    pub fn with_compose(&self, program: &Path) -> Result<()> {
        let plugins = self.scratch.path().join("cli-plugins");
        std::fs::create_dir_all(&plugins)?;
        std::os::unix::fs::symlink(program, plugins.join("docker-compose"))?;
        Ok(())
    }

    /// `docker`, to be given arguments.
    pub fn command(&self) -> Command {
        client(&self.host(), self.scratch.path())
    }

    /// What `docker` with these arguments prints.
    ///
    /// # Errors
    /// Where it fails: with what it says.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        said(self.command().args(arguments).output()?).with_context(|| format!("docker {}", arguments.join(" ")))
    }
}

/// Standard output of a command that must not fail.
///
/// # Errors
/// Where it did: with what it said.
pub fn said(output: Output) -> Result<String> {
    ensure!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What this machine lacks to run one.
pub fn lacking() -> Option<String> {
    if daemon().is_none() {
        return Some("expected dockerd (Debian: docker.io): scripts/setup installs it".to_owned());
    }
    on_path("docker").is_none().then(|| "expected the docker command (Debian: docker.io)".to_owned())
}

/// Debian keeps it where only root's PATH looks.
fn daemon() -> Option<std::path::PathBuf> {
    on_path("dockerd").or_else(|| Some("/usr/sbin/dockerd".into()).filter(|path: &std::path::PathBuf| path.is_file()))
}

/// Its own configuration folder: neither logins nor plugins of whoever runs the tests.
fn client(host: &str, folder: &Path) -> Command {
    let mut command = Command::new("docker");
    command.env("DOCKER_HOST", host).env("DOCKER_CONFIG", folder).env_remove("DOCKER_CONTEXT");
    command
}
