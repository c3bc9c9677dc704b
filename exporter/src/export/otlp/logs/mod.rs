//! Log records over OTLP: bodies that rules selected, and the events of exchanges.
//!
//! They travel by the road of the spans; their queue is bounded in bytes too, for a body can be large.

mod content;
mod encode;
mod record;

use std::io;
use std::time::Duration;

use super::sending::Sending;
use super::settings::{Settings, Target};
use crate::export::counts::Counts;

pub(super) use encode::Encoder;
pub use record::{Body, Record, Severity, Value};

/// Sends log records. The unit it counts is the record.
#[derive(Debug)]
pub struct Logs {
    sending: Sending<Record>,
}

impl Logs {
    /// Starts the thread that batches and sends; None where the settings name no target. The settings are those of
    /// [`Settings::logs_from_env`].
    ///
    /// # Errors
    /// The system refuses another thread or an event queue, or certificates cannot be read.
    pub fn start(settings: Settings) -> io::Result<Option<Self>> {
        if settings.target == Target::None {
            return Ok(None);
        }
        let encoder = Encoder::new(&settings);
        Ok(Some(Self { sending: Sending::start(settings, encoder)? }))
    }

    /// One of the values of `hoptap.queue.name`, for labels.
    pub fn name(&self) -> &'static str {
        hoptap_semconv::value::hoptap_queue_name::RECORDS
    }

    /// Hands one record over. Never waits: what finds no room is counted.
    pub fn offer(&self, record: Record) {
        let bytes = record.weight();
        self.sending.sender.push_heavy(record, 1, bytes);
    }

    /// What became of everything that was offered, so far.
    pub fn counts(&self) -> Counts {
        self.sending.ledger.counts()
    }

    /// The most records that may wait.
    pub fn capacity(&self) -> usize {
        self.sending.sender.level().capacity()
    }

    /// Bytes that wait in the queue.
    pub fn bytes_waiting(&self) -> usize {
        self.sending.sender.level().bytes()
    }

    /// Delivers what waits, for at most `within`, and ends. Returns the last counts: nothing waits in them.
    pub fn finish(self, within: Duration) -> Counts {
        self.sending.finish(within)
    }
}
