//! The tables of header compression of HTTP/2 connections that were open before we looked, as Traefik holds them.
//!
//! Each is sent once a direction, and again where user space asks. What it says is right after, or before, the header
//! block of one stream, which only user space can find among the others.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use hoptap_ebpf::{Goroutine, PIECE, Table, TableLayout, Target, flag, kind, state, table};

use crate::arch::Registers;
use crate::connection;
use crate::maps::{CONNECTIONS, PROCESSES, SKIPS, Scratch, count};
use crate::memory::{user, user_into};
use crate::probes::descriptor;
use crate::ring;
use crate::syscall::socket;

/// Entries of a table of 4096 bytes, the default size, which Go neither asks for more of nor uses more of: each counts
/// 32 bytes on top of its texts (RFC 7541, 4.1).
const ENTRIES: u64 = 128;

/// `hpack.HeaderField`: name, value, sensitive (golang.org/x/net/http2/hpack/hpack.go).
const FIELD: u64 = 40;

/// What of a connection the function that is probed has at hand.
struct Codec {
    /// Address of the `net.Conn`.
    connection: u64,
    /// Of the `hpack.Decoder` or `hpack.Encoder`: both begin with the table, and that with the slice of its entries.
    table: u64,
    stream: u32,
    /// It encodes.
    send: bool,
    /// One of [`table`].
    place: u16,
}

/// Who called it.
struct Call<'a> {
    tgid: u32,
    target: &'a Target,
}

impl Call<'_> {
    #[inline(always)]
    fn of(context: &ProbeContext) -> Option<(Self, Registers)> {
        let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
        let target = PROCESSES.get_ptr(&tgid)?;
        // SAFETY: a map value lives until the program ends, and the context is what the program was called with.
        unsafe { Some((Self { tgid, target: &*target }, Registers::context(context.regs))) }
    }
}

/// `(*serverConn).processHeaders(*MetaHeadersFrame)`: a header block of a client was decoded.
#[uprobe]
pub(crate) fn server_headers(context: ProbeContext) -> u32 {
    let Some((call, registers)) = Call::of(&context) else { return 0 };
    let layout = &call.target.tables.server;
    if let Some(stream) = opens_message(layout, registers.go[1]) {
        decoded(&call, layout, registers.go[0], stream);
    }
    0
}

/// `(*clientConnReadLoop).processHeaders(*MetaHeadersFrame)`: a header block of a backend was decoded. The receiver's
/// first field is the `*ClientConn`.
#[uprobe]
pub(crate) fn client_headers(context: ProbeContext) -> u32 {
    let Some((call, registers)) = Call::of(&context) else { return 0 };
    let layout = &call.target.tables.client;
    if let Some(stream) = opens_message(layout, registers.go[1]) {
        decoded(&call, layout, user(registers.go[0]), stream);
    }
    0
}

/// `(*writeResHeaders).writeFrame(writeContext)`: a header block for a client is about to be encoded. The context is
/// the `*serverConn`.
#[uprobe]
pub(crate) fn server_response(context: ProbeContext) -> u32 {
    let Some((call, registers)) = Call::of(&context) else { return 0 };
    let layout = &call.target.tables.server;
    let code: u64 = user(registers.go[0] + u64::from(layout.code));
    // Others of a stream, and there may be several: interim responses and trailers.
    if code < 200 || layout.code == 0 || layout.encoder == 0 {
        return 0;
    }
    let connection = registers.go[2];
    let codec = Codec {
        connection: connection + u64::from(layout.connection),
        table: user(connection + u64::from(layout.encoder)),
        stream: user(registers.go[0] + u64::from(layout.response_stream)),
        send: true,
        place: table::BEFORE,
    };
    send(&call, &codec);
    0
}

/// `(*ClientConn).writeHeaders(streamID uint32, …)`: a header block for a backend was encoded and is about to be
/// written.
#[uprobe]
pub(crate) fn client_request(context: ProbeContext) -> u32 {
    let Some((call, registers)) = Call::of(&context) else { return 0 };
    let layout = &call.target.tables.client;
    let connection = registers.go[0];
    if layout.encoder == 0 {
        return 0;
    }
    let codec = Codec {
        connection: connection + u64::from(layout.connection),
        table: user(connection + u64::from(layout.encoder)),
        stream: registers.go[1] as u32,
        send: true,
        place: table::AFTER_NEXT,
    };
    send(&call, &codec);
    0
}

/// The stream of a `*MetaHeadersFrame`, if that is the head of a message that is not interim: it begins with a pseudo
/// header field, `:status` among those of responses first and alone.
#[inline(always)]
fn opens_message(layout: &TableLayout, frame: u64) -> Option<u32> {
    // An embedded `*HeadersFrame`, and the fields.
    let [headers, fields, length]: [u64; 3] = user(frame);
    if length == 0 {
        return None;
    }
    let [name, _, value, _]: [u64; 4] = user(fields);
    let interim = user::<[u8; 2]>(name) == *b":s" && user::<u8>(value) == b'1';
    if user::<u8>(name) != b':' || interim {
        return None;
    }
    Some(user(headers + u64::from(layout.frame_stream)))
}

#[inline(always)]
fn decoded(call: &Call<'_>, layout: &TableLayout, connection: u64, stream: u32) {
    if layout.framer == 0 || layout.decoder == 0 {
        return;
    }
    let framer: u64 = user(connection + u64::from(layout.framer));
    let codec = Codec {
        connection: connection + u64::from(layout.connection),
        table: user(framer + u64::from(layout.decoder)),
        stream,
        send: false,
        place: table::AFTER,
    };
    send(call, &codec);
}

#[inline(always)]
fn send(call: &Call<'_>, codec: &Codec) {
    let Call { tgid, target } = *call;
    let Some(fd) = descriptor(target, codec.connection) else { return };
    let Some(sk) = socket(fd as u64) else { return };
    let connection = match CONNECTIONS.get_ptr_mut(&sk) {
        Some(connection) => connection,
        // Traefik is about to use it for the first time since we look.
        None if connection::is_tcp(sk) && !connection::is_gone(sk) => {
            match connection::open(sk, tgid, fd, false, Goroutine::default()) {
                Some(connection) => connection,
                None => return,
            }
        }
        None => return,
    };
    connection::used(sk, connection, tgid, target, Goroutine::default());
    // SAFETY: a map value lives until the program ends; each direction is one thread's at a time.
    let connection = unsafe { &mut *connection };
    let direction = usize::from(codec.send);
    let asked = match SKIPS.get_ptr(&connection.id) {
        // SAFETY: as above.
        Some(skip) => unsafe { (*skip).tables[direction] },
        None => 0,
    };
    let of_itself = u8::from(connection.state & state::MIDWAY != 0);
    let wanted = if asked > of_itself { asked } else { of_itself };
    if connection.tables[direction] >= wanted {
        return;
    }
    let Some(scratch) = Scratch::of_this_thread() else { return };
    let owner = Scratch::take(scratch);
    // SAFETY: the entry is this thread's.
    let bytes = unsafe { (&raw mut (*scratch).bytes).cast::<u8>() };
    let [entries, length, _]: [u64; 3] = user(codec.table);
    let mut filled = size_of::<Table>();
    let mut count_of_entries = 0;
    for back in 1..=ENTRIES {
        if back > length {
            break;
        }
        let [name, name_length, value, value_length]: [u64; 4] = user(entries + (length - back) * FIELD);
        // SAFETY: as above.
        match unsafe { put(bytes, filled, [name, name_length, value, value_length]) } {
            Some(more) => filled = more,
            None => break,
        }
        count_of_entries += 1;
    }
    let flags = if codec.send { flag::SEND } else { 0 };
    // SAFETY: the head has room before the entries.
    unsafe {
        bytes.cast::<Table>().write(Table {
            head: ring::head(kind::TABLE, flags, tgid, Goroutine::default()),
            connection: connection.id,
            stream: codec.stream,
            place: codec.place,
            entries: count_of_entries,
        });
        let all = (&raw const filled).read_volatile() & (PIECE - 1);
        if !Scratch::is_mine(scratch, owner) || ring::send_bytes(bytes, all) != 0 {
            // Nothing else depends on it, and it is sent again with the next block.
            return;
        }
    }
    connection.tables[direction] = wanted;
}

/// Appends an entry: both lengths, both texts. None where there is no room, or it cannot be read.
///
/// # Safety
/// `bytes` must have room for two pieces.
#[inline(always)]
unsafe fn put(bytes: *mut u8, filled: usize, field: [u64; 4]) -> Option<usize> {
    let [name, name_length, value, value_length] = field;
    let room = (PIECE - 1) as u64;
    if name_length > room || value_length > room || filled as u64 + 4 + name_length + value_length > room {
        return None;
    }
    // SAFETY: each start is below one piece, and so is each length. Volatile: where the compiler can prove the bounds
    // it drops the masks that the verifier wants to see.
    unsafe {
        let mut at = (&raw const filled).read_volatile() & (PIECE - 1);
        bytes.add(at).cast::<[u16; 2]>().write_unaligned([name_length as u16, value_length as u16]);
        at += 4;
        for (text, length) in [(name, name_length), (value, value_length)] {
            let start = (&raw const at).read_volatile() & (PIECE - 1);
            let size = (&raw const length).read_volatile() & room;
            if size > 0 && !user_into(bytes.add(start), text, size as u32) {
                count(|tally| tally.faults += 1);
                return None;
            }
            at += length as usize;
        }
        Some(at)
    }
}
