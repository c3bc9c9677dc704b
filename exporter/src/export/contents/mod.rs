//! The stage before the outputs, for exchanges with something to redact or to store: their bodies are redacted, handed
//! to the object stores and sent as log records, and know where they lie when the exchange is told.
//!
//! Everything else goes past it, on the thread that reads. That thread never waits here: where there is no room, an
//! exchange is told without its bodies, and that is counted.

mod outlets;
mod redact;
mod store;
#[cfg(test)]
mod tests;
mod worker;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use super::counts::{Counts, Ledger};
use super::queue::{Sender, bounded_by};
use crate::exchange::{Exchange, Level};
use crate::redact::Redaction;
use worker::Worker;

pub use outlets::{Outlets, Told};

/// What an exchange takes while it waits, besides its bodies and its header lines.
const FIXED: usize = 1024;

/// What is redacted, and how much may wait for it.
#[derive(Debug, Clone)]
pub struct Settings {
    pub redaction: Arc<Redaction>,
    /// Exchanges that may wait, and bytes of them.
    pub exchanges: usize,
    pub bytes: usize,
    /// Bytes that a compressed body is decoded into to look for secrets; what is longer ends there.
    pub decoded: usize,
}

impl Default for Settings {
    /// A quarter of the 256 MiB that hoptap may take by default, and an eighth of them.
    fn default() -> Self {
        Self { redaction: Arc::default(), exchanges: 32_768, bytes: 64 << 20, decoded: 32 << 20 }
    }
}

/// Hands exchanges to everything that takes them. The unit it counts is the exchange that had something to redact or to
/// store: all of them are told, those that are not delivered without their bodies.
#[derive(Debug)]
pub struct Contents {
    sender: Sender<Exchange>,
    outlets: Arc<Outlets>,
    ledger: Arc<Ledger>,
    withheld: Arc<AtomicU64>,
    hurry: Arc<AtomicBool>,
    ended: std::sync::mpsc::Receiver<()>,
    thread: JoinHandle<()>,
}

impl Contents {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system refuses another thread.
    pub fn start(settings: Settings, outlets: Outlets) -> io::Result<Self> {
        let (sender, receiver) = bounded_by(settings.exchanges, settings.bytes);
        let outlets = Arc::new(outlets);
        let ledger = Arc::new(Ledger::new(Arc::clone(sender.level())));
        let withheld = Arc::new(AtomicU64::new(0));
        let hurry = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            receiver,
            outlets: Arc::clone(&outlets),
            ledger: Arc::clone(&ledger),
            withheld: Arc::clone(&withheld),
            hurry: Arc::clone(&hurry),
            redaction: settings.redaction,
            decoded: settings.decoded,
        };
        let (end, ended) = sync_channel(1);
        let thread = std::thread::Builder::new().name("contents".into()).spawn(move || worker.run(&end))?;
        Ok(Self { sender, outlets, ledger, withheld, hurry, ended, thread })
    }

    /// Nobody takes anything.
    pub fn is_idle(&self) -> bool {
        self.outlets.is_empty()
    }

    /// Hands one exchange over. Never waits.
    pub fn offer(&self, exchange: Exchange) {
        let stored = exchange.kept.level >= Level::Details && self.outlets.has_stores();
        let bytes = exchange.content_bytes();
        if bytes == 0 && !stored {
            self.outlets.tell(exchange);
            return;
        }
        let weight = FIXED + bytes + header_bytes(&exchange);
        if let Err(mut exchange) = self.sender.give(exchange, 1, weight) {
            redact::strip(&mut exchange);
            self.outlets.tell(exchange);
        }
    }

    /// What became of the contents that were offered, so far.
    pub fn counts(&self) -> Counts {
        self.ledger.counts()
    }

    /// Bodies in which what is secret could not be found.
    pub fn withheld(&self) -> u64 {
        self.withheld.load(Relaxed)
    }

    /// What became of everything, at every outlet, in the same order each time; this stage comes first.
    pub fn told(&self) -> Vec<Told> {
        let name = hoptap_semconv::value::hoptap_queue_name::CONTENTS;
        let here = {
            let level = self.sender.level();
            Told { name, counts: self.counts(), capacity: level.capacity(), bytes: level.bytes() }
        };
        std::iter::once(here).chain(self.outlets.told()).collect()
    }

    /// More waits here than a caller with time should let wait.
    pub fn is_half_full(&self) -> bool {
        self.sender.level().is_half_full()
    }

    /// Delivers what waits, here and then at every outlet, each for at most `within`, and ends. Returns the last counts,
    /// as [`told`](Self::told) does, and the number of bodies that were withheld.
    pub fn finish(self, within: Duration) -> (Vec<Told>, u64) {
        let Self { sender, outlets, ledger, withheld, hurry, ended, thread } = self;
        let capacity = sender.level().capacity();
        drop(sender);
        // It ends by dropping its side. What it has not come to by then is told without its bodies, which takes no time.
        let _ = ended.recv_timeout(within);
        hurry.store(true, Relaxed);
        if thread.join().is_err() {
            tracing::error!("the thread that redacts and stores bodies panicked");
        }
        let name = hoptap_semconv::value::hoptap_queue_name::CONTENTS;
        let mut last = vec![Told { name, counts: ledger.close(), capacity, bytes: 0 }];
        // The thread is gone, and nobody else has it.
        last.extend(Arc::into_inner(outlets).map(|outlets| outlets.finish(within)).unwrap_or_default());
        (last, withheld.load(Relaxed))
    }
}

fn header_bytes(exchange: &Exchange) -> usize {
    let attempts = exchange.attempts.iter().map(|attempt| &attempt.hop);
    let hops = exchange.server.iter().map(|server| &server.hop).chain(attempts);
    hops.map(|hop| hop.request_headers.as_bytes().len() + hop.response_headers.as_bytes().len()).sum()
}
