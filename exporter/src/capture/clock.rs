//! The clocks of an event stream, whether they can be trusted, and the one that processes are dated by.

use crate::event::Time;

/// `CLOCK_MONOTONIC`, nanoseconds: the clock of `bpf_ktime_get_ns`.
pub fn monotonic() -> Time {
    read(libc::CLOCK_MONOTONIC)
}

/// `CLOCK_BOOTTIME`, nanoseconds: the same with the time in which the machine slept. The clock of `/proc/PID/stat`.
pub fn boot() -> Time {
    read(libc::CLOCK_BOOTTIME)
}

/// Nanoseconds since 1970.
pub fn unix() -> u64 {
    read(libc::CLOCK_REALTIME)
}

#[expect(unsafe_code, reason = "the standard library does not give these clocks as numbers")]
fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure lives through the call; these clocks exist on every Linux since 2.6.39.
    unsafe {
        libc::clock_gettime(clock, &raw mut time);
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Whether something keeps the wall clock right, as far as the kernel knows; None where it may not be asked.
#[expect(unsafe_code, reason = "there is no safe call for it in the standard library")]
pub fn is_synchronised() -> Option<bool> {
    // SAFETY: all zeros is a value of this structure of numbers, and it asks for nothing to be changed.
    let mut asked: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the structure lives through the call.
    let state = unsafe { libc::adjtimex(&raw mut asked) };
    (state >= 0).then_some(state != libc::TIME_ERROR && asked.status & libc::STA_UNSYNC == 0)
}
