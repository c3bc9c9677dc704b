//! A Docker engine of the tests' own: its data, its socket and its networks are nobody else's.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::process::{Process, Scratch, Stdout, on_path};

/// What is said of an engine that this machine cannot run.
pub const CANNOT: &str = "dockerd does not start here";

/// Stopped when dropped, with every container that it runs.
#[derive(Debug)]
pub struct Docker {
    process: Process,
    socket: PathBuf,
    /// The first two numbers of addresses in its networks.
    range: String,
    scratch: Scratch,
}

/// What a program in an image needs besides itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Image<'a> {
    /// The program, and how it is called in the image.
    pub program: Option<(&'a Path, &'a str)>,
    /// Files that stand at the same path in the image.
    pub files: &'a [PathBuf],
}

/// What this machine lacks to run an engine, as far as it can be seen without starting one.
pub fn lacking() -> Option<String> {
    let daemon = daemon();
    let missing = [("dockerd", daemon.is_some()), ("docker", on_path("docker").is_some())];
    let missing: Vec<&str> = missing.into_iter().filter(|(_, there)| !there).map(|(name, _)| name).collect();
    (!missing.is_empty()).then(|| format!("expected {} on PATH, found none: run `make setup`", missing.join(" and ")))
}

/// Debian keeps it where only root's PATH looks.
fn daemon() -> Option<PathBuf> {
    on_path("dockerd").or_else(|| Some(PathBuf::from("/usr/sbin/dockerd")).filter(|path| path.is_file()))
}

impl Docker {
    /// # Errors
    /// Where it does not start on this machine: with what it said last.
    pub async fn start() -> Result<Self> {
        let scratch = Scratch::new("docker")?;
        let socket = scratch.path().join("socket");
        // Others may run engines on this machine, and their networks must not meet.
        let range = format!("10.{}", 160 + std::process::id() % 64);
        let process = launch(scratch.path(), &socket, &range)?;
        let mut docker = Self { process, socket, range, scratch };
        docker.wait().await?;
        Ok(docker)
    }

    /// Stops the engine and starts it anew; its containers run on.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.process.stop()?;
        self.process = launch(self.scratch.path(), &self.socket, &self.range)?;
        self.wait().await
    }

    async fn wait(&mut self) -> Result<()> {
        let asked = self.socket.clone();
        let ready = async || docker_cli(&asked, &["version"]).is_ok();
        self.process.wait_until("started", Duration::from_secs(60), ready).await.map_err(|error| {
            let said = format!("{error:#}");
            let last = said.lines().rev().find(|line| line.contains("level=fatal") || line.contains("failed"));
            anyhow::anyhow!("{CANNOT}: {}", last.unwrap_or(&said))
        })
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// As `DOCKER_HOST` names it.
    pub fn host(&self) -> String {
        host(&self.socket)
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

    /// `docker`, to be given arguments; neither logins nor plugins of whoever runs the tests.
    pub fn command(&self) -> Command {
        let mut command = Command::new("docker");
        command.env("DOCKER_HOST", self.host()).env("DOCKER_CONFIG", self.scratch.path());
        command.env_remove("DOCKER_CONTEXT").stdin(Stdio::null());
        command
    }

    /// An address in a range that no other network of this engine has.
    pub fn address(&self, third: u8, fourth: u8) -> String {
        format!("{}.{third}.{fourth}", self.range)
    }

    /// What `docker` prints.
    ///
    /// # Errors
    /// Where it fails: with what it said.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        docker_cli(&self.socket, arguments)
    }

    /// What a container wrote.
    ///
    /// # Errors
    /// Where there is none of this name.
    pub fn logs(&self, name: &str) -> Result<String> {
        let host = format!("unix://{}", self.socket.display());
        let output = Command::new("docker").args(["--host", &host, "logs", name]).output()?;
        ensure!(output.status.success(), "docker logs {name}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
    }

    /// Makes an image out of files of this machine; nothing is fetched.
    ///
    /// # Errors
    /// Where a file is not there.
    pub fn image(&self, name: &str, image: &Image<'_>) -> Result<()> {
        let root = Scratch::new("image")?;
        let mut changes = Vec::new();
        for directory in ["tmp", "etc", "var/run"] {
            std::fs::create_dir_all(root.path().join(directory))?;
        }
        if let Some((program, called)) = image.program {
            std::fs::copy(program, root.path().join(called)).with_context(|| format!("copy {}", program.display()))?;
            changes = vec!["--change".to_owned(), format!("ENTRYPOINT [\"/{called}\"]")];
        }
        for file in image.files {
            let to = root.path().join(file.strip_prefix("/")?);
            std::fs::create_dir_all(to.parent().unwrap_or(root.path()))?;
            std::fs::copy(file, &to).with_context(|| format!("copy {}", file.display()))?;
        }
        let mut tar = Command::new("tar")
            .arg("-C")
            .arg(root.path())
            .args(["-c", "."])
            .stdout(Stdio::piped())
            .spawn()
            .context("start tar")?;
        let output = Command::new("docker")
            .args(["--host", &self.host()])
            .arg("import")
            .args(changes)
            .args(["-", name])
            .stdin(tar.stdout.take().context("the output of tar")?)
            .output()?;
        ensure!(tar.wait()?.success(), "tar failed");
        ensure!(output.status.success(), "docker import: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// What the engine says of a container.
    ///
    /// # Errors
    /// Where it has none of this name.
    pub fn inspect(&self, name: &str) -> Result<Inspected> {
        let text = self.run(&["container", "inspect", name])?;
        let value: Value = serde_json::from_str(&text)?;
        let value = value.get(0).with_context(|| format!("expected a container {name}"))?.clone();
        Ok(Inspected(value))
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        // An engine that goes leaves containers running.
        if let Ok(all) = self.run(&["ps", "--all", "--quiet"]) {
            let mut arguments = vec!["rm", "--force"];
            arguments.extend(all.split_whitespace());
            let _may_have_none = self.run(&arguments);
        }
        if let Ok(networks) = self.run(&["network", "ls", "--quiet", "--filter", "type=custom"]) {
            let mut arguments = vec!["network", "rm"];
            arguments.extend(networks.split_whitespace());
            let _may_have_none = self.run(&arguments);
        }
        let _reported = self.process.stop();
        // It keeps these for containers that run on.
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let places = mounts.lines().filter_map(|line| line.split(' ').nth(4));
        let mut own: Vec<&str> = places.filter(|place| Path::new(place).starts_with(self.scratch.path())).collect();
        // What is mounted on others goes first.
        own.reverse();
        for place in own {
            let _may_be_gone = Command::new("umount").arg(place).status();
        }
    }
}

/// As `docker inspect` tells it.
#[derive(Debug)]
pub struct Inspected(Value);

impl Inspected {
    /// As much of the id as `docker ps` shows.
    pub fn short_id(&self) -> String {
        self.text("/Id").chars().take(12).collect()
    }

    /// As `docker ps` shows it.
    pub fn name(&self) -> String {
        self.text("/Name").trim_start_matches('/').to_owned()
    }

    pub fn pid(&self) -> u64 {
        self.0.pointer("/State/Pid").and_then(Value::as_u64).unwrap_or_default()
    }

    /// In a network.
    pub fn address(&self, network: &str) -> Option<IpAddr> {
        self.text(&format!("/NetworkSettings/Networks/{network}/IPAddress")).parse().ok()
    }

    fn text(&self, place: &str) -> &str {
        self.0.pointer(place).and_then(Value::as_str).unwrap_or_default()
    }
}

fn host(socket: &Path) -> String {
    format!("unix://{}", socket.display())
}

/// Standard output of a command that must not fail.
///
/// # Errors
/// Where it did: with what it said.
pub fn said(output: &Output) -> Result<String> {
    ensure!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn launch(folder: &Path, socket: &Path, range: &str) -> Result<Process> {
    let of = |name: &str| folder.join(name);
    // One that the machine has must not be read.
    std::fs::write(of("daemon.json"), "{}")?;
    let mut command = Command::new(daemon().context("dockerd")?);
    command
        .args(["--bridge", "none", "--storage-driver", "overlay2", "--live-restore"])
        .arg("--default-address-pool")
        .arg(format!("base={range}.128.0/17,size=24"))
        .args(["--host", &host(socket)]);
    for (option, name) in
        [("data-root", "data"), ("exec-root", "exec"), ("pidfile", "pid"), ("config-file", "daemon.json")]
    {
        command.arg(format!("--{option}")).arg(of(name));
    }
    Process::start(command, &of("dockerd.log"), Stdout::Log)
}

fn docker_cli(socket: &Path, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new("docker").args(["--host", &host(socket)]).args(arguments).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
        write!(said, "{}", String::from_utf8_lossy(&output.stdout))?;
        bail!("docker {}: {}", arguments.join(" "), said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The libraries that a program of this machine needs, its loader among them.
///
/// # Errors
/// Where `ldd` cannot tell.
pub fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output().context("start ldd")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from);
    Ok(words.collect())
}
