//! The thread that redacts and stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::SyncSender;

use super::Outlets;
use super::redact::{redact, strip};
use super::store::store;
use crate::exchange::Exchange;
use crate::export::counts::{Ledger, add};
use crate::export::queue::Receiver;
use crate::redact::Redaction;

pub(super) struct Worker {
    pub(super) receiver: Receiver<Exchange>,
    pub(super) outlets: Arc<Outlets>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) withheld: Arc<AtomicU64>,
    /// The time for the last of it is over.
    pub(super) hurry: Arc<AtomicBool>,
    pub(super) redaction: Arc<Redaction>,
    pub(super) decoded: usize,
}

impl Worker {
    /// Until the queue ends. `_ended` tells by being dropped.
    pub(super) fn run(mut self, _ended: &SyncSender<()>) {
        while let Some(mut exchange) = self.receiver.wait() {
            if self.hurry.load(Relaxed) {
                strip(&mut exchange);
                self.outlets.tell(exchange);
                add(&self.ledger.shutdown, 1);
                continue;
            }
            let withheld = redact(&mut exchange, &self.redaction, self.decoded);
            add(&self.withheld, withheld);
            store(&mut exchange, &self.outlets, &self.redaction);
            self.outlets.tell(exchange);
            add(&self.ledger.delivered, 1);
        }
    }
}
