//! The kernel: which one it is, and whether it says what its structures look like.

use super::finding::{Ends, Finding};
use crate::capture::btf::{self, Btf};
use crate::capture::permissions::Permissions;

/// The oldest kernel that is tested.
const OLDEST: (u32, u32) = (5, 10);

pub(super) fn check(permissions: &Permissions) -> Vec<Finding> {
    vec![kernel(permissions), type_data()]
}

fn kernel(permissions: &Permissions) -> Finding {
    const CHECK: &str = "kernel";
    let found = format!("Linux {}, {}", permissions.release, std::env::consts::ARCH);
    if !permissions.at_least(OLDEST.0, OLDEST.1) {
        return Finding::warning(CHECK, found)
            .lost("whatever this kernel does not have: hoptap is made for Linux 5.10 and later")
            .advice("run Linux 5.10 or later");
    }
    if cfg!(not(target_arch = "x86_64")) {
        return Finding::warning(CHECK, found)
            .lost("certainty: only x86-64 is tested")
            .advice("hold what hoptap tells against Traefik's access log");
    }
    Finding::ok(CHECK, found)
}

fn type_data() -> Finding {
    const CHECK: &str = "type data (BTF)";
    match Btf::read(btf::KERNEL.as_ref()) {
        Ok(_) => Finding::ok(CHECK, btf::KERNEL),
        Err(error) => Finding::failed(CHECK, Ends::Unavailable, error.to_string())
            .lost("hoptap does not know where the kernel keeps what it reads: nothing is captured")
            .advice(match error {
                btf::Error::Read { .. } => {
                    "run a kernel built with CONFIG_DEBUG_INFO_BTF, as those of current distributions are; in a \
                     container, let it see the host's /sys/kernel/btf"
                }
                _ => "run a kernel of a current distribution, or a newer hoptap",
            }),
    }
}
