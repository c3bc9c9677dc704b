//! One run of the doctor, and what is expected of it.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hoptap_tests::hoptap;
use hoptap_tests::lab::Lab;
use hoptap_tests::process::free_port;
use serde_json::Value;

/// What is looked at whatever is lacking.
pub(crate) const ALWAYS: &[&str] = &[
    "kernel",
    "type data (BTF)",
    "user namespace",
    "CAP_BPF",
    "CAP_PERFMON",
    "CAP_SYS_PTRACE",
    "CAP_DAC_READ_SEARCH",
    "CAP_SYS_ADMIN",
    "CAP_SYS_RESOURCE",
    "seccomp",
    "lockdown",
    "unprivileged bpf",
    "perf_event_paranoid",
    "locked memory",
    "process ids",
    "/proc",
    "uprobes",
    "tracefs, bpffs",
    "clock",
    "socket tracepoints",
    "sys_exit",
    "Traefik",
    "configuration",
    "environment",
    "another hoptap",
    "listen address",
    "collector",
    "object store",
];

/// What is looked at of a Traefik that can be read.
pub(crate) const PROBES: &[&str] = &[
    "links",
    "names",
    "entrypoints",
    "failed dials",
    "mirrors",
    "TLS in",
    "TLS out",
    "HTTP/2",
    "HTTP/2 of before",
    "HTTP/3",
];

/// What may be lacking where all is well otherwise: few test machines have their clock kept right, and what is taken away
/// along with CAP_BPF, some kernels want for probes.
const TOLERATED: &[&str] = &["clock", "CAP_SYS_ADMIN"];

/// Nobody waits longer for a doctor; a loaded machine takes its time.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the doctor said.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) code: Option<i32>,
    findings: Vec<Value>,
    pub(crate) took: Duration,
}

/// The finding that names what is lacking.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) code: i32,
    pub(crate) check: &'a str,
    pub(crate) result: &'a str,
    /// Parts of what is found, and of what is to be done.
    pub(crate) found: &'a str,
    pub(crate) advice: &'a str,
    /// What does not go well either, for that reason.
    pub(crate) along: &'a [&'a str],
}

/// `hoptap doctor` about the lab's Traefik, started through `through`: `setpriv …`, `unshare …`.
pub(crate) fn command(lab: &Lab, through: &[&str], arguments: &[&str]) -> Result<Command> {
    let program = hoptap::program()?.canonicalize().context("hoptap")?;
    let mut command = match through {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    command.arg("doctor");
    let has = |flag: &str| arguments.contains(&flag);
    if !has("--pid") && !has("--executable") {
        command.args(["--pid", &lab.traefik.pid().to_string()]);
    }
    if !has("--listen") {
        command.args(["--listen", &format!("127.0.0.1:{}", free_port()?)]);
    }
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    Ok(command)
}

impl Visit {
    pub(crate) fn of(mut command: Command) -> Result<Self> {
        let begun = Instant::now();
        let output = command.args(["--format", "json"]).output()?;
        let took = begun.elapsed();
        let text = String::from_utf8_lossy(&output.stdout);
        let findings = serde_json::from_str(&text).with_context(|| {
            format!("expected JSON, {}: {text}{}", output.status, String::from_utf8_lossy(&output.stderr))
        })?;
        ensure!(took < PATIENCE, "expected an answer within {PATIENCE:?}, it took {took:?}");
        Ok(Self { code: output.status.code(), findings, took })
    }

    pub(crate) fn finding(&self, check: &str) -> Result<&Value> {
        let found = self.findings.iter().find(|finding| finding["check"] == check);
        found.with_context(|| format!("expected a finding of {check:?} in {:#?}", self.findings))
    }

    pub(crate) fn findings(&self) -> &[Value] {
        &self.findings
    }

    /// Nothing is lacking.
    pub(crate) fn is_well(&self) -> Result<()> {
        ensure!(self.code == Some(0), "expected 0, found {:?}: {:#?}", self.code, self.findings);
        self.is_whole()?;
        self.only(&[])
    }

    pub(crate) fn expect(&self, expected: &Expected<'_>) -> Result<()> {
        let Expected { code, check, result, found, advice, along } = *expected;
        let finding = self.finding(check)?;
        ensure!(finding["result"] == result, "expected {result}, found {finding:#}");
        for (key, part) in [("found", found), ("do", advice)] {
            let text = finding[key].as_str().unwrap_or_default();
            ensure!(text.contains(part), "expected {part:?} in {key:?}: {finding:#}");
        }
        ensure!(self.code == Some(code), "expected the code {code}, found {:?}: {:#?}", self.code, self.findings);
        self.is_whole()?;
        let mut lacking = along.to_vec();
        if result != "ok" && result != "not applicable" {
            lacking.push(check);
        }
        self.only(&lacking)
    }

    /// All checks were made; each says what is lost and what to do where it is not well.
    fn is_whole(&self) -> Result<()> {
        for check in ALWAYS {
            self.finding(check)?;
        }
        if self.finding("Traefik")?["result"] == "ok" {
            for check in PROBES.iter().chain(&["API"]) {
                self.finding(check)?;
            }
        }
        for finding in &self.findings {
            let well = finding["result"] == "ok" || finding["result"] == "not applicable";
            ensure!(well || (finding["lost"].is_string() && finding["do"].is_string()), "{finding:#}");
        }
        Ok(())
    }

    /// All but these are well.
    fn only(&self, lacking: &[&str]) -> Result<()> {
        let well = |finding: &&Value| finding["result"] == "ok" || finding["result"] == "not applicable";
        let found: BTreeSet<&str> = self
            .findings
            .iter()
            .filter(|finding| !well(finding))
            .filter_map(|finding| finding["check"].as_str())
            .filter(|check| !TOLERATED.contains(check) || lacking.contains(check))
            .collect();
        let expected: BTreeSet<&str> = lacking.iter().copied().collect();
        ensure!(found == expected, "expected {expected:?} to be lacking, found {found:?}: {:#?}", self.findings);
        Ok(())
    }
}
