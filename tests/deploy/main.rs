//! The files in `deploy/`, read by those for whom they are: a validator with Kubernetes's own schemas, kubectl, systemd,
//! Docker, Prometheus, a Collector. Each must take the file as it is and refuse it with a mistake in it.
//!
//! `scripts/validators` leaves in the cache what a machine does not have anyway; what is lacking is skipped, and said.

mod check;
mod tool;

use std::process::ExitCode;

use check::Check;
use libtest_mimic::{Arguments, Trial};
use tool::Tool;

/// A mistake: a text of the file and what replaces it.
type Mistake = (&'static str, &'static str);

const CHECKS: &[Check] = &[
    Check {
        name: "kubernetes/hoptap.yaml is what Kubernetes 1.28 takes",
        tool: Tool::KubernetesValidate,
        arguments: &["-m", "kubernetes_validate", "--strict", "-k", "1.28", "{file}"],
        file: "kubernetes/hoptap.yaml",
        mistakes: &[("hostPID: true", "hostPid: true"), ("maxUnavailable: 100%", "maxUnavailable: [1]")],
    },
    Check {
        name: "kubernetes/hoptap.yaml is what Kubernetes 1.37 takes",
        tool: Tool::KubernetesValidate,
        arguments: &["-m", "kubernetes_validate", "--strict", "-k", "1.37", "{file}"],
        file: "kubernetes/hoptap.yaml",
        mistakes: &[("drop: [ALL]", "dropp: [ALL]"), ("containerPort: 9464", "containerPort: metrics")],
    },
    Check {
        name: "kubernetes/podmonitor.yaml is what the Prometheus operator takes",
        tool: Tool::KubernetesValidate,
        arguments: &["-c", include_str!("custom_resource.py"), "{podmonitor}", "{file}"],
        file: "kubernetes/podmonitor.yaml",
        mistakes: &[("podMetricsEndpoints:", "endpoints:"), ("interval: 15s", "interval: often")],
    },
    Check {
        name: "kubernetes/kustomization.yaml builds",
        tool: Tool::OnPath("kubectl"),
        arguments: &["kustomize", "{folder}"],
        file: "kubernetes/kustomization.yaml",
        mistakes: &[("- hoptap.yaml", "- hoptop.yaml"), ("newTag", "newTage")],
    },
    Check {
        name: "systemd/hoptap.service is a unit without a warning",
        tool: Tool::OnPath("systemd-analyze"),
        arguments: &["verify", "{file}"],
        file: "systemd/hoptap.service",
        mistakes: &[("ProtectSystem=strict", "ProtectSystem=yess"), ("Type=exec", "Type=exce")],
    },
    Check {
        // Tenths: below 3 is what systemd calls "OK"; 9.6 is a unit without any of it.
        name: "systemd/hoptap.service exposes little",
        tool: Tool::OnPath("systemd-analyze"),
        arguments: &["security", "--offline=yes", "--threshold=30", "{file}"],
        file: "systemd/hoptap.service",
        mistakes: &[("SystemCallFilter=", "#"), ("CapabilityBoundingSet=", "#")],
    },
    Check {
        name: "swarm/stack.yml is what `docker stack deploy` takes",
        tool: Tool::DockerStack,
        arguments: &["stack", "config", "--compose-file", "{file}"],
        file: "swarm/stack.yml",
        mistakes: &[("mode: global", "mode: [global]"), ("restart_policy", "restart_polizy")],
    },
    Check {
        name: "cluster/prometheus.yml is what Prometheus takes",
        tool: Tool::OnPath("promtool"),
        arguments: &["check", "config", "{file}"],
        file: "cluster/prometheus.yml",
        mistakes: &[("static_configs", "static_config"), ("scrape_interval: 15s", "scrape_interval: 15")],
    },
    Check {
        name: "cluster/collector.yaml is what a Collector takes",
        tool: Tool::Collector,
        arguments: &["validate", "--config", "{file}"],
        file: "cluster/collector.yaml",
        mistakes: &[("processors: [memory_limiter, batch]", "processors: [memory, batch]"), ("timeout:", "time_out:")],
    },
];

#[expect(clippy::print_stderr, reason = "a test program tells people why it skips")]
fn main() -> ExitCode {
    let trials = CHECKS.iter().map(|check| {
        let lacking = check.tool.find().err();
        if let Some(reason) = &lacking {
            eprintln!("skipped: {reason:#}");
        }
        Trial::test(check.name, move || check.run().map_err(|error| format!("{error:#}").into()))
            .with_ignored_flag(lacking.is_some())
    });
    let trials = trials.collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
