//! Cases that run one after another on one thing: the first starts it, each goes on with what the one before it left, and
//! it is stopped after the last.

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Error, Result};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::runtime::Runtime;

/// What one case does.
pub type Case<T> = fn(&Runtime, &mut T) -> Result<()>;

/// How `T` is started, and what is told of it where a case fails.
#[derive(Debug)]
pub struct Sequence<T> {
    pub start: fn(&Runtime) -> Result<T>,
    pub explain: fn(&Error, &T) -> Failed,
    /// What this machine lacks, where that can be seen without starting anything.
    pub lacking: Option<String>,
    /// Part of what `start` says where this machine cannot run it: such cases are skipped, not failed.
    pub cannot: &'static str,
}

impl<T: Send + 'static> Sequence<T> {
    #[expect(clippy::print_stderr, reason = "a test program tells people why it skips")]
    pub fn run(self, cases: &[(&str, Case<T>)]) -> ExitCode {
        let Self { start, explain, lacking, cannot } = self;
        let mut arguments = Arguments::from_args();
        arguments.test_threads = Some(1);
        if let Some(reason) = &lacking {
            eprintln!("skipped: {reason}");
        }
        let runtime = match Runtime::new() {
            Ok(runtime) => Arc::new(runtime),
            Err(error) => {
                eprintln!("expected an asynchronous runtime: {error}");
                return ExitCode::FAILURE;
            }
        };
        let slot: Arc<Mutex<Option<Result<T, String>>>> = Arc::default();
        let trials = cases.iter().map(|(name, case)| {
            let (runtime, slot, case) = (Arc::clone(&runtime), Arc::clone(&slot), *case);
            let trial = Trial::ignorable_test(*name, move || {
                let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
                let begun = slot.get_or_insert_with(|| {
                    let begun = start(&runtime).map_err(|error| format!("{error:#}"));
                    begun.inspect_err(|reason| {
                        if reason.contains(cannot) {
                            eprintln!("skipped: {reason}");
                        }
                    })
                });
                match begun {
                    Ok(thing) => match case(&runtime, thing) {
                        Ok(()) => Ok(Completion::Completed),
                        Err(error) => Err(explain(&error, thing)),
                    },
                    Err(reason) if reason.contains(cannot) => Ok(Completion::ignored_with(reason.as_str())),
                    Err(reason) => Err(reason.clone().into()),
                }
            });
            trial.with_ignored_flag(lacking.is_some())
        });
        let conclusion = libtest_mimic::run(&arguments, trials.collect());
        let _guard = runtime.enter();
        drop(slot.lock().unwrap_or_else(PoisonError::into_inner).take());
        conclusion.exit_code()
    }
}
