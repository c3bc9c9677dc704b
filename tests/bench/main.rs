//! What hoptap costs per request, against what Traefik's own telemetry costs: both in one session, in turn, with
//! the same load, to the same receiver in a process of its own, whose cost is nobody's.
//!
//! `bench [--scenario http1|http2|http2-http2] [--rounds N] [--requests N] [ARGUMENT OF HOPTAP]...`
//!
//! `bench rate [--pairs N] [ARGUMENT OF HOPTAP]...`: the highest rate with hoptap, of that without; see there.
//!
//! `bench rules [--rounds N] [--requests N] [ARGUMENT OF HOPTAP]...`: what rules cost that keep errors in full.
//!
//! `bench memory [ARGUMENT OF HOPTAP]...`: what hoptap holds on to; see there.

mod measure;
mod memory;
mod rate;
mod report;
mod rules;
mod scenario;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use hoptap_tests::collector::Collector;
use hoptap_tests::hoptap;

use measure::{Bench, Mode};
use scenario::Scenario;

/// Median of so many: single runs on a shared machine differ by a tenth.
const ROUNDS: usize = 5;
const REQUESTS: usize = 20_000;
/// Of seconds with and without hoptap.
const PAIRS: usize = 30;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| match arguments.as_slice() {
        [word, address] if word == "receive" => runtime.block_on(receive(address)),
        [word, arguments @ ..] if word == "rate" => runtime.block_on(with_rate(arguments.to_vec())),
        [word, arguments @ ..] if word == "rules" => runtime.block_on(with_rules(arguments.to_vec())),
        [word, arguments @ ..] if word == "memory" => runtime.block_on(memory::run(arguments)),
        _ => runtime.block_on(run(arguments)),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(mut arguments: Vec<String>) -> Result<()> {
    let rounds = number(&mut arguments, "--rounds")?.unwrap_or(ROUNDS);
    let requests = number(&mut arguments, "--requests")?.unwrap_or(REQUESTS);
    let scenario = option(&mut arguments, "--scenario")?;
    let scenario = scenario.map_or(Ok(Scenario::Http1), |name| Scenario::parse(&name))?;
    let mut modes = vec![Mode::Floor, Mode::Own];
    match hoptap::lacking() {
        None => modes.extend([Mode::Hoptap, Mode::Beside]),
        Some(reason) => say(&format!("without hoptap: {reason}")),
    }
    let bench = Bench::start(scenario, requests, arguments.clone()).await?;
    let mut runs = Vec::new();
    for round in 0..=rounds {
        for mode in &modes {
            let run = bench.run(*mode).await?;
            // The first round warms caches, pools and the heap of each Traefik.
            let note = if round == 0 { "warm-up" } else { "" };
            say(&format!("{round}: {run} {note}"));
            if round > 0 {
                runs.push(run);
            }
        }
    }
    say(&report::text(&runs));
    if scenario == Scenario::Http1 && hoptap::lacking().is_none() {
        drop(bench);
        rate::run(PAIRS, &arguments, say).await?;
    }
    Ok(())
}

async fn with_rate(mut arguments: Vec<String>) -> Result<()> {
    let pairs = number(&mut arguments, "--pairs")?.unwrap_or(PAIRS);
    rate::run(pairs, &arguments, say).await
}

async fn with_rules(mut arguments: Vec<String>) -> Result<()> {
    let rounds = number(&mut arguments, "--rounds")?.unwrap_or(ROUNDS);
    let requests = number(&mut arguments, "--requests")?.unwrap_or(REQUESTS);
    rules::run(rounds, requests, &arguments, say).await
}

/// Takes OTLP until it is killed.
async fn receive(address: &str) -> Result<()> {
    let _collector = Collector::start_counting(address).await?;
    std::future::pending().await
}

/// Takes `name N` out of the arguments.
fn number(arguments: &mut Vec<String>, name: &str) -> Result<Option<usize>> {
    let Some(value) = option(arguments, name)? else { return Ok(None) };
    let number = value.parse().with_context(|| format!("expected a number after {name}, found {value:?}"))?;
    Ok(Some(number))
}

/// Takes `name VALUE` out of the arguments.
fn option(arguments: &mut Vec<String>, name: &str) -> Result<Option<String>> {
    let Some(at) = arguments.iter().position(|argument| argument == name) else {
        return Ok(None);
    };
    arguments.remove(at);
    anyhow::ensure!(at < arguments.len(), "expected a value after {name}");
    Ok(Some(arguments.remove(at)))
}

fn say(line: &str) {
    let _nobody_listens = writeln!(std::io::stdout(), "{line}");
}
