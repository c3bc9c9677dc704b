//! Dials, closes and ends of TCP sockets: `inet_sock_set_state` (4.16 and later).

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::helpers::bpf_ktime_get_ns;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use hoptap_ebpf::{Bare, Ended, Goroutine, SessionKey, State, carries, flag, kind};

use crate::arch::{Registers, number};
use crate::connection;
use crate::goroutine;
use crate::maps::{self, CONNECTIONS, ENDED, FRAMES, LISTENERS, PROCESSES, SESSIONS, SKIPS};
use crate::memory::{field, offset};
use crate::ring;

// include/net/tcp_states.h
const ESTABLISHED: u32 = 1;
const SYN_SENT: u32 = 2;
const SYN_RECV: u32 = 3;
const CLOSE: u32 = 7;
const LISTEN: u32 = 10;

/// Arguments (include/trace/events/sock.h): `const struct sock *sk, int oldstate, int newstate`.
#[raw_tracepoint(tracepoint = "inet_sock_set_state")]
pub(crate) fn inet_sock_set_state(context: RawTracePointContext) -> i32 {
    let sk: u64 = context.arg(0);
    let old = context.arg::<u64>(1) as u32;
    let new = context.arg::<u64>(2) as u32;
    if new == SYN_SENT && old == CLOSE {
        dialled(sk);
    } else if new == ESTABLISHED && old == SYN_RECV {
        connection::accepted(sk);
    } else if new == LISTEN {
        listens(sk);
    } else {
        changed(sk, old as u8, new as u8);
    }
    0
}

/// Inside `connect`, on the dialler's thread; the peer's address is set (net/ipv4/tcp_ipv4.c, `tcp_v4_connect`).
#[inline(always)]
fn dialled(sk: u64) {
    let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    let Some(target) = PROCESSES.get_ptr(&tgid) else { return };
    let registers = Registers::current();
    let fd = if registers.syscall == number::CONNECT { registers.arguments[0] as i32 } else { -1 };
    // SAFETY: a map value lives until the program ends.
    let goroutine = goroutine::current_by_words(unsafe { &*target }, &registers);
    connection::open(sk, tgid, fd, true, goroutine);
}

/// Inside `listen`, on a thread of the process.
#[inline(always)]
fn listens(sk: u64) {
    let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    if PROCESSES.get_ptr(&tgid).is_none() {
        return;
    }
    let port = field::<u16>(sk, offset!(sk_num));
    let _ = LISTENERS.insert(&port, &1, 0);
    ring::send(Bare { head: ring::head(kind::LISTEN, 0, tgid, Goroutine::default()) });
    // Who connects to it is soon there.
    ring::rouse();
}

#[inline(always)]
fn changed(sk: u64, old: u8, new: u8) {
    let Some(connection) = CONNECTIONS.get_ptr(&sk) else { return };
    // SAFETY: a map value lives until the program ends.
    let (id, owner, responses) = unsafe { ((*connection).id, (*connection).tgid, (*connection).responses) };
    // SAFETY: as above.
    let (carried, tls) = unsafe { ((*connection).carries, (*connection).tls) };
    let (sealed, speaks_http2) = (carried & carries::TLS != 0, carried & carries::HTTP2 != 0);
    if owner == 0 {
        if u32::from(new) == CLOSE {
            let _ = CONNECTIONS.remove(&sk);
        }
        return;
    }
    let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    // In an interrupt the current task is whoever was interrupted: user space believes the goroutine only for
    // changes that the process itself makes.
    let goroutine = match PROCESSES.get_ptr(&tgid) {
        // SAFETY: as above.
        Some(target) if tgid == owner => goroutine::current_by_words(unsafe { &*target }, &Registers::current()),
        _ => Goroutine::default(),
    };
    let error = field(sk, offset!(sk_err));
    let sent = ring::send(State {
        head: ring::head(kind::STATE, if sealed { flag::SEALED } else { 0 }, owner, goroutine),
        connection: id,
        old,
        new,
        spare: 0,
        error,
        responses,
        spare2: 0,
        addresses: connection::addresses(sk),
    });
    if u32::from(new) == CLOSE {
        let _ = CONNECTIONS.remove(&sk);
        let _ = SKIPS.remove(&id);
        if speaks_http2 {
            let _ = FRAMES.remove(&sk);
        }
        if tls != 0 {
            let _ = SESSIONS.remove(&SessionKey { address: tls, tgid: u64::from(owner) });
        }
        if !sent {
            // SAFETY: a helper without arguments.
            let time = unsafe { bpf_ktime_get_ns() };
            let ended = Ended { time, tgid: owner, responses, error, sealed: u32::from(sealed) };
            if ENDED.insert(&id, &ended, 0).is_err() {
                maps::count(|tally| tally.map_full += 1);
            }
        }
    }
}
