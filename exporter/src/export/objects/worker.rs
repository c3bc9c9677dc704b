//! Gets objects to the store, several at once, or waits until it is back.
//!
//! A failure is the store's until another upload goes well: then all but one wait, and that one asks, less and less
//! often. An object that fails again and again while others go well is left out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::failure::{Failure, Kind};
use super::queue::{Entry, Outcome, Queue};
use super::report::Report;
use super::store::Store;
use crate::export::pause::{jittered, over};

/// How often an object may be the first to fail while all was well: a store that comes and goes, or takes only some,
/// does not use them up.
const STRIKES: u32 = 10;

/// The one that asks is another each time, of so many: one that cannot be stored must not stand in the way.
const ASKED: usize = 8;

pub(super) struct Worker {
    store: Store,
    queue: Arc<Queue>,
    until: watch::Receiver<Option<Instant>>,
    under_way: JoinSet<Result<(), Failure>>,
    entries: Vec<(Id, Entry, Try)>,
    outage: Option<Outage>,
    asked: usize,
    ending: bool,
    report: Report,
}

/// Since a failure, until something goes well.
struct Outage {
    pause: Duration,
    resume: Instant,
}

/// When an upload began.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Try {
    /// All was well.
    Plain,
    /// To ask whether the store is back.
    Asking,
}

impl Worker {
    pub(super) fn new(
        store: Store,
        queue: Arc<Queue>,
        until: watch::Receiver<Option<Instant>>,
        report: Report,
    ) -> Self {
        Self {
            store,
            queue,
            until,
            under_way: JoinSet::new(),
            entries: Vec::new(),
            outage: None,
            asked: 0,
            ending: false,
            report,
        }
    }

    /// Until the queue has ended and is empty, or the time for that is over.
    pub(super) async fn run(mut self) {
        let mut until = self.until.clone();
        tokio::select! {
            () = self.deliver_all() => {}
            () = over(&mut until) => {}
        }
    }

    async fn deliver_all(&mut self) {
        loop {
            self.hurry();
            self.begin();
            if self.ending && self.under_way.is_empty() && self.queue.counts().waiting == 0 {
                return;
            }
            let resume = self.outage.as_ref().map(|outage| outage.resume).filter(|at| *at > Instant::now());
            tokio::select! {
                Some(done) = self.under_way.join_next_with_id() => self.settle(done),
                () = self.queue.bell.notified() => {}
                () = sleep_until(resume.unwrap_or_else(Instant::now)), if resume.is_some() => {}
            }
        }
    }

    /// When the end has come there is no time for a long pause.
    fn hurry(&mut self) {
        if !self.ending && self.queue.has_ended() {
            self.ending = true;
            if let Some(outage) = &mut self.outage {
                outage.pause = self.queue.limits().first_pause;
                outage.resume = Instant::now();
            }
        }
    }

    /// Begins as many uploads as may be under way.
    fn begin(&mut self) {
        let (allowed, kind) = match &self.outage {
            None => (self.queue.limits().uploads.max(1), Try::Plain),
            Some(outage) if outage.resume <= Instant::now() => (1, Try::Asking),
            Some(_) => (0, Try::Asking),
        };
        while self.under_way.len() < allowed {
            let skip = if kind == Try::Asking { self.asked % ASKED } else { 0 };
            let Some(entry) = self.queue.take(skip) else { return };
            if kind == Try::Asking {
                self.asked = self.asked.wrapping_add(1);
            }
            let store = self.store.clone();
            let object = entry.object.clone();
            let id = self.under_way.spawn(async move { store.put(&object).await }).id();
            self.entries.push((id, entry, kind));
        }
    }

    fn settle(&mut self, done: Result<(Id, Result<(), Failure>), JoinError>) {
        let (id, outcome) = match done {
            Ok(done) => done,
            Err(error) => (error.id(), Err(Failure::panicked())),
        };
        let Some(at) = self.entries.iter().position(|(known, ..)| *known == id) else { return };
        let (_, mut entry, kind) = self.entries.swap_remove(at);
        let failure = match outcome {
            Ok(()) => {
                self.queue.settle(&entry, Outcome::Delivered);
                if self.outage.take().is_some() {
                    self.report.back(&self.queue.counts());
                }
                return;
            }
            Err(failure) => failure,
        };
        self.report.count(failure.kind);
        if failure.kind == Kind::Object {
            self.report.left_out(&entry.object.key, &failure);
            self.queue.settle(&entry, Outcome::Lost);
            return;
        }
        // Of those that fail together only the first is suspected.
        if self.outage.is_none() && kind == Try::Plain {
            entry.strikes += 1;
        }
        self.wait(kind, &failure);
        if entry.strikes > STRIKES {
            self.report.left_out(&entry.object.key, &failure);
            self.queue.settle(&entry, Outcome::Lost);
        } else {
            self.queue.put_back(entry);
        }
    }

    /// The store does not take anything now.
    fn wait(&mut self, kind: Try, failure: &Failure) {
        let limits = self.queue.limits();
        let longest = if failure.kind == Kind::Away || self.ending { limits.last_pause } else { limits.slow_pause };
        let pause = match &self.outage {
            None => limits.first_pause,
            // Others that were under way say nothing new.
            Some(_) if kind == Try::Plain => return,
            Some(outage) => outage.pause * 2,
        };
        let pause = pause.min(longest);
        self.outage = Some(Outage { pause, resume: Instant::now() + jittered(pause) });
        self.report.away(failure);
    }
}
