//! Everything at once: every kind of request among all the others, each compared with the access log and the backends.
//! HOPTAP_SEED draws another order, HOPTAP_SHOTS more of it.

mod cases;

use std::process::ExitCode;

use anyhow::Result;
use hoptap_tests::case::Case;
use hoptap_tests::hoptap::lacking;
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::mix::{self, Mix};
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::traefik;

const SHOTS: usize = 3000;

/// Of these it depends on the requests before them what happens, so that they can be no cases of their own.
const MORE: &[Case] = &[
    Case::new("retried", "GET /x?id={id} HTTP/1.1|Host: retry.test||", 200),
    Case::new("retried, with a body", "PUT /x?id={id} HTTP/1.1|Host: retry.test|Content-Length: 5||hello", 200),
    Case::new("weighted", "POST /chunked?id={id} HTTP/1.1|Host: w.test|Content-Length: 5||hello", 200),
    Case::new("mirrored, ids in a header", "GET /chunked?id={id} HTTP/1.1|Host: mirror.test|X-Request-Id: {id}||", 200),
    Case::new("hidden resends", "GET /abort?id={id}&d=10ms HTTP/1.1|Host: other.test||", 502),
    Case::new("PROPFIND", "PROPFIND /x?id={id} HTTP/1.1|Host: other.test|Depth: 1|Content-Length: 5||<a/>x", 200),
    Case::new("TRACE", "TRACE /x?id={id} HTTP/1.1|Host: other.test||", 200),
    Case::new("slow on two servers", "GET /slowbody?id={id}&k=2&p=20ms HTTP/1.1|Host: rr.test||", 200),
];

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
    let cases = cases.chain(MORE.iter().copied());
    let shots = std::env::var("HOPTAP_SHOTS").ok().and_then(|text| text.parse().ok()).unwrap_or(SHOTS);
    let (cases, seed) = (cases.collect(), mix::seed()?);
    Mix { cases, streams: Vec::new(), unanswered: plan.fast_proxy, shots, at_once: 40, seed }.check(lab).await
}
