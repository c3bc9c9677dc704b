//! The cases, inside the guest: the lab's own, with hoptap as it chooses to capture and as it is told to.

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};
use hoptap_tests::case::Attempt::{Got, Refused};
use hoptap_tests::case::Case;
use hoptap_tests::hoptap::{self, Hoptap};
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::load::Load;
use hoptap_tests::process::Stdout;
use tokio::runtime::Runtime;

use crate::report;
use crate::told::Sent;

pub(crate) const RELEASE: &str = "release";
pub(crate) const HOOK: &str = "the hook that is chosen";
pub(crate) const JSON: &str = "a mix of requests as JSON lines";
pub(crate) const SOCKET: &str = "--capture socket";
pub(crate) const SYSCALL: &str = "--capture syscall";
pub(crate) const DOCTOR: &str = "the doctor";
pub(crate) const TAINT: &str = "the kernel does not mind";
/// What a forced hook is found to do where the kernel has it.
pub(crate) const CAPTURES: &str = "captures";

const OLDER: &str = "idle connections of before the start";
const MIXTURE: &str = "a mix of requests over 5 connections";

/// Of the mixed load.
pub(crate) const MIXED: usize = 60;

pub(crate) const MIX: [Sent; 6] = [
    Sent::new(
        "GET /x?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n",
        200,
        Some("any@file"),
        Some(("be1@file", Some(200))),
    ),
    Sent::new(
        "POST /x?id={id} HTTP/1.1\r\nHost: other.test\r\nContent-Length: 5\r\n\r\nhello",
        200,
        Some("other@file"),
        Some(("be2@file", Some(200))),
    ),
    Sent::new("GET /x?id={id} HTTP/1.1\r\nHost: nope.test\r\n\r\n", 404, None, None),
    Sent::new("GET /x?id={id} HTTP/1.1\r\nHost: down.test\r\n\r\n", 502, Some("down@file"), Some(("down@file", None))),
    Sent::new(
        "GET /chunked?id={id} HTTP/1.1\r\nHost: any.test\r\nConnection: close\r\n\r\n",
        200,
        Some("any@file"),
        Some(("be1@file", Some(200))),
    ),
    Sent::new(
        "GET /status/503?id={id} HTTP/1.1\r\nHost: two.test\r\n\r\n",
        503,
        Some("two@file"),
        Some(("be1@file", Some(503))),
    ),
];

/// Single requests that take other paths through the programs: one piece, many, many vectors, no connection.
const CASES: &[Case] = &[
    Case::new("GET", "GET /x?id={id} HTTP/1.1|Host: any.test||", 200)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new(
        "POST with a chunked body",
        "POST /x?id={id} HTTP/1.1|Host: any.test|Transfer-Encoding: chunked||5|hello|0||",
        200,
    )
    .router("any@file")
    .attempts(&[Got("be1@file", 200)]),
    Case::new("1.2 MB up", "POST /x?id={id} HTTP/1.1|Host: any.test|Content-Length: 1200000||{huge}", 200)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("1 MB down", "GET /big?id={id}&n=1000000 HTTP/1.1|Host: any.test||", 200)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("a request in segments", "GET /x?id={id} HTTP/1.1|Host: any.test|X-Long: some value||", 200)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)])
        .pieces(7),
    Case::new("no router", "GET /x?id={id} HTTP/1.1|Host: nope.test||", 404),
    Case::new("backend is down", "GET /x?id={id} HTTP/1.1|Host: down.test||", 502)
        .router("down@file")
        .attempts(&[Refused("down@file")]),
    Case::new("retries exhausted", "GET /x?id={id} HTTP/1.1|Host: exhaust.test||", 502)
        .router("exhaust@file")
        .attempts(&[Refused("down@file"), Refused("down@file"), Refused("down@file")]),
];

/// Cases of which nothing is judged outside.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    [OLDER, MIXTURE].into_iter().chain(CASES.iter().map(|case| case.name))
}

pub(crate) fn mixed_id(number: usize) -> String {
    format!("mix-{number}")
}

/// Runs all cases and says of each how it went.
pub(crate) fn run() -> ExitCode {
    report::write(RELEASE, &kernel("osrelease"));
    let done = Runtime::new().context("an asynchronous runtime").and_then(|runtime| runtime.block_on(cases()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The first of them speaks for all: nothing came so far that one could speak of.
            report::write(HOOK, &Err(error));
            ExitCode::FAILURE
        }
    }
}

/// What `/proc/sys/kernel` says.
fn kernel(name: &str) -> Result<String> {
    let file = format!("/proc/sys/kernel/{name}");
    let text = std::fs::read_to_string(&file).with_context(|| file)?;
    Ok(text.trim().to_owned())
}

async fn cases() -> Result<()> {
    let mut lab = Lab::start(Plan { hoptap: Some(&["--format", "json"]), ..Plan::default() }).await?;
    report::write(HOOK, &hook(&lab));
    report::write(OLDER, &older(&lab).await);
    report::write(MIXTURE, &mixture(&lab).await);
    report::write(JSON, &json(&lab));
    for case in CASES {
        report::write(case.name, &case.check(&lab).await.map(|()| String::new()));
    }
    for (name, hook) in [(SOCKET, "socket"), (SYSCALL, "syscall")] {
        lab.hoptap = None;
        report::write(name, &forced(&mut lab, hook).await);
    }
    lab.hoptap = None;
    report::write(DOCTOR, &doctor(&lab));
    report::write(TAINT, &kernel("tainted"));
    Ok(())
}

fn output(lab: &Lab) -> String {
    lab.hoptap.as_ref().map(Hoptap::output).unwrap_or_default()
}

/// From the log: `attached to the kernel hook="syscall"`.
fn hook(lab: &Lab) -> Result<String> {
    let output = output(lab);
    let found = output.split_once("hook=\"").and_then(|(_, rest)| rest.split_once('"'));
    let (hook, _) = found.with_context(|| format!("expected the hook in the log: {output}"))?;
    Ok(hook.to_owned())
}

async fn older(lab: &Lab) -> Result<String> {
    let before = lab.begin()?;
    let mut early = lab.take_early();
    for (number, connection) in early.iter_mut().enumerate() {
        let request = MIX[0].request.replace("{id}", &format!("older-{number}"));
        connection.exchange(request.as_bytes()).await?;
    }
    lab.verdict(before, early.len()).await?.check()?;
    Ok(String::new())
}

async fn mixture(lab: &Lab) -> Result<String> {
    let before = lab.begin()?;
    Load {
        to: lab.traefik.address("web")?,
        connections: 5,
        requests: MIXED,
        templates: MIX.iter().map(|sent| sent.request.to_owned()).collect(),
        label: "mix".to_owned(),
    }
    .run()
    .await?;
    lab.verdict(before, MIXED).await?.check()?;
    Ok(String::new())
}

/// The lines of the mixed load.
fn json(lab: &Lab) -> Result<String> {
    let output = output(lab);
    let lines: Vec<_> = output.lines().filter(|line| line.starts_with('{') && line.contains("\"id=mix-")).collect();
    ensure!(!lines.is_empty(), "expected lines of JSON, found: {output}");
    Ok(lines.join("\n"))
}

/// Its exit code, and what it says as JSON.
fn doctor(lab: &Lab) -> Result<String> {
    let pid = lab.traefik.pid().to_string();
    let mut command = Command::new(hoptap::program()?);
    command.args(["doctor", "--format", "json", "--pid", &pid, "--listen", "off"]).stdin(Stdio::null());
    let output = command.output()?;
    let code = output.status.code().context("expected an exit code")?;
    Ok(format!("{code}\n{}", String::from_utf8_lossy(&output.stdout)))
}

/// Starts it anew, as it was told to capture: what it says where it ends, and how it went where it does not.
async fn forced(lab: &mut Lab, hook: &str) -> Result<String> {
    let (pid, endpoint) = (lab.traefik.pid().to_string(), lab.collector.endpoint());
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let arguments = ["--pid", &pid, "--capture", hook, "--log-level", "warn"];
    match Hoptap::start(&arguments, &environment, Stdout::Log).await {
        Ok(started) => {
            lab.hoptap = Some(started);
            mixture(lab).await?;
            Ok(CAPTURES.to_owned())
        }
        Err(error) => {
            // "hoptap ended before it attached: exit status: 69", and below it what it wrote.
            let text = format!("{error:#}");
            let Some((_, said)) = text.split_once("exit status: ") else {
                bail!(text);
            };
            Ok(said.trim_end().to_owned())
        }
    }
}
