//! What the log says about a store: that it is away and that it is back, once each; and how often what failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::failure::{Failure, Kind};
use crate::export::counts::Counts;

/// The same is not said again within it.
const QUIET: Duration = Duration::from_secs(60);

/// Tries that failed, by who can mend it. Not losses: most of them are made good by a later try.
#[derive(Debug, Default)]
pub(super) struct Tries {
    away: AtomicU64,
    denied: AtomicU64,
    full: AtomicU64,
    object: AtomicU64,
}

/// The same as numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    /// The store did not answer, or was busy.
    pub away: u64,
    /// It turned them down: keys, bucket, directory.
    pub denied: u64,
    /// It had no space.
    pub full: u64,
    /// It did not take this very object, which was left out.
    pub object: u64,
}

impl Tries {
    pub(super) fn failures(&self) -> Failures {
        Failures {
            away: self.away.load(Relaxed),
            denied: self.denied.load(Relaxed),
            full: self.full.load(Relaxed),
            object: self.object.load(Relaxed),
        }
    }
}

pub(super) struct Report {
    /// `s3://bucket/` or `file:///directory/`.
    store: String,
    tries: Arc<Tries>,
    /// The outage under way; None while all is well.
    since: Option<Instant>,
    /// What was said last, and when.
    told: Option<(Kind, &'static str, Instant)>,
    left_out: Option<Instant>,
    silent: u64,
}

impl Report {
    pub(super) fn new(store: String, tries: Arc<Tries>) -> Self {
        Self { store, tries, since: None, told: None, left_out: None, silent: 0 }
    }

    pub(super) fn count(&self, kind: Kind) {
        let number = match kind {
            Kind::Away => &self.tries.away,
            Kind::Denied => &self.tries.denied,
            Kind::Full => &self.tries.full,
            Kind::Object => &self.tries.object,
        };
        number.fetch_add(1, Relaxed);
    }

    /// A failure that holds up everything. Said when it begins and when it becomes another.
    pub(super) fn away(&mut self, failure: &Failure) {
        let begins = self.since.is_none();
        self.since.get_or_insert_with(Instant::now);
        let known = |(kind, advice, at): &(Kind, &str, Instant)| {
            *kind == failure.kind && *advice == failure.advice && (!begins || at.elapsed() < QUIET)
        };
        if self.told.as_ref().is_some_and(known) {
            return;
        }
        self.told = Some((failure.kind, failure.advice, Instant::now()));
        tracing::warn!(
            store = self.store,
            reason = failure.reason,
            to_do = failure.advice,
            "objects are not stored; they wait, and the oldest are dropped and counted where they cannot"
        );
    }

    pub(super) fn back(&mut self, counts: &Counts) {
        let Some(since) = self.since.take() else { return };
        let seconds = since.elapsed().as_secs();
        let (waiting, lost) = (counts.waiting, counts.lost());
        // Its beginning may have gone unsaid: then its end does.
        if self.told.as_ref().is_some_and(|(_, _, at)| *at >= since) {
            tracing::info!(store = self.store, seconds, waiting, lost, "objects are stored again");
        }
    }

    /// One object that the store does not take.
    pub(super) fn left_out(&mut self, key: &str, failure: &Failure) {
        if self.left_out.is_some_and(|at| at.elapsed() < QUIET) {
            self.silent += 1;
            return;
        }
        self.left_out = Some(Instant::now());
        let others = std::mem::take(&mut self.silent);
        tracing::warn!(store = self.store, key, reason = failure.reason, others, "an object is left out");
    }
}
