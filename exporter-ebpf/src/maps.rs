//! What the programs share with each other and with user space.

use core::cell::UnsafeCell;

use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{HashMap, PerCpuArray, RingBuf};
use hoptap_ebpf::{Connection, Ended, G_WORDS, PIECE, Skip, Tally, Target, Transfer};

/// Traced processes by thread group id: also the filter in front of everything.
#[map]
pub(crate) static PROCESSES: HashMap<u32, Target> = HashMap::with_max_entries(64, 0);

/// Their TCP sockets by `struct sock *`. Not preallocated: most machines have a few hundred.
#[map]
pub(crate) static CONNECTIONS: HashMap<u64, Connection> = HashMap::with_max_entries(131_072, BPF_F_NO_PREALLOC);

/// Ports on which traced processes listen: a socket accepted there is known from its first byte on.
#[map]
pub(crate) static LISTENERS: HashMap<u16, u8> = HashMap::with_max_entries(1024, 0);

#[map]
pub(crate) static SKIPS: HashMap<u64, Skip> = HashMap::with_max_entries(16_384, BPF_F_NO_PREALLOC);

#[map]
pub(crate) static ENDED: HashMap<u64, Ended> = HashMap::with_max_entries(65_536, BPF_F_NO_PREALLOC);

/// Records that found no room, of all CPUs: see `Head::lost`. Zero at load.
#[unsafe(no_mangle)]
pub(crate) static LOST: Shared = Shared(UnsafeCell::new(0));

/// The size is set at load.
#[map]
pub(crate) static EVENTS: RingBuf = RingBuf::with_byte_size(8 << 20, 0);

#[map]
pub(crate) static TALLY: PerCpuArray<Tally> = PerCpuArray::with_max_entries(1, 0);

/// A number that any CPU reads and writes. The target has no atomics that all kernels know.
#[repr(transparent)]
pub(crate) struct Shared(UnsafeCell<u32>);

// SAFETY: an aligned word is read and written whole.
unsafe impl Sync for Shared {}

impl Shared {
    #[inline(always)]
    pub(crate) fn get(&self) -> u32 {
        // SAFETY: the pointer is that of a live static.
        unsafe { self.0.get().read_volatile() }
    }

    /// Makes it another number than it was. Two CPUs at once may count one: whoever sees it change learns of both.
    #[inline(always)]
    pub(crate) fn change(&self) {
        let next = self.get().wrapping_add(1);
        // SAFETY: as above.
        unsafe { self.0.get().write_volatile(next) };
    }
}

/// What is to be sent of a call, and how that went.
#[repr(C)]
pub(crate) struct Call {
    /// Of its bytes in the process, or of its first `iovec` where there are `vectors`.
    pub(crate) address: u64,
    pub(crate) vectors: u64,
    /// Bytes that it moved; where it failed, how many of those that it wanted to move are worth a look.
    pub(crate) length: u64,
    pub(crate) faults: u64,
    pub(crate) lost: u64,
    /// So many at most.
    pub(crate) pieces: u64,
}

/// One transfer record with its bytes.
#[repr(C)]
pub(crate) struct Scratch {
    pub(crate) call: Call,
    pub(crate) record: Transfer,
    /// Twice as long as a piece: a power of two past it that the verifier can see a mask for.
    pub(crate) bytes: [u8; 2 * PIECE],
    pub(crate) goroutine: [u64; G_WORDS],
}

/// Used by the transfer handler only: it runs with preemption off and is never entered twice on one CPU
/// (tracepoints of system calls, no interrupt context).
#[map]
pub(crate) static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
pub(crate) fn count(add: impl FnOnce(&mut Tally)) {
    if let Some(tally) = TALLY.get_ptr_mut(0) {
        // SAFETY: the entry is this CPU's own.
        add(unsafe { &mut *tally });
    }
}
