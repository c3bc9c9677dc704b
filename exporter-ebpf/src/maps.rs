//! What the programs share with each other and with user space.

use core::cell::UnsafeCell;

use aya_ebpf::bindings::{BPF_F_NO_PREALLOC, BPF_NOEXIST};
use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_ktime_get_ns};
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, LruHashMap, PerCpuArray, RingBuf};
use hoptap_ebpf::{
    BothFrames, Connection, Ended, Frames, G_WORDS, NamedBy, NamedKey, PIECE, SessionKey, SessionSocket, Skip, Tally,
    Target, Transfer,
};

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

/// Where in its streams each HTTP/2 connection is.
#[map]
pub(crate) static FRAMES: HashMap<u64, BothFrames> = HashMap::with_max_entries(32_768, BPF_F_NO_PREALLOC);

/// Zeroes, to begin with: there is no room for them on a program's stack.
#[map]
static NO_FRAMES: Array<BothFrames> = Array::with_max_entries(1, 0);

/// TLS sessions of traced processes, from their first use to the end of their socket.
#[map]
pub(crate) static SESSIONS: HashMap<SessionKey, SessionSocket> = HashMap::with_max_entries(131_072, BPF_F_NO_PREALLOC);

/// Handlers whose names user space was told. One that is forgotten says them again.
#[map]
pub(crate) static NAMED: LruHashMap<NamedKey, NamedBy> = LruHashMap::with_max_entries(8192, 0);

/// When a traced process put a configuration in place last, `CLOCK_MONOTONIC`, nanoseconds. Zero at load.
///
/// No value comes twice, in whatever order two CPUs write.
#[unsafe(no_mangle)]
pub(crate) static CONFIGURED: Shared<u64> = Shared(UnsafeCell::new(0));

/// Records that found no room, of all CPUs: see `Head::lost`. Zero at load.
#[unsafe(no_mangle)]
pub(crate) static LOST: Shared<u32> = Shared(UnsafeCell::new(0));

/// The size is set at load.
#[map]
pub(crate) static EVENTS: RingBuf = RingBuf::with_byte_size(8 << 20, 0);

#[map]
pub(crate) static TALLY: PerCpuArray<Tally> = PerCpuArray::with_max_entries(1, 0);

/// A number that any CPU reads and writes. The target has no atomics that all kernels know.
#[repr(transparent)]
pub(crate) struct Shared<T>(UnsafeCell<T>);

// SAFETY: an aligned word is read and written whole.
unsafe impl<T> Sync for Shared<T> {}

impl<T: Copy> Shared<T> {
    #[inline(always)]
    pub(crate) fn get(&self) -> T {
        // SAFETY: the pointer is that of a live static.
        unsafe { self.0.get().read_volatile() }
    }

    #[inline(always)]
    pub(crate) fn set(&self, value: T) {
        // SAFETY: as above.
        unsafe { self.0.get().write_volatile(value) };
    }
}

impl Shared<u32> {
    /// Makes it another number than it was. Two CPUs at once may count one: whoever sees it change learns of both.
    #[inline(always)]
    pub(crate) fn change(&self) {
        self.set(self.get().wrapping_add(1));
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
    /// Who works here: see [`Scratch::take`].
    pub(crate) owner: u64,
}

/// The place of an HTTP/2 connection, made where it is not there.
#[inline(always)]
pub(crate) fn frames(sk: u64) -> Option<*mut BothFrames> {
    if let Some(frames) = FRAMES.get_ptr_mut(&sk) {
        return Some(frames);
    }
    let none = NO_FRAMES.get(0)?;
    // Another thread may be as fast.
    if FRAMES.insert(&sk, none, u64::from(BPF_NOEXIST)).is_err() && FRAMES.get_ptr(&sk).is_none() {
        count(|tally| tally.map_full += 1);
    }
    FRAMES.get_ptr_mut(&sk)
}

/// A walk over the frames of a call.
#[repr(C)]
pub(crate) struct Walk {
    pub(crate) frames: Frames,
    /// Bytes of the call that were looked at.
    pub(crate) position: u64,
    /// Bytes of the record that is being filled.
    pub(crate) filled: u32,
    /// How many of these go on with a frame of an earlier record.
    pub(crate) continued: u32,
    /// The header of a frame is in the record.
    pub(crate) fresh: u32,
    /// A frame ended, and its end is worth a record.
    pub(crate) ended: u32,
    /// Payloads of DATA are copied.
    pub(crate) data: u32,
    /// Streams that the peer opens are requests of clients, and counted.
    pub(crate) opens: u32,
    pub(crate) opened: u32,
    pub(crate) spare: u32,
}

/// One transfer record with its bytes.
#[repr(C)]
pub(crate) struct Scratch {
    pub(crate) call: Call,
    pub(crate) walk: Walk,
    pub(crate) record: Transfer,
    /// Twice as long as a piece: a power of two past it that the verifier can see a mask for.
    pub(crate) bytes: [u8; 2 * PIECE],
    pub(crate) goroutine: [u64; G_WORDS],
}

/// A power of two.
const SCRATCHES: u32 = 4;

#[map]
static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(SCRATCHES, 0);

impl Scratch {
    /// The entry of the thread that runs.
    ///
    /// A kernel may run another thread in the middle of a program, and a program there: threads of one CPU have
    /// different entries as a rule. Where two have the same, [`Scratch::is_mine`] tells.
    #[inline(always)]
    pub(crate) fn of_this_thread() -> Option<*mut Self> {
        SCRATCH.get_ptr_mut(bpf_get_current_pid_tgid() as u32 & (SCRATCHES - 1))
    }

    /// Takes the entry, and gives what proves that it was not taken by another since.
    #[inline(always)]
    pub(crate) fn take(scratch: *mut Self) -> u64 {
        // SAFETY: a helper without arguments.
        Self::take_at(scratch, unsafe { bpf_ktime_get_ns() })
    }

    /// The same for whoever knows what time it is.
    #[inline(always)]
    pub(crate) fn take_at(scratch: *mut Self, now: u64) -> u64 {
        let owner = now ^ (bpf_get_current_pid_tgid() << 32);
        // SAFETY: a map value lives until the program ends.
        unsafe { (&raw mut (*scratch).call.owner).write_volatile(owner) };
        owner
    }

    /// Nobody else has worked in the entry; where somebody has, it learns of this one as well.
    #[inline(always)]
    pub(crate) fn is_mine(scratch: *mut Self, owner: u64) -> bool {
        // SAFETY: a map value lives until the program ends.
        unsafe {
            let mine = (&raw const (*scratch).call.owner).read_volatile() == owner;
            if !mine {
                (&raw mut (*scratch).call.owner).write_volatile(0);
            }
            mine
        }
    }
}

#[inline(always)]
pub(crate) fn count(add: impl FnOnce(&mut Tally)) {
    if let Some(tally) = TALLY.get_ptr_mut(0) {
        // SAFETY: the entry is this CPU's own.
        add(unsafe { &mut *tally });
    }
}
