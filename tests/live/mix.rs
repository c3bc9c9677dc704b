//! Everything at once: every kind of request among all the others, each compared with the access log and the backends.
//! HOPTAP_SEED draws another order, HOPTAP_SHOTS more of it.

mod cases;
mod together;

use std::process::ExitCode;

use anyhow::Result;
use hoptap_tests::hoptap::lacking;
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::mix::{self, Mix};
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::traefik;

const SHOTS: usize = 3000;

fn main() -> ExitCode {
    let plans = [
        ("std", Plan { hoptap: Some(&[]), ..Plan::default() }),
        ("syscall", Plan { hoptap: Some(&["--capture", "syscall"]), ..Plan::default() }),
        ("fastproxy", Plan { hoptap: Some(&[]), fast_proxy: true, ..Plan::default() }),
        ("api", Plan { hoptap: Some(&["--names", "api"]), ..Plan::default() }),
    ];
    let suites = plans
        .into_iter()
        .map(|(label, plan)| {
            let case = async move |lab: &Lab| everything(lab, &plan).await;
            (label, Suite::new(plan).case("everything at once", case))
        })
        .collect();
    let lacking = lacking().or_else(|| traefik::program().err().map(|error| format!("{error:#}")));
    suite::run(suites, lacking.as_deref())
}

async fn everything(lab: &Lab, plan: &Plan<'_>) -> Result<()> {
    let cases = cases::ALL.iter().flat_map(|(_, cases)| cases.iter()).filter_map(|case| case.under(plan).ok());
    let cases = cases.chain(together::CASES.iter().copied());
    let shots = std::env::var("HOPTAP_SHOTS").ok().and_then(|text| text.parse().ok()).unwrap_or(SHOTS);
    let (cases, seed) = (cases.collect(), mix::seed()?);
    Mix { cases, streams: Vec::new(), unanswered: plan.fast_proxy, shots, at_once: 40, seed }.check(lab).await
}
