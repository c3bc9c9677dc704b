//! The stack of `compose/`, brought up by a real Docker engine: the guide's scenarios, the traces in a real Jaeger, every
//! dashboard's queries in a real Prometheus, and each profile.

#[path = "stack/profiles.rs"]
mod profiles;
#[path = "stack/scenarios.rs"]
mod scenarios;
#[path = "stack/shape.rs"]
mod shape;

use std::process::ExitCode;

use anyhow::Error;
use hoptap_tests::sequence::{Case, Sequence};
use hoptap_tests::stack::Stack;
use hoptap_tests::{docker, hoptap};
use tokio::runtime::Runtime;

/// In this order: each goes on with what the one before it left.
const CHECKS: &[(&str, Case<Stack>)] = &[
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

fn main() -> ExitCode {
    let lacking = hoptap::lacking().or_else(docker::lacking);
    let start = |runtime: &Runtime| runtime.block_on(Stack::new());
    let explain = |error: &Error, _: &Stack| format!("{error:#}").into();
    Sequence { start, explain, lacking, cannot: docker::CANNOT }.run(CHECKS)
}
