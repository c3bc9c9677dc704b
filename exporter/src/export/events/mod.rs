//! Anonymised events of exchanges: one for each hop, without headers, bodies or queries, and without who the client is.
//!
//! As lines of JSON they are a [`Format`](super::stdout::Format) of standard output; here they become log records.

mod event;
mod line;
mod mask;
mod record;

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Output;
use super::counts::Counts;
use super::otlp::{self, Logs};
use super::stdout::{Format, Room, Stdout};
use crate::exchange::Exchange;

pub use event::Event;
pub use line::write;
pub use mask::masked;

/// Somewhere that events go. A store that is disabled is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Store {
    Stdout,
    /// The settings are those of [`otlp::Settings::logs_from_env`].
    Otlp(Box<otlp::Settings>),
}

/// Starts every store; one that has no target is left out.
///
/// # Errors
/// The system refuses another thread or an event queue, or certificates cannot be read.
pub fn start(stores: Vec<Store>) -> io::Result<Vec<Box<dyn Output>>> {
    let mut outputs: Vec<Box<dyn Output>> = Vec::new();
    for store in stores {
        match store {
            Store::Stdout => outputs.push(Box::new(Stdout::start(Format::Events, Arc::default(), Room::default())?)),
            Store::Otlp(settings) => {
                if let Some(logs) = Logs::start(*settings)? {
                    outputs.push(Box::new(Records { logs }));
                }
            }
        }
    }
    Ok(outputs)
}

/// Sends events as log records. The unit it counts is the record.
#[derive(Debug)]
struct Records {
    logs: Logs,
}

impl Output for Records {
    fn name(&self) -> &'static str {
        self.logs.name()
    }

    fn offer(&self, exchange: &Arc<Exchange>) {
        let observed = now();
        for event in Event::of(exchange) {
            self.logs.offer(record::of(exchange, &event, observed));
        }
    }

    fn counts(&self) -> Counts {
        self.logs.counts()
    }

    fn capacity(&self) -> usize {
        self.logs.capacity()
    }

    fn bytes_waiting(&self) -> usize {
        self.logs.bytes_waiting()
    }

    fn finish(self: Box<Self>, within: Duration) -> Counts {
        self.logs.finish(within)
    }
}

/// Nanoseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
