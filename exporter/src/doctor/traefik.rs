//! The Traefiks of this machine: each is found, read and probed as a run would do it.

use super::finding::{Ends, Finding};
use super::report::Section;
use super::{PATIENCE, api, probes};
use crate::capture::binary::{self, Linking};
use crate::capture::permissions::{Capability, Permissions};
use crate::capture::process::{self, Found, Search, Selection};
use crate::capture::{Examined, Settings, Trial, Untraceable};

const CHECK: &str = "Traefik";

/// A section for each, and one that says why there is none.
pub(super) fn check(trial: &mut Trial<'_>, settings: &Settings, permissions: &Permissions) -> Vec<Section> {
    let search = process::find(&settings.selection);
    let tried: Vec<(&Found, Result<Examined, Untraceable>)> =
        search.found.iter().map(|found| (found, trial.examine(found, PATIENCE))).collect();
    let can_be_traced = tried.iter().any(|(_, examined)| examined.is_ok());
    let mut sections = Vec::new();
    let others = others(&search, can_be_traced, permissions.has(Capability::SysPtrace));
    if search.found.is_empty() {
        let mut findings = if search.denied.is_empty() { vec![nothing(&settings.selection)] } else { Vec::new() };
        findings.extend(others);
        return vec![Section::new("Traefik", findings)];
    }
    for (found, examined) in tried {
        let title = format!("Traefik, pid {}", found.pid);
        let findings = match examined {
            Ok(examined) => {
                let mut findings = vec![Finding::ok(CHECK, description(found, &examined))];
                findings.extend(probes::check(&examined, settings.names));
                findings.push(api::check(examined.api));
                findings
            }
            Err(error) => vec![untraceable(found, &error, can_be_traced)],
        };
        sections.push(Section::new(title, findings.into_iter().map(|finding| finding.of(found.pid)).collect()));
    }
    if !others.is_empty() {
        sections.push(Section::new("Other processes that are called like Traefik", others));
    }
    sections
}

fn nothing(selection: &Selection) -> Finding {
    let Selection { pids, containers, .. } = selection;
    let list = |numbers: &[u32]| numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(" or ");
    let (found, advice) = if !pids.is_empty() {
        (format!("no process has the id {}", list(pids)), "leave --pid out to find Traefik by itself")
    } else if !containers.is_empty() {
        (
            format!("none in a container whose id starts with {}", containers.join(" or ")),
            "see `docker ps` or `crictl ps` for ids, or leave --container out",
        )
    } else {
        (
            "none runs here".to_owned(),
            "start Traefik; if its executable is called otherwise, name it with --executable, or the process with --pid",
        )
    };
    Finding::failed(CHECK, Ends::Unavailable, found).lost("there is nothing to capture").advice(advice)
}

/// Those that may not be looked at, and those that are something else.
fn others(search: &Search, can_be_traced: bool, permitted: bool) -> Vec<Finding> {
    let advice = match permitted {
        false => "give hoptap CAP_SYS_PTRACE",
        true => "look for what forbids it in spite of CAP_SYS_PTRACE: AppArmor, SELinux, or a sandbox around it",
    };
    let denied = search.denied.iter().map(|pid| {
        failing(can_be_traced, format!("the executable of pid {pid} may not be looked at"))
            .lost("if it is a Traefik, its requests are not captured")
            .advice(advice)
            .of(*pid)
    });
    let alike = search.alike.iter().map(|alike| {
        let found = format!("pid {}, {}: {}", alike.pid, alike.executable, alike.why);
        Finding::not_applicable(CHECK, found)
            .advice(format!("nothing, unless it is a Traefik: then name it with --pid {}", alike.pid))
            .of(alike.pid)
    });
    denied.chain(alike).collect()
}

/// Where another Traefik is captured a run works.
fn failing(can_be_traced: bool, found: impl Into<String>) -> Finding {
    if can_be_traced { Finding::warning(CHECK, found) } else { Finding::failed(CHECK, Ends::Unavailable, found) }
}

fn untraceable(found: &Found, error: &Untraceable, can_be_traced: bool) -> Finding {
    let advice = match error {
        Untraceable::Binary(binary::Error::Io(_)) => "give hoptap CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
        Untraceable::Binary(binary::Error::NoFunctions { .. }) => {
            "run a Traefik that was built by Go 1.20 or later, as all since 3.0 are, with its .gopclntab"
        }
        Untraceable::Binary(binary::Error::NotGo | binary::Error::NotElf(_)) => {
            "if it is a Traefik that was packed (upx), run it unpacked; else name another process"
        }
        Untraceable::Binary(_) | Untraceable::NoGoroutines => "run an official build of Traefik",
    };
    failing(can_be_traced, format!("{}: {error}", found.executable))
        .lost("its requests are not captured")
        .advice(advice)
}

/// `/usr/bin/traefik 3.6.12, go1.26.8, static, stripped, container 0123456789ab`.
fn description(found: &Found, examined: &Examined) -> String {
    let Linking { dynamic, cgo, stripped } = examined.linking;
    let mut parts = vec![match &examined.version {
        Some(version) => format!("{} {version}", found.executable),
        None => format!("{} of a version that its build does not say", found.executable),
    }];
    parts.extend(examined.go_version.clone());
    parts.push(if dynamic { "dynamic" } else { "static" }.into());
    parts.extend(cgo.filter(|cgo| *cgo).map(|_| "cgo".into()));
    parts.push(if stripped { "stripped" } else { "not stripped" }.into());
    parts.extend(found.container.as_ref().map(|container| format!("container {container}")));
    if found.deleted {
        parts.push("replaced on disk since it was started".into());
    }
    parts.join(", ")
}
