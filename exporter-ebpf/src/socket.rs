//! `sock_send_length` and `sock_recv_length` (6.3 and later): after the socket call, inside the system call.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;

use crate::maps::PROCESSES;
use crate::transfer::transfer;

#[raw_tracepoint(tracepoint = "sock_send_length")]
pub(crate) fn sock_send_length(context: RawTracePointContext) -> i32 {
    socket(&context, true);
    0
}

#[raw_tracepoint(tracepoint = "sock_recv_length")]
pub(crate) fn sock_recv_length(context: RawTracePointContext) -> i32 {
    socket(&context, false);
    0
}

const MSG_PEEK: u64 = 2;

/// Arguments (include/trace/events/sock.h, 6.3): `struct sock *sk, int ret, int flags`.
#[inline(always)]
fn socket(context: &RawTracePointContext, send: bool) {
    let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    let Some(target) = PROCESSES.get_ptr(&tgid) else { return };
    if context.arg::<u64>(2) & MSG_PEEK != 0 {
        return;
    }
    let result = i64::from(context.arg::<u64>(1) as i32);
    // SAFETY: a map value lives until the program ends.
    transfer(context.arg(0), result, send, tgid, unsafe { &*target }, None);
}
