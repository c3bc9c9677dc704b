//! Programs that start: one of them may be a Traefik.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use hoptap_ebpf::{Bare, Goroutine, kind};

use crate::ring;

#[raw_tracepoint(tracepoint = "sched_process_exec")]
pub(crate) fn sched_process_exec(_: RawTracePointContext) -> i32 {
    let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    ring::send(Bare { head: ring::head(kind::EXEC, 0, tgid, Goroutine::default()) });
    0
}
