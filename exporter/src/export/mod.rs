//! What leaves: spans and log records over OTLP, objects, metrics, text and JSON lines on standard output.
//!
//! Each output that sends has a bounded queue and a thread of its own. None can hold the reader up, and what it cannot take or
//! deliver it counts.

pub mod attributes;
pub mod bodies;
pub mod contents;
pub mod counts;
pub mod direction;
pub mod events;
pub mod json;
pub mod metrics;
pub mod objects;
pub mod otlp;
mod pause;
pub mod queue;
#[cfg(test)]
pub(crate) mod sample;
mod short;
pub mod stdout;
pub mod text;
mod time;
pub mod url;

use std::sync::Arc;
use std::time::Duration;

pub use counts::Counts;
pub use direction::Direction;
pub(crate) use time::Readable;

use crate::exchange::Exchange;

/// Somewhere that exchanges go.
pub trait Output: Send + Sync {
    /// One of the values of `hoptap.queue.name`, for labels.
    fn name(&self) -> &'static str;

    /// Hands one exchange over. Never waits: what finds no room is counted.
    fn offer(&self, exchange: &Arc<Exchange>);

    /// What became of everything that was offered, so far.
    fn counts(&self) -> Counts;

    /// The most units that may wait.
    fn capacity(&self) -> usize;

    /// Bytes of bodies that wait; 0 where they are not counted.
    fn bytes_waiting(&self) -> usize {
        0
    }

    /// Delivers what waits, for at most `within`, and ends. Returns the last counts: nothing waits in them.
    fn finish(self: Box<Self>, within: Duration) -> Counts;
}
