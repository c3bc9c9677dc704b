//! The hooks of the kernel that show bytes: each was loaded and attached.

use super::finding::{Ends, Finding};
use crate::capture::{Error, Hook, Trial};

/// `forced`: the command line names the one to take.
pub(super) fn check(trial: &Trial<'_>, forced: bool) -> Vec<Finding> {
    let chosen = trial.hooks.iter().find(|(_, tried)| tried.is_ok()).map(|(hook, _)| *hook);
    let mut findings: Vec<Finding> = trial.hooks.iter().map(|(hook, tried)| one(*hook, tried, chosen)).collect();
    for hook in [Hook::Socket, Hook::Syscall] {
        if forced && !trial.hooks.iter().any(|(tried, _)| *tried == hook) {
            findings.push(Finding::not_applicable(label(hook), "not asked for by --capture"));
        }
    }
    findings
}

fn label(hook: Hook) -> &'static str {
    match hook {
        Hook::Socket => "socket tracepoints",
        Hook::Syscall => "sys_exit",
    }
}

fn one(hook: Hook, tried: &Result<(), Error>, chosen: Option<Hook>) -> Finding {
    let check = label(hook);
    let error = match tried {
        Ok(()) if chosen == Some(hook) => return Finding::ok(check, "loaded and attached: a run takes this"),
        Ok(()) => return Finding::ok(check, "loaded and attached: would serve as well"),
        Err(error) => error,
    };
    let found = match error {
        Error::NotPermitted { missing } => format!("the kernel does not permit it without {missing}"),
        Error::Btf(_) => "needs the kernel's type data".into(),
        error => error.to_string(),
    };
    match chosen {
        Some(Hook::Socket) => Finding::not_applicable(check, format!("not needed here; {found}")),
        Some(Hook::Syscall) => Finding::warning(check, found)
            .lost("nothing is missed, but every system call of this machine pays a little for sys_exit")
            .advice("nothing must be done; Linux 6.3 and later have them"),
        None => Finding::failed(check, Ends::Unavailable, found)
            .lost("bytes are not seen: nothing is captured")
            .advice(match error {
                Error::NotPermitted { .. } => "give hoptap what is missing above".to_owned(),
                Error::Btf(_) => "let hoptap have the type data: see above".to_owned(),
                Error::NoTracepoint(_) => "leave --capture socket out, or run Linux 6.3 or later".to_owned(),
                Error::Build(_) => "build hoptap anew".to_owned(),
                _ => format!(
                    "mend what failed above; else run `hoptap --capture {} --log-level debug`, which shows the \
                     kernel's whole answer",
                    hook.as_str()
                ),
            }),
    }
}
