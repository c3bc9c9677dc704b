//! TLS: the bytes before they are encrypted, and after they were decrypted, as if they went through the socket.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use hoptap_ebpf::{Connection, Goroutine, SessionKey, SessionSocket, Target, Tls, carries, flag, kind, state};

use crate::arch::Registers;
use crate::connection;
use crate::goroutine;
use crate::maps::{CONNECTIONS, EVENTS, PROCESSES, SESSIONS, Scratch};
use crate::memory::{field, offset, try_user, user};
use crate::probes::{Str, descriptor, text};
use crate::ring;
use crate::syscall::socket;
use crate::transfer::{Buffer, Moved, moved};

/// `recordTypeApplicationData` (RFC 8446, 5.1).
const APPLICATION_DATA: u64 = 23;

/// `crypto/tls.(*Conn).Write([]byte)`.
#[uprobe]
pub(crate) fn tls_write(context: ProbeContext) -> u32 {
    // SAFETY: the context is what the program was called with.
    let registers = unsafe { Registers::context(context.regs) };
    let [session, address, length, _] = registers.go;
    plain(session, address, length, true, &registers);
    0
}

/// Inside `crypto/tls.(*Conn).readRecordOrCCS`, the jump behind the call of `(*halfConn).decrypt`, which gives
/// `([]byte, recordType, error)`: one hit for each record, where `Read` would need one for each piece that is asked for.
#[uprobe]
pub(crate) fn tls_read(context: ProbeContext) -> u32 {
    // SAFETY: the context is what the program was called with.
    let registers = unsafe { Registers::context(context.regs) };
    let [address, length, _, kind] = registers.go;
    if kind & 0xff != APPLICATION_DATA || length == 0 {
        return 0;
    }
    let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    let Some(target) = PROCESSES.get_ptr(&tgid) else { return 0 };
    // SAFETY: a map value lives until the program ends.
    let session = user(registers.stack + u64::from(unsafe { (*target).tls.slot }));
    plain(session, address, length, false, &registers);
    0
}

#[inline(always)]
fn plain(session: u64, address: u64, length: u64, send: bool, registers: &Registers) {
    let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    let Some(target) = PROCESSES.get_ptr(&tgid) else { return };
    // SAFETY: a map value lives until the program ends.
    let target = unsafe { &*target };
    if length == 0 {
        return;
    }
    let Some(scratch) = Scratch::of_this_thread() else { return };
    let Some((sk, connection)) = known(session, tgid).or_else(|| find(session, tgid, target)) else { return };
    // SAFETY: as above; Go holds a lock on either direction of a session.
    let connection = unsafe { &mut *connection };
    let quiet = connection.state & state::BOUND != 0 || !send && connection.state & state::DIALLED != 0;
    let goroutine = if quiet {
        Goroutine::default()
    } else {
        // SAFETY: the entry is this thread's.
        goroutine::current_in(target, registers, unsafe { &raw mut (*scratch).goroutine })
    };
    let buffer = Buffer { address, vectors: 0, length };
    let call = Moved { result: length as i64, refused: false, send, tgid, plain: flag::PLAIN };
    moved(sk, connection, scratch, buffer, call, target, goroutine);
}

/// The connection of a session that was seen before.
#[inline(always)]
fn known(address: u64, tgid: u32) -> Option<(u64, *mut Connection)> {
    let session = SESSIONS.get_ptr(&SessionKey { address, tgid: u64::from(tgid) })?;
    // SAFETY: a map value lives until the program ends.
    let SessionSocket { sk, connection: id } = unsafe { *session };
    let connection = CONNECTIONS.get_ptr_mut(&sk)?;
    // A session may lie where another one lay whose socket still lingers: that one is no file any more.
    // SAFETY: as above.
    let same = unsafe { (*connection).id == id && (*connection).tls == address };
    (same && field::<u64>(sk, offset!(sk_socket)) != 0).then_some((sk, connection))
}

/// The connection of a session that is new to us.
#[inline(always)]
fn find(address: u64, tgid: u32, target: &Target) -> Option<(u64, *mut Connection)> {
    // `Conn.conn` is its first field.
    let fd = descriptor(target, address)?;
    let sk = socket(fd as u64)?;
    let connection = match CONNECTIONS.get_ptr_mut(&sk) {
        Some(connection) => connection,
        None if connection::is_tcp(sk) && !connection::is_gone(sk) => {
            connection::open(sk, tgid, fd, false, Goroutine::default())?
        }
        None => return None,
    };
    connection::used(sk, connection, tgid, target, Goroutine::default());
    // SAFETY: a map value lives until the program ends.
    let of = unsafe { &mut *connection };
    of.fd = fd;
    // The two directions may be used for the first time at once: both say what it carries, and either may tell of it.
    let told = of.tls == address;
    of.tls = address;
    begin(of, address, target, told);
    let session = SessionSocket { sk, connection: of.id };
    // Without it the way is looked for again each time.
    let _ = SESSIONS.insert(&SessionKey { address, tgid: u64::from(tgid) }, &session, 0);
    Some((sk, connection))
}

/// A session begins, or is seen for the first time.
#[inline(always)]
fn begin(connection: &mut Connection, address: u64, target: &Target, told: bool) {
    let layout = &target.tls;
    let at = |offset: u32| address + u64::from(offset);
    let protocol = try_user::<Str>(at(layout.protocol)).unwrap_or(Str { address: 0, length: 0 });
    connection.carries |= carries::TLS;
    if protocol.length == 2 && user::<[u8; 2]>(protocol.address) == *b"h2" {
        connection.carries |= carries::HTTP2;
    }
    if told {
        return;
    }
    let server_name = try_user::<Str>(at(layout.server_name)).unwrap_or(Str { address: 0, length: 0 });
    let head = ring::head(kind::TLS, 0, connection.tgid, Goroutine::default());
    let Some(mut entry) = EVENTS.reserve::<Tls>(0) else {
        ring::lost(1);
        return;
    };
    let record = entry.as_mut_ptr();
    // SAFETY: every field is written before the record is submitted; slots past `read` are never looked at.
    unsafe {
        (*record).head = head;
        (*record).connection = connection.id;
        (*record).version = user(at(layout.version));
        (*record).cipher = user(at(layout.cipher));
        (*record).resumed = user(at(layout.resumed));
        (*record).client = user(at(layout.client));
        (*record).spare = 0;
        text(&raw mut (*record).server_name, server_name);
        text(&raw mut (*record).protocol, protocol);
    }
    entry.submit(u64::from(aya_ebpf::bindings::BPF_RB_NO_WAKEUP));
}
