//! Gathers spans, or log records, into batches and gets each to the collector, or counts it.
//!
//! One batch is under way at a time; the queue absorbs what comes meanwhile. A batch is given up after its time, and
//! the log says once that the collector is away and once that it is back.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::batch::Batch;
use super::client::{Accepted, Client, Failure};
use super::settings::{Settings, Target};
use crate::export::counts::{Ledger, add};
use crate::export::pause::{jittered, over};
use crate::export::queue::Receiver;

/// Between tries: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(5);

pub(super) struct Worker<B: Batch> {
    receiver: Receiver<B::Item>,
    /// Did not fit into the last batch.
    held: Option<B::Item>,
    ledger: Arc<Ledger>,
    until: watch::Receiver<Option<Instant>>,
    batch: B,
    route: Route,
    settings: Settings,
    /// Since when nothing was delivered, and how many were given up since; None while all is well.
    outage: Option<(Instant, u64)>,
}

enum Route {
    Collector(Box<Client>),
    Console,
}

impl<B: Batch> Worker<B> {
    /// # Errors
    /// Certificates that cannot be read.
    pub(super) fn new(
        settings: Settings,
        batch: B,
        receiver: Receiver<B::Item>,
        ledger: Arc<Ledger>,
        until: watch::Receiver<Option<Instant>>,
    ) -> io::Result<Self> {
        let route = match settings.target {
            Target::Console => Route::Console,
            _ => Route::Collector(Box::new(Client::new(&settings)?)),
        };
        Ok(Self { receiver, held: None, ledger, until, batch, route, settings, outage: None })
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

    async fn next(&mut self) -> Option<B::Item> {
        match self.held.take() {
            Some(held) => Some(held),
            None => self.receiver.next().await,
        }
    }

    /// Fills a batch until it is full, or its first item has waited long enough, or nothing more will come. Only an
    /// item that is too large by itself makes a batch larger than allowed.
    async fn gather(&mut self, first: &B::Item) {
        self.batch.add(first);
        let ready = Instant::now() + self.settings.delay;
        let room = self.settings.batch.saturating_sub(self.batch.len());
        let bytes = self.settings.batch_bytes.saturating_sub(self.batch.bytes());
        // Asleep meanwhile: one wake for the batch, not one for each item.
        if bytes > 0 {
            let _ = timeout_at(ready, self.receiver.filled(room, bytes)).await;
        }
        while self.batch.len() < self.settings.batch && self.batch.bytes() < self.settings.batch_bytes {
            let Ok(next) = self.receiver.poll() else {
                break;
            };
            let heavy = self.batch.bytes().saturating_add(B::weight(&next)) > self.settings.batch_bytes;
            if heavy || self.batch.len() + B::units(&next) > self.settings.batch {
                self.held = Some(next);
                break;
            }
            self.batch.add(&next);
        }
    }

    async fn deliver(&mut self) {
        let units = self.batch.len() as u64;
        let outcome = match self.batch.finish() {
            Err(error) => Err(Failure::lasting(error)),
            Ok(body) => match &mut self.route {
                Route::Console => print(&body),
                Route::Collector(client) => {
                    let mut report = Report { outage: &mut self.outage, settings: &self.settings };
                    send(client, body, &mut report).await
                }
            },
        };
        self.settle(units, outcome);
    }

    fn settle(&mut self, units: u64, outcome: Result<Accepted, Failure>) {
        let of = self.settings.signal.noun;
        match outcome {
            Ok(accepted) => {
                let refused = accepted.rejected.min(units);
                add(&self.ledger.refused, refused);
                add(&self.ledger.delivered, units - refused);
                if refused > 0 {
                    let message = accepted.message;
                    tracing::warn!(refused, of, message, "the collector turned some of a batch down");
                }
                if let Some((since, lost)) = self.outage.take() {
                    let seconds = since.elapsed().as_secs();
                    tracing::info!(lost, of, seconds, "what is for the collector is delivered again");
                }
            }
            Err(failure) => {
                add(&self.ledger.export_failed, units);
                let mut report = Report { outage: &mut self.outage, settings: &self.settings };
                report.away(&failure);
                if let Some((_, lost)) = &mut self.outage {
                    *lost += units;
                }
                tracing::debug!(units, of, reason = failure.reason, "a batch is given up");
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
                of = self.settings.signal.noun,
                reason = failure.reason,
                "what is for the collector is not delivered; it waits, and is counted where it cannot"
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

fn print(body: &[u8]) -> Result<Accepted, Failure> {
    use std::io::Write;
    let mut out = io::stdout().lock();
    out.write_all(body)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
        .map(|()| Accepted::default())
        .map_err(Failure::lasting)
}
