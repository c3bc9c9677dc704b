//! What can be taken from a program by starting it through another one.

use anyhow::Result;
use hoptap_tests::lab::Lab;

use crate::visit::{Expected, PROBES, Visit, command};

/// A machine, or flags, that lack something.
pub(crate) struct Lack {
    pub(crate) name: &'static str,
    through: &'static [&'static str],
    arguments: &'static [&'static str],
    expected: Expected<'static>,
}

const HOOKS: &[&str] = &["socket tracepoints", "sys_exit"];
const HOOKS_AND_TRAEFIK: &[&str] = &["socket tracepoints", "sys_exit", "Traefik"];

// Root has what is in the bounding set; CAP_SYS_ADMIN would stand for the new ones.
const fn lack(
    name: &'static str,
    through: &'static [&'static str],
    arguments: &'static [&'static str],
    expected: Expected<'static>,
) -> Lack {
    Lack { name, through, arguments, expected }
}

pub(crate) const LACKS: &[Lack] = &[
    lack(
        "without CAP_BPF",
        &["setpriv", "--bounding-set", "-bpf,-sys_admin"],
        &[],
        Expected {
            code: 69,
            check: "CAP_BPF",
            result: "failed",
            found: "missing",
            advice: "docker run --cap-add BPF",
            along: HOOKS,
        },
    ),
    lack(
        "without CAP_PERFMON",
        &["setpriv", "--bounding-set", "-perfmon,-sys_admin"],
        &[],
        Expected {
            code: 69,
            check: "CAP_PERFMON",
            result: "failed",
            found: "missing",
            advice: "docker run --cap-add PERFMON",
            along: HOOKS,
        },
    ),
    lack(
        "without CAP_SYS_PTRACE",
        &["setpriv", "--bounding-set", "-sys_ptrace"],
        &[],
        Expected {
            code: 69,
            check: "CAP_SYS_PTRACE",
            result: "warning",
            found: "missing",
            advice: "docker run --cap-add SYS_PTRACE",
            along: &["Traefik"],
        },
    ),
    lack(
        "without CAP_DAC_READ_SEARCH",
        &["setpriv", "--bounding-set", "-dac_read_search"],
        &[],
        Expected {
            code: 0,
            check: "CAP_DAC_READ_SEARCH",
            result: "warning",
            found: "missing",
            advice: "docker run --cap-add DAC_READ_SEARCH",
            along: &[],
        },
    ),
    lack(
        "with no more than it needs",
        &["setpriv", "--bounding-set", "-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search,+sys_admin"],
        &[],
        // The Traefik of the lab may do everything, which hoptap with these can look into all the same.
        Expected { code: 0, check: "Traefik", result: "ok", found: "static", advice: "", along: &[] },
    ),
    lack(
        "in a user namespace",
        &["unshare", "--user", "--map-root-user"],
        &[],
        Expected {
            code: 69,
            check: "user namespace",
            result: "failed",
            found: "do not reach the kernel",
            advice: "--userns=host",
            along: HOOKS_AND_TRAEFIK,
        },
    ),
    lack(
        "in a pid namespace",
        &["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
        &[],
        Expected {
            code: 69,
            check: "process ids",
            result: "failed",
            found: "a pid namespace of hoptap's own",
            advice: "docker run --pid=host",
            along: &["Traefik"],
        },
    ),
    lack(
        "in a pid namespace that sees the machine's /proc",
        &["unshare", "--pid", "--fork", "--kill-child"],
        &["--executable", "none-is-called-so", "--container", "none"],
        Expected {
            code: 69,
            check: "process ids",
            result: "failed",
            found: "a pid namespace of hoptap's own",
            advice: "hostPID: true",
            along: &["Traefik"],
        },
    ),
    lack(
        "without type data",
        &["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /sys/kernel/btf && exec \"$0\" \"$@\""],
        &[],
        Expected {
            code: 69,
            check: "type data (BTF)",
            result: "failed",
            found: "/sys/kernel/btf/vmlinux",
            advice: "CONFIG_DEBUG_INFO_BTF",
            along: HOOKS,
        },
    ),
    lack(
        "without what says how uprobes are asked for",
        &["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /sys/bus/event_source && exec \"$0\" \"$@\""],
        &[],
        Expected {
            code: 0,
            check: "uprobes",
            result: "warning",
            found: "/sys/bus/event_source/devices/uprobe/type cannot be read",
            advice: "let hoptap see the host's /sys",
            along: PROBES,
        },
    ),
    lack(
        "without tracefs and bpffs nothing is lost",
        &[
            "unshare",
            "--mount",
            "sh",
            "-c",
            "umount -a -t tracefs,bpf; test ! -e /sys/kernel/tracing/events && exec \"$0\" \"$@\"",
        ],
        &[],
        Expected {
            code: 0,
            check: "tracefs, bpffs",
            result: "not applicable",
            found: "not needed",
            advice: "",
            along: &[],
        },
    ),
    lack(
        "/proc that hides processes",
        &["unshare", "--mount", "sh", "-c", "mount -t proc -o hidepid=2 proc /proc && exec \"$0\" \"$@\""],
        &[],
        Expected { code: 0, check: "/proc", result: "ok", found: "hidepid=", advice: "", along: &[] },
    ),
    lack(
        "without a Traefik",
        &[],
        &["--pid", "4194303"],
        Expected {
            code: 69,
            check: "Traefik",
            result: "failed",
            found: "no process has the id 4194303",
            advice: "leave --pid out",
            along: &[],
        },
    ),
    lack(
        "without a Traefik in that container",
        &[],
        &["--executable", "traefik", "--container", "none"],
        Expected {
            code: 69,
            check: "Traefik",
            result: "failed",
            found: "none in a container whose id starts with none",
            advice: "docker ps",
            along: &[],
        },
    ),
    lack(
        "a hook that is asked for",
        &[],
        &["--capture", "syscall"],
        Expected {
            code: 0,
            check: "socket tracepoints",
            result: "not applicable",
            found: "not asked for by --capture",
            advice: "",
            along: &[],
        },
    ),
];

impl Lack {
    pub(crate) fn check(&self, lab: &Lab) -> Result<()> {
        Visit::of(command(lab, self.through, self.arguments)?)?.expect(&self.expected)
    }
}
