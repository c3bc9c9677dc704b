//! TLS, HTTP/2, gRPC and WebSockets: each case by itself, and all of them at once. Without hoptap the cases are checked against Traefik.

mod cases;
mod streams;
mod together;

use std::process::ExitCode;

use anyhow::Result;
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::mix::{self, Mix};
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::traefik;
use streams::{handshakes, idle, many};

const SHOTS: usize = 3000;

fn main() -> ExitCode {
    let modern = Plan { modern: true, ..Plan::default() };
    let plans = [
        ("plain", modern),
        ("plain fastproxy", Plan { fast_proxy: true, ..modern }),
        ("std", Plan { hoptap: Some(&["--level", "details"]), ..modern }),
        ("fastproxy", Plan { hoptap: Some(&["--level", "details"]), fast_proxy: true, ..modern }),
    ];
    // The connections that are older than hoptap are for one lab alone to use.
    let older = [("older", modern), ("older std", plans[2].1), ("older fastproxy", plans[3].1)];
    let older =
        older.map(|(label, plan)| (label, Suite::new(plan).case("connections of before the start", many::older)));
    let suites = plans.into_iter().map(|(label, plan)| (label, all(plan))).chain(older).collect();
    let lacking = traefik::program().err().map(|error| format!("{error:#}"));
    suite::run(suites, lacking.as_deref())
}

fn all(plan: Plan<'static>) -> Suite {
    let suite = streams::ALL.iter().fold(Suite::new(plan), |suite, (group, cases)| suite.streams(group, cases));
    cases::ALL
        .iter()
        .fold(suite, |suite, (group, cases)| suite.over_tls(group, cases))
        .case("handshakes that fail", handshakes::fail)
        .case("a hundred streams on one connection", many::hundred)
        .case("a hundred streams on one connection of HTTP/3", many::hundred_over_http3)
        .case("a connection breaks with fifty streams on it", many::cut)
        .case("everything at once", async move |lab: &Lab| everything(lab, &plan).await)
        .case("five thousand connections that say nothing", idle::held)
}

/// Every case, those of HTTP/1 with and without TLS, over kept and over shared connections. HOPTAP_SEED draws another
/// order, HOPTAP_SHOTS more of it.
async fn everything(lab: &Lab, plan: &Plan<'_>) -> Result<()> {
    let plain = cases::ALL.iter().flat_map(|(_, cases)| cases.iter()).filter_map(|case| case.under(plan).ok());
    let plain = plain.chain(together::CASES.iter().copied());
    let tls = plain.clone().filter_map(|case| case.over_tls().ok());
    let streams = streams::ALL.iter().flat_map(|(_, cases)| cases.iter()).filter_map(|case| case.under(plan).ok());
    let streams = streams.chain(streams::together::CASES.iter().copied());
    let (cases, streams, seed) = (plain.chain(tls).collect(), streams.collect(), mix::seed()?);
    let shots = std::env::var("HOPTAP_SHOTS").ok().and_then(|text| text.parse().ok()).unwrap_or(SHOTS);
    Mix { cases, streams, unanswered: plan.fast_proxy, shots, at_once: 40, seed }.check(lab).await
}
