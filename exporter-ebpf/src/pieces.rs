//! The bytes of a call, cut into records of at most `PIECE`.
//!
//! A function of its own that takes nothing but what is in the scratch entry: the verifier looks at such a one once
//! (global functions, 5.6), not again for each way that leads to it. In one with what comes before, the loops are more
//! than the million instructions that the verifiers of 5.10 and 6.1 look at; so they see 30 000.

use hoptap_ebpf::{PIECE, PIECES, Transfer, VECTORS, flag};

use crate::maps::{self, SKIPS, Scratch};
use crate::memory::{copy, offset, user};
use crate::ring;

/// Sends the call that the scratch entry describes. What it gives means nothing: a global function must give a number.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn pieces(owner: u64) -> u64 {
    let Some(scratch) = Scratch::of_this_thread() else { return 0 };
    let pieces = Pieces { scratch, owner };
    // SAFETY: the scratch entry is this CPU's own.
    let (length, vectors, result) = unsafe {
        let scratch = &*scratch;
        (scratch.call.length, scratch.call.vectors, scratch.record.result)
    };
    if result <= 0 || vectors == 0 && length <= PIECE as u64 {
        // SAFETY: as above.
        let address = unsafe { (*scratch).call.address };
        pieces.piece(pieces.stream(), result, address, length);
    } else if vectors != 0 {
        pieces.vectors(length);
    } else {
        pieces.large(length);
    }
    // SAFETY: as above.
    let (faults, lost) = unsafe { ((*scratch).call.faults, (*scratch).call.lost) };
    if faults != 0 {
        maps::count(|tally| tally.faults += faults);
    }
    if lost != 0 {
        ring::lost(lost);
    }
    ring::wake();
    0
}

#[inline(always)]
pub(crate) fn send(owner: u64) {
    pieces(owner);
}

/// What changes from piece to piece is in the scratch entry, too: memory of maps is nothing that the verifier keeps
/// apart.
#[derive(Clone, Copy)]
struct Pieces {
    scratch: *mut Scratch,
    owner: u64,
}

impl Pieces {
    /// How many of the first `total` bytes user space said it will not need.
    #[inline(always)]
    fn left_out(self, total: u64) -> u64 {
        // SAFETY: the scratch entry is this CPU's own.
        let record = unsafe { &(*self.scratch).record };
        let until = match SKIPS.get_ptr(&record.connection) {
            // SAFETY: a map value.
            Some(skip) => unsafe { if record.head.flags & flag::SEND != 0 { (*skip).send } else { (*skip).receive } },
            None => 0,
        };
        let out = until.saturating_sub(record.offset);
        if out < total { out } else { total }
    }

    /// More than one piece.
    #[inline(always)]
    fn large(self, total: u64) {
        let mut done = self.left_out(total);
        let stream = self.stream();
        if done > 0 {
            self.piece(stream, done as i64, 0, 0);
        }
        let mut pieces = PIECES as u64;
        if ring::waiting() > u64::from(offset!(pressure)) {
            maps::count(|tally| tally.cut += 1);
            pieces = 1;
        }
        // SAFETY: the scratch entry is this CPU's own.
        let (call, address) = unsafe { (&raw mut (*self.scratch).call, (*self.scratch).call.address) };
        // SAFETY: as above.
        unsafe { (*call).pieces = pieces };
        for index in 0..PIECES as u64 {
            // SAFETY: as above.
            if done >= total || index >= unsafe { (*call).pieces } {
                break;
            }
            let left = total - done;
            let length = if left < PIECE as u64 { left } else { PIECE as u64 };
            self.piece(stream + done, length as i64, address + done, length);
            done += length;
        }
        if done < total {
            self.piece(stream + done, (total - done) as i64, 0, 0);
        }
    }

    /// Gathered and scattered calls: the first piece of each vector.
    #[inline(always)]
    fn vectors(self, total: u64) {
        // SAFETY: the scratch entry is this CPU's own.
        let (vector, vectors) = unsafe { ((*self.scratch).call.address, (*self.scratch).call.vectors) };
        let stream = self.stream();
        let mut done = 0;
        for index in 0..VECTORS {
            if done >= total || index >= vectors {
                break;
            }
            let [address, length] = user::<[u64; 2]>(vector + index * 16);
            // An empty one, or one that could not be read: a record of no bytes would be the end of the stream.
            if length == 0 {
                continue;
            }
            let left = total - done;
            let length = if length < left { length } else { left };
            self.piece(stream + done, length as i64, address, length);
            done += length;
        }
        if done < total {
            self.piece(stream + done, (total - done) as i64, 0, 0);
        }
    }

    /// Stream offset of the call's first byte.
    #[inline(always)]
    fn stream(self) -> u64 {
        // SAFETY: the scratch entry is this CPU's own.
        unsafe { (*self.scratch).record.offset }
    }

    /// One record: at most `PIECE` of `length` bytes at `address`, standing for `result` bytes of the stream from
    /// `offset` on.
    #[inline(always)]
    fn piece(self, offset: u64, result: i64, address: u64, length: u64) {
        let length = if length < PIECE as u64 { length } else { PIECE as u64 };
        // SAFETY: the scratch entry is this CPU's own.
        let (call, record, bytes) = unsafe {
            let scratch = self.scratch;
            (&raw mut (*scratch).call, &raw mut (*scratch).record, &raw mut (*scratch).bytes)
        };
        if !Scratch::is_mine(self.scratch, self.owner) {
            // SAFETY: as above.
            unsafe { (*call).lost += 1 };
            return;
        }
        // SAFETY: as above; `bytes` is longer than `PIECE`.
        unsafe {
            let fault = copy(bytes.cast(), address, length);
            (*call).faults += fault & 1;
            (*record).offset = offset;
            (*record).result = result;
            // Volatile: the mask must stand where the verifier sees it, right before the length is used.
            (&raw mut (*record).captured).write_volatile((length & !fault) as u32);
            let captured = (&raw const (*record).captured).read_volatile() as usize & (2 * PIECE - 1);
            (*call).lost += ring::send_bytes(record.cast(), size_of::<Transfer>() + captured);
        }
    }
}
