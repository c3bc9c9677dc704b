//! A histogram without locks, for the one thread that observes.
//!
//! The library's takes a mutex for each observation, and a request makes five that need no exemplar.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// Any thread may read it; only one may observe, or observations get lost.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, and one for what is above them all.
    counts: Box<[AtomicU64]>,
    /// An `f64`, by its bits.
    sum: AtomicU64,
}

impl Histogram {
    /// `bounds` rise.
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0.0_f64.to_bits()),
        }
    }

    pub(super) fn observe(&self, value: f64) {
        let place = self.bounds.iter().take_while(|bound| **bound < value).count();
        if let Some(count) = self.counts.get(place) {
            // With one writer, a load and a store do what a locked addition would, at a tenth of its price.
            count.store(count.load(Relaxed) + 1, Relaxed);
        }
        let sum = f64::from_bits(self.sum.load(Relaxed)) + value;
        self.sum.store(sum.to_bits(), Relaxed);
    }

    /// The sum of what was observed.
    pub(super) fn sum(&self) -> f64 {
        f64::from_bits(self.sum.load(Relaxed))
    }

    /// Upper bounds with the observations between each and the one before.
    pub(super) fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        bounds.zip(counts).collect()
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let sum = self.sum();
        let buckets = self.buckets();
        // Counted from the buckets, so that it never differs from the last of them.
        let count = buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observations, and the counts of: up to 0, up to 10, up to 20, above.
    #[track_caller]
    fn check(values: &[f64], expected: [u64; 4]) {
        let histogram = Histogram::new(&[0.0, 10.0, 20.0]);
        values.iter().for_each(|value| histogram.observe(*value));
        let counts: Vec<u64> = histogram.buckets().into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, expected, "{values:?}");
        assert!((f64::from_bits(histogram.sum.load(Relaxed)) - values.iter().sum::<f64>()).abs() < 1e-9);
    }

    #[test]
    fn buckets_include_their_upper_bound() {
        check(&[], [0, 0, 0, 0]);
        check(&[0.0, 0.0], [2, 0, 0, 0]);
        check(&[0.1, 10.0], [0, 2, 0, 0]);
        check(&[10.1, 20.0], [0, 0, 2, 0]);
        check(&[20.1, 1e18], [0, 0, 0, 2]);
        check(&[0.0, 1.0, 11.0, 21.0], [1, 1, 1, 1]);
    }
}
