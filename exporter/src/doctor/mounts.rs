//! The file systems that hoptap reads: whose processes `/proc` shows, and where probes are asked for.

use std::os::unix::fs::MetadataExt;

use super::finding::{Ends, Finding};
use crate::capture::permissions::{Capability, Permissions};
use crate::capture::uprobes;

/// `PROC_PID_INIT_INO` (include/linux/proc_ns.h): the inode of the first pid namespace.
const FIRST: u64 = 0xefff_fffc;

pub(super) fn check(permissions: &Permissions) -> Vec<Finding> {
    vec![
        process_ids(),
        hidden(permissions),
        probes(),
        Finding::not_applicable("tracefs, bpffs", "not needed: probes are asked for by system call, nothing is pinned"),
    ]
}

fn process_ids() -> Finding {
    const CHECK: &str = "process ids";
    let advice = "docker run --pid=host; in a pod, hostPID: true; with unshare or nsenter, in the first pid namespace";
    let other = |found: &str| {
        Finding::failed(CHECK, Ends::Unavailable, found)
            .lost("the kernel tells of processes by other numbers: nothing of a Traefik is recognised")
            .advice(advice)
    };
    match std::fs::metadata("/proc/self/ns/pid") {
        Ok(own) if own.ino() != FIRST => return other("a pid namespace of hoptap's own"),
        Ok(_) => {}
        Err(error) => {
            return Finding::failed(CHECK, Ends::Unavailable, format!("/proc/self/ns/pid cannot be read: {error}"))
                .lost("no process can be found: nothing is captured")
                .advice("mount -t proc proc /proc");
        }
    }
    // It names the reader as the namespace counts in which it was mounted.
    let own = std::fs::read_link("/proc/self").ok().and_then(|link| link.to_str()?.parse().ok());
    if own != Some(std::process::id()) {
        return other("/proc shows the processes of another pid namespace");
    }
    Finding::ok(CHECK, "those of the machine")
}

fn hidden(permissions: &Permissions) -> Finding {
    const CHECK: &str = "/proc";
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    match hidepid(&mounts) {
        None => Finding::ok(CHECK, "shows all processes"),
        Some(option) if permissions.has(Capability::SysPtrace) => {
            Finding::ok(CHECK, format!("{option}, which CAP_SYS_PTRACE sees through"))
        }
        Some(option) => Finding::warning(CHECK, format!("{option}: processes of others are hidden"))
            .lost("a Traefik that runs as another user is not found")
            .advice("give hoptap CAP_SYS_PTRACE, or mount -o remount,hidepid=0 /proc"),
    }
}

/// The option of the mount on `/proc`, the last one, that hides processes (proc(5)); its names are new in 5.8.
fn hidepid(mountinfo: &str) -> Option<&str> {
    let of_proc = mountinfo.lines().rfind(|line| line.split(' ').nth(4) == Some("/proc"))?;
    let option = of_proc.rsplit([' ', ',']).find(|option| option.starts_with("hidepid="))?;
    (!matches!(option, "hidepid=0" | "hidepid=off")).then_some(option)
}

fn probes() -> Finding {
    const CHECK: &str = "uprobes";
    match std::fs::read_to_string(uprobes::TYPE) {
        Ok(_) => Finding::ok(CHECK, uprobes::TYPE),
        Err(error) => Finding::warning(CHECK, format!("{} cannot be read: {error}", uprobes::TYPE))
            .lost("no probe can be placed: links are inferred, names come from the API, TLS is not seen")
            .advice("let hoptap see the host's /sys; a kernel of one's own needs CONFIG_uprobes::TYPE_EVENTS"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let line = |options: &str| format!("22 27 0:21 / /proc rw,relatime shared:13 - proc proc {options}\n");
        let other = "23 27 0:22 / /chroot/proc rw - proc proc rw,hidepid=2\n";
        for (options, expected) in [
            ("rw", None),
            ("rw,hidepid=2", Some("hidepid=2")),
            ("rw,gid=26,hidepid=invisible", Some("hidepid=invisible")),
            ("rw,hidepid=0", None),
            ("rw,hidepid=off", None),
        ] {
            assert_eq!(hidepid(&format!("{}{other}", line(options))), expected, "{options}");
        }
        assert_eq!(hidepid(&(line("rw,hidepid=2") + &line("rw"))), None, "what is mounted over it counts");
        assert_eq!(hidepid(""), None);
    }
}
