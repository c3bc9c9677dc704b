//! hoptap under Traefik's metric names, and Traefik with its own metrics on: the same traffic must make the same series.

mod cases;
#[expect(dead_code, reason = "only the tables are needed here, not what goes beyond single requests")]
mod streams;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hoptap_tests::exposition::Sample;
use hoptap_tests::hoptap::lacking;
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::load::Load;
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::traefik;

const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/live/names.yml");

/// Both tell of a request a moment after its response.
const SETTLE: Duration = Duration::from_millis(1500);

const MAY: &str = "a mirror that ends after the response is told without the client's session";

/// What cannot be followed, or is not meant to be: a part of the case's name, a part of the series', and why; and where
/// it depends on which of two ends first, that it may not differ.
const KNOWN: &[(&str, &str, &str)] = &[
    ("", "traefik_service_retries_total", "Traefik 3.6 declares it and never counts: its middleware has no listener"),
    ("mirror", "requests_tls_total", MAY),
    ("HTTP/3", "requests_tls_total", "the cipher suite of QUIC is not seen"),
    ("to a backend with HTTP/2 alone", "traefik_service_", "the attempt that got no HTTP/1 is not told"),
];

/// What a duration may differ by: Traefik measures from its middleware on, hoptap from the socket on.
const SECONDS: f64 = 0.05;
/// And for each of many: on a busy machine they wait between the one clock and the other.
const SECONDS_EACH: f64 = 0.002;
/// Of so many durations in a crowd, one may be on the other side of a bucket's bound.
const OF_BOUNDS: f64 = 50.0;

fn main() -> ExitCode {
    let hoptap = Some(["--config", CONFIGURATION, "--level", "details"].as_slice());
    let plan = Plan { hoptap, modern: true, metrics: true, ..Plan::default() };
    let suite = Suite::new(plan).case("every kind of request is counted as Traefik counts it", alike);
    let lacking = lacking().or_else(|| traefik::program().err().map(|error| format!("{error:#}")));
    suite::run(vec![("names", suite)], lacking.as_deref())
}

type Series = BTreeMap<String, f64>;

async fn alike(lab: &Lab) -> Result<()> {
    let plan = Plan { modern: true, ..Plan::default() };
    let mut verdict = Verdict { before: both(lab).await?, ..Verdict::default() };
    for (group, cases) in cases::ALL {
        for case in cases.iter().filter_map(|case| case.under(&plan).ok()) {
            for case in [Some(case), case.over_tls().ok()].into_iter().flatten() {
                let name = format!("{group}{}: {}", if case.is_tls() { " over TLS" } else { "" }, case.name);
                for _ in 0..=case.times_before() {
                    case.fire(&lab.doors, &lab.next_id(), None).await?;
                }
                verdict.look(lab, &name).await?;
            }
        }
    }
    for (group, cases) in streams::ALL {
        for case in cases.iter().filter_map(|case| case.under(&plan).ok()) {
            case.fire(&lab.doors, &lab.next_id(), None).await?;
            verdict.look(lab, &format!("{group}: {}", case.name)).await?;
        }
    }
    crowd(lab).await?;
    verdict.look(lab, "a crowd").await?;
    servers_are_up(lab).await?;
    ensure!(verdict.series > 500, "expected hundreds of series to compare, found {}", verdict.series);
    ensure!(verdict.differences.is_empty(), "{}", verdict.differences.join("\n"));
    let stale = KNOWN.iter().enumerate().filter(|(place, (_, _, why))| *why != MAY && !verdict.known.contains(place));
    let stale: Vec<_> = stale.collect();
    ensure!(stale.is_empty(), "these do not differ any more: {stale:?}");
    Ok(())
}

/// Many at once: what is right one by one must be right in a crowd.
async fn crowd(lab: &Lab) -> Result<()> {
    let templates = [
        "GET /x?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n",
        "POST /x?id={id} HTTP/1.1\r\nHost: other.test\r\nContent-Length: 5\r\n\r\nhello",
        "GET /big?id={id}&n=5000 HTTP/1.1\r\nHost: w.test\r\n\r\n",
        "GET /x?id={id} HTTP/1.1\r\nHost: mirror.test\r\n\r\n",
        "GET /status/500?id={id} HTTP/1.1\r\nHost: errors.test\r\n\r\n",
        "GET /x?id={id} HTTP/1.1\r\nHost: down.test\r\n\r\n",
        "GET /x?id={id} HTTP/1.1\r\nHost: nope.test\r\n\r\n",
        "GET /a?id={id} HTTP/1.1\r\nHost: tree.test\r\n\r\n",
        "GET /close?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n",
    ];
    let load = Load {
        to: lab.traefik.address("web")?,
        connections: 20,
        requests: 200 * templates.len(),
        templates: templates.map(str::to_owned).to_vec(),
        label: "crowd".to_owned(),
    };
    load.run().await.map(drop)
}

/// What is told of servers is what Traefik found: nothing, as long as nobody knows which service a health check is for.
async fn servers_are_up(lab: &Lab) -> Result<()> {
    let up = |samples: Vec<Sample>| -> Series {
        let found = samples.into_iter().filter(|sample| sample.name == "traefik_service_server_up");
        found.map(|sample| (format!("{:?}", sample.labels), sample.value)).collect()
    };
    let Some(hoptap) = &lab.hoptap else { anyhow::bail!("expected a lab with hoptap") };
    let (traefik, hoptap) = (up(lab.traefik.metrics().await?), up(hoptap.metrics().await?));
    let agree = hoptap.iter().all(|(server, up)| traefik.get(server) == Some(up));
    ensure!(!traefik.is_empty() && agree, "Traefik says {traefik:?}, hoptap {hoptap:?}");
    Ok(())
}

#[derive(Default)]
struct Verdict {
    /// Traefik's and hoptap's series as they were last looked at.
    before: (Series, Series),
    differences: Vec<String>,
    /// Places in [`KNOWN`] that were met.
    known: BTreeSet<usize>,
    series: usize,
}

impl Verdict {
    /// Compares what a case added on both sides.
    async fn look(&mut self, lab: &Lab, case: &str) -> Result<()> {
        let begun = Instant::now();
        let (now, differences) = loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let now = both(lab).await?;
            let differences = differences(&added(&now.0, &self.before.0), &added(&now.1, &self.before.1));
            // Both have it, or neither counts it: which of the two is known a moment later only.
            let idle = now == self.before && begun.elapsed() < SETTLE / 15;
            if (differences.is_empty() && !idle) || begun.elapsed() > SETTLE {
                break (now, differences);
            }
        };
        self.series += added(&now.0, &self.before.0).len();
        self.before = now;
        for difference in differences {
            let known = |(of, series, _): &(&str, &str, &str)| case.contains(of) && difference.contains(series);
            match KNOWN.iter().position(known) {
                Some(place) => drop(self.known.insert(place)),
                None => self.differences.push(format!("{case}: {difference}")),
            }
        }
        Ok(())
    }
}

async fn both(lab: &Lab) -> Result<(Series, Series)> {
    let Some(hoptap) = &lab.hoptap else { anyhow::bail!("expected a lab with hoptap") };
    Ok((series(lab.traefik.metrics().await?), series(hoptap.metrics().await?)))
}

/// The counters and histograms of requests.
fn series(samples: Vec<Sample>) -> Series {
    let ours = |name: &str| {
        let rest = ["traefik_entrypoint_", "traefik_router_", "traefik_service_"];
        rest.iter().any(|start| name.starts_with(start)) && name != "traefik_service_server_up"
    };
    let mut series = Series::new();
    for sample in samples.into_iter().filter(|sample| ours(&sample.name)) {
        *series.entry(format!("{}{:?}", sample.name, sample.labels)).or_default() += sample.value;
    }
    series
}

fn added(now: &Series, before: &Series) -> Series {
    now.iter()
        .map(|(key, value)| (key.clone(), value - before.get(key).unwrap_or(&0.0)))
        .filter(|(_, more)| *more != 0.0)
        .collect()
}

fn differences(traefik: &Series, hoptap: &Series) -> Vec<String> {
    let keys: BTreeSet<&String> = traefik.keys().chain(hoptap.keys()).collect();
    let mut differences = Vec::new();
    for key in keys {
        let (expected, found) = (traefik.get(key).unwrap_or(&0.0), hoptap.get(key).unwrap_or(&0.0));
        let tolerance = tolerance(key, traefik);
        if (expected - found).abs() > tolerance {
            differences.push(format!("{key}: Traefik {expected}, hoptap {found}"));
        }
    }
    differences
}

fn tolerance(key: &str, traefik: &Series) -> f64 {
    let Some((name, labels)) = key.split_once('{') else { return 0.0 };
    if let Some(family) = name.strip_suffix("_seconds_sum") {
        let count = traefik.get(&format!("{family}_seconds_count{{{labels}")).copied().unwrap_or_default();
        return SECONDS + SECONDS_EACH * count;
    }
    if name.ends_with("_seconds_bucket") && !labels.contains("+Inf") {
        return (traefik.get(key).copied().unwrap_or_default() / OF_BOUNDS).floor();
    }
    0.0
}
