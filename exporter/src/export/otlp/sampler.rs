//! Which traces are sent: `OTEL_TRACES_SAMPLER`.

use crate::exchange::{Context, Exchange};

/// Decides by trace, so that a trace is whole or absent. An exchange whose client request was handed out before is
/// decided by its first attempt, which has the same trace id and the same flag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// Traces without a parent, or all where the parent is not asked, that are kept: 0 to 1.
    pub ratio: f64,
    /// The sampled flag of an incoming `traceparent` decides where there is one.
    pub parent_based: bool,
}

impl Default for Sampler {
    fn default() -> Self {
        Self { ratio: 1.0, parent_based: true }
    }
}

impl Sampler {
    pub fn takes(&self, exchange: &Exchange) -> bool {
        let context = match (&exchange.server, exchange.attempts.first()) {
            (Some(server), _) => &server.context,
            (None, Some(attempt)) => &attempt.context,
            (None, None) => return false,
        };
        self.decide(context)
    }

    /// Says whether the trace of this span is sent.
    pub fn decide(&self, context: &Context) -> bool {
        match context.sampled {
            Some(sampled) if self.parent_based => sampled,
            _ => self.keeps(context.trace_id),
        }
    }

    /// The low 63 bits against the ratio, as the SDKs for Go and Rust do: all of them decide alike on one trace.
    fn keeps(&self, trace_id: u128) -> bool {
        if self.ratio >= 1.0 {
            return true;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "the ratio lies between 0 and 1, and the bound below 2^63"
        )]
        let (bound, random) = ((self.ratio.max(0.0) * (1_u64 << 63) as f64) as u64, trace_id as u64 >> 1);
        random < bound
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;

    fn sampler(ratio: f64, parent_based: bool) -> Sampler {
        Sampler { ratio, parent_based }
    }

    #[test]
    fn decisions() {
        let check = |ratio: f64, parent_based: bool, flag: Option<bool>, trace_id: u128, expected: bool| {
            let context = Context { sampled: flag, trace_id, ..sample::context(1, None) };
            assert_eq!(
                sampler(ratio, parent_based).decide(&context),
                expected,
                "ratio {ratio} parent_based {parent_based} flag {flag:?} id {trace_id:x}"
            );
        };
        const LOW: u128 = 1 << 100;
        const HIGH: u128 = u64::MAX as u128;
        check(1.0, true, None, HIGH, true);
        check(1.0, true, Some(true), HIGH, true);
        check(1.0, true, Some(false), HIGH, false);
        check(1.0, false, Some(false), HIGH, true);
        check(0.0, true, None, LOW, false);
        check(0.0, true, Some(true), HIGH, true);
        check(0.0, false, Some(true), LOW, false);
        check(0.5, true, None, LOW, true);
        check(0.5, true, None, HIGH, false);
        check(0.5, true, None, 0x7fff_ffff_ffff_ffff, true);
        check(0.5, true, None, 0x8000_0000_0000_0000, false);
        check(0.25, false, Some(true), 0x3fff_ffff_ffff_ffff, true);
        check(0.25, false, Some(true), 0x4000_0000_0000_0000, false);
    }

    #[test]
    fn whole_exchanges() {
        let check = |exchange: &Exchange, expected: bool| {
            assert_eq!(sampler(0.0, true).takes(exchange), expected);
        };
        check(&sample::retried(), true);
        check(&sample::exchange(), false);
        check(&sample::health_check(), false);
        let mut nothing = sample::health_check();
        nothing.attempts.clear();
        assert!(!sampler(1.0, true).takes(&nothing));
    }
}
