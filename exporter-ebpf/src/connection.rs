//! Sockets of traced processes: known by `struct sock *` from their first transfer, or from their dial, to their end.

use aya_ebpf::bindings::BPF_RB_NO_WAKEUP;
use aya_ebpf::helpers::{bpf_get_smp_processor_id, bpf_ktime_get_ns};
use hoptap_ebpf::{Addresses, Connection, Goroutine, Open, Target, flag, kind, state};

use crate::maps::{self, CONNECTIONS, EVENTS, LISTENERS};
use crate::memory::{field, offset};
use crate::ring;

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const IPPROTO_TCP: u16 = 6;

#[inline(always)]
pub(crate) fn is_tcp(sk: u64) -> bool {
    let family = field::<u16>(sk, offset!(sk_family));
    // `sk_protocol` is a u16 since 5.6 (include/net/sock.h).
    (family == AF_INET || family == AF_INET6) && field::<u16>(sk, offset!(sk_protocol)) == IPPROTO_TCP
}

#[inline(always)]
pub(crate) fn addresses(sk: u64) -> Addresses {
    let family = field::<u16>(sk, offset!(sk_family));
    let mut addresses = Addresses {
        family,
        local_port: field(sk, offset!(sk_num)),
        peer_port: field(sk, offset!(sk_dport)),
        spare: 0,
        local: [0; 16],
        peer: [0; 16],
    };
    if family == AF_INET6 {
        addresses.local = field(sk, offset!(sk_v6_rcv_saddr));
        addresses.peer = field(sk, offset!(sk_v6_daddr));
    } else {
        let local: [u8; 4] = field(sk, offset!(sk_rcv_saddr));
        let peer: [u8; 4] = field(sk, offset!(sk_daddr));
        [addresses.local[0], addresses.local[1], addresses.local[2], addresses.local[3]] = local;
        [addresses.peer[0], addresses.peer[1], addresses.peer[2], addresses.peer[3]] = peer;
    }
    addresses
}

/// The network has ended it: it will be another socket.
#[inline(always)]
pub(crate) fn is_gone(sk: u64) -> bool {
    field::<u16>(sk, offset!(sk_num)) == 0
}

/// Enters a socket that a traced process dialled, or was found to use, and says so.
#[inline(always)]
pub(crate) fn open(sk: u64, tgid: u32, fd: i32, dialled: bool, goroutine: Goroutine) -> Option<*mut Connection> {
    let state = if dialled {
        state::DIALLED
    } else if came_in(sk) {
        state::INGRESS | state::MIDWAY
    } else {
        state::MIDWAY
    };
    let connection = enter(sk, tgid, fd, state)?;
    announce(sk, connection, if dialled { flag::DIALLED } else { flag::FOUND }, goroutine);
    Some(connection)
}

/// Enters a socket whose user is not known yet.
#[inline(always)]
pub(crate) fn accepted(sk: u64) {
    if came_in(sk) {
        enter(sk, 0, -1, state::INGRESS);
    }
}

#[inline(always)]
fn came_in(sk: u64) -> bool {
    let port = field::<u16>(sk, offset!(sk_num));
    LISTENERS.get_ptr(&port).is_some()
}

#[inline(always)]
fn enter(sk: u64, tgid: u32, fd: i32, state: u32) -> Option<*mut Connection> {
    // Unique without a shared counter: one CPU gives no two of the same nanosecond.
    // SAFETY: helpers without arguments.
    let id = unsafe { (bpf_ktime_get_ns() << 8) | (u64::from(bpf_get_smp_processor_id()) & 0xff) };
    let connection = Connection {
        id,
        received: 0,
        sent: 0,
        responses: 0,
        tgid,
        fd,
        state,
        carries: 0,
        tables: [0; 2],
        spare: 0,
        tls: 0,
    };
    if CONNECTIONS.insert(&sk, &connection, 0).is_err() {
        maps::count(|tally| tally.map_full += 1);
        return None;
    }
    CONNECTIONS.get_ptr_mut(&sk)
}

/// A traced process uses a socket: says so once.
#[inline(always)]
pub(crate) fn used(sk: u64, connection: *mut Connection, tgid: u32, target: &Target, goroutine: Goroutine) {
    // SAFETY: a map value lives until the program ends.
    let (owner, state, since) = unsafe { ((*connection).tgid, (*connection).state, (*connection).id >> 8) };
    if owner == 0 {
        // Of what it carried before the process was traced nothing was seen.
        let found = since < target.since;
        // SAFETY: as above.
        unsafe {
            (*connection).tgid = tgid;
            (*connection).state |= if found { state::MIDWAY } else { 0 };
        }
        announce(sk, connection, if found { flag::FOUND } else { 0 }, goroutine);
    } else if state & state::ANNOUNCED == 0 {
        // There was no room to say so when it appeared: what went by since is not known.
        announce(sk, connection, flag::FOUND, goroutine);
    }
}

/// Says that a socket is there. Where that finds no room it is said again at the next transfer.
#[inline(always)]
pub(crate) fn announce(sk: u64, connection: *mut Connection, flags: u8, goroutine: Goroutine) {
    if told(sk, connection, flags, &goroutine) {
        // SAFETY: a map value lives until the program ends.
        unsafe { (*connection).state |= state::ANNOUNCED };
    }
}

/// Says that it is there, if there is room to. Not inlined, and written where it is to lie: kernels before 6.12 have 512
/// bytes of stack for a program and what it calls.
#[inline(never)]
fn told(sk: u64, connection: *mut Connection, flags: u8, goroutine: &Goroutine) -> bool {
    let Some(mut entry) = EVENTS.reserve::<Open>(0) else {
        ring::lost(1);
        return false;
    };
    let record = entry.as_mut_ptr();
    // SAFETY: a map value lives until the program ends; every field is written before the record is submitted.
    unsafe {
        (*record).head = ring::head(kind::OPEN, flags, (*connection).tgid, *goroutine);
        (*record).connection = (*connection).id;
        (*record).fd = (*connection).fd;
        (*record).spare = 0;
        (*record).addresses = addresses(sk);
    }
    entry.submit(u64::from(BPF_RB_NO_WAKEUP));
    true
}
