//! Makes the streams of `replay/data` anew, one per group of cases: HOPTAP_RECORD=<directory>. Without it there is
//! nothing to do: what hoptap makes of them is checked by `replay`, without root and without Traefik.

mod cases;
#[allow(dead_code, reason = "only the tables of cases are recorded")]
mod streams;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use hoptap_tests::case::Case;
use hoptap_tests::hoptap::{Hoptap, lacking};
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::process::Stdout;
use hoptap_tests::stream_case::StreamCase;
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::traefik;

fn main() -> ExitCode {
    let Some(directory) = std::env::var_os("HOPTAP_RECORD").map(PathBuf::from) else {
        return ExitCode::SUCCESS;
    };
    let lacking = lacking().or_else(|| traefik::program().err().map(|error| format!("{error:#}")));
    let mut suites = Vec::new();
    for &(group, cases) in cases::ALL {
        let file = directory.join(group);
        let suite = Suite::new(Plan::default());
        suites.push((group, suite.case("recorded", async move |lab: &Lab| record(lab, &file, cases).await)));
    }
    let fast = Plan { fast_proxy: true, ..Plan::default() };
    let file = directory.join("fastproxy");
    let some: Vec<_> = cases::failures::CASES.iter().filter_map(|case| case.under(&fast).ok()).collect();
    suites
        .push(("fastproxy", Suite::new(fast).case("recorded", async move |lab: &Lab| record(lab, &file, &some).await)));
    let file = directory.join("mid-attach");
    suites.push((
        "mid-attach",
        Suite::new(Plan::default()).case("recorded", async move |lab: &Lab| midway(lab, &file).await),
    ));
    // Each group of what is spoken besides HTTP/1 in the clear; what is encrypted is not in the stream.
    let modern = Plan { modern: true, ..Plan::default() };
    let names: Vec<String> = streams::ALL
        .iter()
        .map(|(group, _)| format!("streams-{}", group.replace([' ', '/'], "-").to_lowercase()))
        .collect();
    for (name, &(_, cases)) in names.iter().zip(streams::ALL) {
        let file = directory.join(name);
        let suite = Suite::new(modern);
        suites.push((name, suite.case("recorded", async move |lab: &Lab| spoken(lab, &file, cases).await)));
    }
    suite::run(suites, lacking.as_deref())
}

async fn start(lab: &Lab, file: &Path) -> Result<Hoptap> {
    let (file, pid) = (file.display().to_string(), lab.traefik.pid().to_string());
    Hoptap::start(&["record", &file, "--pid", &pid], &[], Stdout::Log).await
}

async fn stop(mut hoptap: Hoptap) -> Result<()> {
    tokio::time::sleep(Duration::from_millis(300)).await;
    let status = hoptap.stop()?;
    ensure!(status.success(), "{status}: {}", hoptap.output());
    Ok(())
}

async fn record(lab: &Lab, file: &Path, cases: &[Case]) -> Result<()> {
    let hoptap = start(lab, file).await?;
    // Nothing tells a recording which bytes may be left out: large bodies would be all that is in the file.
    for case in cases.iter().filter(|case| !case.is_large()) {
        case.check(lab).await?;
    }
    stop(hoptap).await
}

async fn spoken(lab: &Lab, file: &Path, cases: &[StreamCase]) -> Result<()> {
    let hoptap = start(lab, file).await?;
    for case in cases.iter().filter(|case| !case.is_large()) {
        case.check(lab).await?;
    }
    stop(hoptap).await
}

/// Connections that are older than the recording, on both sides of Traefik.
async fn midway(lab: &Lab, file: &Path) -> Result<()> {
    let hoptap = start(lab, file).await?;
    for (number, connection) in lab.take_early().iter_mut().enumerate() {
        let request = format!("GET /x?id=early-{number} HTTP/1.1\r\nHost: any.test\r\n\r\n");
        let response = connection.exchange(request.as_bytes()).await?;
        ensure!(response.status == 200, "found {}", response.status);
    }
    stop(hoptap).await
}
