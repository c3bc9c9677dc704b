//! Whether a filter of system calls (Docker, systemd) keeps those away that capturing makes.
//!
//! Asked with arguments that the kernel refuses for another reason than a filter, so that nothing is done.

use std::io;

/// Capturing's own calls that a filter refuses. Only worth asking with `CAP_BPF` and `CAP_PERFMON`: without them the
/// kernel may answer as a filter would.
pub fn filtered_calls() -> Vec<&'static str> {
    [("bpf", libc::SYS_bpf), ("perf_event_open", libc::SYS_perf_event_open)]
        .into_iter()
        .filter(|(_, number)| is_filtered(*number))
        .map(|(name, _)| name)
        .collect()
}

#[expect(unsafe_code, reason = "there is no safe call for it in the standard library")]
fn is_filtered(number: libc::c_long) -> bool {
    // No such command of bpf(2), no such flags of perf_event_open(2), which are looked at before anything else: both are
    // invalid arguments (kernel/bpf/syscall.c, kernel/events/core.c).
    const NONE: libc::c_long = -1;
    // SAFETY: the pointers are null, and neither call comes to read them.
    let done = unsafe { libc::syscall(number, NONE, 0, 0, NONE, NONE) };
    // Filters refuse with what they like; EPERM and ENOSYS are the custom.
    done < 0 && matches!(io::Error::last_os_error().raw_os_error(), Some(libc::EPERM | libc::ENOSYS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both are known to this kernel, and getppid(2), which cannot be refused, is answered.
    #[test]
    fn only_refusals_count() {
        assert!(!is_filtered(libc::SYS_getppid));
        // A number that no kernel has.
        assert!(is_filtered(0xffff));
    }
}
