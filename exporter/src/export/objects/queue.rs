//! What waits to be stored, bounded by bytes and by number, with an exact account of all of it.
//!
//! Past the limit the oldest is dropped: after a long outage the newest bodies are the ones that somebody looks for. One
//! lock guards it; it is held for a few moves of pointers, never while anything is written or freed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::object::Object;
use super::settings::Limits;
use crate::export::counts::Counts;

/// An object that waits or is under way.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) object: Object,
    weight: usize,
    /// In the order in which they came.
    number: u64,
    /// Tries that failed first while the store was well as far as was known.
    pub(super) strikes: u32,
}

/// What became of an object that was under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered,
    Lost,
}

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Rung when something comes, and when nothing more will.
    pub(super) bell: Notify,
    limits: Limits,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Entry>,
    /// Of what waits and of what is under way.
    bytes: usize,
    under_way: usize,
    next: u64,
    ended: bool,
    counts: Counts,
}

impl State {
    fn held(&self) -> usize {
        self.waiting.len() + self.under_way
    }
}

impl Queue {
    pub(super) fn new(limits: Limits) -> Self {
        Self { state: Mutex::default(), bell: Notify::new(), limits }
    }

    /// A thread that panicked with the lock had moved pointers only: the state is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an object in; drops the oldest where there is no room. Says whether it was taken.
    pub(super) fn offer(&self, object: Object) -> bool {
        let weight = object.weight();
        // Freed when the lock is not held any more.
        let mut dropped = Vec::new();
        let mut state = self.state();
        if state.ended {
            state.counts.shutdown += 1;
            return false;
        }
        while !state.waiting.is_empty()
            && (state.bytes.saturating_add(weight) > self.limits.bytes || state.held() >= self.limits.objects)
            && weight <= self.limits.bytes
        {
            let Some(oldest) = state.waiting.pop_front() else { break };
            state.bytes -= oldest.weight;
            state.counts.queue_full += 1;
            dropped.push(oldest);
        }
        // Larger than everything that may wait, or what is under way leaves no room.
        if state.bytes.saturating_add(weight) > self.limits.bytes || state.held() >= self.limits.objects {
            state.counts.queue_full += 1;
            return false;
        }
        let number = state.next;
        state.next += 1;
        state.bytes += weight;
        state.waiting.push_back(Entry { object, weight, number, strikes: 0 });
        drop(state);
        self.bell.notify_one();
        true
    }

    /// The oldest that waits, or the one after `skip` others.
    pub(super) fn take(&self, skip: usize) -> Option<Entry> {
        let mut state = self.state();
        let last = state.waiting.len().checked_sub(1)?;
        let entry = state.waiting.remove(skip.min(last))?;
        state.under_way += 1;
        Some(entry)
    }

    /// What was under way is done with.
    pub(super) fn settle(&self, entry: &Entry, outcome: Outcome) {
        let mut state = self.state();
        state.under_way -= 1;
        state.bytes -= entry.weight;
        match outcome {
            Outcome::Delivered => state.counts.delivered += 1,
            Outcome::Lost => state.counts.export_failed += 1,
        }
    }

    /// What was under way waits again, at its old place.
    pub(super) fn put_back(&self, entry: Entry) {
        let mut state = self.state();
        state.under_way -= 1;
        let behind = state.waiting.iter().position(|other| other.number > entry.number);
        let at = behind.unwrap_or(state.waiting.len());
        state.waiting.insert(at, entry);
    }

    /// Nothing more is taken in.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.bell.notify_one();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// Writes off everything that is still here: nobody will deliver it any more.
    pub(super) fn close(&self) -> Counts {
        let mut state = self.state();
        state.counts.shutdown += state.held() as u64;
        (state.under_way, state.bytes) = (0, 0);
        let left = std::mem::take(&mut state.waiting);
        let counts = state.counts;
        drop(state);
        drop(left);
        counts
    }

    pub(super) fn counts(&self) -> Counts {
        let state = self.state();
        Counts { waiting: state.held() as u64, ..state.counts }
    }

    pub(super) fn bytes(&self) -> usize {
        self.state().bytes
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use bytes::Bytes;

    use super::*;

    fn object(name: usize, bytes: usize) -> Object {
        let bytes = Bytes::from(vec![0; bytes]);
        Object { key: format!("{name:04}"), content_type: String::new(), metadata: Vec::new(), bytes }
    }

    /// Offers objects of these sizes; those of these names are left.
    #[track_caller]
    fn check(limits: (usize, usize), sizes: &[usize], left: &[&str]) {
        let empty = object(0, 0).weight();
        let limits = Limits { bytes: limits.0 + limits.1 * empty, objects: limits.1, ..Limits::default() };
        let queue = Queue::new(limits);
        for (name, size) in sizes.iter().enumerate() {
            queue.offer(object(name, *size));
            let counts = queue.counts();
            assert_eq!(counts.offered(), name as u64 + 1, "{counts:?}");
            assert!(queue.bytes() <= limits.bytes);
        }
        let taken: Vec<String> = std::iter::from_fn(|| queue.take(0)).map(|entry| entry.object.key).collect();
        assert_eq!(taken, left, "{sizes:?}");
    }

    #[test]
    fn the_oldest_goes_first() {
        check((100, 3), &[1, 1, 1, 1, 1], &["0002", "0003", "0004"]);
        check((100, 9), &[5000, 5000, 5000], &[]);
        check((1000, 2), &[600, 300, 300], &["0001", "0002"]);
        check((1000, 2), &[600, 300, 5000, 1], &["0001", "0003"]);
        check((0, 0), &[0, 0], &[]);
    }

    #[test]
    fn what_comes_back_keeps_its_place() {
        let queue = Queue::new(Limits::default());
        (0..5).for_each(|name| assert!(queue.offer(object(name, 10))));
        let (first, second, fifth) = (queue.take(0).unwrap(), queue.take(0).unwrap(), queue.take(9).unwrap());
        queue.put_back(second);
        queue.put_back(fifth);
        queue.put_back(first);
        let entries: Vec<Entry> = std::iter::from_fn(|| queue.take(0)).collect();
        let names: Vec<&str> = entries.iter().map(|entry| entry.object.key.as_str()).collect();
        assert_eq!(names, ["0000", "0001", "0002", "0003", "0004"]);
        queue.settle(&entries[0], Outcome::Delivered);
        queue.settle(&entries[1], Outcome::Lost);
        let counts = queue.counts();
        assert_eq!((counts.delivered, counts.export_failed, counts.waiting), (1, 1, 3));
        assert_eq!(queue.bytes(), 3 * object(0, 10).weight());
        queue.end();
        assert!(!queue.offer(object(9, 1)));
        let counts = queue.close();
        assert_eq!((counts.shutdown, counts.offered(), counts.waiting), (4, 6, 0));
    }
}
