//! What a process costs: processor time and resident memory.

use std::time::Duration;

use anyhow::{Context, Result, bail};

/// User and system time of a whole process so far, its ended threads included, to the nanosecond: time in probes
/// and tracepoints that fire on its threads is in it, which is what a benchmark of them must count.
///
/// # Errors
/// Where there is no such process.
pub fn time(pid: u32) -> Result<Duration> {
    // The kernel's encoding of "scheduler clock of that process" (linux/posix-timers.h, CPUCLOCK_SCHED = 2).
    let clock: libc::clockid_t = (!i32::try_from(pid)? << 3) | 2;
    let mut spec = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(unsafe_code, reason = "std reads no clock of another process")]
    // SAFETY: `spec` is a live timespec that only this call writes.
    let answer = unsafe { libc::clock_gettime(clock, &raw mut spec) };
    if answer != 0 {
        bail!("expected a running process {pid}: {}", std::io::Error::last_os_error());
    }
    Ok(Duration::new(u64::try_from(spec.tv_sec)?, u32::try_from(spec.tv_nsec)?))
}

/// Resident memory now, and the most there was, in bytes.
///
/// # Errors
/// Where there is no such process.
pub fn resident(pid: u32) -> Result<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_suffix("kB")?.trim().parse::<u64>().ok())
            .map(|kib| kib * 1024)
            .with_context(|| format!("{name} in /proc/{pid}/status"))
    };
    Ok((field("VmRSS:")?, field("VmHWM:")?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    #[test]
    fn work_is_counted_and_sleep_is_not() {
        let me = std::process::id();
        let before = time(me).unwrap();
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(50) {
            std::hint::black_box(begun.elapsed());
        }
        let worked = time(me).unwrap() - before;
        assert!(worked > Duration::from_millis(5), "{worked:?}");
        assert!(time(u32::MAX >> 4).is_err());
        let (now, most) = resident(me).unwrap();
        assert!(now > 100_000 && most >= now);
    }
}
