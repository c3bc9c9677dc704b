//! What this thread may do and on which kernel: for error messages and for `doctor`.
//!
//! It reads, and changes nothing. Dropping capabilities is done elsewhere.

use std::fmt;

/// A capability that capturing can need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Load programs, make maps (5.8 and later; `SysAdmin` before).
    Bpf,
    /// Attach to tracepoints and uprobes (5.8 and later; `SysAdmin` before).
    Perfmon,
    /// Look into processes of others: their executables, descriptors, roots.
    SysPtrace,
    /// Read files of others.
    DacReadSearch,
    /// Stands for `Bpf` and `Perfmon`; since 6.16 uprobes take it (`super::uprobes`).
    SysAdmin,
    /// Raise the limit of locked memory, to which maps are charged before 5.11.
    SysResource,
}

impl Capability {
    /// All that this module knows.
    pub const ALL: [Self; 6] =
        [Self::Bpf, Self::Perfmon, Self::SysPtrace, Self::DacReadSearch, Self::SysAdmin, Self::SysResource];

    /// Without `CAP_`, as Docker and Kubernetes want it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bpf => "BPF",
            Self::Perfmon => "PERFMON",
            Self::SysPtrace => "SYS_PTRACE",
            Self::DacReadSearch => "DAC_READ_SEARCH",
            Self::SysAdmin => "SYS_ADMIN",
            Self::SysResource => "SYS_RESOURCE",
        }
    }

    /// Its number in include/uapi/linux/capability.h.
    fn bit(self) -> u32 {
        match self {
            Self::DacReadSearch => 2,
            Self::SysPtrace => 19,
            Self::SysAdmin => 21,
            Self::SysResource => 24,
            Self::Perfmon => 38,
            Self::Bpf => 39,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CAP_{}", self.name())
    }
}

/// Version of a kernel, as numbers; the text behind them belongs to the distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kernel {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

impl Kernel {
    /// Reads the start of `6.18.44-fc-v657`, `5.10.0+`, `6.1-rc3`.
    pub fn parse(release: &str) -> Option<Self> {
        let numbers = release.split(|character: char| !character.is_ascii_digit() && character != '.').next()?;
        let mut numbers = numbers.split('.').map(str::parse);
        Some(Self {
            major: numbers.next()?.ok()?,
            minor: numbers.next()?.ok()?,
            patch: numbers.next().and_then(Result::ok).unwrap_or(0),
        })
    }
}

/// What this thread may do, and where it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Effective capabilities, one bit each.
    effective: u64,
    /// What root can get here: less than everything in containers and services.
    bounding: u64,
    /// False in a container with users of its own: capabilities there do not reach the kernel.
    pub initial_user_namespace: bool,
    /// A filter of system calls is in force.
    pub seccomp: bool,
    pub kernel: Option<Kernel>,
    /// As `uname -r` shows it.
    pub release: String,
    /// `none`, `integrity` or `confidentiality`; `None` where the kernel has no lockdown, or does not show it.
    pub lockdown: Option<String>,
}

impl Permissions {
    /// Reads them for the thread that asks; what cannot be read counts as not there.
    pub fn of_this_thread() -> Self {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let release = text("/proc/sys/kernel/osrelease").trim().to_owned();
        let status = text("/proc/thread-self/status");
        Self {
            effective: set(&status, "CapEff:").unwrap_or(0),
            bounding: set(&status, "CapBnd:").unwrap_or(0),
            seccomp: number(&status, "Seccomp:").is_some_and(|mode| mode != 0),
            initial_user_namespace: is_initial(&text("/proc/self/uid_map")),
            kernel: Kernel::parse(&release),
            release,
            lockdown: lockdown(&text("/sys/kernel/security/lockdown")),
        }
    }

    /// Says whether the thread has a capability, or one that stands for it.
    pub fn has(&self, capability: Capability) -> bool {
        let bit = |capability: Capability| self.effective >> capability.bit() & 1 != 0;
        let stands_in = matches!(capability, Capability::Bpf | Capability::Perfmon);
        bit(capability) || stands_in && bit(Capability::SysAdmin)
    }

    /// Says whether root can have a capability here.
    pub fn can_have(&self, capability: Capability) -> bool {
        self.bounding >> capability.bit() & 1 != 0
    }

    /// Says whether the kernel is this one or a later one; of one that cannot be read it is believed.
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        self.kernel.is_none_or(|kernel| (kernel.major, kernel.minor) >= (major, minor))
    }

    /// What capturing takes on this kernel.
    pub fn needed(&self) -> Vec<Capability> {
        let mut needed = vec![Capability::SysPtrace, Capability::DacReadSearch];
        if self.at_least(5, 8) {
            needed.extend([Capability::Bpf, Capability::Perfmon]);
        } else {
            needed.push(Capability::SysAdmin);
        }
        if !self.at_least(5, 11) {
            needed.push(Capability::SysResource);
        }
        needed
    }

    /// What of it is missing.
    pub fn missing(&self) -> Vec<Capability> {
        let mut missing = self.needed();
        missing.retain(|capability| !self.has(*capability));
        missing
    }
}

/// Bytes that may be locked in memory, to which maps are charged before 5.11; None: as many as one likes.
#[expect(unsafe_code, reason = "there is no safe call for it in the standard library")]
pub fn locked_memory() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure lives through the call, which cannot fail with a limit that exists.
    unsafe {
        libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit);
    }
    (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

fn line<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn set(status: &str, name: &str) -> Option<u64> {
    u64::from_str_radix(line(status, name)?, 16).ok()
}

fn number(status: &str, name: &str) -> Option<u64> {
    line(status, name)?.parse().ok()
}

/// The initial user namespace maps every id to itself.
fn is_initial(uid_map: &str) -> bool {
    uid_map.split_ascii_whitespace().eq(["0", "0", "4294967295"])
}

/// The mode in brackets: `none [integrity] confidentiality`.
fn lockdown(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('[')?;
    let (mode, _) = rest.split_once(']')?;
    Some(mode.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases() {
        let kernel = |major, minor, patch| Some(Kernel { major, minor, patch });
        for (release, expected) in [
            ("6.18.44-fc-v657", kernel(6, 18, 44)),
            ("5.10.0+", kernel(5, 10, 0)),
            ("6.1-rc3", kernel(6, 1, 0)),
            ("5.15.167.4-microsoft-standard-WSL2", kernel(5, 15, 167)),
            ("4.18.0-553.el8_10.x86_64", kernel(4, 18, 0)),
            ("6", None),
            ("", None),
            ("linux", None),
        ] {
            assert_eq!(Kernel::parse(release), expected, "{release}");
        }
    }

    #[test]
    fn missing_capabilities() {
        for (capabilities, release, expected) in [
            ("000001fffeffffff", "6.18.44", ""),
            ("000000c000080004", "6.18.44", ""),
            ("0000000000280004", "6.18.44", ""),
            ("0000000000000000", "6.18.44", "CAP_SYS_PTRACE CAP_DAC_READ_SEARCH CAP_BPF CAP_PERFMON"),
            ("000000c000080004", "5.10.262", "CAP_SYS_RESOURCE"),
            ("000000c001080004", "5.10.262", ""),
            ("0000000001080004", "5.4.0", "CAP_SYS_ADMIN"),
        ] {
            let status = format!("Name:\thoptap\nCapEff:\t{capabilities}\nCapBnd:\t0\n");
            let permissions = Permissions {
                effective: set(&status, "CapEff:").unwrap_or_default(),
                kernel: Kernel::parse(release),
                ..Permissions::default()
            };
            let missing: Vec<String> = permissions.missing().iter().map(ToString::to_string).collect();
            assert_eq!(missing.join(" "), expected, "{capabilities} on {release}");
        }
        assert_eq!(set("Name:\thoptap\n", "CapEff:"), None);
        assert_eq!(number("Name:\thoptap\nSeccomp:\t2\nSeccomp_filters:\t1\n", "Seccomp:"), Some(2));
    }

    #[test]
    fn texts() {
        let mode = |text| lockdown(text).unwrap_or_default();
        assert_eq!(mode("none [integrity] confidentiality\n"), "integrity");
        assert_eq!(mode("[none] integrity confidentiality\n"), "none");
        assert_eq!(mode(""), "");
        assert!(is_initial("         0          0 4294967295\n"));
        assert!(!is_initial("         0     100000      65536\n"));
        assert!(!is_initial(""));
    }

    #[test]
    fn this_thread() {
        let permissions = Permissions::of_this_thread();
        assert!(permissions.kernel.is_some(), "{}", permissions.release);
    }
}
