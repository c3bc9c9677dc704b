//! Where a function is back from a call: the branch on the error that it got, with the results still in registers.
//!
//! A return cannot be probed cheaply (the kernel steps over a copy of `ret`), and not at all with a probe that changes
//! the return address, for Go moves its stacks. The branch is emulated as the `push` of a prologue is.

use super::elf::Arch;
use super::prologue::NoProbe;

/// Code that is looked at: `readRecordOrCCS` has 12 KiB.
pub(super) const LONGEST: usize = 32 << 10;

/// Offset of the branch from the entry, and from the stack pointer there to the word in which the first argument of the
/// function is kept.
pub(super) fn site(arch: Arch, code: &[u8], address: u64, callee: u64) -> Result<(u64, u32), NoProbe> {
    match arch {
        Arch::X86_64 => x86_64(code, address, callee),
        Arch::Aarch64 => aarch64(code, address, callee),
    }
    .ok_or(NoProbe::Unrecognised)
}

/// The error of `([]byte, byte, error)` is the fifth word: `test %rsi,%rsi` and `jne` behind the only `call`.
fn x86_64(code: &[u8], address: u64, callee: u64) -> Option<(u64, u32)> {
    let mut calls = memchr::memchr_iter(0xe8, code).filter_map(|at| {
        let distance = i32::from_le_bytes(*code.get(at + 1..)?.first_chunk()?);
        let next = at + 5;
        let target = address.checked_add(next as u64)?.checked_add_signed(distance.into())?;
        (target == callee).then_some(next)
    });
    let (next, None) = (calls.next()?, calls.next()) else { return None };
    let rest = nops(code.get(next..)?).strip_prefix(&[0x48, 0x85, 0xf6])?;
    let rest = nops(rest);
    if !matches!(rest, [0x75, ..] | [0x0f, 0x85, ..]) {
        return None;
    }
    Some(((code.len() - rest.len()) as u64, slot_x86_64(code)?))
}

/// What the compiler puts between instructions to align them.
fn nops(mut code: &[u8]) -> &[u8] {
    const NOPS: [&[u8]; 6] = [
        &[0x90],
        &[0x66, 0x90],
        &[0x0f, 0x1f, 0x00],
        &[0x0f, 0x1f, 0x40, 0x00],
        &[0x0f, 0x1f, 0x44, 0x00, 0x00],
        &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
    ];
    while let Some(rest) = NOPS.iter().find_map(|nop| code.strip_prefix(*nop)) {
        code = rest;
    }
    code
}

/// Arguments are kept above the return address: past the frame and the caller's frame pointer.
fn slot_x86_64(code: &[u8]) -> Option<u32> {
    let made = code.windows(4).take(64).position(|bytes| bytes == [0x55, 0x48, 0x89, 0xe5])?;
    let frame = match code.get(made + 4..)? {
        [0x48, 0x81, 0xec, a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]),
        [0x48, 0x83, 0xec, size, ..] => u32::from(*size),
        [0x48, 0x83, 0xc4, 0x80, ..] => 128,
        _ => return None,
    };
    let slot = frame.checked_add(16)?;
    let [a, b, c, d] = slot.to_le_bytes();
    // mov %rax,slot(%rsp)
    let kept = match u8::try_from(slot).ok().filter(|slot| *slot < 0x80) {
        Some(near) => contains(code, &[0x48, 0x89, 0x44, 0x24, near]),
        None => contains(code, &[0x48, 0x89, 0x84, 0x24, a, b, c, d]),
    };
    kept.then_some(slot)
}

fn contains(code: &[u8], bytes: &[u8]) -> bool {
    memchr::memmem::find(code, bytes).is_some()
}

/// `cbnz x4` behind the only `bl`.
fn aarch64(code: &[u8], address: u64, callee: u64) -> Option<(u64, u32)> {
    let (words, _) = code.as_chunks();
    let words: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
    let mut calls = words.iter().enumerate().filter_map(|(at, word)| {
        let distance = ((word & 0x3ff_ffff) << 6).cast_signed() >> 4;
        let target = address.checked_add(at as u64 * 4)?.checked_add_signed(distance.into())?;
        (word >> 26 == 0b10_0101 && target == callee).then_some(at + 1)
    });
    let (next, None) = (calls.next()?, calls.next()) else { return None };
    let branch = words.get(next)?;
    if branch & 0xff00_001f != 0xb500_0004 {
        return None;
    }
    Some((next as u64 * 4, slot_aarch64(&words)?))
}

/// Arguments are kept above the frame and the word below which the caller's lie.
fn slot_aarch64(words: &[u32]) -> Option<u32> {
    let frame = words.iter().take(12).find_map(|word| {
        // str x30, [sp, #-x]!
        if word & 0xfff0_0fff == 0xf810_0ffe {
            return Some(0x200 - (word >> 12 & 0x1ff));
        }
        // sub x20, sp, #x
        (word & 0xff80_03ff == 0xd100_03f4).then(|| (word >> 10 & 0xfff) << if word >> 22 & 1 == 1 { 12 } else { 0 })
    })?;
    let slot = frame.checked_add(8)?;
    // str x0, [sp, #slot]
    let kept = 0xf900_03e0 | (slot / 8) << 10;
    (slot.is_multiple_of(8) && words.contains(&kept)).then_some(slot)
}
