//! hoptap stands still while Traefik works on: what it missed is counted, one by one, and nothing is off afterwards.

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hoptap_tests::exposition::{Sample, sum};
use hoptap_tests::hoptap::{Hoptap, lacking};
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::load::Load;
use hoptap_tests::oracle::{self, Traces};
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::traefik;

const GET: &str = "GET /x?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n";

/// Each on a connection of its own: its opening is among what gets lost.
const CLOSE: &str = "GET /x?id={id} HTTP/1.1\r\nHost: any.test\r\nConnection: close\r\n\r\n";

const KEPT: usize = 20_000;
const SHORT: usize = 2000;

/// So many that they go on past the ten seconds after which probes are taken away that nobody needs: who reads the ring
/// must not wait for that.
const LATER: usize = 4000;

fn main() -> ExitCode {
    let lacking = lacking().or_else(|| traefik::program().err().map(|error| format!("{error:#}")));
    let suite = |hook: &'static [&'static str]| {
        Suite::new(Plan { hoptap: Some(hook), ..Plan::default() })
            .case("every request is exported or counted as dropped", accounted)
            .case("what comes after it is told without a fault", recovered)
    };
    let suites =
        vec![("auto", suite(&["--ring", "64"])), ("syscall", suite(&["--ring", "64", "--capture", "syscall"]))];
    suite::run(suites, lacking.as_deref())
}

fn load(lab: &Lab, label: &str, connections: usize, requests: usize, send: &str) -> Result<Load> {
    Ok(Load {
        to: lab.traefik.address("web")?,
        connections,
        requests,
        templates: vec![send.to_owned()],
        label: label.to_owned(),
    })
}

async fn accounted(lab: &Lab) -> Result<()> {
    let Some(hoptap) = &lab.hoptap else {
        anyhow::bail!("expected a lab with hoptap");
    };
    let before = lab.begin()?;
    let start = hoptap.metrics().await?;
    let kept = load(lab, "kept", 100, KEPT, GET)?;
    let short = load(lab, "short", 10, SHORT, CLOSE)?;
    let running = tokio::spawn(async move { tokio::try_join!(kept.run(), short.run()) });
    tokio::time::sleep(Duration::from_millis(500)).await;
    hoptap.hold(true);
    tokio::time::sleep(Duration::from_secs(2)).await;
    hoptap.hold(false);
    running.await??;
    let mut logged = lab.rows(before, KEPT + SHORT).await?;
    let rows = logged.len();
    let end = settled(hoptap).await?;
    let spans = lab.spans(0, 0).await;
    let servers = Traces::new(&spans).servers.len();
    let grown = |name: &str, labels: &[(&str, &str)]| sum(&end, name, labels) - sum(&start, name, labels);
    let requests = |state| grown("hoptap_requests_total", &[("hoptap_request_state", state)]);
    let (seen, exported) = (requests("seen"), requests("exported"));
    let dropped = grown("hoptap_drops_total", &[]);
    let causes: Vec<_> = end
        .iter()
        .filter(|sample| sample.name == "hoptap_drops_total" && sample.value > 0.0)
        .map(|sample| (&sample.labels, sample.value))
        .collect();
    let found = format!(
        "{rows} rows, {servers} SERVER spans; hoptap says: {seen} seen, {exported} exported, {dropped} dropped {causes:?}"
    );
    ensure!(dropped > 0.0, "expected an overload, found none: {found}");
    ensure!(same(rows, servers as f64 + dropped), "expected as many rows as spans and drops: {found}");
    ensure!(same(servers, exported) && same(rows, seen), "expected all rows seen and all spans exported: {found}");
    // What was told in the middle of it is as right as ever.
    let told: HashSet<_> = spans.iter().filter_map(oracle::span_id).collect();
    logged.retain(|row| row.id.as_ref().is_some_and(|id| told.contains(id)));
    let mut received = lab.backends.received();
    received.retain(|one| one.id.as_ref().is_some_and(|id| told.contains(id)));
    oracle::compare(&logged, &spans, &received).check()
}

/// Slow enough for the small ring: nothing is missing now but what the overload left behind.
async fn recovered(lab: &Lab) -> Result<()> {
    let Some(hoptap) = &lab.hoptap else {
        anyhow::bail!("expected a lab with hoptap");
    };
    let before = lab.begin()?;
    let start = sum(&hoptap.metrics().await?, "hoptap_drops_total", &[]);
    let slow = "GET /x?id={id}&d=10ms HTTP/1.1\r\nHost: any.test\r\n\r\n";
    load(lab, "later", 5, LATER, slow)?.run().await?;
    let verdict = lab.verdict(before, LATER).await?;
    let dropped = sum(&hoptap.metrics().await?, "hoptap_drops_total", &[]) - start;
    verdict.check().with_context(|| format!("{dropped} were dropped since the overload"))
}

fn same(count: usize, number: f64) -> bool {
    (count as f64 - number).abs() < 0.5
}

/// The metrics, once two scrapes half a second apart say the same of requests.
async fn settled(hoptap: &Hoptap) -> Result<Vec<Sample>> {
    let told = |samples: &[Sample]| {
        let of = |name| sum(samples, name, &[]);
        (of("hoptap_requests_total"), of("hoptap_drops_total"))
    };
    let mut last = hoptap.metrics().await?;
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = hoptap.metrics().await?;
        if told(&now) == told(&last) {
            return Ok(now);
        }
        last = now;
    }
    anyhow::bail!("hoptap's numbers still move after 20 s")
}
