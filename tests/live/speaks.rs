//! TLS, HTTP/2, gRPC and WebSockets: each case by itself. Without hoptap the cases are checked against Traefik.

mod cases;
mod streams;

use std::process::ExitCode;

use hoptap_tests::lab::Plan;
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::traefik;

fn main() -> ExitCode {
    let modern = Plan { modern: true, ..Plan::default() };
    let plans = [
        ("plain", modern),
        ("plain fastproxy", Plan { fast_proxy: true, ..modern }),
        ("std", Plan { hoptap: Some(&[]), ..modern }),
        ("fastproxy", Plan { hoptap: Some(&[]), fast_proxy: true, ..modern }),
    ];
    let suites = plans.into_iter().map(|(label, plan)| (label, all(plan))).collect();
    let lacking = traefik::program().err().map(|error| format!("{error:#}"));
    suite::run(suites, lacking.as_deref())
}

fn all(plan: Plan<'static>) -> Suite {
    let suite = streams::ALL.iter().fold(Suite::new(plan), |suite, (group, cases)| suite.streams(group, cases));
    cases::ALL.iter().fold(suite, |suite, (group, cases)| suite.over_tls(group, cases))
}
