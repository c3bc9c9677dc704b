//! `sys_exit` (5.8 and later): for kernels without the socket tracepoints. At the exit the registers still hold the
//! arguments, so nothing has to be remembered from the entry.

use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_get_current_task};
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;

use crate::arch::{Registers, number};
use crate::maps::PROCESSES;
use crate::memory::{field, offset};
use crate::transfer::transfer;

const S_IFMT: u16 = 0o170_000;
const S_IFSOCK: u16 = 0o140_000;

/// Arguments (include/trace/events/syscalls.h): `struct pt_regs *regs, long ret`.
#[raw_tracepoint(tracepoint = "sys_exit")]
pub(crate) fn sys_exit(context: RawTracePointContext) -> i32 {
    let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    let Some(target) = PROCESSES.get_ptr(&tgid) else { return 0 };
    let registers = Registers::read(context.arg(0));
    let send = match registers.syscall {
        number::READ | number::READV | number::RECVFROM | number::RECVMSG => false,
        number::WRITE | number::WRITEV | number::SENDTO | number::SENDMSG => true,
        _ => return 0,
    };
    let Some(sk) = socket(registers.arguments[0]) else { return 0 };
    // SAFETY: a map value lives until the program ends.
    transfer(sk, context.arg::<u64>(1) as i64, send, tgid, unsafe { &*target }, Some(registers));
    0
}

/// The `struct sock *` behind a file descriptor of the current task.
#[inline(always)]
pub(crate) fn socket(fd: u64) -> Option<u64> {
    // SAFETY: a helper without arguments.
    let task = unsafe { bpf_get_current_task() };
    let files: u64 = field(task, offset!(task_files));
    let table: u64 = field(files, offset!(files_fdt));
    let max: u32 = field(table, offset!(fdt_max));
    if fd >= u64::from(max) {
        return None;
    }
    let array: u64 = field(table, offset!(fdt_fd));
    let file: u64 = field(array + fd * 8, 0);
    let inode: u64 = field(file, offset!(file_inode));
    if field::<u16>(inode, offset!(inode_mode)) & S_IFMT != S_IFSOCK {
        return None;
    }
    let socket: u64 = field(file, offset!(file_private));
    let sk: u64 = field(socket, offset!(socket_sk));
    (sk != 0).then_some(sk)
}
