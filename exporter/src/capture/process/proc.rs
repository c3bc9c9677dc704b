//! Reads the files of one process under `/proc`, or under a folder that looks like it.

use std::path::{Path, PathBuf};

/// Longest file that is read, in bytes: `maps`, `net/tcp` and `environ` have no bound of their own.
const LONGEST: u64 = 32 << 20;

/// `PF_KTHREAD` (include/linux/sched.h).
const KERNEL_THREAD: u64 = 0x0020_0000;

/// A mounted process file system.
#[derive(Debug, Clone)]
pub struct Proc {
    root: PathBuf,
}

/// What `/proc/PID/stat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// It ended, and its parent has not asked yet.
    pub(super) zombie: bool,
    pub(super) kernel_thread: bool,
    /// In clock ticks since boot: with the pid, names a process for good.
    pub(super) start_time: u64,
}

impl Proc {
    /// `/proc`: its pids are those of the pid namespace in which it was mounted.
    pub fn of_this_machine() -> Self {
        Self::at(Path::new("/proc"))
    }

    /// A process file system mounted elsewhere (`/host/proc` in a container).
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(in crate::capture) fn of(&self, pid: u32) -> PathBuf {
        self.root.join(pid.to_string())
    }

    /// Every process, in ascending order; threads are not listed there.
    pub(in crate::capture) fn pids(&self) -> Vec<u32> {
        let Ok(entries) = std::fs::read_dir(&self.root) else {
            return Vec::new();
        };
        let mut pids: Vec<u32> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
        pids.sort_unstable();
        pids
    }

    /// A file of a process; `None` if the process is gone or may not be looked at.
    pub(super) fn bytes(&self, pid: u32, file: &str) -> Option<Vec<u8>> {
        use std::io::Read;
        let file = std::fs::File::open(self.of(pid).join(file)).ok()?;
        let mut bytes = Vec::new();
        file.take(LONGEST).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    pub(in crate::capture) fn text(&self, pid: u32, file: &str) -> Option<String> {
        let bytes = self.bytes(pid, file)?;
        Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// Strings that each end with a zero byte: `cmdline`, `environ`.
    pub(super) fn strings(&self, pid: u32, file: &str) -> Vec<String> {
        let bytes = self.bytes(pid, file).unwrap_or_default();
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        if bytes.is_empty() {
            return Vec::new();
        }
        bytes.split(|byte| *byte == 0).map(|string| String::from_utf8_lossy(string).into_owned()).collect()
    }

    /// When a process was started, in clock ticks since boot; `None` if it is gone.
    pub fn start_time(&self, pid: u32) -> Option<u64> {
        self.stat(pid).filter(|stat| !stat.zombie).map(|stat| stat.start_time)
    }

    pub(super) fn stat(&self, pid: u32) -> Option<Stat> {
        Stat::parse(&self.text(pid, "stat")?)
    }

    /// Says whether this is a process and not one of its threads: both can be asked for by number.
    pub(super) fn is_process(&self, pid: u32) -> bool {
        self.text(pid, "status").is_some_and(|status| {
            status
                .lines()
                .find_map(|line| line.strip_prefix("Tgid:"))
                .is_some_and(|group| group.trim().parse() == Ok(pid))
        })
    }
}

impl Stat {
    /// Fields as proc_pid_stat(5) counts them, from 1; the name in field 2 may hold anything, `)` too.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).copied();
        let flags: u64 = field(9)?.parse().ok()?;
        Some(Self {
            zombie: matches!(field(3)?, "Z" | "X" | "x"),
            kernel_thread: flags & KERNEL_THREAD != 0,
            start_time: field(22)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats() {
        let check = |text: &str, expected| assert_eq!(Stat::parse(text), expected, "{text}");
        let stat = |zombie, kernel_thread| Some(Stat { zombie, kernel_thread, start_time: 812 });
        let rest = "0 0 0 0 0 0 0 20 0 5 0 812 1 2 3";
        check(&format!("7 (traefik) S 1 7 7 0 -1 4194560 0 {rest}"), stat(false, false));
        check(&format!("7 (a) R (b) c) Z 1 7 7 0 -1 4194560 0 {rest}"), stat(true, false));
        check(&format!("2 (kthreadd) S 0 0 0 0 -1 2129984 0 {rest}"), stat(false, true));
        check("", None);
        check("7 (traefik)", None);
        check("7 (traefik) S", None);
    }
}
