//! `br` (RFC 7932). Its window is 16 MiB at most; the large windows that are no part of the RFC are refused.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::coding::{Coding, End};

const STEP: usize = 16 * 1024;

/// Input is fed in pieces of this size, for the decoder hands out what it has when it asks for more: so little is lost
/// before a fault.
const PIECE: usize = 256;

pub(super) fn decode(bytes: &[u8], out: &mut Vec<u8>, limit: usize) -> End {
    let allocator = StandardAlloc::default;
    let mut state = BrotliState::new_strict(allocator(), allocator(), allocator());
    let mut piece = [0; STEP];
    let (mut read, mut fed) = (0, 0);
    loop {
        let (mut room, mut written, mut total) = (STEP, 0, 0);
        let input = bytes.get(..fed).unwrap_or(bytes);
        let mut available = input.len() - read;
        let result = BrotliDecompressStream(
            &mut available,
            &mut read,
            input,
            &mut room,
            &mut written,
            &mut piece,
            &mut total,
            &mut state,
        );
        out.extend_from_slice(piece.get(..written).unwrap_or_default());
        if out.len() > limit {
            return End::Limit;
        }
        match result {
            BrotliResult::ResultSuccess if read == bytes.len() => return End::Whole,
            BrotliResult::ResultSuccess => return End::Trailing,
            BrotliResult::ResultFailure => return End::Corrupt(Coding::Brotli),
            BrotliResult::NeedsMoreInput if fed == bytes.len() => return End::Cut,
            BrotliResult::NeedsMoreInput => fed = (fed + PIECE).min(bytes.len()),
            BrotliResult::NeedsMoreOutput => {}
        }
    }
}
