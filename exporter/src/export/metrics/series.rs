//! The series of the families that share their labels: found by a cheap key on the hot path, bounded in number.
//!
//! One thread adds and observes; the page is written by another, which never holds the list for longer than it takes
//! to copy [`CHUNK`] pointers.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;

/// Pointers copied under the lock at once: microseconds.
const CHUNK: usize = 256;

/// What a series is known by.
pub(super) trait Labels: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static {
    /// What everything beyond the cap is counted under.
    fn folded() -> Self;
}

#[derive(Debug)]
struct Series<L, M> {
    labels: L,
    metrics: M,
}

/// Only ever grows, so that an index stays valid between two looks at it.
type List<L, M> = Arc<Mutex<Vec<Arc<Series<L, M>>>>>;

/// The writer's side.
pub(super) struct Table<K, L, M> {
    /// What was resolved lately. May hold many keys of one series: names are interned anew when Traefik reloads.
    resolved: HashMap<K, Resolved<L, M>, BuildHasherDefault<Mix>>,
    known: HashMap<L, Arc<Series<L, M>>>,
    list: List<L, M>,
    limit: usize,
    new: fn() -> M,
}

struct Resolved<L, M> {
    series: Arc<Series<L, M>>,
    folded: bool,
    /// Keys are addresses of names: as long as a key is here its names must not be freed, or another name could come
    /// to lie at the same address and be counted as this one.
    _names: L,
}

/// Metrics of one series, and whether they stand for many.
pub(super) struct Found<'a, M> {
    pub(super) metrics: &'a M,
    pub(super) folded: bool,
}

impl<K: Eq + Hash, L: Labels, M: Send + Sync + 'static> Table<K, L, M> {
    pub(super) fn new(limit: usize, new: fn() -> M) -> Self {
        Self { resolved: HashMap::default(), known: HashMap::new(), list: List::default(), limit, new }
    }

    /// The series of `key`; `labels` is asked only the first time.
    pub(super) fn get(&mut self, key: K, labels: impl FnOnce() -> L) -> Found<'_, M> {
        if self.resolved.len() > 2 * self.limit && !self.resolved.contains_key(&key) {
            self.resolved.clear();
        }
        let resolved = match self.resolved.entry(key) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let names = labels();
                let full = self.known.len() >= self.limit;
                let folded = full && !self.known.contains_key(&names);
                let labels = if folded { L::folded() } else { names.clone() };
                let series = self.known.entry(labels).or_insert_with_key(|labels| {
                    let series = Arc::new(Series { labels: labels.clone(), metrics: (self.new)() });
                    lock(&self.list).push(Arc::clone(&series));
                    series
                });
                entry.insert(Resolved { series: Arc::clone(series), folded, _names: names })
            }
        };
        Found { metrics: &resolved.series.metrics, folded: resolved.folded }
    }

    /// Keys that are resolved now.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.resolved.len()
    }

    /// One family: the metric of every series that `pick` chooses.
    pub(super) fn family<T: EncodeMetric>(&self, kind: MetricType, pick: fn(&M) -> &T) -> Family<L, M, T> {
        Family { reader: self.reader(), kind, pick }
    }

    /// All series, for whoever writes them.
    pub(super) fn reader(&self) -> Reader<L, M> {
        Reader(Arc::clone(&self.list))
    }
}

/// The page's side of a table.
#[derive(Debug)]
pub(super) struct Reader<L, M>(List<L, M>);

impl<L, M> Reader<L, M> {
    /// Tells of each series, in the order in which they came.
    pub(super) fn each(&self, mut tell: impl FnMut(&L, &M) -> fmt::Result) -> fmt::Result {
        let mut chunk = Vec::with_capacity(CHUNK);
        for from in (0..).step_by(CHUNK) {
            chunk.clear();
            chunk.extend(lock(&self.0).iter().skip(from).take(CHUNK).cloned());
            for series in &chunk {
                tell(&series.labels, &series.metrics)?;
            }
            if chunk.len() < CHUNK {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }
}

/// The page's side of one metric.
pub(super) struct Family<L, M, T> {
    reader: Reader<L, M>,
    kind: MetricType,
    pick: fn(&M) -> &T,
}

impl<L: Labels + EncodeLabelSet, M, T: EncodeMetric> EncodeMetric for Family<L, M, T> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        self.reader.each(|labels, metrics| (self.pick)(metrics).encode(encoder.encode_family(labels)?))
    }

    fn metric_type(&self) -> MetricType {
        self.kind
    }

    fn is_empty(&self) -> bool {
        self.reader.is_empty()
    }
}

impl<L, M, T> fmt::Debug for Family<L, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family").field("kind", &self.kind).finish()
    }
}

/// Hashes keys of addresses and small numbers, none of them chosen by a client: the standard hasher's defence against
/// chosen keys would cost more than all else that an observation does.
#[derive(Default)]
struct Mix(u64);

impl Mix {
    fn mix(&mut self, word: u64) {
        // An odd number with about as many ones as zeros (2^64 over the golden ratio).
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let word = chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            self.mix(word);
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.mix(number.into());
    }

    fn write_u16(&mut self, number: u16) {
        self.mix(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.mix(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.mix(number.cast_unsigned() as u64);
    }

    fn finish(&self) -> u64 {
        // The map looks at the lowest bits, into which a product carries least.
        self.0.rotate_left(26)
    }
}

// A push happens whole or not at all: what a panicking thread leaves behind can be read.
fn lock<T>(list: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
