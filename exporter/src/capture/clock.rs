//! The clocks of an event stream, and the one that processes are dated by.

use crate::event::Time;

/// `CLOCK_MONOTONIC`, nanoseconds: the clock of `bpf_ktime_get_ns`.
pub(super) fn monotonic() -> Time {
    read(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds since 1970.
pub(super) fn unix() -> u64 {
    read(libc::CLOCK_REALTIME)
}

/// Since boot, with the time that the machine slept: the clock of `/proc/PID/stat`.
pub(super) fn boot() -> u64 {
    read(libc::CLOCK_BOOTTIME)
}

#[expect(unsafe_code, reason = "the standard library does not give these clocks as numbers")]
fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure lives through the call; these clocks exist on every Linux.
    unsafe {
        libc::clock_gettime(clock, &raw mut time);
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}
