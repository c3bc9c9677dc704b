//! The program under test.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::client::{Connection, Response};
use crate::exposition::{self, Sample};
use crate::process::{Process, Scratch, Stdout, free_port};

/// Loading and attaching takes a second or two; a loaded machine needs more.
const START: Duration = Duration::from_secs(60);

/// Asked to stop with SIGINT when dropped.
#[derive(Debug)]
pub struct Hoptap {
    process: Process,
    address: SocketAddr,
    _scratch: Scratch,
}

impl Hoptap {
    /// Starts it with `--listen` on a free port and waits until `/readyz` says that it is attached.
    ///
    /// # Errors
    /// Where it cannot be started, ends, or is not ready in time: with what it logged.
    pub async fn start(arguments: &[&str], environment: &[(&str, &str)], stdout: Stdout) -> Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        Self::start_at(address, arguments, environment, stdout).await
    }

    /// As [`Self::start`], with its standard output in a file.
    ///
    /// # Errors
    /// As there.
    pub async fn start_to(arguments: &[&str], environment: &[(&str, &str)], file: File) -> Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let mut command = Command::new(program()?);
        command.stdout(file);
        Self::launch(address, command, arguments, environment, Stdout::AsSet).await
    }

    /// As [`Self::start`], by a command that becomes hoptap: one that takes rights away first.
    ///
    /// # Errors
    /// As there.
    pub async fn start_by(command: Command, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        Self::launch(address, command, arguments, environment, Stdout::Log).await
    }

    /// As [`Self::start`], with its pages at `address`.
    ///
    /// # Errors
    /// As there, and where the address is taken.
    pub async fn start_at(
        address: SocketAddr,
        arguments: &[&str],
        environment: &[(&str, &str)],
        stdout: Stdout,
    ) -> Result<Self> {
        Self::launch(address, Command::new(program()?), arguments, environment, stdout).await
    }

    async fn launch(
        address: SocketAddr,
        mut command: Command,
        arguments: &[&str],
        environment: &[(&str, &str)],
        stdout: Stdout,
    ) -> Result<Self> {
        let scratch = Scratch::new("run")?;
        // Behind a subcommand, which takes it as well.
        command.args(arguments).args(["--listen", &address.to_string()]);
        for (name, _) in std::env::vars_os() {
            // What a developer has set for other programs must not change a test.
            if name.to_string_lossy().starts_with("OTEL_") {
                command.env_remove(name);
            }
        }
        command.envs(environment.iter().copied());
        let mut process = Process::start(command, &scratch.path().join("hoptap.log"), stdout)?;
        process.stop_with_interrupt();
        process
            .wait_until("attached", START, async || {
                get(address, "/readyz").await.is_ok_and(|response| response.status == 200)
            })
            .await?;
        Ok(Self { process, address, _scratch: scratch })
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Where `/metrics` is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// One path of its own HTTP server.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn get(&self, path: &str) -> Result<Response> {
        get(self.address, path).await
    }

    /// # Errors
    /// Where it does not answer 200.
    pub async fn metrics(&self) -> Result<Vec<Sample>> {
        let response = self.get("/metrics").await?;
        if response.status != 200 {
            bail!("expected 200 from /metrics, found {}", response.status);
        }
        Ok(exposition::parse(&String::from_utf8_lossy(&response.body)))
    }

    /// What it logged (and printed, unless its standard output went elsewhere).
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// Ends it as Ctrl-C does.
    ///
    /// # Errors
    /// Where it does not end in time.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.process.stop()
    }

    /// Lets it stand still, as a machine that has no time for it would, or go on.
    pub fn hold(&self, still: bool) {
        let signal = if still { libc::SIGSTOP } else { libc::SIGCONT };
        crate::process::signal(self.pid(), signal);
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

async fn get(address: SocketAddr, path: &str) -> Result<Response> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    Connection::open(address).await?.exchange(request.as_bytes()).await
}

/// HOPTAP_BIN, else what `make build` left.
///
/// # Errors
/// Where there is neither.
pub fn program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("HOPTAP_BIN") {
        return Ok(named.into());
    }
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/hoptap");
    if built.is_file() {
        return Ok(built);
    }
    bail!("expected hoptap in HOPTAP_BIN or at {}, found none: run `make build`", built.display())
}

/// What this machine lacks to run hoptap; `None` where it lacks nothing that can be seen without running it.
pub fn lacking() -> Option<String> {
    #[expect(unsafe_code, reason = "std does not tell the effective user")]
    // SAFETY: geteuid takes nothing and cannot fail.
    let user = unsafe { libc::geteuid() };
    if user != 0 {
        return Some(format!("eBPF needs root, this is user {user}: run it with sudo"));
    }
    if !Path::new("/sys/kernel/btf/vmlinux").is_file() {
        return Some("expected /sys/kernel/btf/vmlinux: this kernel has no BTF".to_owned());
    }
    if !Path::new("/sys/bus/event_source/devices/uprobe").is_dir() {
        return Some("expected /sys/bus/event_source/devices/uprobe: this kernel has no uprobes".to_owned());
    }
    program().err().map(|error| format!("{error:#}"))
}
