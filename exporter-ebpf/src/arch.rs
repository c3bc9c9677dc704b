//! Registers: where Go's calling convention and the kernel's system calls keep what we read.
//!
//! Go: `cmd/compile/abi-internal.md` (1.17 and later). System calls: `arch/*/include/asm/syscall.h`.

use aya_ebpf::bindings::pt_regs;
use aya_ebpf::helpers::generated::{bpf_get_current_task, bpf_get_current_task_btf, bpf_task_pt_regs};

use crate::memory::{field, kernel, offset};

/// What of a thread's user registers is looked at: read once, for every read through a helper costs as much as the
/// rest of a short program.
#[derive(Clone, Copy, Default)]
pub(crate) struct Registers {
    /// Go's current goroutine.
    pub(crate) g: u64,
    pub(crate) stack: u64,
    pub(crate) syscall: u64,
    /// Arguments of a system call.
    pub(crate) arguments: [u64; 3],
    /// First words of the arguments of a Go function.
    pub(crate) go: [u64; 4],
    /// Of a Go function that is a closure: where its variables are.
    pub(crate) closure: u64,
}

impl Registers {
    /// From a copy.
    #[cfg(bpf_target_arch = "x86_64")]
    #[inline(always)]
    fn of(registers: &pt_regs) -> Self {
        Self {
            g: registers.r14,
            stack: registers.rsp,
            syscall: registers.orig_rax,
            arguments: [registers.rdi, registers.rsi, registers.rdx],
            go: [registers.rax, registers.rbx, registers.rcx, registers.rdi],
            closure: registers.rdx,
        }
    }

    /// From a copy.
    #[cfg(bpf_target_arch = "aarch64")]
    #[inline(always)]
    fn of(registers: &pt_regs) -> Self {
        Self {
            g: registers.regs[28],
            stack: registers.sp,
            syscall: registers.regs[8],
            arguments: [registers.regs[0], registers.regs[1], registers.regs[2]],
            go: [registers.regs[0], registers.regs[1], registers.regs[2], registers.regs[3]],
            closure: registers.regs[26],
        }
    }

    /// Of a uprobe: its context, which a program may read directly.
    ///
    /// # Safety
    /// `registers` must be a program's context.
    #[inline(always)]
    pub(crate) unsafe fn context(registers: *const pt_regs) -> Self {
        // SAFETY: the caller's word.
        Self::of(unsafe { &*registers })
    }

    /// Through a pointer that the verifier knows nothing of: word by word, for a whole copy would fill a third of the
    /// program's stack.
    #[inline(always)]
    pub(crate) fn read(registers: u64) -> Self {
        let registers: *const pt_regs = core::ptr::with_exposed_provenance(registers as usize);
        // SAFETY: only addresses are taken; the reads are checked by the kernel.
        #[cfg(bpf_target_arch = "x86_64")]
        unsafe {
            Self {
                syscall: kernel(&raw const (*registers).orig_rax),
                g: kernel(&raw const (*registers).r14),
                stack: kernel(&raw const (*registers).rsp),
                arguments: [
                    kernel(&raw const (*registers).rdi),
                    kernel(&raw const (*registers).rsi),
                    kernel(&raw const (*registers).rdx),
                ],
                go: [0; 4],
                closure: 0,
            }
        }
        // SAFETY: as above.
        #[cfg(bpf_target_arch = "aarch64")]
        unsafe {
            Self {
                syscall: kernel(&raw const (*registers).regs[8]),
                g: kernel(&raw const (*registers).regs[28]),
                stack: kernel(&raw const (*registers).sp),
                arguments: [
                    kernel(&raw const (*registers).regs[0]),
                    kernel(&raw const (*registers).regs[1]),
                    kernel(&raw const (*registers).regs[2]),
                ],
                go: [0; 4],
                closure: 0,
            }
        }
    }

    /// Those of the current task, from inside a system call.
    #[inline(always)]
    pub(crate) fn current() -> Self {
        let size = offset!(stack_size);
        if size == 0 {
            // SAFETY: helpers of 5.11 and 5.15, whose result the verifier knows to be a `struct pt_regs`; it does not
            // look at this branch where the constant is set.
            unsafe {
                let registers = bpf_task_pt_regs(bpf_get_current_task_btf());
                let registers: *const pt_regs = core::ptr::with_exposed_provenance(registers as usize);
                return Self::of(&*registers);
            }
        }
        // SAFETY: a helper without arguments.
        let task = unsafe { bpf_get_current_task() };
        let stack: u64 = field(task, offset!(task_stack));
        Self::read(stack + u64::from(size) - size_of::<pt_regs>() as u64)
    }
}

#[cfg(bpf_target_arch = "x86_64")]
pub(crate) mod number {
    pub(crate) const READ: u64 = 0;
    pub(crate) const WRITE: u64 = 1;
    pub(crate) const READV: u64 = 19;
    pub(crate) const WRITEV: u64 = 20;
    pub(crate) const CONNECT: u64 = 42;
    pub(crate) const SENDTO: u64 = 44;
    pub(crate) const RECVFROM: u64 = 45;
    pub(crate) const SENDMSG: u64 = 46;
    pub(crate) const RECVMSG: u64 = 47;
}

#[cfg(bpf_target_arch = "aarch64")]
pub(crate) mod number {
    pub(crate) const READ: u64 = 63;
    pub(crate) const WRITE: u64 = 64;
    pub(crate) const READV: u64 = 65;
    pub(crate) const WRITEV: u64 = 66;
    pub(crate) const CONNECT: u64 = 203;
    pub(crate) const SENDTO: u64 = 206;
    pub(crate) const RECVFROM: u64 = 207;
    pub(crate) const SENDMSG: u64 = 211;
    pub(crate) const RECVMSG: u64 = 212;
}
