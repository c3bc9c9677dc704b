//! Where in a function a probe costs least and fires once: behind the stack check, before the frame is made.
//!
//! The check jumps back to the entry when the stack grew, so a probe on the entry fires twice; and the kernel
//! emulates `push %rbp` where it must single-step a `cmp` or `lea`. Arguments are still in their registers there.
//! Only the forms that Go's assembler writes are known (cmd/internal/obj/{x86/obj6,arm64/obj7}.go, go1.26).

use thiserror::Error;

use super::elf::Arch;

/// The longest prologue known, with the instructions that make the frame.
pub(super) const LONGEST: usize = 48;

/// Why a function has no place for a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoProbe {
    #[error("the function begins with neither a stack check nor a frame")]
    NoFrame,
    #[error("the function begins in a way that Go's assembler is not known to write")]
    Unrecognised,
    #[error("several functions have this name")]
    Ambiguous,
    #[error("the code of the function is not in the file")]
    Missing,
}

/// Offset from the entry of the instruction to probe, for a function of `size` bytes.
pub(super) fn site(arch: Arch, code: &[u8], size: u64) -> Result<u64, NoProbe> {
    match arch {
        Arch::X86_64 => x86_64(code, size),
        Arch::Aarch64 => aarch64(code, size),
    }
}

fn x86_64(code: &[u8], size: u64) -> Result<u64, NoProbe> {
    let rest = stack_check_x86_64(code, size)?;
    match rest {
        // push %rbp; mov %rsp,%rbp
        [0x55, 0x48, 0x89, 0xe5, ..] => Ok((code.len() - rest.len()) as u64),
        _ if rest.len() == code.len() => Err(NoProbe::NoFrame),
        _ => Err(NoProbe::Unrecognised),
    }
}

/// What follows the stack check; all of the code where there is none.
fn stack_check_x86_64(code: &[u8], size: u64) -> Result<&[u8], NoProbe> {
    let (compare, rest) = match code {
        // lea -x(%rsp),%r12: a frame of more than 128 bytes
        [0x4c, 0x8d, 0x64, 0x24, _, rest @ ..] | [0x4c, 0x8d, 0xa4, 0x24, _, _, _, _, rest @ ..] => (0x4d, rest),
        // mov %rsp,%r12; sub $x,%r12; jb: a frame of more than 4096 bytes
        [0x49, 0x89, 0xe4, 0x49, 0x81, 0xec, _, _, _, _, rest @ ..] => {
            let rest = forward_jump(code, rest, 0x72, 0x82, size).ok_or(NoProbe::Unrecognised)?;
            (0x4d, rest)
        }
        _ => (0x49, code),
    };
    // cmp 0x10(%r14),%rsp or %r12
    let rest = match rest {
        [rex, 0x3b, 0x66, 0x10, rest @ ..] | [rex, 0x3b, 0xa6, 0x10, 0, 0, 0, rest @ ..] if *rex == compare => rest,
        _ if rest.len() == code.len() => return Ok(code),
        _ => return Err(NoProbe::Unrecognised),
    };
    forward_jump(code, rest, 0x76, 0x86, size).ok_or(NoProbe::Unrecognised)
}

/// What follows a conditional jump with an 8 or 32 bit distance to the end part of the function.
fn forward_jump<'c>(code: &[u8], rest: &'c [u8], short: u8, near: u8, size: u64) -> Option<&'c [u8]> {
    let (distance, rest) = match rest {
        [op, distance, rest @ ..] if *op == short => (i32::from(distance.cast_signed()), rest),
        [0x0f, op, a, b, c, d, rest @ ..] if *op == near => (i32::from_le_bytes([*a, *b, *c, *d]), rest),
        _ => return None,
    };
    let next = (code.len() - rest.len()) as u64;
    let target = next.checked_add(u64::try_from(distance).ok()?)?;
    (target < size).then_some(rest)
}

fn aarch64(code: &[u8], size: u64) -> Result<u64, NoProbe> {
    let (words, _) = code.as_chunks();
    let words: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
    let behind = stack_check_aarch64(&words, size)?;
    match words.get(behind..).unwrap_or_default() {
        [first, ..] if makes_frame(*first) => Ok(behind as u64 * 4),
        // mov $x,x27 before sub x27,sp,x20: frames too large for an immediate
        [first, second, third, ..]
            if is_constant(*first)
                && (*second == SUB_X20_SP_X27 || (is_constant(*second) && *third == SUB_X20_SP_X27)) =>
        {
            Ok(behind as u64 * 4)
        }
        _ if behind == 0 => Err(NoProbe::NoFrame),
        _ => Err(NoProbe::Unrecognised),
    }
}

/// ldr x16, [x28, #16]: `g.stackguard0`.
const LOAD_STACK_GUARD: u32 = 0xf940_0b90;
const CMP_SP_X16: u32 = 0xeb30_63ff;
const CMP_X17_X16: u32 = 0xeb10_023f;
const SUBS_X17_SP_X27: u32 = 0xeb3b_63f1;
const SUB_X20_SP_X27: u32 = 0xcb3b_63f4;

/// How many instructions the stack check takes; 0 where there is none.
fn stack_check_aarch64(words: &[u32], size: u64) -> Result<usize, NoProbe> {
    let Some((&LOAD_STACK_GUARD, rest)) = words.split_first() else {
        return Ok(0);
    };
    let at = |rest: &[u32]| words.len() - rest.len();
    let rest = match rest {
        [CMP_SP_X16, rest @ ..] => rest,
        [sub, CMP_X17_X16, rest @ ..] if is_sub(*sub, 31, 17) => rest,
        [low, high, CMP_X17_X16, rest @ ..] if is_sub(*low, 31, 17) && is_sub(*high, 17, 17) => rest,
        [mov, SUBS_X17_SP_X27, lower, CMP_X17_X16, rest @ ..]
            if is_constant(*mov) && branches(*lower, 3, at(rest) - 2, size) =>
        {
            rest
        }
        [mov, movk, SUBS_X17_SP_X27, lower, CMP_X17_X16, rest @ ..]
            if is_constant(*mov) && is_constant(*movk) && branches(*lower, 3, at(rest) - 2, size) =>
        {
            rest
        }
        _ => return Err(NoProbe::Unrecognised),
    };
    match rest {
        // b.ls
        [lower, rest @ ..] if branches(*lower, 9, at(rest) - 1, size) => Ok(at(rest)),
        _ => Err(NoProbe::Unrecognised),
    }
}

/// `b.cond` at the given instruction, forward and within the function.
fn branches(word: u32, condition: u32, at: usize, size: u64) -> bool {
    let distance = u64::from(word >> 5 & 0x7_ffff);
    word & 0xff00_001f == 0x5400_0000 | condition && distance < 1 << 18 && (at as u64 + distance) * 4 < size
}

/// `sub xd, xn, #imm`, the immediate shifted by 12 or not.
fn is_sub(word: u32, from: u32, to: u32) -> bool {
    word & 0xff80_03ff == 0xd100_0000 | from << 5 | to
}

/// `movz`, `movn`, `movk` or `orr` of a constant into x27, the assembler's scratch register.
fn is_constant(word: u32) -> bool {
    matches!(word & 0xff80_001f, 0x9280_001b | 0xd280_001b | 0xf280_001b) || word & 0xff80_03ff == 0xb200_03fb
}

/// `str x30, [sp, #-x]!`, or `sub x20, sp, #x` for frames that store does not reach.
fn makes_frame(word: u32) -> bool {
    word & 0xfff0_0fff == 0xf810_0ffe || is_sub(word, 31, 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arch: Arch, code: &[u8], expected: Result<u64, NoProbe>) {
        assert_eq!(site(arch, code, 0x100), expected, "{arch:?} {code:02x?}");
    }

    /// Bytes that `go tool objdump` shows for functions of Go 1.26, and what is one step away from them.
    #[test]
    fn x86_64() {
        use NoProbe::{NoFrame, Unrecognised};
        let check = |hex: &str, expected| check(Arch::X86_64, &bytes(hex), expected);
        check("493b6610 7631 55 4889e5", Ok(6));
        check("493b6610 0f8631000000 55 4889e5", Ok(10));
        check("493ba610000000 7631 55 4889e5", Ok(9));
        check("4c8d6424d8 4d3b6610 7678 55 4889e5", Ok(11));
        check("4c8d6424d8 4d3b6610 0f8678000000 55 4889e5", Ok(15));
        check("4c8da424b0f4ffff 4d3b6610 7678 55 4889e5", Ok(14));
        check("4c8da424b0f4ffff 4d3b6610 0f8678000000 55 4889e5", Ok(18));
        check("4989e4 4981ec00170000 725e 4d3b6610 7658 55 4889e5", Ok(18));
        check("4989e4 4981ec00170000 0f825e000000 4d3b6610 0f8658000000 55 4889e5", Ok(26));
        check("55 4889e5 4883ec10", Ok(0));
        check("48ffc0 c3", Err(NoFrame));
        check("", Err(NoFrame));
        check("55", Err(NoFrame));
        check("493b6610 7631 c3", Err(Unrecognised));
        check("493b6610 7631 55", Err(Unrecognised));
        check("493b6610 76f0 55 4889e5", Err(Unrecognised));
        check("493b6610 0f8600100000 55 4889e5", Err(Unrecognised));
        check("493b6610 7731 55 4889e5", Err(Unrecognised));
        check("493b6618 7631 55 4889e5", Err(NoFrame));
        check("4c8d6424d8 493b6610 7678 55 4889e5", Err(Unrecognised));
        check("4989e4 4981ec00170000 4d3b6610 7658 55 4889e5", Err(Unrecognised));
    }

    #[test]
    fn aarch64() {
        use NoProbe::{NoFrame, Unrecognised};
        let check = |words: &[u32], expected| {
            let code: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            check(Arch::Aarch64, &code, expected);
        };
        check(&[0xf9400b90, 0xeb3063ff, 0x54000249, 0xf81c0ffe], Ok(12));
        check(&[0xf9400b90, 0xd12d43f1, 0xeb10023f, 0x540004e9, 0xd12f43f4], Ok(16));
        check(
            &[0xf9400b90, 0xd282e21b, 0xeb3b63f1, 0x54000463, 0xeb10023f, 0x54000429, 0xd282f21b, 0xcb3b63f4],
            Err(Unrecognised),
        );
        check(
            &[
                0xf9400b90, 0xd282e21b, 0xeb3b63f1, 0x54000463, 0xeb10023f, 0x54000429, 0xd282f21b, 0xcb3b63f4,
                0xa93ffa9d,
            ],
            Ok(24),
        );
        check(
            &[0xf9400b90, 0xd290c81b, 0xf2a0003b, 0xeb3b63f1, 0x54000623, 0xeb10023f, 0x540005e9, 0xd11b03f4],
            Ok(28),
        );
        check(&[0xf81c0ffe, 0xf81f83fd], Ok(0));
        check(&[0x91000400, 0xd65f03c0], Err(NoFrame));
        check(&[], Err(NoFrame));
        check(&[0xf9400b90, 0xeb3063ff, 0x54000248, 0xf81c0ffe], Err(Unrecognised));
        check(&[0xf9400b90, 0xeb3063ff, 0x54000249, 0xd65f03c0], Err(Unrecognised));
        check(&[0xf9400b90, 0xeb3063ff, 0x54000249], Err(Unrecognised));
        check(&[0xf9400b90, 0xeb3063ff, 0x54ffffe9, 0xf81c0ffe], Err(Unrecognised));
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
        let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
        digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    }
}
