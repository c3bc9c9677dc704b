//! Numbers as they stand in a column: at most seven characters, so that a table fits into eighty.

use std::time::Duration;

use super::buckets::Quantile;
use crate::export::Readable;

/// What stands where there is no number.
pub(super) const NONE: &str = "-";

/// Things each second: with digits behind the point also where they are noughts, so that a column can be compared.
pub(super) fn rate(number: f64) -> String {
    match number {
        0.0 => "0".to_owned(),
        _ if number < 9.995 => format!("{number:.2}"),
        _ if number < 999.95 => format!("{number:.1}"),
        _ => count(number),
    }
}

pub(super) fn count(number: f64) -> String {
    scaled(number, 1000.0, ["", "k", "M", "G", "T", "P"])
}

pub(super) fn bytes(number: f64) -> String {
    scaled(number, 1024.0, ["", "K", "M", "G", "T", "P"])
}

pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or(NONE.to_owned(), |share| format!("{:.1}", share * 100.0))
}

pub(super) fn seconds(quantile: Option<Quantile>) -> String {
    let Some(Quantile { seconds, is_beyond }) = quantile else { return NONE.to_owned() };
    let nanos = Duration::try_from_secs_f64(seconds).map_or(0, |duration| duration.as_nanos());
    let text = Readable(u64::try_from(nanos).unwrap_or(u64::MAX)).to_string();
    if is_beyond { format!(">{text}") } else { text }
}

fn scaled(number: f64, step: f64, units: [&str; 6]) -> String {
    let mut rest = number;
    let mut unit = 0;
    // Tens of thousands can be read as they are.
    while rest >= 100.0 * step && unit + 1 < units.len() {
        rest /= step;
        unit += 1;
    }
    let unit = units.get(unit).copied().unwrap_or_default();
    if rest >= 1000.0 || (unit.is_empty() && rest.fract() == 0.0) {
        format!("{rest:.0}{unit}")
    } else if rest < 10.0 {
        format!("{rest:.2}{unit}")
    } else {
        format!("{rest:.1}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, expected) in [
            (0.0, "0"),
            (0.04, "0.04"),
            (9.875, "9.88"),
            (12.0, "12"),
            (999.94, "999.9"),
            (1234.5, "1234"),
            (99_999.0, "99999"),
            (123_456.0, "123.5k"),
            (2_345_678.0, "2346k"),
            (123_456_789.0, "123.5M"),
            (1e17, "100.0P"),
        ] {
            assert_eq!(count(number), expected, "{number}");
        }
        for (number, expected) in [(0.0, "0"), (0.04, "0.04"), (11.0, "11.0"), (9.996, "10.0"), (1234.5, "1234")] {
            assert_eq!(rate(number), expected, "{number}");
        }
        assert_eq!(bytes(512.0), "512");
        assert_eq!(bytes(1_048_576.0), "1024K");
        assert_eq!(percent(None), "-");
        assert_eq!(percent(Some(1.0)), "100.0");
        assert_eq!(percent(Some(0.0004)), "0.0");
    }

    #[test]
    fn durations_are_short() {
        let of = |value, is_beyond| seconds(Some(Quantile { seconds: value, is_beyond }));
        assert_eq!(of(0.000_042, false), "42µs");
        assert_eq!(of(0.123_4, false), "123.4ms");
        assert_eq!(of(10.0, true), ">10.00s");
        assert_eq!(of(f64::NAN, false), "0µs");
        assert_eq!(seconds(None), "-");
    }
}
