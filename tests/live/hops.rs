//! Single requests of every kind: hoptap must say of each what is true.

mod cases;

use std::process::ExitCode;

use hoptap_tests::hoptap::lacking;
use hoptap_tests::lab::Plan;
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::traefik;

fn main() -> ExitCode {
    let plans = [
        ("auto", Plan { hoptap: Some(&[]), ..Plan::default() }),
        ("syscall", Plan { hoptap: Some(&["--capture", "syscall"]), ..Plan::default() }),
        ("api", Plan { hoptap: Some(&["--names", "api"]), ..Plan::default() }),
        ("fastproxy", Plan { hoptap: Some(&[]), fast_proxy: true, ..Plan::default() }),
    ];
    let suites = plans
        .into_iter()
        .map(|(label, plan)| {
            let suite = cases::ALL.iter().fold(Suite::new(plan), |suite, (group, cases)| suite.cases(group, cases));
            (label, suite)
        })
        .collect();
    let lacking = lacking().or_else(|| traefik::program().err().map(|error| format!("{error:#}")));
    suite::run(suites, lacking.as_deref())
}
