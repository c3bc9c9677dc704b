//! Starting, ending, crashing, and outputs that do not work: Traefik must not notice, and nothing may stay behind.

use std::collections::{HashMap, HashSet};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hoptap_tests::hoptap::{self, Hoptap, lacking};
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::load::{Load, unix_nanos};
use hoptap_tests::oracle;
use hoptap_tests::process::{Scratch, Stdout};
use hoptap_tests::span::Kind;
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::traefik;

fn main() -> ExitCode {
    let lacking = lacking().or_else(|| traefik::program().err().map(|error| format!("{error:#}")));
    // These start hoptap themselves.
    let suite = Suite::new(Plan::default())
        .case("a wrong flag ends with 64", async |_: &Lab| ends_with(&["--no-such-flag"], 64))
        .case("a process that is not there ends with 69", async |_: &Lab| ends_with(&["--pid", "4194303"], 69))
        .case("without a Traefik it waits, and says so", async |_: &Lab| waits())
        .case("SIGINT ends it with 0 and exports what is left", interrupted)
        .case("after a crash nothing stays attached", crashed)
        .case("attached in the middle of a load", attached_to_a_busy_one)
        .case("a collector that refuses harms nobody", refused)
        .case("a collector that is not there harms nobody", absent)
        .case("metrics are valid", valid_metrics)
        .case("what is recorded can be replayed", recorded);
    suite::run(vec![("once", suite)], lacking.as_deref())
}

async fn attach(lab: &Lab, endpoint: &str, schedule: &str) -> Result<Hoptap> {
    let pid = lab.traefik.pid().to_string();
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_BSP_SCHEDULE_DELAY", schedule)];
    Hoptap::start(&["--pid", &pid], &environment, Stdout::Log).await
}

async fn send(lab: &Lab, label: &str, requests: usize) -> Result<()> {
    let outcomes = Load {
        to: lab.traefik.address("web")?,
        connections: 5,
        requests,
        templates: vec!["GET /x?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n".to_owned()],
        label: label.to_owned(),
    }
    .run()
    .await?;
    let failed: Vec<_> = outcomes.iter().filter(|outcome| outcome.status != 200).collect();
    ensure!(failed.is_empty(), "{failed:#?}");
    Ok(())
}

fn ends_with(arguments: &[&str], expected: i32) -> Result<()> {
    let output = Command::new(hoptap::program()?).args(arguments).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(expected), "expected {expected}, found {}: {said}", output.status);
    ensure!(!said.trim().is_empty(), "expected a reason on stderr, found none");
    Ok(())
}

/// A container that does not exist has no Traefik, whatever else runs on this machine.
fn waits() -> Result<()> {
    let mut hoptap = Command::new(hoptap::program()?)
        .args(["--container", "none", "--listen", "off"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    std::thread::sleep(Duration::from_secs(3));
    let ended = hoptap.try_wait()?;
    hoptap.kill()?;
    let output = hoptap.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(ended.is_none(), "expected it to wait, it ended: {said}");
    let times = said.matches("no Traefik found yet: waiting for one").count();
    ensure!(times == 1, "expected to hear it once, heard it {times} times: {said}");
    Ok(())
}

async fn interrupted(lab: &Lab) -> Result<()> {
    let before = lab.begin()?;
    // Nothing is exported by itself within the case: only the end does it.
    let mut hoptap = attach(lab, &lab.collector.endpoint(), "60000").await?;
    send(lab, "last", 50).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let status = hoptap.stop()?;
    ensure!(status.code() == Some(0), "expected 0, found {status}\n{}", hoptap.output());
    let rows = lab.rows(before, 50).await?;
    oracle::compare(&rows, &lab.collector.spans(), &lab.backends.received()).check()?;
    send(lab, "after", 5).await
}

async fn crashed(lab: &Lab) -> Result<()> {
    let mut first = attach(lab, &lab.collector.endpoint(), "100").await?;
    send(lab, "first", 20).await?;
    first.kill();
    send(lab, "between", 20).await?;
    let before = lab.begin()?;
    let _second = attach(lab, &lab.collector.endpoint(), "100").await?;
    send(lab, "second", 50).await?;
    // Twice the programs would give twice the spans.
    lab.verdict(before, 50).await?.check()
}

/// Right from the first request on; of those that were under way it may say nothing, and nothing wrong.
async fn attached_to_a_busy_one(lab: &Lab) -> Result<()> {
    let before = lab.begin()?;
    let load = Load {
        to: lab.traefik.address("web")?,
        connections: 50,
        requests: 20_000,
        templates: [
            "GET /x?id={id}&d=3ms HTTP/1.1\r\nHost: any.test\r\n\r\n",
            "POST /x?id={id} HTTP/1.1\r\nHost: other.test\r\nContent-Length: 5\r\n\r\nhello",
            "GET /chunked?id={id} HTTP/1.1\r\nHost: retry.test\r\n\r\n",
            "POST /x?id={id} HTTP/1.1\r\nHost: mirror.test\r\nContent-Length: 5\r\n\r\nhello",
        ]
        .map(str::to_owned)
        .to_vec(),
        label: "busy".to_owned(),
    };
    let running = tokio::spawn(async move { load.run().await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _hoptap = attach(lab, &lab.collector.endpoint(), "100").await?;
    let ready = unix_nanos();
    ensure!(!running.is_finished(), "the load was over before hoptap was attached");
    let outcomes = running.await??;
    let begun: HashMap<_, _> = outcomes.iter().map(|outcome| (outcome.id.as_str(), outcome.start)).collect();
    let mut rows = lab.rows(before, outcomes.len()).await?;
    let after = begun.values().filter(|start| **start > ready).count();
    ensure!(after > 1000, "{after} requests after hoptap was attached say little");
    let mut spans = lab.spans(after, after).await;
    let told: HashSet<_> = spans.iter().filter_map(oracle::span_id).collect();
    let is_due = |id: &str| begun.get(id).is_some_and(|start| *start > ready) || told.contains(id);
    rows.retain(|row| row.id.as_deref().is_some_and(is_due));
    let mut received = lab.backends.received();
    received.retain(|one| one.id.as_deref().is_some_and(is_due));
    spans.retain(|span| span.kind != Kind::Server || oracle::span_id(span).is_some());
    oracle::compare(&rows, &spans, &received).check()
}

async fn refused(lab: &Lab) -> Result<()> {
    let hoptap = attach(lab, &lab.collector.endpoint(), "100").await?;
    lab.collector.refuse(503);
    send(lab, "refused", 500).await?;
    lab.collector.refuse(0);
    ensure!(hoptap.get("/healthz").await?.status == 200, "expected 200 from /healthz");
    // What was refused may be lost or sent again: what comes now must come.
    tokio::time::sleep(Duration::from_secs(2)).await;
    lab.begin()?;
    send(lab, "taken", 20).await?;
    let taken = |spans: &[hoptap_tests::span::Span]| {
        let traces = oracle::Traces::new(spans);
        (0..20).all(|number| traces.servers_of(&format!("taken-{number}")).len() == 1)
    };
    lab.collector.wait(Duration::from_secs(30), taken).await?;
    Ok(())
}

async fn absent(lab: &Lab) -> Result<()> {
    let nobody = format!("http://127.0.0.1:{}", hoptap_tests::process::free_port()?);
    let mut hoptap = attach(lab, &nobody, "100").await?;
    send(lab, "absent", 500).await?;
    ensure!(hoptap.get("/metrics").await?.status == 200, "expected 200 from /metrics");
    let status = hoptap.stop()?;
    ensure!(status.code() == Some(0), "expected 0, found {status}\n{}", hoptap.output());
    Ok(())
}

async fn valid_metrics(lab: &Lab) -> Result<()> {
    let hoptap = attach(lab, &lab.collector.endpoint(), "100").await?;
    send(lab, "metrics", 100).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let body = hoptap.get("/metrics").await?.body;
    let samples = hoptap_tests::exposition::parse(&String::from_utf8_lossy(&body));
    let count = |name: &str| hoptap_tests::exposition::sum(&samples, name, &[("traefik_router_name", "any@file")]);
    for name in ["http_server_request_duration_seconds_count", "http_client_request_duration_seconds_count"] {
        let found = count(name);
        ensure!((found - 100.0).abs() < 0.5, "expected 100 in {name}, found {found}");
    }
    let scratch = Scratch::new("metrics")?;
    let file = scratch.path().join("metrics.txt");
    std::fs::write(&file, &body)?;
    let output = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(std::fs::File::open(&file)?)
        .output()
        .context("promtool, which `make setup` installs")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "promtool: {said}");
    Ok(())
}

async fn recorded(lab: &Lab) -> Result<()> {
    let scratch = Scratch::new("record")?;
    let file = scratch.path().join("stream").display().to_string();
    let pid = lab.traefik.pid().to_string();
    let mut hoptap = Hoptap::start(&["record", &file, "--pid", &pid], &[], Stdout::Log).await?;
    send(lab, "recorded", 20).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    hoptap.stop()?;
    let replay = || -> Result<String> {
        let output = Command::new(hoptap::program()?).args(["replay", &file, "--format", "json"]).output()?;
        ensure!(output.status.success(), "replay: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    };
    let first = replay()?;
    ensure!(first.contains("recorded-19"), "expected the recorded requests, found {first}");
    ensure!(first == replay()?, "expected the same from the same stream, twice");
    Ok(())
}
