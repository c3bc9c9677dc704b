//! The stack of `compose/`, brought up by a real Docker engine: the guide's scenarios, the traces in a real Jaeger, every
//! dashboard's queries in a real Prometheus, and each profile.

#[path = "stack/profiles.rs"]
mod profiles;
#[path = "stack/scenarios.rs"]
mod scenarios;
#[path = "stack/shape.rs"]
mod shape;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use hoptap_tests::stack::Stack;
use hoptap_tests::{docker, hoptap};
use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

type Check = fn(&Runtime, &mut Stack) -> Result<()>;

/// In this order: each goes on with what the one before it left.
const CHECKS: &[(&str, Check)] = &[
    ("images are pinned and, but for Grafana's, here", |_, stack| shape::images(stack)),
    ("Grafana would find what it is told of", |_, stack| shape::provisioned(stack)),
    ("it comes up", |runtime, stack| runtime.block_on(stack.up())),
    ("hoptap has the least rights", |_, stack| shape::least_rights(stack)),
    ("the guide's requests, in Jaeger", |runtime, stack| runtime.block_on(scenarios::guide(stack))),
    ("a canary's distribution", |runtime, stack| runtime.block_on(scenarios::canary(stack))),
    ("tenants by host name", |runtime, stack| runtime.block_on(scenarios::tenants(stack))),
    ("a service that comes and goes", |runtime, stack| runtime.block_on(scenarios::discovered(stack))),
    ("what is printed of a failed request", |runtime, stack| runtime.block_on(scenarios::printed(stack))),
    ("every query of every dashboard has data", |runtime, stack| runtime.block_on(scenarios::dashboards(stack))),
    ("each of the guide's configurations runs", |runtime, stack| runtime.block_on(profiles::configurations(stack))),
    ("profile s3", |runtime, stack| runtime.block_on(profiles::s3(stack))),
    ("profile collector", |runtime, stack| runtime.block_on(profiles::collector(stack))),
    ("profile tempo", |runtime, stack| runtime.block_on(profiles::tempo(stack))),
    ("hoptap never ended by itself", |_, stack| shape::never_restarted(stack)),
];

#[expect(clippy::print_stderr, reason = "a test program tells people why it skips")]
fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let lacking = hoptap::lacking().or_else(docker::lacking);
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
    let stack: Arc<Mutex<Option<Result<Stack>>>> = Arc::default();
    let trials = CHECKS.iter().map(|(name, check)| {
        let (runtime, stack) = (Arc::clone(&runtime), Arc::clone(&stack));
        let trial = Trial::test(format!("stack/{name}"), move || {
            let mut slot = stack.lock().unwrap_or_else(PoisonError::into_inner);
            let started = slot.get_or_insert_with(|| runtime.block_on(Stack::new()));
            let outcome = started.as_mut().map_err(|error| format!("{error:#}")).and_then(|stack| {
                check(&runtime, stack).with_context(|| (*name).to_owned()).map_err(|error| format!("{error:#}"))
            });
            outcome.map_err(Into::into)
        });
        trial.with_ignored_flag(lacking.is_some())
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(stack.lock().unwrap_or_else(PoisonError::into_inner).take());
    conclusion.exit_code()
}
