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
    /// Stands for `Bpf` and `Perfmon`.
    SysAdmin,
    /// Raise the limit of locked memory, to which maps are charged before 5.11.
    SysResource,
}

impl Capability {
    /// All that this module knows.
    pub const ALL: [Self; 6] =
        [Self::Bpf, Self::Perfmon, Self::SysPtrace, Self::DacReadSearch, Self::SysAdmin, Self::SysResource];

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
        formatter.write_str(match self {
            Self::Bpf => "CAP_BPF",
            Self::Perfmon => "CAP_PERFMON",
            Self::SysPtrace => "CAP_SYS_PTRACE",
            Self::DacReadSearch => "CAP_DAC_READ_SEARCH",
            Self::SysAdmin => "CAP_SYS_ADMIN",
            Self::SysResource => "CAP_SYS_RESOURCE",
        })
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
    /// False in a container with users of its own: capabilities there do not reach the kernel.
    pub initial_user_namespace: bool,
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
        Self {
            effective: effective(&text("/proc/thread-self/status")).unwrap_or(0),
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

    /// What is missing to capture on this kernel.
    pub fn missing(&self) -> Vec<Capability> {
        let at_least = |major, minor| self.kernel.is_none_or(|kernel| (kernel.major, kernel.minor) >= (major, minor));
        let mut needed = vec![Capability::SysPtrace, Capability::DacReadSearch];
        if at_least(5, 8) {
            needed.extend([Capability::Bpf, Capability::Perfmon]);
        } else {
            needed.push(Capability::SysAdmin);
        }
        if !at_least(5, 11) {
            needed.push(Capability::SysResource);
        }
        needed.retain(|capability| !self.has(*capability));
        needed
    }
}

fn effective(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
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
                effective: effective(&status).unwrap_or_default(),
                kernel: Kernel::parse(release),
                ..Permissions::default()
            };
            let missing: Vec<String> = permissions.missing().iter().map(ToString::to_string).collect();
            assert_eq!(missing.join(" "), expected, "{capabilities} on {release}");
        }
        assert_eq!(effective("Name:\thoptap\n"), None);
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
