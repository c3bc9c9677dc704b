//! Spans over OTLP: gRPC, HTTP with protobuf, HTTP with JSON.
//!
//! `encode` makes the bytes of a request (protobuf by `request`, straight from the exchange; JSON by `span`, through the
//! SDK's span data), `client` carries them, `worker` decides when and how often.

mod attribute;
mod client;
mod connection;
mod encode;
mod environment;
mod protobuf;
mod request;
mod resource;
mod sampler;
mod settings;
mod span;
#[cfg(test)]
mod tests;
mod worker;

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Output;
use super::counts::{Counts, Ledger, add};
use super::queue::{Sender, bounded};
use super::redact::Redaction;
use crate::exchange::Exchange;

pub use encode::Encoder;
pub use environment::{Problem, Problems};
pub use sampler::Sampler;
pub use settings::{Endpoint, Protocol, Settings, Target};

/// Sends exchanges as spans. The unit it counts is the span.
#[derive(Debug)]
pub struct Otlp {
    sender: Sender<Arc<Exchange>>,
    ledger: Arc<Ledger>,
    sampler: Sampler,
    /// When the worker has to be done; None while the program runs.
    deadline: watch::Sender<Option<Instant>>,
    thread: JoinHandle<()>,
}

impl Otlp {
    /// Starts the thread that batches and sends; None where the settings name no target.
    ///
    /// # Errors
    /// The system refuses another thread or an event queue, or certificates cannot be read.
    pub fn start(settings: Settings, redaction: Redaction) -> io::Result<Option<Self>> {
        if settings.target == Target::None {
            return Ok(None);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // Only name resolution blocks, one at a time.
            .max_blocking_threads(1)
            .build()?;
        let (sender, receiver) = bounded(settings.queue);
        let ledger = Arc::new(Ledger::new(Arc::clone(sender.level())));
        let (deadline, until) = watch::channel(None);
        let sampler = settings.sampler;
        let worker = worker::Worker::new(settings, redaction, receiver, Arc::clone(&ledger), until)?;
        let thread = std::thread::Builder::new().name("otlp".into()).spawn(move || {
            runtime.block_on(worker.run());
            // A name resolution that hangs must not hold up the end.
            runtime.shutdown_background();
        })?;
        Ok(Some(Self { sender, ledger, sampler, deadline, thread }))
    }
}

impl Output for Otlp {
    fn name(&self) -> &'static str {
        hoptap_semconv::value::hoptap_queue_name::SPANS
    }

    fn offer(&self, exchange: &Arc<Exchange>) {
        let spans = exchange.spans();
        if self.sampler.takes(exchange) {
            self.sender.push(Arc::clone(exchange), spans);
        } else {
            add(&self.ledger.sampled_out, spans as u64);
        }
    }

    fn counts(&self) -> Counts {
        self.ledger.counts()
    }

    fn finish(self: Box<Self>, within: Duration) -> Counts {
        let Self { sender, ledger, deadline, thread, .. } = *self;
        deadline.send_replace(Some(Instant::now() + within));
        drop(sender);
        if thread.join().is_err() {
            tracing::error!("the thread that sends spans panicked");
        }
        ledger.close()
    }
}
