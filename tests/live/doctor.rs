//! `hoptap doctor` on machines that lack one thing each: it names that, says what to do, and looks at all else as well.

#[path = "doctor/lacks.rs"]
mod lacks;
#[path = "doctor/others.rs"]
mod others;
#[path = "doctor/outputs.rs"]
mod outputs;
#[path = "doctor/page.rs"]
mod page;
#[path = "doctor/untouched.rs"]
mod untouched;
#[path = "doctor/visit.rs"]
mod visit;

use std::process::ExitCode;

use hoptap_tests::hoptap::lacking;
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::process::on_path;
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::{s3, traefik};

#[expect(clippy::print_stderr, reason = "a test program tells people why it skips")]
fn main() -> ExitCode {
    let told = |error: anyhow::Error| format!("{error:#}");
    let tools = || {
        let missing = ["unshare", "setpriv", "mount"].into_iter().find(|tool| on_path(tool).is_none())?;
        Some(format!("no {missing} on PATH, which is part of util-linux"))
    };
    let lacking = lacking().or_else(|| traefik::program().err().map(told)).or_else(tools);
    let mut suite = Suite::new(Plan::default())
        .case("all is well, and Traefik is as it was", untouched::check)
        .case("the page shows what it says", page::check)
        .case("without CAP_SYS_ADMIN", others::without_admin)
        .case("a filter of system calls", others::seccomp)
        .case("a process that is no Go program", others::no_go_program)
        .case("a port that is taken", others::port)
        .case("another hoptap", others::another_hoptap)
        .case("a configuration with mistakes", others::configuration)
        .case("variables that cannot be used", others::environment)
        .case("names from an API that does not answer", others::api)
        .case("collectors", outputs::collectors)
        .case("a collector that is silent", outputs::silent)
        .case("directories", outputs::directories);
    for lack in lacks::LACKS {
        suite = suite.case(lack.name, async move |lab: &Lab| lack.check(lab));
    }
    match on_path("gofmt") {
        Some(program) => {
            suite =
                suite.case("a Go program that is no Traefik", async move |lab: &Lab| others::other_go(lab, &program));
        }
        None => eprintln!("skipped: a Go program that is no Traefik: no gofmt on PATH, which comes with Go"),
    }
    match s3::program() {
        Ok(_) => suite = suite.case("a store of objects", outputs::s3),
        Err(reason) => eprintln!("skipped: a store of objects: {reason:#}"),
    }
    suite::run(vec![("doctor", suite)], lacking.as_deref())
}
