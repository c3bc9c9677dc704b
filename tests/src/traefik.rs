//! A real Traefik with a configuration of our own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::access_log::{self, Row};
use crate::client::Connection;
use crate::exposition::{self, Sample};
use crate::process::{Process, Scratch, Stdout, free_port, on_path};

/// The version that `make traefik` builds where there is none.
pub const VERSION: &str = "v3.6.12";

/// What to start.
#[derive(Debug, Clone, Default)]
pub struct Setup<'a> {
    /// Name, and what follows the address in YAML flow style: `("pp", "proxyProtocol: {insecure: true}")`.
    pub entrypoints: &'a [(&'a str, &'a str)],
    /// Ports for entrypoints that must not be just any.
    pub ports: &'a [(&'a str, u16)],
    /// More lines for the static configuration.
    pub more: &'a str,
    /// The file provider's YAML.
    pub dynamic: &'a str,
    /// Without the access log that the lab needs: as most people run it, and as benchmarks want it.
    pub no_access_log: bool,
}

/// Stopped when dropped.
#[derive(Debug)]
pub struct Traefik {
    process: Process,
    ports: BTreeMap<String, u16>,
    scratch: Scratch,
}

impl Traefik {
    /// Starts it and waits until it has loaded its configuration.
    ///
    /// # Errors
    /// Where there is no Traefik, or it refuses the configuration: with what it logged.
    pub async fn start(setup: &Setup<'_>) -> Result<Self> {
        let scratch = Scratch::new("traefik")?;
        let mut ports = BTreeMap::new();
        let mut config = String::from(
            "global: {checkNewVersion: false, sendAnonymousUsage: false}\nlog: {level: ERROR}\nping: {}\n\
             api: {insecure: true}\nproviders:\n  providersThrottleDuration: 0.1s\n",
        );
        let dynamic = scratch.path().join("dynamic.yml");
        std::fs::write(&dynamic, setup.dynamic)?;
        write!(config, "  file: {{filename: {}, watch: true}}\nentryPoints:\n", dynamic.display())?;
        for (name, options) in [("traefik", "")].iter().chain(setup.entrypoints) {
            let set = setup.ports.iter().find(|(of, _)| of == name);
            let port = set.map_or_else(free_port, |(_, port)| Ok(*port))?;
            ports.insert((*name).to_owned(), port);
            writeln!(config, "  {name}: {{address: \"127.0.0.1:{port}\", {options}}}")?;
        }
        if !setup.no_access_log {
            write!(
                config,
                "accessLog:\n  filePath: {}\n  format: json\n  fields: {{headers: {{names: {{X-Request-Id: keep}}}}}}\n",
                scratch.path().join("access.json").display()
            )?;
        }
        config += setup.more;
        let file = scratch.path().join("traefik.yml");
        std::fs::write(&file, &config)?;

        let mut command = Command::new(program()?);
        command
            .arg(format!("--configFile={}", file.display()))
            .current_dir(scratch.path())
            .env_remove("HTTP_PROXY")
            .env_remove("HTTPS_PROXY");
        let log = scratch.path().join("traefik.log");
        let process = Process::start(command, &log, Stdout::Log)?;
        let mut traefik = Self { process, ports, scratch };
        let api = traefik.address("traefik")?;
        traefik
            .process
            .wait_until("served its API", Duration::from_secs(30), async || {
                routers(api).await.is_ok_and(|count| count > 0)
            })
            .await?;
        Ok(traefik)
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The file that it runs.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn executable(&self) -> Result<PathBuf> {
        Ok(std::fs::read_link(format!("/proc/{}/exe", self.pid()))?)
    }

    /// Where an entrypoint listens.
    ///
    /// # Errors
    /// Where it has no such entrypoint.
    pub fn address(&self, entrypoint: &str) -> Result<SocketAddr> {
        let port = self.ports.get(entrypoint);
        let port = port.with_context(|| format!("expected an entrypoint {entrypoint:?} in {:?}", self.ports))?;
        Ok(SocketAddr::from(([127, 0, 0, 1], *port)))
    }

    /// Names and addresses of all entrypoints.
    pub fn addresses(&self) -> impl Iterator<Item = (String, SocketAddr)> {
        self.ports.iter().map(|(name, port)| (name.clone(), SocketAddr::from(([127, 0, 0, 1], *port))))
    }

    /// Every row of the access log so far.
    ///
    /// # Errors
    /// Where a row cannot be read.
    pub fn access_log(&self) -> Result<Vec<Row>> {
        access_log::read(&self.scratch.path().join("access.json"))
    }

    /// Replaces the dynamic configuration; Traefik takes it up by itself a moment later.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn reload(&self, dynamic: &str) -> Result<()> {
        Ok(std::fs::write(self.scratch.path().join("dynamic.yml"), dynamic)?)
    }

    /// Its own metrics, where it has them.
    ///
    /// # Errors
    /// Where it does not answer 200.
    pub async fn metrics(&self) -> Result<Vec<Sample>> {
        let mut connection = Connection::open(self.address("traefik")?).await?;
        let response =
            connection.exchange(b"GET /metrics HTTP/1.1\r\nHost: traefik\r\nConnection: close\r\n\r\n").await?;
        if response.status != 200 {
            bail!("expected 200 from Traefik's /metrics, found {}", response.status);
        }
        Ok(exposition::parse(&String::from_utf8_lossy(&response.body)))
    }

    /// What it logged, for a message about something that went wrong.
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// # Errors
    /// Where it does not end in time.
    pub fn stop(&mut self) -> Result<()> {
        self.process.stop().map(drop)
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// True while it runs.
    pub fn runs(&mut self) -> bool {
        self.process.ended().is_none()
    }
}

/// HOPTAP_TRAEFIK, else what `make traefik` built, else the one on PATH.
///
/// # Errors
/// Where there is none.
pub fn program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("HOPTAP_TRAEFIK") {
        return Ok(named.into());
    }
    let cached = cache().map(|cache| cache.join(format!("traefik-{VERSION}")));
    if let Some(program) = cached.filter(|program| program.is_file()).or_else(|| on_path("traefik")) {
        return Ok(program);
    }
    bail!("expected a Traefik in HOPTAP_TRAEFIK, in the cache or on PATH, found none: run `make traefik`")
}

fn cache() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .filter(|set| !set.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache")))?;
    Some(base.join("hoptap"))
}

/// How many routers of the file provider the API knows.
async fn routers(api: SocketAddr) -> Result<usize> {
    let mut connection = Connection::open(api).await?;
    let request = b"GET /api/http/routers HTTP/1.1\r\nHost: traefik\r\nConnection: close\r\n\r\n";
    let response = connection.exchange(request).await?;
    let body = String::from_utf8_lossy(&response.body).into_owned();
    Ok(body.matches("\"provider\":\"file\"").count())
}
