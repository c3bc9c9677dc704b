//! Gathers spans into batches and gets each to the collector, or counts it.
//!
//! One batch is under way at a time; the queue absorbs what comes meanwhile. A batch is given up after its time, and
//! the log says once that the collector is away and once that it is back.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::client::{Accepted, Client, Failure};
use super::encode::Encoder;
use super::settings::{Settings, Target};
use crate::exchange::Exchange;
use crate::export::counts::{Ledger, add};
use crate::export::queue::Receiver;
use crate::export::redact::Redaction;

/// Between tries: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(5);

pub(super) struct Worker {
    receiver: Receiver<Arc<Exchange>>,
    /// Did not fit into the last batch.
    held: Option<Arc<Exchange>>,
    ledger: Arc<Ledger>,
    until: watch::Receiver<Option<Instant>>,
    encoder: Encoder,
    route: Route,
    settings: Settings,
    /// Since when nothing was delivered, and the spans given up since; None while all is well.
    outage: Option<(Instant, u64)>,
}

enum Route {
    Collector(Box<Client>),
    Console,
}

impl Worker {
    /// # Errors
    /// Certificates that cannot be read.
    pub(super) fn new(
        settings: Settings,
        redaction: Redaction,
        receiver: Receiver<Arc<Exchange>>,
        ledger: Arc<Ledger>,
        until: watch::Receiver<Option<Instant>>,
    ) -> io::Result<Self> {
        let route = match settings.target {
            Target::Console => Route::Console,
            _ => Route::Collector(Box::new(Client::new(&settings)?)),
        };
        Ok(Self {
            receiver,
            held: None,
            ledger,
            until,
            encoder: Encoder::new(&settings, redaction),
            route,
            settings,
            outage: None,
        })
    }

    /// Until the queue has ended and is empty, or the time for that is over.
    pub(super) async fn run(mut self) {
        let mut until = self.until.clone();
        tokio::select! {
            () = self.deliver_all() => {}
            () = over(&mut until) => {}
        }
    }

    async fn deliver_all(&mut self) {
        while let Some(first) = self.next().await {
            self.gather(&first).await;
            self.deliver().await;
        }
    }

    async fn next(&mut self) -> Option<Arc<Exchange>> {
        match self.held.take() {
            Some(held) => Some(held),
            None => self.receiver.next().await,
        }
    }

    /// Fills a batch until it is full, or its first span has waited long enough, or nothing more will come. Only an
    /// exchange that is too large by itself makes a batch larger than allowed.
    async fn gather(&mut self, first: &Exchange) {
        self.encoder.add(first);
        let ready = Instant::now() + self.settings.delay;
        let room = self.settings.batch.saturating_sub(self.encoder.len());
        // Asleep meanwhile: one wake for the batch, not one for each exchange.
        let _ = timeout_at(ready, self.receiver.filled(room)).await;
        while self.encoder.len() < self.settings.batch {
            let Ok(next) = self.receiver.poll() else {
                break;
            };
            if self.encoder.len() + next.spans() > self.settings.batch {
                self.held = Some(next);
                break;
            }
            self.encoder.add(&next);
        }
    }

    async fn deliver(&mut self) {
        let spans = self.encoder.len() as u64;
        let outcome = match self.encoder.finish() {
            Err(error) => Err(Failure::lasting(error)),
            Ok(body) => match &mut self.route {
                Route::Console => print(&body),
                Route::Collector(client) => {
                    let mut report = Report { outage: &mut self.outage, settings: &self.settings };
                    send(client, body, &mut report).await
                }
            },
        };
        self.settle(spans, outcome);
    }

    fn settle(&mut self, spans: u64, outcome: Result<Accepted, Failure>) {
        match outcome {
            Ok(accepted) => {
                let refused = accepted.rejected.min(spans);
                add(&self.ledger.refused, refused);
                add(&self.ledger.delivered, spans - refused);
                if refused > 0 {
                    let message = accepted.message;
                    tracing::warn!(spans = refused, message, "the collector turned spans down");
                }
                if let Some((since, lost)) = self.outage.take() {
                    let seconds = since.elapsed().as_secs();
                    tracing::info!(lost, seconds, "spans are delivered again");
                }
            }
            Err(failure) => {
                add(&self.ledger.export_failed, spans);
                let mut report = Report { outage: &mut self.outage, settings: &self.settings };
                report.away(&failure);
                if let Some((_, lost)) = &mut self.outage {
                    *lost += spans;
                }
                tracing::debug!(spans, reason = failure.reason, "spans are given up");
            }
        }
    }
}

/// Says once that the collector is away.
struct Report<'a> {
    outage: &'a mut Option<(Instant, u64)>,
    settings: &'a Settings,
}

impl Report<'_> {
    fn away(&mut self, failure: &Failure) {
        if self.outage.is_none() {
            *self.outage = Some((Instant::now(), 0));
            let endpoint = &self.settings.endpoint;
            tracing::warn!(
                host = endpoint.host,
                port = endpoint.port,
                reason = failure.reason,
                "spans are not delivered; they wait, and are counted where they cannot"
            );
        }
    }
}

/// Tries until it is delivered, refused for good, or its time is over.
async fn send(client: &mut Client, body: Bytes, report: &mut Report<'_>) -> Result<Accepted, Failure> {
    let end = Instant::now() + report.settings.export_timeout;
    let mut pause = FIRST_PAUSE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let patience = report.settings.timeout.min(left);
        let outcome = timeout(patience, client.send(body.clone())).await.unwrap_or_else(|_| {
            let seconds = patience.as_secs_f32();
            Err(Failure::transport(format_args!("no answer within {seconds} s")))
        });
        let failure = match outcome {
            Err(failure) if failure.retry => failure,
            settled => return settled,
        };
        report.away(&failure);
        let wait = failure.after.unwrap_or_else(|| jittered(pause));
        if Instant::now() + wait >= end {
            return Err(failure);
        }
        sleep(wait).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Between three quarters and all of a pause, so that many senders do not come back at once.
fn jittered(pause: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = u32::try_from(RandomState::new().hash_one(()) % 256).unwrap_or(0);
    pause * (768 + random) / 1024
}

/// Returns when there is a deadline and it has passed.
async fn over(until: &mut watch::Receiver<Option<Instant>>) {
    let deadline = match until.wait_for(Option::is_some).await {
        Ok(set) => *set,
        // The other side is gone without a deadline: the queue has ended with it.
        Err(_) => None,
    };
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn print(body: &[u8]) -> Result<Accepted, Failure> {
    use std::io::Write;
    let mut out = io::stdout().lock();
    out.write_all(body)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
        .map(|()| Accepted::default())
        .map_err(Failure::lasting)
}
