//! HTTP/3: what Traefik's own functions say of it, for nothing of it can be read on the socket.

use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use hoptap_ebpf::{Addresses, Http3Begin, Http3End, Http3Fields, PIECE, Status, Target, kind};

use crate::maps::{Scratch, count};
use crate::memory::{user, user_into};
use crate::probes::traced;
use crate::ring;

/// Longest header block that Go reads: `DefaultMaxHeaderBytes`.
const LONGEST: u64 = 1 << 20;

/// `quic-go/http3.(*RawServerConn).handleRequestStream(*stateTrackingStream)`, on the goroutine that serves the stream.
#[uprobe]
pub(crate) fn http3_begin(context: ProbeContext) -> u32 {
    let Some((tgid, target, registers, goroutine)) = traced(&context) else { return 0 };
    let head = ring::head(kind::HTTP3_BEGIN, 0, tgid, goroutine);
    ring::send(Http3Begin { head, addresses: addresses(target, registers.go[0]) });
    0
}

/// `quic-go/http3.requestFromHeaders(func() (qpack.HeaderField, error), …)`: the function reads field by field from a
/// block, which is one of its variables (quic-go/qpack 0.6, `(*Decoder).Decode`).
#[uprobe]
pub(crate) fn http3_fields(context: ProbeContext) -> u32 {
    let Some((tgid, _, registers, goroutine)) = traced(&context) else { return 0 };
    // The variables of a closure follow its code; those that it changes are held by their addresses.
    let [_, variables @ ..]: [u64; 5] = user(registers.go[0]);
    let [mut address, mut length] = [0; 2];
    for variable in variables {
        // A block that nothing was read from: a slice of all that was allocated for it.
        let [at, taken, room]: [u64; 3] = user(variable);
        if variable % 8 == 0 && at != 0 && taken >= 2 && taken == room && taken <= LONGEST {
            [address, length] = [at, taken];
        }
    }
    if length == 0 {
        return 0;
    }
    let Some(scratch) = Scratch::of_this_thread() else { return 0 };
    let owner = Scratch::take(scratch);
    // SAFETY: the entry is this thread's.
    let bytes = unsafe { (&raw mut (*scratch).bytes).cast::<u8>() };
    let captured = if length < PIECE as u64 { length as u32 } else { PIECE as u32 - 1 };
    // SAFETY: what is before the block has room in the first half of the array, and the block in the second.
    unsafe {
        bytes.cast::<Http3Fields>().write(Http3Fields {
            head: ring::head(kind::HTTP3_FIELDS, 0, tgid, goroutine),
            length: length as u32,
            captured,
        });
        let captured = (&raw const captured).read_volatile() & (PIECE as u32 - 1);
        if !user_into(bytes.add(size_of::<Http3Fields>()), address, captured) {
            count(|tally| tally.faults += 1);
            return 0;
        }
        let all = size_of::<Http3Fields>() + ((&raw const captured).read_volatile() as usize & (PIECE - 1));
        if !Scratch::is_mine(scratch, owner) || ring::send_bytes(bytes, all) != 0 {
            ring::lost(1);
        }
    }
    0
}

/// `quic-go/http3.(*responseWriter).flushTrailers()`: the handler has returned.
#[uprobe]
pub(crate) fn http3_end(context: ProbeContext) -> u32 {
    let Some((tgid, target, registers, goroutine)) = traced(&context) else { return 0 };
    let written = user(registers.go[0] + u64::from(target.http3.written));
    let status: u64 = user(registers.go[0] + u64::from(target.http3.status));
    let head = ring::head(kind::HTTP3_END, 0, tgid, goroutine);
    ring::send(Http3End { head, written, status: status as u32, spare: 0 });
    0
}

/// `quic-go/http3.(*stateTrackingStream).CancelWrite(quic.StreamErrorCode)`.
#[uprobe]
pub(crate) fn http3_reset(context: ProbeContext) -> u32 {
    let Some((tgid, _, registers, goroutine)) = traced(&context) else { return 0 };
    let head = ring::head(kind::HTTP3_RESET, 0, tgid, goroutine);
    ring::send(Status { head, code: registers.go[1] as u32, spare: 0 });
    0
}

/// Both ends of a connection: zeroes where the way to them is another one.
#[inline(always)]
fn addresses(target: &Target, connection: u64) -> Addresses {
    let layout = &target.http3;
    let at = |base: u64, offset: u32| user::<u64>(base + u64::from(offset));
    let quic = at(connection + u64::from(layout.raw), layout.connection);
    // An interface: the second word is the `*sconn`.
    let send = at(quic + 8, layout.send);
    let local = at(send + 8, layout.local);
    // `remoteAddrInfo` begins with the address, again an interface.
    let remote = at(at(send, layout.remote), 8);
    let mut addresses = Addresses { family: 2, local_port: 0, peer_port: 0, spare: 0, local: [0; 16], peer: [0; 16] };
    addresses.local_port = at(local, layout.port) as u16;
    addresses.peer_port = (at(remote, layout.port) as u16).to_be();
    // Both as of IPv6, where IPv4 has its place.
    addresses.family = 10;
    addresses.local = ip(local);
    addresses.peer = ip(remote);
    addresses
}

/// `net.IP` is a slice of 4 or 16 bytes.
#[inline(always)]
fn ip(address: u64) -> [u8; 16] {
    let [bytes, length]: [u64; 2] = user(address);
    if length == 16 {
        return user(bytes);
    }
    let [a, b, c, d]: [u8; 4] = user(bytes);
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}
