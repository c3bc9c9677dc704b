//! What hoptap counts about itself: plain atomics that every stage may bump from any thread.
//!
//! Nothing here knows how the numbers are shown; `export::metrics` reads them when somebody asks for the page.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hoptap_semconv::value;

use crate::event::Tally;

/// A fixed set of causes, kinds or names with one counter for each.
macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident from $module:ident { $($variant:ident = $value:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($variant,)* }

        impl Kind for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => value::$module::$value,)* }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

/// One of a fixed set, each with its name in the registry.
pub trait Kind: Copy + 'static {
    const ALL: &'static [Self];

    /// As the attribute's value.
    fn as_str(self) -> &'static str;

    /// Its place in [`Kind::ALL`].
    fn index(self) -> usize;
}

kinds! {
    /// Why something was lost.
    Cause from hoptap_drop_cause {
        RingFull = RING_FULL,
        MapFull = MAP_FULL,
        Cut = CUT,
        Fault = FAULT,
        JoinedMidway = JOINED_MIDWAY,
        Gap = GAP,
        HpackUnknown = HPACK_UNKNOWN,
        Malformed = MALFORMED,
        QueueFull = QUEUE_FULL,
        ExportFailed = EXPORT_FAILED,
        Refused = REFUSED,
        Shutdown = SHUTDOWN,
    }
}

kinds! {
    /// What became of a configuration that was read again.
    Reload from hoptap_config_outcome {
        Applied = APPLIED,
        Refused = REFUSED,
    }
}

kinds! {
    /// How much is kept of a body.
    BodyOutcome from hoptap_body_outcome {
        Whole = WHOLE,
        Limit = LIMIT,
        Unseen = UNSEEN,
        Memory = MEMORY,
        Unwanted = UNWANTED,
        Incomplete = INCOMPLETE,
    }
}

kinds! {
    /// How an attempt was linked to its client request.
    Linked from hoptap_link {
        Exact = EXACT,
        Inferred = INFERRED,
        None = NONE,
    }
}

kinds! {
    /// What traffic is for that serves no client.
    Traffic from hoptap_traffic {
        HealthCheck = HEALTH_CHECK,
        Provider = PROVIDER,
        Telemetry = TELEMETRY,
        Tcp = TCP,
        Other = OTHER,
    }
}

kinds! {
    /// A queue in front of an output.
    Queue from hoptap_queue_name {
        Spans = SPANS,
        Records = RECORDS,
        Objects = OBJECTS,
        Text = TEXT,
        Contents = CONTENTS,
    }
}

kinds! {
    /// What became of something that was handed to an output.
    Outcome from hoptap_export_outcome {
        Sent = SENT,
        Failed = FAILED,
        Dropped = DROPPED,
        Refused = REFUSED,
    }
}

impl Cause {
    /// The causes that the kernel side counts.
    pub const CAPTURE: [Self; 4] = [Self::RingFull, Self::MapFull, Self::Cut, Self::Fault];
}

/// One number for each of a fixed set.
#[derive(Debug)]
pub struct PerKind<K> {
    numbers: Box<[AtomicU64]>,
    kind: std::marker::PhantomData<fn() -> K>,
}

impl<K: Kind> Default for PerKind<K> {
    fn default() -> Self {
        Self { numbers: K::ALL.iter().map(|_| AtomicU64::new(0)).collect(), kind: std::marker::PhantomData }
    }
}

impl<K: Kind> PerKind<K> {
    pub fn add(&self, kind: K, count: u64) {
        if let Some(number) = self.numbers.get(kind.index()) {
            number.fetch_add(count, Relaxed);
        }
    }

    /// For what goes up and down.
    pub fn set(&self, kind: K, value: u64) {
        if let Some(number) = self.numbers.get(kind.index()) {
            number.store(value, Relaxed);
        }
    }

    /// For totals that are counted elsewhere; a smaller total than before changes nothing.
    pub fn raise(&self, kind: K, total: u64) {
        if let Some(number) = self.numbers.get(kind.index()) {
            number.fetch_max(total, Relaxed);
        }
    }

    pub fn get(&self, kind: K) -> u64 {
        self.numbers.get(kind.index()).map_or(0, |number| number.load(Relaxed))
    }

    /// Every kind with its number.
    pub fn iter(&self) -> impl Iterator<Item = (K, u64)> {
        K::ALL.iter().map(|kind| (*kind, self.get(*kind)))
    }

    /// Over all kinds.
    pub fn sum(&self) -> u64 {
        self.iter().map(|(_, number)| number).sum()
    }
}

/// hoptap's own numbers since it started. `requests_seen = requests_exported + drops` once nothing is under way.
#[derive(Debug, Default)]
pub struct Counters {
    /// Events that came from the kernel.
    pub events: AtomicU64,
    /// Bytes of traffic that came with them.
    pub captured_bytes: AtomicU64,
    /// Requests that were answered, or given up.
    pub requests_seen: AtomicU64,
    /// Requests that were handed to the outputs.
    pub requests_exported: AtomicU64,
    /// Requests that were seen and not exported.
    pub drops: PerKind<Cause>,
    /// Events that the kernel side lost or cut, by [`Cause::CAPTURE`]; counted in events, not in requests.
    pub losses: PerKind<Cause>,
    pub reloads: PerKind<Reload>,
    /// Bodies of exchanges that are told in full.
    pub bodies: PerKind<BodyOutcome>,
    pub links: PerKind<Linked>,
    pub told_apart: PerKind<Traffic>,
    pub queue_length: PerKind<Queue>,
    pub queue_capacity: PerKind<Queue>,
    pub queue_bytes: PerKind<Queue>,
    pub spans: PerKind<Outcome>,
    pub records: PerKind<Outcome>,
    pub objects: PerKind<Outcome>,
    /// Exchanges with something to redact or to store.
    pub contents: PerKind<Outcome>,
    /// Bodies in which what is secret could not be found.
    pub withheld: AtomicU64,
}

impl Counters {
    /// Takes over the running totals of the kernel side.
    pub fn tally(&self, tally: &Tally) {
        self.losses.raise(Cause::RingFull, tally.ring_full);
        self.losses.raise(Cause::MapFull, tally.map_full);
        self.losses.raise(Cause::Cut, tally.cut);
        self.losses.raise(Cause::Fault, tally.faults);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<K: Kind + std::fmt::Debug>() {
        for (place, kind) in K::ALL.iter().enumerate() {
            let numbers = PerKind::<K>::default();
            numbers.add(*kind, 2);
            numbers.add(*kind, 3);
            assert_eq!(kind.index(), place, "{kind:?}");
            assert_eq!(numbers.get(*kind), 5, "{kind:?}");
            assert_eq!(numbers.sum(), 5, "{kind:?} is counted as another kind too");
        }
    }

    #[test]
    fn every_kind_has_a_number_of_its_own() {
        check::<Cause>();
        check::<Linked>();
        check::<Traffic>();
        check::<Queue>();
        check::<Outcome>();
    }

    #[test]
    fn totals_of_the_kernel_never_fall() {
        let counters = Counters::default();
        let tally = |ring_full| Tally { ring_full, ..Tally::default() };
        for (total, expected) in [(3, 3), (7, 7), (5, 7)] {
            counters.tally(&tally(total));
            assert_eq!(counters.losses.get(Cause::RingFull), expected);
        }
    }
}
