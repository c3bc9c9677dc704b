//! Bodies that are kept, on their way to where they are kept: through outages, through changes of the configuration,
//! and never with a secret in them.

pub(crate) mod outage;
pub(crate) mod own;
pub(crate) mod reload;
pub(crate) mod secrets;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hoptap_tests::client::Connection;
use hoptap_tests::echo::Echo;
use hoptap_tests::exposition::Sample;
use hoptap_tests::hoptap::Hoptap;
use hoptap_tests::traefik::{Setup, Traefik};
use tokio::task::JoinSet;

/// A Traefik in front of a backend that answers with what it was sent.
pub(crate) struct Place {
    pub(crate) traefik: Traefik,
    _echo: Echo,
}

impl Place {
    pub(crate) async fn start() -> Result<Self> {
        let echo = Echo::start().await?;
        let dynamic = format!(
            "http:\n  routers: {{all: {{rule: 'PathPrefix(`/`)', service: echo}}}}\n  services: {{echo: {{loadBalancer: \
             {{servers: [{{url: 'http://{}'}}]}}}}}}\n",
            echo.address
        );
        let setup = Setup { entrypoints: &[("web", "")], dynamic: &dynamic, ..Setup::default() };
        Ok(Self { traefik: Traefik::start(&setup).await?, _echo: echo })
    }
}

/// What one request was sent, and got.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) id: String,
    pub(crate) request: Vec<u8>,
    pub(crate) response: Vec<u8>,
}

/// Sends from eight connections, with a pause behind each request, until it is told to stop: bodies of random bytes and
/// lengths.
pub(crate) async fn load(to: SocketAddr, pause: Duration, stop: Arc<AtomicBool>) -> Result<Vec<Exchange>> {
    let mut tasks = JoinSet::new();
    for number in 0..8_u32 {
        let stop = Arc::clone(&stop);
        tasks.spawn(async move {
            let mut random = Random(u64::from(number) + 1);
            let mut connection = Connection::open(to).await?;
            let mut sent = Vec::new();
            while !stop.load(Relaxed) {
                let id = format!("{number}x{}", sent.len());
                let request = random.bytes();
                let head = format!(
                    "POST /x?id={id} HTTP/1.1\r\nHost: any.test\r\nContent-Type: application/octet-stream\r\n\
                     Content-Length: {}\r\n\r\n",
                    request.len()
                );
                let response = connection.exchange(&[head.as_bytes(), &request].concat()).await?;
                ensure!(response.status == 200, "{id}: {}", response.status);
                sent.push(Exchange { id, request, response: response.body });
                tokio::time::sleep(pause).await;
            }
            Ok(sent)
        });
    }
    let mut all = Vec::new();
    while let Some(done) = tasks.join_next().await {
        all.extend(done??);
    }
    Ok(all)
}

/// xorshift64: the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Most bodies are short; some are tens of kilobytes.
    fn bytes(&mut self) -> Vec<u8> {
        let limit = if self.next().is_multiple_of(8) { 60_000 } else { 2000 };
        let length = 1 + self.next() % limit;
        (0..length).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

/// Waits until what hoptap says of itself is so.
pub(crate) async fn until(hoptap: &Hoptap, within: Duration, holds: impl Fn(&[Sample]) -> bool) -> Result<()> {
    let end = Instant::now() + within;
    loop {
        let samples = hoptap.metrics().await?;
        if holds(&samples) {
            return Ok(());
        }
        ensure!(Instant::now() < end, "it does not come to that: {}\n{}", own(&samples), hoptap.output());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The value of hoptap's own counter with this label value.
pub(crate) fn counter(samples: &[Sample], name: &str, value: &str) -> f64 {
    let of = |sample: &&Sample| sample.name == name && sample.labels.iter().any(|(_, label)| label == value);
    samples.iter().filter(of).map(|sample| sample.value).sum()
}

fn own(samples: &[Sample]) -> String {
    let ours = samples.iter().filter(|sample| sample.name.starts_with("hoptap_") && sample.value != 0.0);
    ours.map(|sample| format!("{} {:?} {}\n", sample.name, sample.labels, sample.value)).collect()
}
