//! Whether this thread may place uprobes. `CAP_PERFMON` sufficed from Linux 5.8 on; since 6.16, and 5.10.240, 6.1.146 and
//! 6.12.39, it takes `CAP_SYS_ADMIN` (CVE-2025-38466; kernel/events/core.c, `perf_uprobe_event_init`).

use std::io;

/// Where the kernel says how a uprobe is asked for of perf_event_open(2).
pub const TYPE: &str = "/sys/bus/event_source/devices/uprobe/type";

/// None where the kernel does not say how to ask.
pub fn are_allowed() -> Option<bool> {
    let kind: u32 = std::fs::read_to_string(TYPE).ok()?.trim().parse().ok()?;
    Some(!matches!(refusal(kind), Some(libc::EACCES | libc::EPERM)))
}

/// Asks for a probe in no file, which the kernel refuses as invalid once it has looked at the permission.
#[expect(unsafe_code, reason = "there is no safe call for it in the standard library")]
fn refusal(kind: u32) -> Option<i32> {
    /// Size of the first version of `perf_event_attr`; its last word is the path.
    const WORDS: usize = 8;
    const THIS_THREAD: libc::c_long = 0;
    const ANY_CPU: libc::c_long = -1;
    const NO_GROUP: libc::c_long = -1;
    /// `PERF_FLAG_FD_CLOEXEC`.
    const CLOSE_ON_EXEC: libc::c_long = 8;
    let size = u32::try_from(WORDS * size_of::<u64>()).unwrap_or(0);
    let mut attributes = [0_u64; WORDS];
    // Type and size, in the order in which they lie in memory.
    attributes[0] = if cfg!(target_endian = "little") {
        u64::from(size) << 32 | u64::from(kind)
    } else {
        u64::from(kind) << 32 | u64::from(size)
    };
    // SAFETY: the attributes live through the call, which reads as many bytes of them as they say.
    let descriptor = unsafe {
        let attributes = attributes.as_ptr();
        libc::syscall(libc::SYS_perf_event_open, attributes, THIS_THREAD, ANY_CPU, NO_GROUP, CLOSE_ON_EXEC)
    };
    if descriptor < 0 {
        return io::Error::last_os_error().raw_os_error();
    }
    // SAFETY: it was just opened, and is nobody else's.
    unsafe {
        libc::close(libc::c_int::try_from(descriptor).unwrap_or(-1));
    }
    None
}
