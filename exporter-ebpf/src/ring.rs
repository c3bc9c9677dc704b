//! Records into the ring, and the count of those that found no room.

use aya_ebpf::bindings::{BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP};
use aya_ebpf::helpers::bpf_ktime_get_ns;
use hoptap_ebpf::{Goroutine, Head};

use crate::maps::{self, EVENTS, LOST};
use crate::memory::offset;

#[inline(always)]
pub(crate) fn head(kind: u8, flags: u8, tgid: u32, goroutine: Goroutine) -> Head {
    // SAFETY: a helper without arguments.
    let time = unsafe { bpf_ktime_get_ns() };
    Head { kind, flags, spare: 0, tgid, lost: LOST.get(), spare2: 0, time, goroutine }
}

/// Puts the time into a head, and what was lost so far.
#[inline(always)]
pub(crate) fn stamp(head: &mut Head) {
    // SAFETY: a helper without arguments.
    head.time = unsafe { bpf_ktime_get_ns() };
    head.lost = LOST.get();
}

/// Bytes that wait in the ring.
#[inline(always)]
pub(crate) fn waiting() -> u64 {
    EVENTS.query(u64::from(BPF_RB_AVAIL_DATA))
}

/// Wakes the reader if much is waiting: it looks by itself every few milliseconds, and a wake-up for every record
/// would cost the traced process more than the record does.
#[inline(always)]
pub(crate) fn wake() {
    if waiting() > u64::from(offset!(wake)) {
        rouse();
    }
}

/// Wakes the reader now.
#[inline(always)]
pub(crate) fn rouse() {
    if let Some(entry) = EVENTS.reserve::<u64>(0) {
        // The record itself is not wanted: a discarded one wakes as well.
        entry.discard(u64::from(BPF_RB_FORCE_WAKEUP));
    }
}

/// Sends a record of a fixed size; says whether there was room.
#[inline(always)]
pub(crate) fn send<T: 'static>(record: T) -> bool {
    if let Some(mut entry) = EVENTS.reserve::<T>(0) {
        entry.write(record);
        entry.submit(u64::from(BPF_RB_NO_WAKEUP));
        true
    } else {
        lost(1);
        false
    }
}

/// Records found no room.
#[inline(always)]
pub(crate) fn lost(records: u64) {
    LOST.change();
    maps::count(|tally| tally.ring_full += records);
}

/// Sends the first `length` bytes of `record`; gives 1 where there was no room, else 0.
#[inline(always)]
pub(crate) fn send_bytes(record: *const u8, length: usize) -> u64 {
    // SAFETY: the verifier checks the length against the map value that `record` points into.
    let bytes = unsafe { core::slice::from_raw_parts(record, length) };
    match EVENTS.output::<[u8]>(bytes, u64::from(BPF_RB_NO_WAKEUP)) {
        Ok(()) => 0,
        Err(_) => 1,
    }
}
