//! The clocks by which events are told as times of day.

use super::finding::Finding;
use crate::capture::clock;

/// 2024-01-01, which was before hoptap: a clock that says less was never set.
const EARLIEST: u64 = 1_704_067_200;
const SECOND: u64 = 1_000_000_000;

pub(super) fn check() -> Finding {
    judge(clock::monotonic(), clock::boot(), clock::unix(), clock::is_synchronised())
}

/// What the clocks said one after the other.
fn judge(monotonic: u64, boot: u64, unix: u64, synchronised: Option<bool>) -> Finding {
    const CHECK: &str = "clock";
    const KEEP: &str = "let chrony, systemd-timesyncd or the hypervisor's tools set the clock";
    if unix / SECOND < EARLIEST {
        return Finding::warning(CHECK, format!("says {} s since 1970: it was never set", unix / SECOND))
            .lost("spans and metrics get times of long ago")
            .advice(KEEP);
    }
    if boot < monotonic {
        return Finding::warning(CHECK, "CLOCK_BOOTTIME is behind CLOCK_MONOTONIC, which no kernel lets happen")
            .lost("times of spans may be off")
            .advice("look for what changes clocks: a time namespace, or a machine that was restored");
    }
    let up = format!("up for {} s, asleep for {} s", boot / SECOND, (boot - monotonic) / SECOND);
    match synchronised {
        Some(true) => Finding::ok(CHECK, format!("{up}, and kept right")),
        None => Finding::not_applicable(CHECK, format!("{up}; whether it is kept right may not be asked here")),
        Some(false) => Finding::warning(CHECK, format!("{up}; as far as the kernel knows nothing keeps it right"))
            .lost("order: spans of other machines may seem to begin before or after those of hoptap")
            .advice(KEEP),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn clocks() {
        let now = 1_764_000_000 * SECOND;
        for (monotonic, boot, unix, synchronised, result) in [
            (5 * SECOND, 6 * SECOND, now, Some(true), Outcome::Ok),
            (5 * SECOND, 6 * SECOND, now, Some(false), Outcome::Warning),
            (5 * SECOND, 6 * SECOND, now, None, Outcome::NotApplicable),
            (5 * SECOND, 6 * SECOND, 7 * SECOND, Some(true), Outcome::Warning),
            (6 * SECOND, 5 * SECOND, now, Some(true), Outcome::Warning),
        ] {
            let found = judge(monotonic, boot, unix, synchronised);
            assert_eq!(found.result, result, "{found:?}");
            assert_eq!(found.advice.is_some(), result == Outcome::Warning, "{found:?}");
        }
    }
}
