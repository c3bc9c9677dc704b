//! A Traefik in a container that finds its backends by their labels, and hoptap beside it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hoptap_tests::client::Connection;
use hoptap_tests::collector::Collector;
use hoptap_tests::docker::{Docker, Image, libraries};
use hoptap_tests::hoptap::Hoptap;
use hoptap_tests::process::Stdout;
use hoptap_tests::span::{Kind, Span};
use hoptap_tests::traefik;

pub(crate) const NETWORK: &str = "site";
pub(crate) const TRAEFIK: &str = "demo-traefik-1";

/// Longest that Traefik takes to hear of a container, or hoptap to tell of a request.
const PATIENCE: Duration = Duration::from_secs(20);

// Dropped in this order: who watches goes first.
pub(crate) struct Site {
    pub(crate) hoptap: Option<Hoptap>,
    pub(crate) docker: Docker,
    pub(crate) collector: Collector,
    /// Where Traefik listens.
    web: SocketAddr,
    next: AtomicUsize,
}

/// A request that was answered: its id, and the container that says that it answered.
pub(crate) struct Answered {
    pub(crate) id: String,
    pub(crate) by: String,
}

impl Site {
    pub(crate) async fn start() -> Result<Self> {
        let docker = Docker::start().await?;
        let program = std::env::current_exe()?;
        docker.image("backend", &Image { program: Some((&program, "backend")), files: &libraries(&program)? })?;
        let program = traefik::program()?;
        docker.image("traefik", &Image { program: Some((&program, "traefik")), files: &libraries(&program)? })?;
        let (subnet, gateway) = (docker.address(1, 0) + "/24", docker.address(1, 1));
        docker.run(&["network", "create", "--subnet", &subnet, "--gateway", &gateway, NETWORK])?;
        let socket = format!("{}:/var/run/docker.sock", docker.socket().display());
        let network = format!("--providers.docker.network={NETWORK}");
        docker.run(&[
            "run",
            "--detach",
            "--name",
            TRAEFIK,
            "--network",
            NETWORK,
            "--volume",
            &socket,
            "traefik",
            "--providers.docker=true",
            &network,
            "--providers.docker.exposedByDefault=false",
            "--providers.providersThrottleDuration=0.1s",
            "--entryPoints.web.address=:80",
        ])?;
        let ip = docker.inspect(TRAEFIK)?.address(NETWORK).context("expected Traefik to have an address")?;
        Ok(Self {
            hoptap: None,
            docker,
            collector: Collector::start().await?,
            web: SocketAddr::new(ip, 80),
            next: AtomicUsize::new(0),
        })
    }

    /// On this machine, besides the containers.
    pub(crate) async fn watch(&mut self, arguments: &[&str]) -> Result<()> {
        self.hoptap = None;
        self.collector.clear();
        let endpoint = self.collector.endpoint();
        let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
        self.hoptap = Some(Hoptap::start(arguments, &environment, Stdout::Nowhere).await?);
        Ok(())
    }

    /// Starts a backend that Traefik routes `NAME.test` to, and what `docker run` is told besides.
    pub(crate) fn backend(&self, name: &str, more: &[&str]) -> Result<()> {
        self.backend_for(name, name, more)
    }

    /// The same for a host that is called otherwise.
    pub(crate) fn backend_for(&self, host: &str, name: &str, more: &[&str]) -> Result<()> {
        let rule = format!("traefik.http.routers.{host}.rule=Host(`{host}.test`)");
        let mut arguments = vec!["run", "--detach", "--name", name, "--label", "traefik.enable=true", "--label", &rule];
        let environment = format!("NAME={name}");
        arguments.extend(["--env", &environment, "--env", "HOPTAP_TESTS_BACKEND=1"]);
        if !more.contains(&"--network") {
            arguments.extend(["--network", NETWORK]);
        }
        let port = format!("traefik.http.services.{host}.loadbalancer.server.port=8000");
        if !more.iter().any(|word| word.contains("loadbalancer.server.url")) {
            arguments.extend(["--label", &port]);
        }
        arguments.extend(more);
        arguments.push("backend");
        self.docker.run(&arguments).map(drop)
    }

    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        self.docker.run(&["rm", "--force", name]).map(drop)
    }

    /// Asks until Traefik routes there. The first answer is the first request that the container ever got.
    pub(crate) async fn first(&self, host: &str) -> Result<Answered> {
        let begun = Instant::now();
        loop {
            match self.ask(host).await {
                Ok(answered) => return Ok(answered),
                Err(error) if begun.elapsed() > PATIENCE => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    pub(crate) async fn ask(&self, host: &str) -> Result<Answered> {
        let id = format!("{host}-{}-end", self.next.fetch_add(1, Relaxed));
        let request = format!("GET /?id={id} HTTP/1.1\r\nHost: {host}.test\r\nConnection: close\r\n\r\n");
        let response = Connection::open(self.web).await?.exchange(request.as_bytes()).await?;
        ensure!(response.status == 200, "expected 200 for {host}, found {}", response.status);
        Ok(Answered { id, by: String::from_utf8_lossy(&response.body).into_owned() })
    }

    /// Every answered request must be told once, with what `expected` says is the address of who answered it, and where
    /// the socket went besides.
    pub(crate) async fn check(
        &self,
        answered: &[Answered],
        expected: impl Fn(&Answered, &Span) -> Result<String>,
    ) -> Result<()> {
        let of = |spans: &[Span]| -> BTreeMap<String, Span> {
            let clients = spans.iter().filter(|span| span.kind == Kind::Client);
            let id = |span: &Span| Some(span.text("url.full")?.split_once("id=")?.1.to_owned());
            clients.filter_map(|span| Some((id(span)?, span.clone()))).collect()
        };
        let all = |spans: &[Span]| {
            let found = of(spans);
            answered.iter().all(|it| found.contains_key(&it.id))
        };
        let spans = of(&self.collector.wait(PATIENCE, all).await?);
        let mut wrong = Vec::new();
        for it in answered {
            let Some(span) = spans.get(&it.id) else { bail!("no span of {}", it.id) };
            let (expected, found) = (expected(it, span)?, span.text("server.address").unwrap_or_default());
            if expected != found {
                wrong.push(format!("{}: expected {expected}, found {found}", it.id));
            }
            let ports = (span.number("server.port"), span.number("network.peer.port"));
            ensure!(ports.0.is_some() && ports.0 == ports.1, "{}: expected the port of the socket: {ports:?}", it.id);
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    }

    /// Each is told by its name, and at the address that the engine says it has.
    pub(crate) async fn check_names(&self, answered: &[Answered]) -> Result<()> {
        self.check(answered, |it, span| {
            if let Ok(container) = self.docker.inspect(&it.by)
                && let (Some(said), Some(found)) = (container.address(NETWORK), span.text("network.peer.address"))
            {
                ensure!(said.to_string() == found, "{}: the engine says {said}, the span {found}", it.id);
            }
            Ok(it.by.clone())
        })
        .await
    }
}
