//! Everything started, wired together and stopped in order: backends, Traefik, a collector, and hoptap if wanted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::access_log::Row;
use crate::backend::{Backend, Backends};
use crate::client::Connection;
use crate::collector::Collector;
use crate::doors::Doors;
use crate::early::Early;
use crate::hoptap::Hoptap;
use crate::modern::{self, Modern};
use crate::oracle::{self, Traces, Verdict};
use crate::process::{Stdout, free_port};
use crate::span::Span;
use crate::traefik::{Setup, Traefik};

/// How long after the last response all rows and spans must have come.
pub const SETTLE: Duration = Duration::from_secs(10);

/// Before the number in the id of a case.
const CASE: &str = "case-";

/// Routers of every kind; `{be1}`, `{be2}` and `{down}` stand for addresses.
const DYNAMIC: &str = include_str!("../live/dynamic.yml");

/// What a lab is made of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan<'a> {
    /// Arguments of hoptap; `None`: without it.
    pub hoptap: Option<&'a [&'a str]>,
    /// Traefik's own way to talk to HTTP/1 backends, instead of net/http's.
    pub fast_proxy: bool,
    /// Traefik's own tracing, to the same collector.
    pub tracing: bool,
    /// TLS and HTTP/2 on both sides.
    pub modern: bool,
    /// Traefik's own metrics, on its entrypoint `traefik`.
    pub metrics: bool,
}

pub struct Lab {
    // Dropped in this order: who watches goes first, who is talked to goes last.
    pub hoptap: Option<Hoptap>,
    pub traefik: Traefik,
    pub backends: Backends,
    pub collector: Collector,
    pub doors: Arc<Doors>,
    dynamic: String,
    early: Mutex<Early>,
    ids: AtomicUsize,
    /// The certificates are in files that Traefik reads again with each configuration.
    _modern: Option<Modern>,
}

impl Lab {
    /// # Errors
    /// Where one of them does not start: with what it wrote.
    pub async fn start(plan: Plan<'_>) -> Result<Self> {
        let modern = if plan.modern { Some(Modern::new(DYNAMIC)?) } else { None };
        let mut speakers: Vec<_> = ["be1", "be2"].map(|name| Backend { name, ..Backend::default() }).into();
        if let Some(modern) = &modern {
            speakers.extend(modern.backends()?);
        }
        let backends = Backends::listen(&speakers, false).await?;
        let collector = Collector::start().await?;
        let mut dynamic = modern.as_ref().map_or_else(|| DYNAMIC.to_owned(), |modern| modern.dynamic(DYNAMIC));
        for (name, address) in backends.named() {
            dynamic = dynamic
                .replace(&format!("{{{name}}}"), &address.to_string())
                .replace(&format!("{{{name}port}}"), &address.port().to_string());
        }
        let dynamic = dynamic.replace("{down}", &format!("127.0.0.1:{}", free_port()?));
        let mut more = String::new();
        if plan.fast_proxy {
            more += "experimental: {fastProxy: {debug: false}}\n";
        }
        if plan.tracing {
            more += &format!("tracing: {{otlp: {{http: {{endpoint: \"{}/v1/traces\"}}}}}}\n", collector.endpoint());
        }
        if plan.metrics {
            more += "metrics: {prometheus: {addRoutersLabels: true}}\n";
        }
        let mut entrypoints = vec![
            ("web", ""),
            ("pp", "proxyProtocol: {insecure: true}"),
            ("strict", "transport: {respondingTimeouts: {readTimeout: 500ms}}"),
        ];
        if plan.modern {
            entrypoints.extend(modern::ENTRYPOINTS);
        }
        let traefik =
            Traefik::start(&Setup { entrypoints: &entrypoints, more: &more, dynamic: &dynamic, ..Setup::default() })
                .await?;
        let certificates = modern.as_ref().map(|modern| Arc::clone(&modern.certificates));
        let doors = Arc::new(Doors::new(traefik.addresses().collect(), certificates));
        let early = Early::open(&doors, plan.modern).await?;
        // Rows come after the responses: none of these may come later, among those of a case.
        let begun = Instant::now();
        while traefik.access_log()?.len() < early.sent && begun.elapsed() < SETTLE {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let hoptap = match plan.hoptap {
            None => None,
            Some(arguments) => {
                let pid = traefik.pid().to_string();
                let mut all = vec!["--pid", pid.as_str()];
                all.extend(arguments);
                let endpoint = collector.endpoint();
                let environment =
                    [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
                Some(Hoptap::start(&all, &environment, Stdout::Log).await?)
            }
        };
        let (early, ids) = (Mutex::new(early), AtomicUsize::new(0));
        Ok(Self { hoptap, traefik, backends, collector, doors, dynamic, early, ids, _modern: modern })
    }

    /// The client's connections that were open before hoptap was started; each has carried one request.
    pub fn take_early(&self) -> Vec<Connection> {
        std::mem::take(&mut self.early.lock().unwrap_or_else(PoisonError::into_inner).plain)
    }

    /// All of them, those with TLS and of HTTP/2, too.
    pub fn take_all_early(&self) -> Early {
        std::mem::take(&mut *self.early.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The dynamic configuration that Traefik started with.
    pub fn dynamic(&self) -> &str {
        &self.dynamic
    }

    /// An id that no case had before.
    pub fn next_id(&self) -> String {
        let number = self.ids.fetch_add(1, Ordering::Relaxed);
        format!("{CASE}{number}")
    }

    /// Waits until `expected` more rows than `before` are in the access log.
    ///
    /// # Errors
    /// Where they are not there in time, or a row cannot be read.
    pub async fn rows(&self, before: usize, expected: usize) -> Result<Vec<Row>> {
        self.rows_of("", before, expected).await
    }

    /// The same without rows that have the id of another case.
    ///
    /// # Errors
    /// Where they are not there in time, or a row cannot be read.
    pub async fn rows_of(&self, id: &str, before: usize, expected: usize) -> Result<Vec<Row>> {
        let begun = Instant::now();
        loop {
            let rows: Vec<_> = self
                .traefik
                .access_log()?
                .into_iter()
                .skip(before)
                .filter(|row| !is_of_another(row.id.as_deref(), id))
                .collect();
            if rows.len() >= expected || begun.elapsed() > SETTLE {
                anyhow::ensure!(
                    rows.len() == expected,
                    "expected {expected} rows in the access log, found {}: {rows:#?}",
                    rows.len()
                );
                return Ok(rows);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until no more spans come after `servers` SERVER spans and `clients` CLIENT spans have.
    pub async fn spans(&self, servers: usize, clients: usize) -> Vec<Span> {
        let enough = |spans: &[Span]| {
            let traces = Traces::new(spans);
            let children: usize = traces.servers.iter().map(|server| traces.children(server).len()).sum();
            traces.servers.len() >= servers && children >= clients
        };
        // Too few is for the comparison to say, which knows which are missing.
        let _too_few = self.collector.wait(SETTLE, enough).await;
        let mut count = self.collector.spans().len();
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let now = self.collector.spans();
            if now.len() == count {
                return now;
            }
            count = now.len();
        }
    }

    /// Forgets all that was recorded and says how many rows the access log has.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn begin(&self) -> Result<usize> {
        self.collector.clear();
        self.backends.clear();
        Ok(self.traefik.access_log()?.len())
    }

    /// Compares everything since [`begin`](Self::begin), once `expected` rows are there.
    ///
    /// # Errors
    /// Where the rows do not come.
    pub async fn verdict(&self, before: usize, expected: usize) -> Result<Verdict> {
        let rows = self.rows(before, expected).await?;
        let with_id = self.backends.received().iter().filter(|one| one.id.is_some()).count();
        let spans = self.spans(rows.len(), with_id).await;
        // Mirrors are sent to after the answer: what they got is asked for when all spans are there.
        Ok(oracle::compare(&rows, &spans, &self.backends.received()))
    }
}

/// Whether an id is that of a case, but not of the case with the id `mine`.
pub(crate) fn is_of_another(found: Option<&str>, mine: &str) -> bool {
    found.is_some_and(|found| found.starts_with(CASE) && found != mine)
}
