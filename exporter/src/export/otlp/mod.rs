//! Spans and log records over OTLP: gRPC, HTTP with protobuf, HTTP with JSON.
//!
//! `encode` makes the bytes of a request (protobuf by `request`, straight from the exchange; JSON by `span`, through the
//! SDK's span data; log records by `logs`), `client` carries them, `worker` decides when and how often.

mod attribute;
mod batch;
mod client;
mod connection;
mod encode;
mod environment;
pub mod logs;
mod protobuf;
mod request;
mod resource;
mod sampler;
mod sending;
mod settings;
mod signal;
mod span;
#[cfg(test)]
pub(in crate::export) mod tests;
mod trial;
mod worker;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::Output;
use super::counts::{Counts, add};
use crate::exchange::Exchange;
use crate::redact::Redaction;
use sending::Sending;

pub use encode::Encoder;
pub use environment::{Problem, Problems};
pub use logs::Logs;
pub use sampler::{Sampler, Shares};
pub use settings::{Endpoint, Protocol, Settings, Target};
pub use trial::{Refusal, Trial};

/// Sends exchanges as spans. The unit it counts is the span.
#[derive(Debug)]
pub struct Otlp {
    sending: Sending<Arc<Exchange>>,
    sampler: Sampler,
}

impl Otlp {
    /// Starts the thread that batches and sends; None where the settings name no target.
    ///
    /// # Errors
    /// The system refuses another thread or an event queue, or certificates cannot be read.
    pub fn start(settings: Settings, redaction: Arc<Redaction>) -> io::Result<Option<Self>> {
        if settings.target == Target::None {
            return Ok(None);
        }
        let sampler = settings.sampler;
        let encoder = Encoder::new(&settings, redaction);
        Ok(Some(Self { sending: Sending::start(settings, encoder)?, sampler }))
    }
}

impl Output for Otlp {
    fn name(&self) -> &'static str {
        hoptap_semconv::value::hoptap_queue_name::SPANS
    }

    fn offer(&self, exchange: &Arc<Exchange>) {
        let spans = exchange.spans();
        if self.sampler.takes(exchange) {
            self.sending.sender.push_heavy(Arc::clone(exchange), spans, exchange.content_bytes());
        } else {
            add(&self.sending.ledger.sampled_out, spans as u64);
        }
    }

    fn counts(&self) -> Counts {
        self.sending.ledger.counts()
    }

    fn capacity(&self) -> usize {
        self.sending.sender.level().capacity()
    }

    fn bytes_waiting(&self) -> usize {
        self.sending.sender.level().bytes()
    }

    fn finish(self: Box<Self>, within: Duration) -> Counts {
        self.sending.finish(within)
    }
}
