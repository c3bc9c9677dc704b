//! HTTP/2: which bytes of a call are worth a copy, found by a walk over the headers of its frames (RFC 9113, 4.1).
//!
//! The header of a frame waits for the first byte of its payload: net/http's server reads the nine bytes by
//! themselves, and a record for these would say nothing.

use hoptap_ebpf::{LEFT_OUT_KEPT, PIECE, Transfer, flag};

use crate::maps::{self, Scratch, Walk};
use crate::memory::user_into;
use crate::ring;

const HEADER: u32 = 9;
/// What fits a record. One less than a power of two: the mask that the verifier wants is the bound itself.
const ROOM: u32 = PIECE as u32 - 1;
/// Steps of one call of the walk, and calls: a TLS record of 16 KiB holds 1820 empty frames.
const STEPS: u32 = 64;
const ROUNDS: u32 = 64;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// Longer frames are allowed where the peer said so; Go never does. Asked only where the place is in doubt.
const PLAUSIBLE: u32 = 1 << 20;

/// Walks over the call that the scratch entry describes. Gives how many streams were opened in it.
#[inline(always)]
pub(crate) fn send(scratch: *mut Scratch, owner: u64) -> u32 {
    for _ in 0..ROUNDS {
        if frames(owner) != 0 {
            break;
        }
    }
    // SAFETY: a map value lives until the program ends.
    unsafe {
        let walk = &mut (*scratch).walk;
        if walk.position < (*scratch).call.length {
            lose(walk);
        }
        if walk.filled > 0 || walk.ended > 0 {
            flush(owner);
        }
        let (faults, lost) = ((*scratch).call.faults, (*scratch).call.lost);
        if faults != 0 {
            maps::count(|tally| tally.faults += faults);
        }
        if lost != 0 {
            ring::lost(lost);
        }
        ring::wake();
        (*scratch).walk.opened
    }
}

/// The next bytes may be anything.
#[inline(always)]
fn lose(walk: &mut Walk) {
    walk.frames.left = 0;
    walk.frames.copy = 0;
    walk.frames.have = 0;
    walk.frames.last = 0;
    walk.frames.unsure = 2;
    walk.frames.resumed = 1;
}

/// Some steps of the walk; gives 0 where there is more to do. A function of its own for the same reason as `pieces`.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn frames(owner: u64) -> u64 {
    let Some(scratch) = Scratch::of_this_thread() else { return 1 };
    // SAFETY: a map value lives until the program ends.
    let (call, walk, bytes) =
        unsafe { (&mut (*scratch).call, &mut (*scratch).walk, (&raw mut (*scratch).bytes).cast::<u8>()) };
    for _ in 0..STEPS {
        if walk.position >= call.length {
            return 1;
        }
        let rest = call.length - walk.position;
        let at = call.address + walk.position;
        if walk.frames.left > 0 {
            if walk.frames.copy == 0 {
                let skipped = if u64::from(walk.frames.left) < rest { walk.frames.left } else { rest as u32 };
                walk.frames.left -= skipped;
                walk.position += u64::from(skipped);
                if walk.frames.left == 0 && walk.frames.last != 0 {
                    walk.ended = 1;
                }
                continue;
            }
            let room = ROOM - (walk.filled & ROOM);
            if room == 0 {
                flush(owner);
                continue;
            }
            let mut copied = walk.frames.copy;
            if copied > room {
                copied = room;
            }
            if u64::from(copied) > rest {
                copied = rest as u32;
            }
            // SAFETY: at most as many bytes as half of the array, from its first half on.
            let read = unsafe {
                let to = bytes.add((walk.filled & ROOM) as usize);
                let copied = (&raw const copied).read_volatile() & ROOM;
                user_into(to, at, copied)
            };
            if !read {
                call.faults += 1;
                lose(walk);
                return 1;
            }
            walk.filled += copied;
            if walk.fresh == 0 {
                walk.continued += copied;
            }
            walk.frames.copy -= copied;
            walk.frames.left -= copied;
            walk.position += u64::from(copied);
            if walk.frames.left == 0 {
                complete(walk);
                if walk.frames.last != 0 {
                    walk.ended = 1;
                }
            }
            continue;
        }
        if walk.frames.have < HEADER {
            let mut wanted = HEADER - walk.frames.have;
            if u64::from(wanted) > rest {
                wanted = rest as u32;
            }
            // SAFETY: the array has room for 32 bytes: from one of the first 16 on, at most 15.
            let read = unsafe {
                let to = (&raw mut walk.frames.header).cast::<u8>().add((walk.frames.have & 15) as usize);
                let wanted = (&raw const wanted).read_volatile() & 15;
                user_into(to, at, wanted)
            };
            if !read {
                call.faults += 1;
                lose(walk);
                return 1;
            }
            walk.frames.have += wanted;
            walk.position += u64::from(wanted);
            let empty = walk.frames.header[0] | walk.frames.header[1] | walk.frames.header[2] == 0;
            if walk.frames.have < HEADER || walk.position >= call.length && !empty {
                continue;
            }
        }
        if walk.filled > ROOM - HEADER {
            flush(owner);
        }
        if !begin(walk, bytes) {
            // What follows in this call cannot be told from what was taken for a header.
            walk.position = call.length;
            lose(walk);
            return 1;
        }
    }
    0
}

/// The header of a frame is complete; says whether it can be one.
#[inline(always)]
fn begin(walk: &mut Walk, bytes: *mut u8) -> bool {
    let frames = &mut walk.frames;
    let header = frames.header;
    let length = u32::from(header[0]) << 16 | u32::from(header[1]) << 8 | u32::from(header[2]);
    let (kind, flags) = (header[3], header[4]);
    let stream = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
    if frames.unsure > 0 {
        if !plausible(length, kind, stream) {
            return false;
        }
        frames.unsure -= 1;
    }
    let stream = stream & 0x7fff_ffff;
    // PRIORITY, PING, WINDOW_UPDATE, PRIORITY_UPDATE: nobody asks for them.
    frames.hidden = u32::from(matches!(kind, 2 | 6 | 8 | 16));
    if frames.hidden != 0 {
        frames.have = 0;
        frames.left = length;
        frames.copy = 0;
        frames.last = 0;
        return true;
    }
    let leaves_out = kind == DATA && walk.data == 0;
    frames.have = 0;
    frames.left = length;
    frames.copy = match leaves_out {
        false => length,
        true if length < LEFT_OUT_KEPT => length,
        true => LEFT_OUT_KEPT,
    };
    frames.last = u32::from(kind <= HEADERS && flags & END_STREAM != 0 && length > 0);
    if kind == HEADERS && walk.opens != 0 && stream > frames.stream {
        frames.stream = stream;
        frames.opening = 1;
    }
    frames.closes = u32::from((kind == HEADERS || kind == CONTINUATION) && flags & END_HEADERS != 0);
    let mark = if leaves_out { 0x80 } else { 0 };
    // SAFETY: within the first half of the array, and nine bytes more.
    unsafe {
        let to = bytes.add((walk.filled & ROOM) as usize);
        for index in 0..HEADER as usize {
            to.add(index).write(header[index]);
        }
        to.add(5).write(header[5] & 0x7f | mark);
    }
    walk.filled += HEADER;
    walk.fresh = 1;
    if length == 0 {
        complete(walk);
    }
    true
}

/// All of a frame went by.
#[inline(always)]
fn complete(walk: &mut Walk) {
    if walk.frames.closes != 0 {
        walk.opened += walk.frames.opening;
        walk.frames.opening = 0;
    }
}

/// What RFC 9113 says of frames of each kind.
#[inline(always)]
fn plausible(length: u32, kind: u8, stream: u32) -> bool {
    let of_stream = stream != 0;
    let fits = match kind {
        0 | 1 | 9 => of_stream,
        5 => of_stream && length >= 4,
        2 => of_stream && length == 5,
        3 => of_stream && length == 4,
        4 => !of_stream && length % 6 == 0,
        6 => !of_stream && length == 8,
        7 => !of_stream && length >= 8,
        8 => length == 4,
        16 => !of_stream && length >= 4,
        _ => false,
    };
    fits && length <= PLAUSIBLE && stream >> 31 == 0
}

/// Sends what was gathered.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn flush(owner: u64) -> u64 {
    let Some(scratch) = Scratch::of_this_thread() else { return 0 };
    if !Scratch::is_mine(scratch, owner) {
        // SAFETY: a map value lives until the program ends.
        unsafe { (*scratch).call.lost += 1 };
        return 0;
    }
    // SAFETY: as above.
    let (walk, record) = unsafe { (&mut (*scratch).walk, &mut (*scratch).record) };
    // The base is where the call begins; the record stands for all that went by since the one before it.
    // SAFETY: as above.
    let until = unsafe { (*scratch).call.pieces } + walk.position;
    let responses = record.responses;
    record.offset = walk.frames.told;
    record.result = (until - walk.frames.told) as i64;
    record.continued = walk.continued;
    record.left = if walk.frames.hidden != 0 { 0 } else { walk.frames.left };
    record.responses = responses + walk.opened;
    let flags = record.head.flags;
    if walk.frames.resumed != 0 {
        record.head.flags = flags | flag::RESUMED;
        walk.frames.resumed = 0;
    }
    walk.frames.told = until;
    // SAFETY: as above; volatile as in `pieces`.
    unsafe {
        (&raw mut (*record).captured).write_volatile(walk.filled & ROOM);
        let captured = (&raw const (*record).captured).read_volatile() as usize & (2 * PIECE - 1);
        (*scratch).call.lost += ring::send_bytes((record as *mut Transfer).cast(), size_of::<Transfer>() + captured);
    }
    record.head.flags = flags;
    record.responses = responses;
    walk.filled = 0;
    walk.continued = 0;
    walk.fresh = 0;
    walk.ended = 0;
    0
}
