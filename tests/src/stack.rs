//! The stack of `compose/`, brought up by a real Docker engine with images that `scripts/images` builds.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::client::{Connection, Response};
use crate::docker::{Docker, said};
use crate::exposition::{self, Sample};
use crate::process::free_port;

/// What the file lets people choose the port of.
const PORTS: [&str; 9] = [
    "WEB_PORT",
    "TRAEFIK_API_PORT",
    "HOPTAP_PORT",
    "PROMETHEUS_PORT",
    "JAEGER_PORT",
    "GRAFANA_PORT",
    "TEMPO_PORT",
    "LOKI_PORT",
    "S3_PORT",
];
/// Containers start in a second or two; a machine that does other things needs more.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Taken down when dropped.
#[derive(Debug)]
pub struct Stack {
    pub docker: Docker,
    environment: HashMap<String, String>,
}

impl Stack {
    /// An engine with all images; nothing is up.
    ///
    /// # Errors
    /// Where the engine does not start, or an image cannot be built.
    pub async fn new() -> Result<Self> {
        let docker = Docker::start().await?;
        let compose = said(&script("program").arg("compose").stderr(Stdio::inherit()).output()?)?;
        docker.with_compose(compose.as_ref())?;
        // It is long, and says how far it is.
        let status = script("images").env("DOCKER_HOST", docker.host()).stdout(Stdio::null()).status()?;
        ensure!(status.success(), "scripts/images: {status}");
        let mut environment = HashMap::new();
        for name in PORTS {
            environment.insert(name.to_owned(), free_port()?.to_string());
        }
        environment.insert("DOCKER_SOCKET".to_owned(), docker.socket().display().to_string());
        // What is counted is what the test sends.
        environment.insert("TRAFFIC".to_owned(), "0".to_owned());
        Ok(Self { docker, environment })
    }

    /// What the next commands see as their environment.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// What `docker compose` with these arguments prints.
    ///
    /// # Errors
    /// Where it fails: with what it says.
    pub fn compose(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.docker.command();
        command.args(["compose", "--file"]).arg(folder().join("compose.yaml")).args(arguments);
        said(&command.envs(&self.environment).output()?)
            .with_context(|| format!("docker compose {}", arguments.join(" ")))
    }

    /// Brings up all services of the chosen profile for which there are images, and waits until hoptap is attached.
    ///
    /// # Errors
    /// Where one does not start in time.
    pub async fn up(&self) -> Result<()> {
        let services = self.compose(&["config", "--services"])?;
        let services = services.lines().filter(|service| *service != "grafana");
        let arguments: Vec<&str> = ["up", "--detach", "--quiet-pull"].into_iter().chain(services).collect();
        self.compose(&arguments)?;
        self.until("hoptap is attached", async || Ok(self.get("HOPTAP_PORT", "/readyz").await?.status == 200)).await?;
        self.until("Traefik has its routers", async || Ok(self.ask("/api/service-a/", None).await?.status == 200)).await
    }

    /// Waits until something is so.
    ///
    /// # Errors
    /// Where it is not, after [`PATIENCE`]: with what was the last reason, and what hoptap and Traefik said.
    pub async fn until(&self, what: &str, mut is: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
        let begun = Instant::now();
        loop {
            let outcome = is().await;
            if matches!(outcome, Ok(true)) {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                let logs = self.compose(&["logs", "--tail", "20", "hoptap", "traefik"]).unwrap_or_default();
                let last = outcome.err().map(|error| format!(": {error:#}")).unwrap_or_default();
                bail!("expected within {PATIENCE:?} that {what}{last}\n{logs}");
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// # Errors
    /// Where the port is none of the stack's.
    pub fn address(&self, port: &str) -> Result<SocketAddr> {
        let port = self.environment.get(port).with_context(|| format!("no port is called {port}"))?;
        Ok(SocketAddr::from(([127, 0, 0, 1], port.parse()?)))
    }

    /// Asks one of the services.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn get(&self, port: &str, path: &str) -> Result<Response> {
        let address = self.address(port)?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        Connection::open(address).await?.exchange(request.as_bytes()).await
    }

    /// Asks one of the services for JSON.
    ///
    /// # Errors
    /// Where its answer is something else.
    pub async fn json(&self, port: &str, path: &str) -> Result<Value> {
        let response = self.get(port, path).await?;
        let body = String::from_utf8_lossy(&response.body).into_owned();
        ensure!(response.status == 200, "{path}: {} {body}", response.status);
        serde_json::from_str(&body).with_context(|| format!("{path}: {body}"))
    }

    /// Sends a request through Traefik as `curl` would: a GET, or a POST of JSON.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn ask(&self, path: &str, body: Option<&str>) -> Result<Response> {
        let host = self.address("WEB_PORT")?.to_string();
        self.ask_host(&host, path, body).await
    }

    /// The same for another host's name.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn ask_host(&self, host: &str, path: &str, body: Option<&str>) -> Result<Response> {
        let head = format!("{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n");
        let request = match body {
            None => format!("GET {head}\r\n"),
            Some(body) => {
                format!("POST {head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            }
        };
        Connection::open(self.address("WEB_PORT")?).await?.exchange(request.as_bytes()).await
    }

    /// hoptap's metrics.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn metrics(&self) -> Result<Vec<Sample>> {
        Ok(exposition::parse(&String::from_utf8_lossy(&self.get("HOPTAP_PORT", "/metrics").await?.body)))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // The engine would stop the containers, but leave their networks to the machine.
        let _reported_by_the_engine = self.compose(&["--profile", "*", "down", "--volumes", "--timeout", "1"]);
    }
}

/// Where its files are.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../compose")
}

fn script(name: &str) -> Command {
    Command::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts").join(name))
}
