//! One run: a fixed number of requests for the cost of each, then as many as go for the rate.

use std::fmt;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use hoptap_tests::client::Connection;
use hoptap_tests::cpu;
use hoptap_tests::doors::Doors;
use hoptap_tests::hoptap::Hoptap;
use hoptap_tests::process::{Process, Scratch, Stdout, free_port};
use hoptap_tests::traefik::{Setup, Traefik};

use crate::rate::wrk;
use crate::scenario::{Ground, Scenario};

/// The batch exporters send what is left after five seconds: that belongs to the requests, too.
pub(crate) const TAIL: Duration = Duration::from_millis(5500);

/// For as long requests are sent as fast as they go.
const RATE: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Traefik alone.
    Floor,
    /// Traefik with all of its own telemetry.
    Own,
    /// Traefik alone, hoptap beside it.
    Hoptap,
    /// The same, and hoptap watches another Traefik, which does nothing: what its being there costs all others.
    Beside,
}

/// What one run told.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) mode: Mode,
    /// Processor time per request, µs.
    pub(crate) traefik: f64,
    pub(crate) hoptap: f64,
    /// Requests per second, as many as go.
    pub(crate) rate: f64,
    /// Spans that arrived per request of the fixed number: fewer than two are losses.
    pub(crate) spans: f64,
    /// Of hoptap: resident after the full load, and the most there was, bytes.
    pub(crate) resident: (f64, f64),
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:<7} Traefik {:6.1} µs/request, hoptap {:6.1}, {:8.0} requests/s, {:.2} spans/request",
            format!("{:?}", self.mode).to_lowercase(),
            self.traefik,
            self.hoptap,
            self.rate,
            self.spans
        )
    }
}

pub(crate) struct Bench {
    scenario: Scenario,
    requests: usize,
    arguments: Vec<String>,
    plain: Traefik,
    own: Traefik,
    _receiver: Process,
    receiver: SocketAddr,
    ground: Ground,
    _scratch: Scratch,
}

impl Bench {
    pub(crate) async fn start(scenario: Scenario, requests: usize, arguments: Vec<String>) -> Result<Self> {
        let scratch = Scratch::new("bench")?;
        let ground = Ground::new(&scratch).await?;

        let (process, receiver) = receiver(&scratch).await?;
        let setup = ground.setup();
        let telemetry = format!(
            "metrics: {{prometheus: {{addEntryPointsLabels: true, addRoutersLabels: true, addServicesLabels: true}}}}\n\
             tracing: {{otlp: {{http: {{endpoint: \"http://{receiver}/v1/traces\"}}}}}}\n\
             accessLog: {{filePath: {}, format: json}}\n",
            scratch.path().join("access.json").display()
        );
        Ok(Self {
            scenario,
            requests,
            arguments,
            plain: Traefik::start(&setup).await?,
            own: Traefik::start(&Setup { more: &telemetry, ..setup }).await?,
            _receiver: process,
            receiver,
            ground,
            _scratch: scratch,
        })
    }

    pub(crate) async fn run(&self, mode: Mode) -> Result<Run> {
        let traefik = if mode == Mode::Own { &self.own } else { &self.plain };
        let mut hoptap = match mode {
            Mode::Hoptap => Some(self.attach(traefik).await?),
            Mode::Beside => Some(self.attach(&self.own).await?),
            Mode::Floor | Mode::Own => None,
        };
        let doors = self.ground.doors(traefik);
        let cost = |hoptap: &Option<Hoptap>| -> Result<(Duration, Duration)> {
            let own = hoptap.as_ref().map(|hoptap| cpu::time(hoptap.pid())).transpose()?;
            Ok((cpu::time(traefik.pid())?, own.unwrap_or_default()))
        };
        let spans = received(self.receiver).await?;
        let before = cost(&hoptap)?;
        self.scenario.load(&doors, self.requests).await?;
        tokio::time::sleep(TAIL).await;
        let after = cost(&hoptap)?;
        let spans = received(self.receiver).await? - spans;

        let rate = self.rate(&doors).await?;
        let resident = hoptap.as_ref().map(|hoptap| cpu::resident(hoptap.pid())).transpose()?.unwrap_or_default();
        if let Some(hoptap) = &mut hoptap {
            hoptap.stop()?;
        }
        if mode == Mode::Own {
            // Its exporter must not run into the next run.
            tokio::time::sleep(TAIL).await;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let (requests, spans, resident) = (self.requests as f64, spans as f64, (resident.0 as f64, resident.1 as f64));
        let each = |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() * 1e6 / requests;
        Ok(Run {
            mode,
            traefik: each(before.0, after.0),
            hoptap: each(before.1, after.1),
            rate,
            spans: spans / requests,
            resident,
        })
    }

    async fn attach(&self, traefik: &Traefik) -> Result<Hoptap> {
        let pid = traefik.pid().to_string();
        let mut arguments = vec!["--pid", pid.as_str()];
        arguments.extend(self.arguments.iter().map(String::as_str));
        let endpoint = format!("http://{}", self.receiver);
        let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
        Hoptap::start(&arguments, &environment, Stdout::Nowhere).await
    }

    /// By wrk where it speaks the protocol.
    async fn rate(&self, doors: &Arc<Doors>) -> Result<f64> {
        if self.scenario == Scenario::Http1 {
            let url = format!("http://{}/x", doors.address("web")?);
            return Ok(tokio::task::spawn_blocking(move || wrk(&url, RATE)).await??.1);
        }
        let begun = Instant::now();
        self.scenario.load(doors, self.requests).await?;
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        Ok(self.requests as f64 / begun.elapsed().as_secs_f64())
    }
}

/// Starts what takes the telemetry, in a process of its own; gives where it listens.
pub(crate) async fn receiver(scratch: &Scratch) -> Result<(Process, SocketAddr)> {
    let receiver = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["receive", &receiver.to_string()]);
    let mut process = Process::start(command, &scratch.path().join("receiver.log"), Stdout::Log)?;
    process.wait_until("listened", Duration::from_secs(10), async || received(receiver).await.is_ok()).await?;
    Ok((process, receiver))
}

/// Spans that the receiver has had.
pub(crate) async fn received(receiver: SocketAddr) -> Result<u64> {
    let mut connection = Connection::open(receiver).await?;
    let request = b"GET /count HTTP/1.1\r\nHost: receiver\r\nConnection: close\r\n\r\n";
    let response = connection.exchange(request).await?;
    Ok(String::from_utf8_lossy(&response.body).parse()?)
}
