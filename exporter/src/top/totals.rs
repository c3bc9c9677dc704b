//! What a page counts of one entrypoint, router, service or server.

use super::buckets::Buckets;

/// Sums over all series of a row, since hoptap started or within a window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    pub requests: f64,
    /// Of those, the ones whose outcome is on the page: what is folded into `_OTHER` has none.
    pub judged: f64,
    /// 5xx, or no whole response.
    pub failed: f64,
    /// 4xx.
    pub refused: f64,
    pub duration: Buckets,
    pub request_bytes: f64,
    pub response_bytes: f64,
    pub overhead: Buckets,
    /// Under way now. Only entrypoints have it.
    pub active: Option<f64>,
}

impl Totals {
    /// What was counted after `before`. What is under way is under way.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let more = |now: f64, before: f64| (now - before).max(0.0);
        Self {
            requests: more(self.requests, before.requests),
            judged: more(self.judged, before.judged),
            failed: more(self.failed, before.failed),
            refused: more(self.refused, before.refused),
            duration: self.duration.since(&before.duration),
            request_bytes: more(self.request_bytes, before.request_bytes),
            response_bytes: more(self.response_bytes, before.response_bytes),
            overhead: self.overhead.since(&before.overhead),
            active: self.active,
        }
    }
}
