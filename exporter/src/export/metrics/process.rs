//! What hoptap itself costs, from `/proc/self`. None where it cannot be read.

use std::fs;

/// `/proc/PID/stat` counts in `USER_HZ`, which is 100 on every architecture that Linux and Rust share.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time of all threads, user and system.
pub(super) fn cpu_seconds() -> Option<f64> {
    parse_cpu(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Resident set.
pub(super) fn memory_bytes() -> Option<f64> {
    parse_memory(&fs::read_to_string("/proc/self/status").ok()?)
}

/// Fields 14 and 15; the second field is a name in parentheses that may hold anything.
fn parse_cpu(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some((f64::from(user) + f64::from(system)) / TICKS_PER_SECOND)
}

fn parse_memory(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(f64::from(kibibytes) * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_of_a_stat_line() {
        let after = " S 1 7 7 0 -1 4194560 310 0 2 0 150 25 0 0 20 0 3 0 8571 1 2";
        for (stat, expected) in [
            (format!("7 (hoptap){after}"), Some(1.75)),
            (format!("7 (a) b (c){after}"), Some(1.75)),
            ("7 (hoptap) S 1".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(parse_cpu(&stat), expected, "{stat}");
        }
    }

    #[test]
    fn memory_of_a_status_file() {
        for (status, expected) in [
            ("Name:\thoptap\nVmRSS:\t   40960 kB\nThreads:\t3\n", Some(41_943_040.0)),
            ("Name:\thoptap\n", None),
            ("VmRSS:\tmany kB\n", None),
        ] {
            assert_eq!(parse_memory(status), expected, "{status}");
        }
    }

    #[test]
    fn this_process_can_be_read() {
        assert!(cpu_seconds().is_some());
        assert!(memory_bytes().is_some_and(|bytes| bytes > 1e5));
    }
}
