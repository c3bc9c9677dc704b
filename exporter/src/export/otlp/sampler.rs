//! Which traces are sent: `OTEL_TRACES_SAMPLER`, and how the exchange ended.

use crate::exchange::{Exchange, Hop};

/// Decides by trace, so that a trace is whole or absent. An exchange whose client request was handed out before is
/// decided by its first attempt, which has the same trace id and the same flag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// Traces without a parent, or all where the parent is not asked, that are kept: 0 to 1.
    pub ratio: f64,
    /// The sampled flag of an incoming `traceparent` decides where there is one.
    pub parent_based: bool,
    /// Of the same traces.
    pub shares: Shares,
}

/// Shares of traces by how the exchange ended, 0 to 1: the largest that applies to an exchange is its own. A part of an
/// exchange that is handed out later, such as a mirror, is judged by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// Of those that failed: a status of 500 or above, or cut off, on any hop.
    pub errors: f64,
    /// Those that took longer than so many nanoseconds are all kept.
    pub slower_than: Option<u64>,
    pub rest: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self { errors: 1.0, slower_than: None, rest: 1.0 }
    }
}

impl Shares {
    fn of(&self, exchange: &Exchange) -> f64 {
        let attempts = exchange.attempts.iter().map(|attempt| &*attempt.hop);
        let hops = || exchange.server.iter().map(|server| &*server.hop).chain(attempts.clone());
        let failed = |hop: &Hop| hop.error.is_some() || hop.status.is_some_and(|status| status >= 500);
        let slow = |hop: &Hop| self.slower_than.is_some_and(|limit| hop.duration() > limit);
        // Nothing can be larger, and most configurations stop here.
        if self.rest >= 1.0 || hops().any(slow) {
            return 1.0;
        }
        if hops().any(failed) { self.errors.max(self.rest) } else { self.rest }
    }
}

impl Default for Sampler {
    fn default() -> Self {
        Self { ratio: 1.0, parent_based: true, shares: Shares::default() }
    }
}

impl Sampler {
    pub fn takes(&self, exchange: &Exchange) -> bool {
        let Some(context) = exchange.context() else { return false };
        match context.sampled {
            Some(sampled) if self.parent_based => sampled,
            // Both are asked of the same bits: what the smaller keeps, the larger keeps.
            _ => keeps(self.ratio.min(self.shares.of(exchange)), context.trace_id),
        }
    }
}

/// The low 63 bits against the ratio, as the SDKs for Go and Rust do: all of them decide alike on one trace.
fn keeps(ratio: f64, trace_id: u128) -> bool {
    if ratio >= 1.0 {
        return true;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the ratio lies between 0 and 1, and the bound below 2^63"
    )]
    let (bound, random) = ((ratio.max(0.0) * (1_u64 << 63) as f64) as u64, trace_id as u64 >> 1);
    random < bound
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::super::super::sample;
    use super::*;

    fn sampler(ratio: f64, parent_based: bool) -> Sampler {
        Sampler { ratio, parent_based, ..Sampler::default() }
    }

    #[test]
    fn decisions() {
        let check = |ratio: f64, parent_based: bool, flag: Option<bool>, trace_id: u128, expected: bool| {
            let mut exchange = sample::exchange();
            let context = &mut exchange.server.as_mut().unwrap().context;
            (context.sampled, context.trace_id) = (flag, trace_id);
            assert_eq!(
                sampler(ratio, parent_based).takes(&exchange),
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
    fn outcomes() {
        const TRACE: u128 = 0x4000_0000_0000_0000;
        // The trace is kept by a share above a quarter. `kept`: of a fine one, a failed one, a slow one, both.
        let check = |shares: Shares, ratio: f64, kept: [bool; 4]| {
            let sampler = Sampler { shares, ..sampler(ratio, true) };
            let exchange = |failed: bool, slow: bool, flag: Option<bool>| {
                let mut exchange = sample::exchange();
                let server = exchange.server.as_mut().unwrap();
                (server.context.trace_id, server.context.sampled) = (TRACE, flag);
                server.hop.end = server.hop.start + if slow { 2_000_000_001 } else { 2_000_000_000 };
                exchange.attempts[0].hop.status = Some(if failed { 502 } else { 499 });
                exchange
            };
            let takes = |flag| {
                [(false, false), (true, false), (false, true), (true, true)]
                    .map(|(failed, slow)| sampler.takes(&exchange(failed, slow, flag)))
            };
            assert_eq!(takes(None), kept, "{shares:?} {ratio}");
            assert_eq!((takes(Some(true)), takes(Some(false))), ([true; 4], [false; 4]), "the flag is obeyed");
        };
        let slower_than = Some(2_000_000_000);
        check(Shares::default(), 1.0, [true; 4]);
        check(Shares::default(), 0.1, [false; 4]);
        check(Shares { rest: 0.2, ..Shares::default() }, 1.0, [false, true, false, true]);
        check(Shares { rest: 0.2, ..Shares::default() }, 0.1, [false; 4]);
        check(Shares { rest: 0.2, slower_than, errors: 0.0 }, 1.0, [false, false, true, true]);
        check(Shares { rest: 0.3, slower_than: None, errors: 0.0 }, 1.0, [true; 4]);
        check(Shares { rest: 0.0, slower_than, errors: 0.2 }, 1.0, [false, false, true, true]);
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
