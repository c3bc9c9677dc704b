//! The buckets of a histogram, added up over series, and the quantiles that Prometheus would read from them.

/// Bounds of one histogram; hoptap's own have at most seventeen.
const BOUNDS: usize = 64;

/// Upper bounds with the count of everything up to each, as they stand on a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Buckets(Vec<(f64, f64)>);

/// A quantile in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantile {
    pub seconds: f64,
    /// It is above the highest bound, which stands for it.
    pub is_beyond: bool,
}

impl Buckets {
    /// Adds the bucket of one more series. What has too many bounds is none of hoptap's, and is cut.
    pub fn add(&mut self, bound: f64, count: f64) {
        let place = self.0.partition_point(|(known, _)| *known < bound);
        let has_room = self.0.len() < BOUNDS && !bound.is_nan();
        match self.0.get_mut(place) {
            Some((known, sum)) if *known == bound => *sum += count,
            _ if has_room => self.0.insert(place, (bound, count)),
            _ => {}
        }
    }

    /// What was counted after `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let counted = |bound| before.0.iter().find(|(known, _)| *known == bound).map_or(0.0, |(_, count)| *count);
        Self(self.0.iter().map(|(bound, count)| (*bound, (count - counted(*bound)).max(0.0))).collect())
    }

    /// As `histogram_quantile` of Prometheus does (`BucketQuantile`, promql/quantile.go): linear within the bucket,
    /// from zero in the first. None where nothing was counted, or the page has no bucket above all.
    pub fn quantile(&self, share: f64) -> Option<Quantile> {
        let [below @ .., (last, total)] = self.0.as_slice() else { return None };
        if *last != f64::INFINITY || *total <= 0.0 {
            return None;
        }
        let rank = share * total;
        let Some(place) = below.iter().position(|(_, count)| *count >= rank) else {
            return below.last().map(|(bound, _)| Quantile { seconds: *bound, is_beyond: true });
        };
        let (end, up_to) = below.get(place)?;
        let (start, before) = place.checked_sub(1).and_then(|place| below.get(place)).unwrap_or(&(0.0, 0.0));
        let within = (rank - before) / (up_to - before);
        // A share of nothing in an empty first bucket.
        let within = if within.is_finite() { within } else { 0.0 };
        Some(Quantile { seconds: start + (end - start) * within, is_beyond: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cumulative counts up to 1, 2, 4 and above, and what the formula gives.
    #[track_caller]
    fn check(counts: [f64; 4], share: f64, expected: Option<(f64, bool)>) {
        let mut buckets = Buckets::default();
        // In any order, and in parts.
        for (bound, count) in
            [2.0, f64::INFINITY, 1.0, 4.0].into_iter().zip([counts[1], counts[3], counts[0], counts[2]])
        {
            buckets.add(bound, count - 0.5);
            buckets.add(bound, 0.5);
        }
        let found = buckets.quantile(share).map(|quantile| (quantile.seconds, quantile.is_beyond));
        assert_eq!(found, expected, "{counts:?} {share}");
    }

    #[test]
    fn quantiles() {
        check([10.0, 10.0, 10.0, 10.0], 0.5, Some((0.5, false)));
        check([10.0, 20.0, 20.0, 20.0], 0.5, Some((1.0, false)));
        check([10.0, 20.0, 20.0, 20.0], 0.75, Some((1.5, false)));
        check([0.0, 0.0, 8.0, 8.0], 0.25, Some((2.5, false)));
        check([0.0, 0.0, 8.0, 8.0], 1.0, Some((4.0, false)));
        check([0.0, 0.0, 8.0, 16.0], 0.5, Some((4.0, false)));
        check([0.0, 0.0, 8.0, 16.0], 0.51, Some((4.0, true)));
        check([0.0, 0.0, 0.0, 3.0], 0.5, Some((4.0, true)));
        check([5.0, 5.0, 5.0, 5.0], 0.0, Some((0.0, false)));
        check([0.0, 0.0, 0.0, 0.0], 0.5, None);
    }

    #[test]
    fn what_came_since() {
        let of = |counts: &[(f64, f64)]| {
            let mut buckets = Buckets::default();
            counts.iter().for_each(|(bound, count)| buckets.add(*bound, *count));
            buckets
        };
        let (before, now) = (of(&[(1.0, 2.0), (f64::INFINITY, 3.0)]), of(&[(1.0, 2.0), (f64::INFINITY, 7.0)]));
        assert_eq!(now.since(&before), of(&[(1.0, 0.0), (f64::INFINITY, 4.0)]));
        assert_eq!(now.since(&Buckets::default()), now);
        assert_eq!(before.since(&now), of(&[(1.0, 0.0), (f64::INFINITY, 0.0)]));
    }

    #[test]
    fn bounds_are_few() {
        let mut buckets = Buckets::default();
        (0..10_000_u32).for_each(|bound| buckets.add(bound.into(), 1.0));
        buckets.add(f64::NAN, 1.0);
        assert_eq!(buckets.0.len(), BOUNDS);
        assert_eq!(buckets.quantile(0.5), None);
    }
}
