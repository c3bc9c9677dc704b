//! Objects in a store: each captured body byte for byte as it was on the wire, and a document for each exchange.
//!
//! `object_store` carries them to S3 or into a directory. What waits is bounded in bytes, survives outages within that,
//! and is accounted for exactly: offered = delivered + dropped + waiting, at any time.

mod content;
mod document;
mod endpoint;
mod failure;
mod key;
mod object;
mod queue;
mod report;
mod settings;
mod store;
#[cfg(test)]
pub(in crate::export) mod tests;
mod trial;
mod worker;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::counts::Counts;
use queue::Queue;
use report::{Report, Tries};
use store::Store;
use worker::Worker;

pub use content::Content;
pub use document::{Stored, document};
pub use key::{Keys, Part, Place};
pub use object::Object;
pub use report::Failures;
pub use settings::{Error, File, Limits, S3, Secret, Settings};
pub use trial::{Refusal, Taken, Trial};

/// Stores objects. The unit it counts is the object.
#[derive(Debug)]
pub struct Objects {
    queue: Arc<Queue>,
    keys: Keys,
    tries: Arc<Tries>,
    /// When the worker has to be done; None while the program runs.
    deadline: watch::Sender<Option<Instant>>,
    thread: JoinHandle<()>,
}

impl Objects {
    /// Starts the thread that uploads. Whether the store takes anything shows with the first object; a directory is
    /// tried at once.
    ///
    /// # Errors
    /// Settings that cannot be used, a directory that cannot be written to, no thread.
    pub fn start(settings: &Settings, limits: Limits) -> Result<Self, Error> {
        Self::start_in(settings, limits, &|name| std::env::var(name).ok())
    }

    /// The same with an environment of the caller's.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_in(
        settings: &Settings,
        limits: Limits,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let store = Store::open(settings, &limits, environment)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // Files are written, and names resolved, by threads that may block.
            .max_blocking_threads(limits.uploads.max(1))
            .build()?;
        let queue = Arc::new(Queue::new(limits));
        let (deadline, until) = watch::channel(None);
        let keys = store.keys.clone();
        let tries = Arc::new(Tries::default());
        let report = Report::new(keys.url(""), Arc::clone(&tries));
        let worker = Worker::new(store, Arc::clone(&queue), until, report);
        let thread = std::thread::Builder::new().name("objects".into()).spawn(move || {
            runtime.block_on(worker.run());
            // A write that hangs must not hold up the end.
            runtime.shutdown_background();
        })?;
        Ok(Self { queue, keys, tries, deadline, thread })
    }

    /// One of the values of `hoptap.queue.name`, for labels.
    pub fn name(&self) -> &'static str {
        hoptap_semconv::value::hoptap_queue_name::OBJECTS
    }

    /// Makes keys, and the URLs that they will have.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Where the object with this key is, or will be.
    pub fn url(&self, key: &str) -> String {
        self.keys.url(key)
    }

    /// Hands one object over. Never waits: where there is no room the oldest is dropped and counted, or this one if it
    /// is larger than everything that may wait. Says whether it was taken.
    pub fn offer(&self, object: Object) -> bool {
        self.queue.offer(object)
    }

    /// What became of everything that was offered, so far.
    pub fn counts(&self) -> Counts {
        self.queue.counts()
    }

    /// Tries that failed so far.
    pub fn failures(&self) -> Failures {
        self.tries.failures()
    }

    /// The most objects that may wait or be under way.
    pub fn capacity(&self) -> usize {
        self.queue.limits().objects
    }

    /// Bytes that wait or are under way.
    pub fn bytes_waiting(&self) -> usize {
        self.queue.bytes()
    }

    /// Delivers what waits, for at most `within`, and ends. Returns the last counts: nothing waits in them.
    pub fn finish(self, within: Duration) -> Counts {
        let Self { queue, deadline, thread, .. } = self;
        deadline.send_replace(Some(Instant::now() + within));
        queue.end();
        if thread.join().is_err() {
            tracing::error!("the thread that stores objects panicked");
        }
        queue.close()
    }
}
