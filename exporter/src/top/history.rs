//! The last readings: what was counted within a window, across restarts of the hoptap that counts.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::reading::Reading;

/// Readings that a window may start at. More would make it move more smoothly, and cost a copy of all rows each.
const STARTS: u32 = 10;

/// By so much the clocks of two machines, and what a page takes to be made, may seem to differ.
const SLACK: f64 = 0.25;

/// When a page was asked for, and when it was there: it was made in between.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub asked: Instant,
    pub answered: Instant,
}

#[derive(Debug)]
struct Kept {
    reading: Reading,
    times: Times,
}

impl Kept {
    fn uptime(&self) -> f64 {
        self.reading.uptime.unwrap_or_default()
    }
}

/// Readings of one hoptap, the oldest first.
#[derive(Debug)]
pub struct History {
    /// Seconds.
    window: f64,
    starts: VecDeque<Kept>,
    latest: Option<Kept>,
}

/// Two readings of the same run of hoptap.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    pub from: &'a Reading,
    pub to: &'a Reading,
    /// Between the two, by the clock of the hoptap that made them.
    pub seconds: f64,
}

impl History {
    /// With a window that moves on with each reading; a window of nothing is what lies between the last two.
    pub fn new(window: Duration) -> Self {
        Self { window: window.as_secs_f64(), starts: VecDeque::new(), latest: None }
    }

    pub fn push(&mut self, reading: Reading, times: Times) {
        let next = Kept { reading, times };
        if let Some(before) = self.latest.take() {
            if continues(&before, &next) {
                let due = self
                    .starts
                    .back()
                    .is_none_or(|last| before.uptime() - last.uptime() >= self.window / f64::from(STARTS));
                if due {
                    self.starts.push_back(before);
                }
            } else {
                self.starts.clear();
                // One that was started since then has counted from nothing. Of any other it is not known how far it
                // was then.
                let away = (next.times.answered - before.times.asked).as_secs_f64();
                if next.uptime() <= away {
                    let reading = Reading::nothing();
                    self.starts.push_back(Kept { reading, times: before.times });
                }
            }
        }
        while self.starts.get(1).is_some_and(|start| next.uptime() - start.uptime() >= self.window) {
            self.starts.pop_front();
        }
        self.latest = Some(next);
    }

    /// None as long as there is nothing to compare the latest reading with.
    pub fn window(&self) -> Option<Window<'_>> {
        let (from, to) = (self.starts.front()?, self.latest.as_ref()?);
        let seconds = to.uptime() - from.uptime();
        (seconds > 0.0).then_some(Window { from: &from.reading, to: &to.reading, seconds })
    }

    pub fn latest(&self) -> Option<&Reading> {
        self.latest.as_ref().map(|latest| &latest.reading)
    }

    /// When the latest reading was there.
    pub fn answered(&self) -> Option<Instant> {
        self.latest.as_ref().map(|latest| latest.times.answered)
    }
}

/// Whether both come from one run of hoptap: it has run for as long as went by here.
fn continues(before: &Kept, next: &Kept) -> bool {
    let ran = next.uptime() - before.uptime();
    let at_least = (next.times.asked - before.times.answered).as_secs_f64();
    let at_most = (next.times.answered - before.times.asked).as_secs_f64();
    (at_least - SLACK..=at_most + SLACK).contains(&ran)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    /// Readings as `second:uptime`, and from which uptime to which the window reaches after the last of them.
    #[track_caller]
    fn check(window: f64, readings: &str, expected: Option<(f64, f64)>) {
        let start = Instant::now();
        let mut history = History::new(Duration::from_secs_f64(window));
        for reading in readings.split_whitespace() {
            let (second, uptime) = reading.split_once(':').unwrap();
            let asked = start + Duration::from_secs_f64(second.parse().unwrap());
            let times = Times { asked, answered: asked + Duration::from_millis(20) };
            let mut reading = Reading::default();
            reading.uptime = uptime.parse().ok();
            history.push(reading, times);
        }
        let found = history.window().map(|window| (window.from.uptime.unwrap(), window.to.uptime.unwrap()));
        assert_eq!(found, expected, "{readings}");
        let kept = history.starts.len();
        assert!(kept <= STARTS as usize + 2, "{readings}: {kept} are kept");
    }

    #[test]
    fn one_run() {
        check(5.0, "", None);
        check(5.0, "0:100", None);
        check(5.0, "0:100 1:101", Some((100.0, 101.0)));
        check(5.0, "0:100 1:101 2:102 3:103 4:104 5:105", Some((100.0, 105.0)));
        check(5.0, "0:100 1:101 2:102 3:103 4:104 5:105 6:106 7:107", Some((102.0, 107.0)));
        check(0.0, "0:100 1:101 2:102", Some((101.0, 102.0)));
        // It did not answer for a while.
        check(5.0, "0:100 1:101 30:130", Some((101.0, 130.0)));
    }

    #[test]
    fn a_restart() {
        check(5.0, "0:100 1:101 2:0.5", Some((0.0, 0.5)));
        check(5.0, "0:100 1:101 2:0.5 3:1.5", Some((0.0, 1.5)));
        check(5.0, "0:1 20:15", Some((0.0, 15.0)));
        check(0.0, "0:100 1:101 2:0.5", Some((0.0, 0.5)));
    }

    #[test]
    fn another_hoptap_that_ran_all_the_time() {
        check(5.0, "0:100 1:101 2:900", None);
        check(5.0, "0:100 1:101 2:50", None);
        check(5.0, "0:100 1:101 2:50 3:51", Some((50.0, 51.0)));
    }

    #[test]
    fn few_are_kept_of_many() {
        let readings: String = (0..2_000).map(|step| format!("{0}:{0} ", f64::from(step) / 10.0)).collect();
        check(20.0, &readings, Some((178.0, 199.9)));
    }
}
