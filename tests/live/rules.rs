//! The configurations of the guide on a real Traefik: each selects what its comments say, on both hops, and what it
//! selects arrives where it says.

mod guide;

use std::process::ExitCode;

use hoptap_tests::hoptap::lacking;
use hoptap_tests::{s3, traefik};
use libtest_mimic::{Arguments, Failed, Trial};

#[expect(clippy::print_stderr, reason = "a test program tells people why it skips")]
fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let told = |error: anyhow::Error| format!("{error:#}");
    let lacking = lacking().or_else(|| traefik::program().err().map(told)).or_else(|| s3::program().err().map(told));
    let trials = guide::CONFIGURATIONS.iter().map(|configuration| {
        let lacking = lacking.clone();
        Trial::ignorable_test(format!("guide/{}", configuration.file), move || {
            if let Some(lacking) = lacking {
                eprintln!("skipped: {lacking}");
                return Ok(libtest_mimic::Completion::ignored_with(lacking));
            }
            let runtime = tokio::runtime::Runtime::new().map_err(|error| Failed::from(error.to_string()))?;
            runtime.block_on(guide::check(configuration)).map_err(|error| Failed::from(format!("{error:?}")))?;
            Ok(libtest_mimic::Completion::Completed)
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
