//! Bytes moved on a socket: the one handler behind the socket tracepoints and behind `sys_exit`, and what it shares
//! with the probes that see the bytes before they are encrypted.

use hoptap_ebpf::{Connection, Goroutine, Target, carries, data, flag, kind, state};

use crate::arch::{Registers, number};
use crate::connection;
use crate::goroutine;
use crate::maps::{self, CONNECTIONS, SKIPS, Scratch};
use crate::memory::{offset, user, user_into};
use crate::{frames, pieces, ring};

const EAGAIN: i64 = 11;
const EINTR: i64 = 4;

/// Bytes of the client preface of HTTP/2 (RFC 9113, 3.4).
const PREFACE: u32 = 24;

/// `result`: bytes moved, 0 at the end of the stream, or `-errno`. `registers`: the caller had to read them.
#[inline(always)]
pub(crate) fn transfer(sk: u64, result: i64, send: bool, tgid: u32, target: &Target, registers: Option<Registers>) {
    let refused = result == -EAGAIN || result == -EINTR;
    if refused && send {
        return;
    }
    let known = CONNECTIONS.get_ptr_mut(&sk);
    // SAFETY: a map value lives until the program ends.
    let (state, carried) = known.map_or((0, 0), |connection| unsafe { ((*connection).state, (*connection).carries) });
    if refused && state & (state::BOUND | state::DIALLED) != 0 {
        return;
    }
    // What is encrypted says nothing; that something failed or ended does.
    if result > 0 && carried & carries::TLS != 0 {
        return;
    }
    let registers = &match registers {
        Some(registers) => registers,
        None => Registers::current(),
    };
    let Some(scratch) = Scratch::of_this_thread() else { return };
    // Who serves a client is said once, and of what comes from a backend it does not matter who reads it.
    let quiet = state & state::BOUND != 0 || !send && state & state::DIALLED != 0;
    let goroutine = if quiet {
        goroutine::none()
    } else {
        // SAFETY: the entry is this thread's.
        goroutine::current_in(target, registers, unsafe { &raw mut (*scratch).goroutine })
    };
    let fd = registers.arguments[0] as i32;
    let buffer = Buffer::of(registers);
    let pointer = match known {
        Some(connection) => connection,
        None => {
            // What is done on a socket that the network has ended already says nothing new: its end was told.
            if result <= 0 && !refused || !connection::is_tcp(sk) || connection::is_gone(sk) {
                return;
            }
            match connection::open(sk, tgid, fd, false, goroutine) {
                Some(connection) => connection,
                None => {
                    if send && result > 0 && is_final_response(buffer.start()) {
                        maps::count(|tally| tally.unfollowed += 1);
                    }
                    return;
                }
            }
        }
    };
    // SAFETY: a map value lives until the program ends; a direction of a socket is used by one thread at a time
    // (Go holds a lock on it).
    let connection = unsafe { &mut *pointer };
    connection.fd = fd;
    connection::used(sk, pointer, tgid, target, goroutine);
    if result > 0 && !speaks(scratch, connection, buffer, send, result as u64, target, goroutine) {
        return;
    }
    moved(sk, connection, scratch, buffer, Moved { result, refused, send, tgid, plain: 0 }, target, goroutine);
}

/// Learns from the first bytes of a socket what it carries; says whether these are worth telling.
#[inline(always)]
fn speaks(
    scratch: *mut Scratch,
    connection: &mut Connection,
    buffer: Buffer,
    send: bool,
    length: u64,
    target: &Target,
    goroutine: Goroutine,
) -> bool {
    let midway = connection.state & state::MIDWAY != 0;
    let begins = connection.received | connection.sent == 0 || connection.carries & carries::PROXIED != 0;
    if !midway && !begins || connection.carries & carries::HTTP2 != 0 {
        return true;
    }
    let [first, _] = buffer.start();
    if !midway && proxied(scratch, connection, buffer, first, length) {
        return true;
    }
    // The header of a TLS record: type, and a version that has been 3.x for ever (RFC 8446, 5.1).
    let record = first as u32 & 0xffff;
    if length >= 2 && record == 0x0316
        || midway && length >= 2 && record & 0xff00 == 0x0300 && (0x14..=0x17).contains(&(record & 0xff))
    {
        if !midway {
            connection.carries |= carries::TLS;
            return false;
        }
        // Plaintext may look like it: it was not seen from its start.
        if send {
            connection.sent += length;
        } else {
            connection.received += length;
        }
        return false;
    }
    let is_preface = !midway && length >= 4 && first as u32 == u32::from_le_bytes(*b"PRI ");
    if is_preface || midway && is_http2(target, goroutine.start) {
        connection.carries |= carries::HTTP2;
    }
    true
}

/// Longest header of version 1 (PROXY protocol, 2.1).
const PROXY_V1: u32 = 107;

/// The bytes begin with a header of the PROXY protocol: what follows it is looked at instead. Of these bytes user space
/// wants to know in any case.
#[inline(always)]
fn proxied(scratch: *mut Scratch, connection: &mut Connection, buffer: Buffer, first: u64, length: u64) -> bool {
    if connection.carries & carries::PROXIED != 0 {
        connection.carries &= !carries::PROXIED;
        return false;
    }
    let mut end = 0;
    if first == u64::from_le_bytes(*b"\r\n\r\n\0\r\nQ") {
        // Two bytes of length behind twelve of signature and two of what it is for.
        let [high, low] = user::<[u8; 2]>(buffer.address + 14);
        end = 16 + (u64::from(high) << 8 | u64::from(low));
    } else if first as u32 == u32::from_le_bytes(*b"PROX") {
        // SAFETY: the array is longer than that.
        if unsafe { user_into((&raw mut (*scratch).bytes).cast(), buffer.address, PROXY_V1) } {
            end = line_end();
        }
    }
    if end == 0 {
        return false;
    }
    if end >= length {
        connection.carries |= carries::PROXIED;
    } else if user::<[u8; 2]>(buffer.address + end) == [0x16, 3] {
        connection.carries |= carries::TLS;
    }
    true
}

/// Where the line ends that the scratch entry holds; 0 where it does not. A function of its own as `pieces` is.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn line_end() -> u64 {
    let Some(scratch) = Scratch::of_this_thread() else { return 0 };
    for index in 0..PROXY_V1 as usize {
        // SAFETY: a map value lives until the program ends, and the array is longer than that.
        if unsafe { (*scratch).bytes[index] } == b'\n' {
            return index as u64 + 1;
        }
    }
    0
}

/// A goroutine that starts there reads or writes frames.
#[inline(always)]
fn is_http2(target: &Target, start: u64) -> bool {
    let [a, b] = target.http2_read;
    let [c, d, e, f, g, h] = target.http2_other;
    start == a || start == b || start == c || start == d || start == e || start == f || start == g || start == h
}

/// One call on a connection.
#[derive(Clone, Copy)]
pub(crate) struct Moved {
    pub(crate) result: i64,
    /// It would have had to wait.
    pub(crate) refused: bool,
    pub(crate) send: bool,
    pub(crate) tgid: u32,
    /// `flag::PLAIN`, or 0.
    pub(crate) plain: u8,
}

/// Tells of one call what user space may want of it.
#[inline(always)]
pub(crate) fn moved(
    sk: u64,
    connection: &mut Connection,
    scratch: *mut Scratch,
    buffer: Buffer,
    Moved { result, refused, send, tgid, plain }: Moved,
    target: &Target,
    goroutine: Goroutine,
) {
    let mut told = 0;
    if connection.state & state::INGRESS == 0 {
        // With fastProxy who serves a client writes to backends as well.
    } else if goroutine.start == target.serve
        || goroutine.start == target.http2_read[0]
        || goroutine.start == target.http2_read[1]
    {
        told = state::BOUND;
    } else if goroutine.start == target.background_read {
        told = state::HINTED;
    }
    if refused && told & !connection.state == 0 {
        return;
    }
    // Go tries before it waits, so that whoever waits for a client's next request is seen: the goroutine that serves
    // the connection, or one that it started to read ahead. Each is said once: who serves is known from then on.
    let news = told & !connection.state;
    connection.state |= told;
    let stream = if send { connection.sent } else { connection.received };
    let walks = result > 0 && connection.carries & carries::HTTP2 != 0;
    let mut flags = plain;
    if send {
        flags |= flag::SEND;
    }
    if walks {
        flags |= flag::FRAMES;
    }
    // Field by field, for there is no room on the stack.
    // SAFETY: the entry is this thread's.
    let (record, call, walk) = unsafe { (&mut (*scratch).record, &mut (*scratch).call, &mut (*scratch).walk) };
    record.head.kind = kind::TRANSFER;
    record.head.flags = flags;
    record.head.tgid = tgid;
    record.head.goroutine = goroutine;
    ring::stamp(&mut record.head);
    record.connection = connection.id;
    record.offset = stream;
    record.result = result;
    record.fd = connection.fd;
    record.responses = connection.responses;
    record.continued = 0;
    record.left = 0;
    let mut length = buffer.length;
    let mut responses = 0;
    if result > 0 {
        length = result as u64;
        if send {
            connection.sent = stream + length;
            if !walks && connection.state & state::DIALLED == 0 && is_final_response(buffer.start()) {
                connection.responses += 1;
                record.responses = connection.responses;
                responses = 1;
            }
        } else {
            connection.received = stream + length;
        }
    } else if !send || result == 0 || connection.carries & carries::TLS != 0 {
        // Of a failed send: what would have been sent, for it may be a response that a client did not wait for.
        length = 0;
    }
    let owner = Scratch::take_at(scratch, record.head.time);
    call.address = buffer.address;
    call.vectors = buffer.vectors;
    call.length = length;
    call.faults = 0;
    call.lost = 0;
    call.pieces = stream;
    if walks {
        let Some(frames) = maps::frames(sk) else { return };
        // SAFETY: a map value lives until the program ends.
        let [receive, to_send] = unsafe { &mut *frames };
        let frames = if send { to_send } else { receive };
        if frames.begun == 0 {
            frames.begun = 1;
            frames.told = stream;
            let by_client = send == (connection.state & state::INGRESS == 0);
            if connection.state & state::MIDWAY != 0 {
                frames.unsure = 2;
                frames.resumed = 1;
            } else if by_client {
                // A client begins with a text that is no frame.
                frames.left = PREFACE;
            }
        }
        walk.frames = *frames;
        walk.position = 0;
        walk.filled = 0;
        walk.continued = 0;
        walk.fresh = 0;
        // Who serves is told even where the bytes say nothing.
        walk.ended = u32::from(news != 0);
        walk.data = u32::from(wants_data(connection.id));
        walk.opens = u32::from(!send && connection.state & state::INGRESS != 0);
        walk.opened = 0;
        responses = u64::from(frames::send(scratch, owner));
        *frames = walk.frames;
        connection.responses += responses as u32;
    } else {
        pieces::send(owner);
    }
    // SAFETY: as above.
    if unsafe { (*scratch).call.lost } != 0 {
        connection.state &= !told;
    }
    // After its record: whoever reads the total first and the ring then misses nothing that is in it.
    if responses > 0 {
        maps::count(|tally| tally.responses += responses);
    }
}

/// Payloads of DATA are to be copied: somebody may ask for them, and there is room.
#[inline(always)]
fn wants_data(id: u64) -> bool {
    let Some(skip) = SKIPS.get_ptr(&id) else { return ring::waiting() <= u64::from(offset!(pressure)) };
    // SAFETY: a map value lives until the program ends.
    let leave = unsafe { (*skip).data } == data::LEAVE;
    !leave && ring::waiting() <= u64::from(offset!(pressure))
}

/// Where the bytes of a call are in the process.
#[derive(Clone, Copy)]
pub(crate) struct Buffer {
    pub(crate) address: u64,
    /// The address is that of the first `iovec`, and this many follow each other.
    pub(crate) vectors: u64,
    pub(crate) length: u64,
}

impl Buffer {
    #[inline(always)]
    fn of(registers: &Registers) -> Self {
        let [_, second, third] = registers.arguments;
        match registers.syscall {
            number::READ | number::WRITE | number::SENDTO | number::RECVFROM => {
                Self { address: second, vectors: 0, length: third }
            }
            number::READV | number::WRITEV => Self { address: second, vectors: third, length: 0 },
            number::SENDMSG | number::RECVMSG => {
                // `struct user_msghdr`: msg_iov at 16, msg_iovlen at 24 (include/linux/socket.h).
                let [address, vectors] = user::<[u64; 2]>(second + 16);
                Self { address, vectors, length: 0 }
            }
            // sendfile, splice: the bytes are in no buffer of the process.
            _ => Self { address: 0, vectors: 0, length: 0 },
        }
    }

    /// Its first bytes.
    #[inline(always)]
    fn start(self) -> [u64; 2] {
        let mut address = self.address;
        if self.vectors != 0 {
            address = user(address);
        }
        user(address)
    }
}

/// `HTTP/1.x NNN`. The head of a final response starts at the start of a send: net/http empties its buffer after
/// each response. Interim ones (1xx but 101) do not count.
#[inline(always)]
fn is_final_response([protocol, status]: [u64; 2]) -> bool {
    let http = (protocol ^ u64::from_le_bytes(*b"HTTP/1.\0")) & 0x00ff_ffff_ffff_ffff;
    let status = status & 0xffff_ffff;
    let switching = status == u64::from(u32::from_le_bytes(*b" 101"));
    let interim = status & 0xffff == u64::from(u16::from_le_bytes(*b" 1"));
    http == 0 && (!interim || switching)
}
