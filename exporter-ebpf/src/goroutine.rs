//! Which goroutine runs on this thread: read through the register that Go keeps it in, also inside system calls.
//!
//! Go 1.26 `internal/runtime/syscall/linux/asm_linux_amd64.s` leaves R14 (R28) alone; `abi-internal.md` names it.

use hoptap_ebpf::{G_WORDS, Goroutine, Target};

use crate::arch::Registers;
use crate::memory::{user, user_into};

/// The first words of a `runtime.g`: one read for all that is looked at.
pub(crate) type Words = [u64; G_WORDS];

#[unsafe(no_mangle)]
static ZERO: u64 = 0;

/// No goroutine. Its zeroes are read: where the compiler knows them it calls a function that clears byte by byte, which
/// takes longer than all else that is done for a transfer here.
#[inline(always)]
pub(crate) fn none() -> Goroutine {
    // SAFETY: a read of our own constant.
    let zero = unsafe { (&raw const ZERO).read_volatile() };
    Goroutine { id: zero, parent: zero, start: zero }
}

/// The zero goroutine where the register does not hold one: a signal stack, cgo, the scheduler's own stack. `words`
/// is room to work in.
#[inline(always)]
pub(crate) fn current_in(target: &Target, registers: &Registers, words: *mut Words) -> Goroutine {
    // SAFETY: the room is as large as what is read into it.
    if !unsafe { user_into(words.cast(), registers.g, size_of::<Words>() as u32) } {
        return Goroutine::default();
    }
    let word = |index: u32| {
        if index as usize >= G_WORDS {
            return 0;
        }
        // SAFETY: it was written whole, and the index is in it.
        unsafe { *words.cast::<u64>().add(index as usize) }
    };
    // `runtime.g` starts with `stack.lo, stack.hi`: whoever runs on `g` has its stack pointer between them.
    let id = word(target.goid);
    if registers.stack < word(0) || registers.stack >= word(1) || id == 0 {
        return Goroutine::default();
    }
    Goroutine { id, parent: word(target.parent_goid), start: word(target.startpc) }
}

/// The same word by word, where it is seldom asked and there is no room.
#[inline(always)]
pub(crate) fn current_by_words(target: &Target, registers: &Registers) -> Goroutine {
    let word = |index: u32| user::<u64>(registers.g + u64::from(index) * 8);
    let id = word(target.goid);
    if registers.stack < word(0) || registers.stack >= word(1) || id == 0 {
        return Goroutine::default();
    }
    Goroutine { id, parent: word(target.parent_goid), start: word(target.startpc) }
}
