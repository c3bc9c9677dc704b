//! What became of everything that an output was offered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::queue::Level;

/// Numbers of units (spans, or transactions) since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Left out because the sampler said so: not a loss.
    pub sampled_out: u64,
    pub delivered: u64,
    /// Found no room in the queue.
    pub queue_full: u64,
    /// Given up after the time for retries, or refused in a way that no retry can mend.
    pub export_failed: u64,
    /// Taken by the collector, then turned down (`partial_success`).
    pub refused: u64,
    /// Still there when the time for the last flush was over.
    pub shutdown: u64,
    /// In the queue, or in the batch under way.
    pub waiting: u64,
}

impl Counts {
    /// Units that were lost, whatever the cause.
    pub fn lost(&self) -> u64 {
        self.queue_full + self.export_failed + self.refused + self.shutdown
    }

    /// Everything that was offered.
    pub fn offered(&self) -> u64 {
        self.sampled_out + self.delivered + self.lost() + self.waiting
    }
}

/// Where an output writes down what became of what its queue took in.
#[derive(Debug)]
pub(crate) struct Ledger {
    level: Arc<Level>,
    pub(crate) sampled_out: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) export_failed: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) shutdown: AtomicU64,
}

impl Ledger {
    pub(crate) fn new(level: Arc<Level>) -> Self {
        Self {
            level,
            sampled_out: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            export_failed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            shutdown: AtomicU64::new(0),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        // What is settled is read before what was accepted, so that `waiting` can be too high for a moment, but
        // never negative.
        let mut counts = Counts {
            sampled_out: self.sampled_out.load(Relaxed),
            delivered: self.delivered.load(Relaxed),
            queue_full: self.level.dropped(),
            export_failed: self.export_failed.load(Relaxed),
            refused: self.refused.load(Relaxed),
            shutdown: self.shutdown.load(Relaxed),
            waiting: 0,
        };
        let settled = counts.delivered + counts.export_failed + counts.refused + counts.shutdown;
        counts.waiting = self.level.accepted().saturating_sub(settled);
        counts
    }

    /// Writes off everything that still waits: nobody will deliver it any more.
    pub(crate) fn close(&self) -> Counts {
        let waiting = self.counts().waiting;
        self.shutdown.fetch_add(waiting, Relaxed);
        self.counts()
    }
}

/// Adds to one of the numbers.
pub(crate) fn add(number: &AtomicU64, units: u64) {
    number.fetch_add(units, Relaxed);
}
