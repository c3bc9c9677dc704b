//! The highest rate with hoptap, of that without: two Traefiks of one configuration, hoptap watches one of them, and
//! each has all processors for a second in turn. A pair takes two seconds, in which a shared machine stays what it is
//! more often than over whole runs.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use hoptap_tests::cpu;
use hoptap_tests::hoptap::Hoptap;
use hoptap_tests::process::{Scratch, Stdout};
use hoptap_tests::traefik::Traefik;

use crate::measure::receiver;
use crate::report::middle;
use crate::scenario::{CONNECTIONS, Ground};

/// hoptap takes its last probes of the start away ten seconds after it.
const SETTLED: Duration = Duration::from_secs(12);
const WARM: Duration = Duration::from_secs(2);
const SLICE: Duration = Duration::from_secs(1);

/// What one slice told: requests a second, and processor time of each, µs.
#[derive(Debug, Clone, Copy)]
struct Slice {
    rate: f64,
    traefik: f64,
    hoptap: f64,
}

/// Runs pairs of slices, and says how they compare.
pub(crate) async fn run(pairs: usize, arguments: &[String], say: fn(&str)) -> Result<()> {
    let scratch = Scratch::new("bench-rate")?;
    let ground = Ground::new(&scratch).await?;
    let (_receiver, address) = receiver(&scratch).await?;
    let setup = ground.setup();
    let (watched, alone) = (Traefik::start(&setup).await?, Traefik::start(&setup).await?);
    let pid = watched.pid().to_string();
    let mut all = vec!["--pid", pid.as_str()];
    all.extend(arguments.iter().map(String::as_str));
    let endpoint = format!("http://{address}");
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    let mut hoptap = Hoptap::start(&all, &environment, Stdout::Nowhere).await?;
    tokio::time::sleep(SETTLED).await;
    let slice = async |traefik: &Traefik, time: Duration| -> Result<Slice> {
        let url = format!("http://{}/x", traefik.address("web")?);
        let before = (cpu::time(traefik.pid())?, cpu::time(hoptap.pid())?);
        let (requests, rate) = tokio::task::spawn_blocking(move || wrk(&url, time)).await??;
        let each = |before: Duration, after: Duration| (after - before).as_secs_f64() * 1e6 / requests;
        let (own, of_hoptap) = (cpu::time(traefik.pid())?, cpu::time(hoptap.pid())?);
        Ok(Slice { rate, traefik: each(before.0, own), hoptap: each(before.1, of_hoptap) })
    };
    for traefik in [&watched, &alone] {
        slice(traefik, WARM).await?;
    }
    let mut runs = Vec::new();
    for pair in 0..pairs {
        // What comes second may find the machine other than what comes first.
        runs.push(if pair % 2 == 0 {
            let with = slice(&watched, SLICE).await?;
            (with, slice(&alone, SLICE).await?)
        } else {
            let without = slice(&alone, SLICE).await?;
            (slice(&watched, SLICE).await?, without)
        });
    }
    hoptap.stop()?;
    say(&text(&runs));
    Ok(())
}

fn text(runs: &[(Slice, Slice)]) -> String {
    let of = |value: fn(&(Slice, Slice)) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        let quarter = |n: usize| values.get(values.len() * n / 4).copied().unwrap_or(f64::NAN);
        (middle(values.clone()).unwrap_or(f64::NAN), quarter(1), quarter(3))
    };
    let (ratio, low, high) = of(|(with, without)| with.rate / without.rate);
    let (in_traefik, ..) = of(|(with, without)| with.traefik - without.traefik);
    let (in_hoptap, ..) = of(|(with, _)| with.hoptap);
    let (rate, ..) = of(|(_, without)| without.rate);
    let mut text = String::new();
    let _infallible = writeln!(
        text,
        "throughput ratio {ratio:.3} with hoptap, by {} pairs of seconds; half of them between {low:.3} and {high:.3}",
        runs.len()
    );
    let _infallible = write!(
        text,
        "of {rate:.0} requests/s; each takes {in_traefik:.1} µs more in Traefik, and {in_hoptap:.1} µs in hoptap"
    );
    text
}

/// Requests sent, and how many a second. Its own cost is small: client, backend, Traefik and hoptap share the
/// processors.
///
/// # Errors
/// Where there is no wrk, or it does not say.
pub(crate) fn wrk(url: &str, time: Duration) -> Result<(f64, f64)> {
    let (connections, time) = (format!("-c{CONNECTIONS}"), format!("-d{}s", time.as_secs()));
    let output = Command::new("wrk")
        .args(["-t1", &connections, &time, "-H", "Host: any.test", url])
        .output()
        .context("expected wrk on PATH: `make test` installs it")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number = |label: &str| {
        let mut words = text.lines().find(|line| line.contains(label))?.split_whitespace();
        words.find_map(|word| word.parse::<f64>().ok())
    };
    number(" requests in ")
        .zip(number("Requests/sec:"))
        .with_context(|| format!("expected numbers from wrk, found {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_middle_is_told() {
        let slice = |rate, traefik, hoptap| Slice { rate, traefik, hoptap };
        let alone = slice(100.0, 80.0, 0.0);
        let runs =
            [(slice(90.0, 90.0, 10.0), alone), (slice(10.0, 200.0, 50.0), alone), (slice(95.0, 88.0, 9.0), alone)];
        let text = text(&runs);
        assert!(text.starts_with("throughput ratio 0.900 with hoptap, by 3 pairs"), "{text}");
        assert!(text.contains("between 0.100 and 0.950"), "{text}");
        assert!(text.ends_with("10.0 µs more in Traefik, and 10.0 µs in hoptap"), "{text}");
    }
}
