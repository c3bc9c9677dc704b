//! The configurations of the guide on a real Traefik: each selects what its comments say, on both hops, and what it
//! selects arrives where it says.

mod guide;
mod kept;

use std::process::ExitCode;

use anyhow::Result;
use hoptap_tests::hoptap::lacking;
use hoptap_tests::{s3, traefik};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

fn trial<F>(name: String, lacking: Option<String>, check: F) -> Trial
where
    F: AsyncFnOnce() -> Result<()> + Send + 'static,
{
    Trial::ignorable_test(name, move || {
        if let Some(lacking) = lacking {
            return Ok(Completion::ignored_with(lacking));
        }
        let runtime = tokio::runtime::Runtime::new().map_err(|error| Failed::from(error.to_string()))?;
        runtime.block_on(check()).map_err(|error| Failed::from(format!("{error:?}")))?;
        Ok(Completion::Completed)
    })
}

#[expect(clippy::print_stderr, reason = "a test program tells people why it skips")]
fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let told = |error: anyhow::Error| format!("{error:#}");
    let lacking = lacking().or_else(|| traefik::program().err().map(told)).or_else(|| s3::program().err().map(told));
    if let Some(reason) = &lacking {
        eprintln!("skipped: {reason}");
    }
    let mut trials: Vec<Trial> = guide::CONFIGURATIONS
        .iter()
        .map(|configuration| {
            let name = format!("guide/{}", configuration.file);
            trial(name, lacking.clone(), async move || guide::check(configuration).await)
        })
        .collect();
    trials.push(trial("kept/through an outage".to_owned(), lacking.clone(), kept::outage::check));
    trials.push(trial("kept/not hoptap's own".to_owned(), lacking.clone(), kept::own::check));
    trials.push(trial("kept/through reloads".to_owned(), lacking.clone(), kept::reload::check));
    trials.push(trial("kept/without secrets".to_owned(), lacking, kept::secrets::check));
    libtest_mimic::run(&arguments, trials).exit_code()
}
