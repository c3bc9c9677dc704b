//! A queue, and behind it the thread that batches and sends.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::batch::Batch;
use super::settings::Settings;
use super::worker::Worker;
use crate::export::counts::{Counts, Ledger};
use crate::export::queue::{Sender, bounded_by};

#[derive(Debug)]
pub(super) struct Sending<T> {
    pub(super) sender: Sender<T>,
    pub(super) ledger: Arc<Ledger>,
    noun: &'static str,
    /// When the worker has to be done; None while the program runs.
    deadline: watch::Sender<Option<Instant>>,
    thread: JoinHandle<()>,
}

impl<T: Send + 'static> Sending<T> {
    /// # Errors
    /// The system refuses another thread or an event queue, or certificates cannot be read.
    pub(super) fn start<B>(settings: Settings, batch: B) -> io::Result<Self>
    where
        B: Batch<Item = T> + Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // Only name resolution blocks, one at a time.
            .max_blocking_threads(1)
            .build()?;
        let (sender, receiver) = bounded_by(settings.queue, settings.queue_bytes);
        let ledger = Arc::new(Ledger::new(Arc::clone(sender.level())));
        let (deadline, until) = watch::channel(None);
        let noun = settings.signal.noun;
        let worker = Worker::new(settings, batch, receiver, Arc::clone(&ledger), until)?;
        let thread = std::thread::Builder::new().name("otlp".into()).spawn(move || {
            runtime.block_on(worker.run());
            // A name resolution that hangs must not hold up the end.
            runtime.shutdown_background();
        })?;
        Ok(Self { sender, ledger, noun, deadline, thread })
    }

    pub(super) fn finish(self, within: Duration) -> Counts {
        let Self { sender, ledger, noun, deadline, thread } = self;
        deadline.send_replace(Some(Instant::now() + within));
        drop(sender);
        if thread.join().is_err() {
            tracing::error!(of = noun, "the thread that sends to the collector panicked");
        }
        ledger.close()
    }
}
