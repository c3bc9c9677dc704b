//! Runs cases one after another in one lab, as a test program of its own: a case that this machine cannot run is
//! counted as ignored, with the reason, and never as passed.

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

use crate::case::Case;
use crate::hoptap;
use crate::lab::{Lab, Plan};
use crate::stream_case::StreamCase;

type Check = Box<dyn FnOnce(&Runtime, &Lab) -> Result<()> + Send>;

/// Cases that share a lab.
pub struct Suite {
    plan: Plan<'static>,
    trials: Vec<(String, Check)>,
}

/// A lab that the first case starts, and that is stopped after the last; and how many cases failed in it.
type Shared = Arc<Mutex<(Option<Result<Lab, String>>, usize)>>;

/// After so many failures the rest of a lab's cases fail untried: each would wait its full time for spans that do
/// not come, and hundreds of them would take an hour to say one thing. Without hoptap none waits long.
const ENOUGH: usize = 10;

impl Suite {
    pub fn new(plan: Plan<'static>) -> Self {
        Self { plan, trials: Vec::new() }
    }

    /// Adds a table of cases, but for those that say why they have no place in such a lab.
    #[must_use]
    pub fn cases(mut self, group: &str, cases: &'static [Case]) -> Self {
        for case in cases {
            let Ok(case) = case.under(&self.plan) else {
                continue;
            };
            let check: Check = Box::new(move |runtime, lab| runtime.block_on(case.check(lab)));
            self.trials.push((format!("{group}: {}", case.name), check));
        }
        self
    }

    /// The same for cases over TLS, HTTP/2 and what is spoken on them.
    #[must_use]
    pub fn streams(mut self, group: &str, cases: &'static [StreamCase]) -> Self {
        for case in cases {
            let Ok(case) = case.under(&self.plan) else {
                continue;
            };
            let check: Check = Box::new(move |runtime, lab| runtime.block_on(case.check(lab)));
            self.trials.push((format!("{group}: {}", case.name), check));
        }
        self
    }

    /// A table of cases of HTTP/1, each of them over TLS.
    #[must_use]
    pub fn over_tls(mut self, group: &str, cases: &'static [Case]) -> Self {
        for case in cases {
            let Ok(case) = case.under(&self.plan).and_then(Case::over_tls) else {
                continue;
            };
            let check: Check = Box::new(move |runtime, lab| runtime.block_on(case.check(lab)));
            self.trials.push((format!("{group} over TLS: {}", case.name), check));
        }
        self
    }

    /// Adds a case that is no table row.
    #[must_use]
    pub fn case<F>(mut self, name: &str, check: F) -> Self
    where
        F: AsyncFnOnce(&Lab) -> Result<()> + Send + 'static,
    {
        let check: Check = Box::new(|runtime, lab| runtime.block_on(check(lab)));
        self.trials.push((name.to_owned(), check));
        self
    }
}

/// Runs suites, each in its lab. `lacking`: why none of them can run here. Those with hoptap are ignored as well where
/// only hoptap cannot run.
#[expect(clippy::print_stderr, reason = "a test program tells people why it skips")]
pub fn run(suites: Vec<(&str, Suite)>, lacking: Option<&str>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    if let Some(reason) = lacking {
        eprintln!("skipped: {reason}");
    }
    let runtime = match Runtime::new() {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => {
            eprintln!("expected an asynchronous runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = Vec::new();
    let mut labs: Vec<Shared> = Vec::new();
    let without_hoptap = hoptap::lacking();
    for (label, suite) in suites {
        let ignored = lacking.is_some() || (suite.plan.hoptap.is_some() && without_hoptap.is_some());
        let lab = Shared::default();
        labs.push(Arc::clone(&lab));
        let last = suite.trials.len().saturating_sub(1);
        for (number, (name, check)) in suite.trials.into_iter().enumerate() {
            let (runtime, lab, plan) = (Arc::clone(&runtime), Arc::clone(&lab), suite.plan);
            let trial = Trial::test(format!("{label}/{name}"), move || {
                let mut slot = lab.lock().unwrap_or_else(PoisonError::into_inner);
                let (slot, failures) = &mut *slot;
                if *failures >= ENOUGH && plan.hoptap.is_some() {
                    return Err(format!("not tried: {ENOUGH} cases of this lab failed before it").into());
                }
                let started = slot
                    .get_or_insert_with(|| runtime.block_on(Lab::start(plan)).map_err(|error| format!("{error:#}")));
                let outcome = match started {
                    Ok(lab) => check(&runtime, lab).map_err(|error| explain(&error, lab)),
                    Err(error) => Err(error.clone().into()),
                };
                *failures += usize::from(outcome.is_err());
                if number == last || (*failures >= ENOUGH && plan.hoptap.is_some()) {
                    let _guard = runtime.enter();
                    *slot = None;
                }
                outcome
            });
            trials.push(trial.with_ignored_flag(ignored));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let _guard = runtime.enter();
    for lab in labs {
        // Where a filter left the last case out.
        drop(lab.lock().unwrap_or_else(PoisonError::into_inner).0.take());
    }
    conclusion.exit_code()
}

fn explain(error: &anyhow::Error, lab: &Lab) -> Failed {
    let output = lab.hoptap.as_ref().map(hoptap::Hoptap::output).unwrap_or_default();
    format!("{error:#}\nTraefik: {}\nhoptap: {}", last_lines(&lab.traefik.log()), last_lines(&output)).into()
}

/// A load leaves thousands of them.
fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
