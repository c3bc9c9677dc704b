//! What hoptap may do: capabilities, and whatever takes away from them.

use super::advice;
use super::finding::{Ends, Finding};
use crate::capture::permissions::{Capability, Permissions, locked_memory};
use crate::capture::{Trial, filtered_calls, uprobes};

/// From this level on kernels of Debian and Ubuntu refuse perf_event_open(2); others know none above 2.
const PARANOID: i64 = 3;

pub(super) fn check(permissions: &Permissions, trial: &Trial<'_>) -> Vec<Finding> {
    let mut findings = vec![user_namespace(permissions)];
    findings.extend(capabilities(permissions));
    findings.extend([
        seccomp(permissions),
        lockdown(permissions),
        unprivileged(),
        paranoid(permissions),
        memory(permissions, trial),
    ]);
    findings
}

fn user_namespace(permissions: &Permissions) -> Finding {
    const CHECK: &str = "user namespace";
    if permissions.initial_user_namespace {
        return Finding::ok(CHECK, "that of the machine");
    }
    Finding::failed(CHECK, Ends::Unavailable, "one of its own: capabilities in it do not reach the kernel")
        .lost("no program can be loaded: nothing is captured")
        .advice("run hoptap outside of rootless containers; with user namespaces in Docker, docker run --userns=host")
}

fn capabilities(permissions: &Permissions) -> Vec<Finding> {
    let needed = permissions.needed();
    let one = |capability: Capability| match needed.contains(&capability) {
        true => one(capability, permissions),
        false if capability == Capability::SysAdmin => for_probes(permissions, uprobes::are_allowed()),
        false => Finding::not_applicable(
            label(capability),
            match capability {
                Capability::SysResource => "not needed since Linux 5.11",
                _ => "not known before Linux 5.8: CAP_SYS_ADMIN stands for it",
            },
        ),
    };
    Capability::ALL.into_iter().map(one).collect()
}

/// Programs can do without it. `allowed`: what the kernel says to who asks for a probe.
fn for_probes(permissions: &Permissions, allowed: Option<bool>) -> Finding {
    let check = label(Capability::SysAdmin);
    match allowed {
        _ if permissions.has(Capability::SysAdmin) => Finding::ok(check, "effective: newer kernels want it for probes"),
        _ if !permissions.has(Capability::Perfmon) => {
            Finding::not_applicable(check, "whether probes need it here shows once CAP_PERFMON is there")
        }
        None => Finding::not_applicable(check, "not needed: this kernel shows no way to place probes"),
        Some(true) => Finding::not_applicable(
            check,
            "CAP_PERFMON suffices for probes here; it is for the API in another network namespace only",
        ),
        Some(false) => Finding::warning(check, "missing, and CAP_PERFMON does not suffice for probes here")
            .lost("probes: links are inferred, names come from the API, TLS and HTTP/3 are not seen")
            .advice(advice::capability(Capability::SysAdmin, permissions)),
    }
}

fn one(capability: Capability, permissions: &Permissions) -> Finding {
    let check = label(capability);
    if permissions.has(capability) {
        return Finding::ok(check, "effective");
    }
    const MISSING: &str = "missing";
    let finding = match capability {
        Capability::Bpf | Capability::SysAdmin => {
            Finding::failed(check, Ends::Unavailable, MISSING).lost("no program can be loaded: nothing is captured")
        }
        Capability::Perfmon => {
            Finding::failed(check, Ends::Unavailable, MISSING).lost("no program can be attached: nothing is captured")
        }
        Capability::SysPtrace => Finding::warning(check, MISSING)
            .lost("processes of others cannot be looked into: a Traefik that may do more than hoptap is not captured"),
        Capability::DacReadSearch => Finding::warning(check, MISSING)
            .lost("files of others cannot be read, such as the configuration of a Traefik of another user"),
        Capability::SysResource => Finding::warning(check, MISSING)
            .lost("the limit of locked memory stays as it is, and maps may not fit into it"),
    };
    finding.advice(advice::capability(capability, permissions))
}

fn label(capability: Capability) -> &'static str {
    match capability {
        Capability::Bpf => "CAP_BPF",
        Capability::Perfmon => "CAP_PERFMON",
        Capability::SysPtrace => "CAP_SYS_PTRACE",
        Capability::DacReadSearch => "CAP_DAC_READ_SEARCH",
        Capability::SysAdmin => "CAP_SYS_ADMIN",
        Capability::SysResource => "CAP_SYS_RESOURCE",
    }
}

fn seccomp(permissions: &Permissions) -> Finding {
    const CHECK: &str = "seccomp";
    if !permissions.seccomp {
        return Finding::ok(CHECK, "no filter of system calls");
    }
    if !permissions.has(Capability::Bpf) || !permissions.has(Capability::Perfmon) {
        let found = "a filter of system calls: what it refuses shows once CAP_BPF and CAP_PERFMON are there";
        return Finding::not_applicable(CHECK, found);
    }
    let filtered = filtered_calls();
    if filtered.is_empty() {
        return Finding::ok(CHECK, "a filter of system calls, which lets bpf and perf_event_open through");
    }
    Finding::failed(CHECK, Ends::Unavailable, format!("a filter refuses {}", filtered.join(" and ")))
        .lost("nothing can be loaded or attached: nothing is captured")
        .advice(
            "docker run --security-opt seccomp=unconfined, or a profile that allows bpf and perf_event_open; in a unit, \
             SystemCallFilter=bpf perf_event_open",
        )
}

fn lockdown(permissions: &Permissions) -> Finding {
    const CHECK: &str = "lockdown";
    match permissions.lockdown.as_deref() {
        None => Finding::not_applicable(CHECK, "this kernel has none, or does not show it"),
        Some("confidentiality") => Finding::failed(CHECK, Ends::Unavailable, "confidentiality")
            .lost("programs may not read the kernel's memory: nothing is captured")
            .advice("start the machine with lockdown=integrity on the kernel's command line"),
        Some(mode) => Finding::ok(CHECK, mode),
    }
}

fn unprivileged() -> Finding {
    const CHECK: &str = "unprivileged bpf";
    let value = setting("unprivileged_bpf_disabled").map_or("not there".into(), |value| format!("= {value}"));
    Finding::not_applicable(
        CHECK,
        format!("kernel.unprivileged_bpf_disabled {value}: no matter, CAP_BPF is needed anyhow"),
    )
}

fn paranoid(permissions: &Permissions) -> Finding {
    const CHECK: &str = "perf_event_paranoid";
    let Some(level) = setting("perf_event_paranoid") else {
        return Finding::warning(
            CHECK,
            "the kernel has no kernel.perf_event_paranoid: it is built without perf events",
        )
        .lost("probes: links are inferred, names come from the API, TLS is not seen")
        .advice("run a kernel built with CONFIG_PERF_EVENTS, as those of distributions are");
    };
    let found = format!("kernel.perf_event_paranoid = {level}");
    if level < PARANOID || permissions.has(Capability::SysAdmin) || uprobes::are_allowed() != Some(false) {
        return Finding::ok(CHECK, found);
    }
    Finding::warning(CHECK, format!("{found}: above 2, this kernel may want CAP_SYS_ADMIN for probes"))
        .lost("what each probe below gives")
        .advice("sysctl kernel.perf_event_paranoid=2, or CAP_SYS_ADMIN")
}

/// Asked after the programs were loaded, which raises the limit where that is allowed.
fn memory(permissions: &Permissions, trial: &Trial<'_>) -> Finding {
    const CHECK: &str = "locked memory";
    if permissions.at_least(5, 11) {
        return Finding::not_applicable(CHECK, "RLIMIT_MEMLOCK does not count for maps since Linux 5.11");
    }
    let Some(limit) = locked_memory() else {
        return Finding::ok(CHECK, "RLIMIT_MEMLOCK is unlimited, or was raised");
    };
    let found = format!("RLIMIT_MEMLOCK is {} KiB and may not be raised", limit / 1024);
    if trial.hooks.iter().any(|(_, tried)| tried.is_ok()) {
        return Finding::ok(CHECK, format!("{found}; it suffices"));
    }
    Finding::failed(CHECK, Ends::Unavailable, found)
        .lost("maps do not fit into it: nothing is captured")
        .advice("give hoptap CAP_SYS_RESOURCE, or docker run --ulimit memlock=-1; in a unit, LimitMEMLOCK=infinity")
}

fn setting(name: &str) -> Option<i64> {
    std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?.trim().parse().ok()
}
