//! Wall-clock time and durations as text.

use std::fmt;

/// Nanoseconds since 1970 as RFC 3339 in UTC, to the microsecond: `2026-11-22T16:01:43.000123Z`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timestamp(pub u64);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000_000_000;
        let micros = self.0 % 1_000_000_000 / 1000;
        let (year, month, day) = date(seconds / 86_400);
        let second = seconds % 86_400;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. Years are counted from March, so that the
/// leap day is the last of its year; 719 468 days lie between 0000-03-01 and 1970-01-01.
pub(crate) fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// Nanoseconds as a person reads them: `840µs`, `8.1ms`, `1.25s`, `2m05s`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Readable(pub u64);

impl fmt::Display for Readable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0 / 1000;
        match micros {
            0..1000 => write!(f, "{micros}µs"),
            1000..1_000_000 => write!(f, "{}.{}ms", micros / 1000, micros % 1000 / 100),
            1_000_000..60_000_000 => {
                write!(f, "{}.{:02}s", micros / 1_000_000, micros % 1_000_000 / 10_000)
            }
            _ => {
                let seconds = micros / 1_000_000;
                write!(f, "{}m{:02}s", seconds / 60, seconds % 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        let check = |seconds: u64, nanos: u64, expected: &str| {
            assert_eq!(Timestamp(seconds * 1_000_000_000 + nanos).to_string(), expected);
        };
        check(0, 0, "1970-01-01T00:00:00.000000Z");
        check(951_782_399, 999_999_999, "2000-02-28T23:59:59.999999Z");
        check(951_782_400, 0, "2000-02-29T00:00:00.000000Z");
        check(951_868_800, 1_000, "2000-03-01T00:00:00.000001Z");
        check(1_782_864_000, 0, "2026-07-01T00:00:00.000000Z");
        check(4_107_542_399, 0, "2100-02-28T23:59:59.000000Z");
        check(4_107_542_400, 0, "2100-03-01T00:00:00.000000Z");
    }

    #[test]
    fn durations() {
        let check = |nanos: u64, expected: &str| assert_eq!(Readable(nanos).to_string(), expected);
        check(0, "0µs");
        check(840_999, "840µs");
        check(1_000_000, "1.0ms");
        check(8_199_999, "8.1ms");
        check(999_999_999, "999.9ms");
        check(1_250_000_000, "1.25s");
        check(125_000_000_000, "2m05s");
        check(u64::MAX, "307445734m33s");
    }
}
