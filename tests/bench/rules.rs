//! What it costs to keep errors in full, with their bodies: one request of a hundred fails, every one has a body both
//! ways, and hoptap tells of all by spans. Against the same without rules, in interleaved runs.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use hoptap_tests::cpu;
use hoptap_tests::echo::Echo;
use hoptap_tests::files;
use hoptap_tests::hoptap::Hoptap;
use hoptap_tests::load::Load;
use hoptap_tests::process::{Scratch, Stdout};
use hoptap_tests::traefik::{Setup, Traefik};

use crate::measure::{TAIL, receiver};
use crate::report::middle;
use crate::scenario::CONNECTIONS;

/// Of a request; the answer has as many.
const BODY: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    Summary,
    Errors,
}

impl Rules {
    fn file(self, receiver: SocketAddr, folder: &str) -> String {
        let rules = match self {
            Self::Summary => "",
            Self::Errors => "rules: [{name: Errors, expr: http.res.status >= 500, level: full}]",
        };
        format!(
            "version: 2\nservices:\n  event_stores: [{{type: otlp, endpoint: 'http://{receiver}'}}]\n  object_stores: \
             [{{type: file, directory: {folder}}}]\nspans: {{bodies: none}}\nstacks:\n  s:\n    plugins:\n      - type: \
             http_capture\n        config:\n          level: summary\n          {rules}\ntap: {{http: {{stack: s}}}}\n"
        )
    }
}

/// µs of Traefik and of hoptap per request.
struct Run {
    rules: Rules,
    traefik: f64,
    hoptap: f64,
}

/// Runs both in turn, and says how they compare.
pub(crate) async fn run(rounds: usize, requests: usize, arguments: &[String], say: fn(&str)) -> Result<()> {
    let scratch = Scratch::new("bench-rules")?;
    let (_receiver, receiver) = receiver(&scratch).await?;
    let echo = Echo::start().await?;
    let dynamic = format!(
        "http:\n  routers: {{any: {{rule: 'PathPrefix(`/`)', service: be}}}}\n  services: {{be: {{loadBalancer: \
         {{servers: [{{url: 'http://{}'}}]}}}}}}\n",
        echo.address
    );
    let setup = Setup { entrypoints: &[("web", "")], dynamic: &dynamic, no_access_log: true, ..Setup::default() };
    let traefik = Traefik::start(&setup).await?;
    let mut runs = Vec::new();
    for round in 0..=rounds {
        for rules in [Rules::Summary, Rules::Errors] {
            // In memory: what a disk takes to make files is nothing of hoptap's.
            let folder = format!("/dev/shm/hoptap-bench-{}", std::process::id());
            let file = scratch.path().join("hoptap.yaml");
            std::fs::write(&file, rules.file(receiver, &folder))?;
            let run = one(&traefik, rules, &file.display().to_string(), arguments, requests).await?;
            let folder = Path::new(&folder);
            let kept = if folder.is_dir() { files::below(folder)?.len() } else { 0 };
            if kept > 0 {
                std::fs::remove_dir_all(folder)?;
            }
            let note = if round == 0 { "warm-up" } else { "" };
            let (spent, own) = (run.traefik, run.hoptap);
            say(&format!("{round}: {rules:?} Traefik {spent:.1} µs/request, hoptap {own:.1}, {kept} objects {note}"));
            let expected = if rules == Rules::Errors { requests / 100 * 5 } else { 0 };
            ensure!(kept == expected, "expected {expected} objects, found {kept}");
            if round > 0 {
                runs.push(run);
            }
        }
    }
    say(&text(&runs));
    Ok(())
}

async fn one(traefik: &Traefik, rules: Rules, file: &str, more: &[String], requests: usize) -> Result<Run> {
    let pid = traefik.pid().to_string();
    let mut arguments = vec!["--config", file, "--pid", &pid];
    arguments.extend(more.iter().map(String::as_str));
    let mut hoptap = Hoptap::start(&arguments, &[], Stdout::Nowhere).await?;
    let cost = || -> Result<(Duration, Duration)> { Ok((cpu::time(traefik.pid())?, cpu::time(hoptap.pid())?)) };
    let before = cost()?;
    let request = |status: u16| {
        let body = "x".repeat(BODY);
        format!("POST /x?status={status} HTTP/1.1\r\nHost: any.test\r\nContent-Length: {BODY}\r\n\r\n{body}")
    };
    let templates = (0..100).map(|number| request(if number == 50 { 503 } else { 200 })).collect();
    let to = traefik.address("web")?;
    let load = Load { to, connections: CONNECTIONS, requests, templates, label: String::new() };
    let outcomes = load.run().await?;
    let failed = outcomes.iter().filter(|outcome| outcome.status == 503).count();
    ensure!(failed == requests / 100, "expected {} failures, found {failed}", requests / 100);
    tokio::time::sleep(TAIL).await;
    let after = cost()?;
    hoptap.stop()?;
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let each = |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() * 1e6 / requests as f64;
    Ok(Run { rules, traefik: each(before.0, after.0), hoptap: each(before.1, after.1) })
}

fn text(runs: &[Run]) -> String {
    let median = |rules: Rules, value: fn(&Run) -> f64| {
        middle(runs.iter().filter(|run| run.rules == rules).map(value).collect()).unwrap_or_default()
    };
    let mut text = String::from("\nmedians\n");
    for rules in [Rules::Summary, Rules::Errors] {
        let (traefik, hoptap) = (median(rules, |run| run.traefik), median(rules, |run| run.hoptap));
        let _infallible = writeln!(text, "{rules:?}: Traefik {traefik:.1} µs per request, hoptap {hoptap:.1}");
    }
    let ratio = |value| median(Rules::Errors, value) / median(Rules::Summary, value);
    let _infallible = write!(
        text,
        "ratio {:.3} of hoptap's own CPU, {:.3} of both together: errors in full / summaries",
        ratio(|run| run.hoptap),
        ratio(|run| run.traefik + run.hoptap)
    );
    text
}
