//! The kernel side as `build.rs` compiled it, and as kernels want it whose maps cannot grow inside a tracepoint.

use std::borrow::Cow;

use aya::include_bytes_aligned;
use object::{Object, ObjectSection, ObjectSymbol};

static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/hoptap-bpf"));

/// Maps that take memory as they fill, and their entries where they take it all at once: about 8 MB.
pub(super) const GROWING: [(&str, u32); 5] =
    [("CONNECTIONS", 32_768), ("SKIPS", 16_384), ("ENDED", 16_384), ("FRAMES", 8192), ("SESSIONS", 16_384)];

/// `map_flags` in aya's `bpf_map_def`: after four words.
const FLAGS: usize = 16;
const BPF_F_NO_PREALLOC: u32 = 1;

/// The object; with `preallocated` no map takes memory as it fills.
///
/// Before 6.1 the kernel warns of such maps in tracing programs, and is tainted from then on: they take memory where
/// none may be taken (kernel/bpf/verifier.c, `check_map_prog_compatibility`).
///
/// Returns `None` where the object is not what this code expects.
pub(super) fn object(preallocated: bool) -> Option<Cow<'static, [u8]>> {
    if !preallocated {
        return Some(Cow::Borrowed(OBJECT));
    }
    let file = object::File::parse(OBJECT).ok()?;
    let (start, _) = file.section_by_name("maps")?.file_range()?;
    let mut bytes = OBJECT.to_vec();
    for (name, _) in GROWING {
        let definition = usize::try_from(start + file.symbol_by_name(name)?.address()).ok()?;
        let flags = bytes.get_mut(definition + FLAGS..definition + FLAGS + size_of::<u32>())?;
        let set = u32::from_le_bytes(<[u8; 4]>::try_from(&*flags).ok()?);
        flags.copy_from_slice(&(set & !BPF_F_NO_PREALLOC).to_le_bytes());
    }
    Some(Cow::Owned(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    #[test]
    fn preallocated_differs_by_one_bit_a_map() {
        let (grows, preallocated) = (object(false).unwrap(), object(true).unwrap());
        let changed: Vec<_> = grows.iter().zip(&*preallocated).filter(|(a, b)| a != b).map(|(a, b)| (*a, *b)).collect();
        assert_eq!(grows.len(), preallocated.len());
        assert_eq!(changed, [(1, 0); GROWING.len()]);
    }
}
