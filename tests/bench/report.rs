//! Medians, and what follows from them.

use std::fmt::Write as _;

use crate::measure::{Mode, Run};

pub(crate) fn text(runs: &[Run]) -> String {
    let median = |mode: Mode, value: fn(&Run) -> f64| {
        let values = runs.iter().filter(|run| run.mode == mode).map(value).collect();
        middle(values)
    };
    let cpu: fn(&Run) -> f64 = |run| run.traefik + run.hoptap;
    let mut text = String::from("\nmedians\n");
    for mode in [Mode::Floor, Mode::Own, Mode::Hoptap, Mode::Beside] {
        let (Some(cpu), Some(rate), Some(spans)) =
            (median(mode, cpu), median(mode, |run| run.rate), median(mode, |run| run.spans))
        else {
            continue;
        };
        let name = format!("{mode:?}").to_lowercase();
        let _infallible = writeln!(
            text,
            "{name:<7} {cpu:7.1} µs of CPU per request, {rate:8.0} requests/s, {spans:.2} spans per request"
        );
    }
    let (Some(floor), Some(own)) = (median(Mode::Floor, cpu), median(Mode::Own, cpu)) else {
        return text;
    };
    let _infallible = writeln!(text, "Traefik's own telemetry adds {:.1} µs", own - floor);
    let Some(hoptap) = median(Mode::Hoptap, cpu) else {
        return text;
    };
    let side = |value| median(Mode::Hoptap, value).unwrap_or_default();
    let _infallible = writeln!(
        text,
        "hoptap adds {:.1} µs: {:.1} in Traefik, {:.1} in hoptap",
        hoptap - floor,
        side(|run| run.traefik) - floor,
        side(|run| run.hoptap)
    );
    let _infallible =
        writeln!(text, "ratio {:.3}: what hoptap adds / what own telemetry adds", (hoptap - floor) / (own - floor));
    let rate = |mode| median(mode, |run| run.rate).unwrap_or_default();
    let _infallible = writeln!(
        text,
        "throughput of whole runs: {:.3} with hoptap, {:.3} with own telemetry, {:.3} where hoptap watches another Traefik",
        rate(Mode::Hoptap) / rate(Mode::Floor),
        rate(Mode::Own) / rate(Mode::Floor),
        rate(Mode::Beside) / rate(Mode::Floor)
    );
    let mebibytes = |value| side(value) / 1_048_576.0;
    let _infallible = write!(
        text,
        "hoptap resident {:.1} MiB after full load, {:.1} MiB at most",
        mebibytes(|run| run.resident.0),
        mebibytes(|run| run.resident.1)
    );
    text
}

/// The median; `None` of nothing.
pub(crate) fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    let upper = values.get(half)?;
    if values.len() % 2 == 1 {
        return Some(*upper);
    }
    Some(f64::midpoint(*upper, *values.get(half.checked_sub(1)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratio() {
        assert_eq!(middle(vec![]), None);
        assert_eq!(middle(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(middle(vec![4.0, 1.0]), Some(2.5));
        let run = |mode, traefik, hoptap| Run { mode, traefik, hoptap, rate: 100.0, spans: 2.0, resident: (1e6, 2e6) };
        let text = text(&[run(Mode::Floor, 80.0, 0.0), run(Mode::Own, 180.0, 0.0), run(Mode::Hoptap, 90.0, 15.0)]);
        assert!(text.contains("ratio 0.250") && text.contains("10.0 in Traefik, 15.0 in hoptap"), "{text}");
    }
}
