//! Bytes moved on a socket: the one handler behind the socket tracepoints and behind `sys_exit`.

use core::ptr;

use hoptap_ebpf::{Goroutine, Target, Transfer, flag, kind, state};

use crate::arch::{Registers, number};
use crate::connection;
use crate::goroutine;
use crate::maps::{self, CONNECTIONS, Call, SCRATCH};
use crate::memory::user;
use crate::{pieces, ring};

const EAGAIN: i64 = 11;
const EINTR: i64 = 4;

/// `result`: bytes moved, 0 at the end of the stream, or `-errno`.
#[inline(always)]
pub(crate) fn transfer(
    sk: u64,
    result: i64,
    send: bool,
    tgid: u32,
    target: &Target,
    registers: impl FnOnce() -> Registers,
) {
    let refused = result == -EAGAIN || result == -EINTR;
    if refused && send {
        return;
    }
    let known = CONNECTIONS.get_ptr_mut(&sk);
    // SAFETY: a map value lives until the program ends.
    let state = known.map_or(0, |connection| unsafe { (*connection).state });
    if refused && state & (state::BOUND | state::DIALLED) != 0 {
        return;
    }
    let registers = &registers();
    let Some(scratch) = SCRATCH.get_ptr_mut(0) else { return };
    // Who serves a client is said once, and of what comes from a backend it does not matter who reads it.
    let quiet = state & state::BOUND != 0 || !send && state & state::DIALLED != 0;
    let goroutine = if quiet {
        Goroutine::default()
    } else {
        // SAFETY: the scratch entry is this CPU's own.
        goroutine::current_in(target, registers, unsafe { &raw mut (*scratch).goroutine })
    };
    let fd = registers.arguments[0] as i32;
    let pointer = match known {
        Some(connection) => connection,
        None => {
            // What fails on a socket that the network has ended already says nothing new.
            if result <= 0 && !refused || !connection::is_tcp(sk) {
                return;
            }
            match connection::open(sk, tgid, fd, false, goroutine) {
                Some(connection) => connection,
                None => {
                    if send && result > 0 && is_final_response(Buffer::of(registers).start()) {
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
    if connection.tgid == 0 {
        connection.tgid = tgid;
        connection::announce(sk, pointer, 0, goroutine);
    } else if connection.state & state::ANNOUNCED == 0 {
        // There was no room to say so when it appeared: what went by since is not known.
        connection::announce(sk, pointer, flag::FOUND, goroutine);
    }
    let mut told = 0;
    if connection.state & state::INGRESS == 0 {
        // With fastProxy who serves a client writes to backends as well.
    } else if goroutine.start == target.serve {
        told = state::BOUND;
    } else if goroutine.start == target.background_read {
        told = state::HINTED;
    }
    if refused && told & !connection.state == 0 {
        return;
    }
    // Go tries before it waits, so that whoever waits for a client's next request is seen: the goroutine that serves
    // the connection, or one that it started to read ahead. Each is said once: who serves is known from then on.
    connection.state |= told;
    let stream = if send { connection.sent } else { connection.received };
    let mut record = Transfer {
        head: ring::head(kind::TRANSFER, if send { flag::SEND } else { 0 }, tgid, goroutine),
        connection: connection.id,
        offset: stream,
        result,
        fd,
        responses: connection.responses,
        captured: 0,
        spare: 0,
    };
    let buffer = Buffer::of(registers);
    let mut length = buffer.length;
    let mut responses = 0;
    if result > 0 {
        length = result as u64;
        if send {
            connection.sent = stream + length;
            if connection.state & state::DIALLED == 0 && is_final_response(buffer.start()) {
                connection.responses += 1;
                record.responses = connection.responses;
                responses = 1;
            }
        } else {
            connection.received = stream + length;
        }
    } else if !send || result == 0 {
        // Of a failed send: what would have been sent, for it may be a response that a client did not wait for.
        length = 0;
    }
    let call = Call { address: buffer.address, vectors: buffer.vectors, length, faults: 0, lost: 0, pieces: 0 };
    // SAFETY: the scratch entry is this CPU's own.
    unsafe {
        ptr::write(&raw mut (*scratch).record, record);
        ptr::write(&raw mut (*scratch).call, call);
    }
    pieces::send();
    // SAFETY: as above.
    if unsafe { (*scratch).call.lost } != 0 {
        connection.state &= !told;
    }
    // After its record: whoever reads the total first and the ring then misses nothing that is in it.
    if responses > 0 {
        maps::count(|tally| tally.responses += responses);
    }
}

/// Where the bytes of a call are in the process.
#[derive(Clone, Copy)]
struct Buffer {
    address: u64,
    /// The address is that of the first `iovec`, and this many follow each other.
    vectors: u64,
    length: u64,
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
