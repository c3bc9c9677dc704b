//! `zstd` (RFC 8878), with windows of at most 8 MiB, as RFC 9659 wants it of this content coding.
//!
//! The blocks are told apart here and given to the decoder one by one, whole: so that a cut frame can be closed by an
//! empty last block, and what the decoder keeps back for its window comes out.

use std::io::Read;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::coding::{Coding, End};

const WINDOW: u64 = 8 << 20;
const LARGEST_BLOCK: usize = 128 << 10;
/// Frames that are read one after another; each costs a decoder.
const FRAMES: usize = 1024;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Magic number, descriptor, window, dictionary, content size (RFC 8878, 3.1.1.1).
const LONGEST_HEADER: usize = 18;

/// An empty raw block that is the last, and room for a checksum.
const CLOSE: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

pub(super) fn decode(bytes: &[u8], out: &mut Vec<u8>, limit: usize) -> End {
    let mut rest = bytes;
    for frame in 0..FRAMES {
        if rest.is_empty() {
            return End::Whole;
        }
        let magic = rest.get(..4).unwrap_or(rest);
        let ended = if let [0x50..=0x5f, 0x2a, 0x4d, 0x18] = magic {
            skip(rest)
        } else if MAGIC.starts_with(magic) {
            one_frame(rest, out, limit)
        } else if frame > 0 {
            return End::Trailing;
        } else {
            return End::Corrupt(Coding::Zstd);
        };
        match ended {
            Ok(after) => rest = after,
            Err(end) => return end,
        }
    }
    if rest.is_empty() { End::Whole } else { End::Limit }
}

fn skip(frame: &[u8]) -> Result<&[u8], End> {
    let (size, after) = frame.get(4..).and_then(|rest| rest.split_first_chunk::<4>()).ok_or(End::Cut)?;
    let size = usize::try_from(u32::from_le_bytes(*size)).map_err(|_| End::Cut)?;
    after.get(size..).ok_or(End::Cut)
}

fn one_frame<'a>(frame: &'a [u8], out: &mut Vec<u8>, limit: usize) -> Result<&'a [u8], End> {
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(WINDOW);
    let mut rest = frame;
    if decoder.init(&mut rest).is_err() {
        return Err(if frame.len() < LONGEST_HEADER { End::Cut } else { End::Corrupt(Coding::Zstd) });
    }
    let checksum = frame.get(4).is_some_and(|descriptor| descriptor & 4 != 0);
    loop {
        let Some((header, content)) = rest.split_first_chunk::<3>() else { return Err(close(&mut decoder, &[], out)) };
        let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let (last, kind, size) = (header & 1 != 0, header >> 1 & 3, (header >> 3) as usize);
        let length = if kind == 1 { 1 } else { size };
        if kind == 3 || size > LARGEST_BLOCK {
            close(&mut decoder, &[], out);
            return Err(End::Corrupt(Coding::Zstd));
        }
        if content.len() < length {
            // Of a raw block the part that came is as good as the whole.
            let part = if kind == 0 { content } else { &[] };
            return Err(close(&mut decoder, part, out));
        }
        let end = 3 + length + if last && checksum { 4 } else { 0 };
        let block = rest.get(..end).unwrap_or(rest);
        let fed = decoder.decode_blocks(block.chain(&[0; 4][..]), BlockDecodingStrategy::UptoBlocks(1));
        if fed.is_err() {
            close(&mut decoder, &[], out);
            return Err(End::Corrupt(Coding::Zstd));
        }
        out.extend(decoder.collect().unwrap_or_default());
        if out.len() > limit {
            return Err(End::Limit);
        }
        match rest.get(end..) {
            Some(after) if last => return Ok(after),
            Some(after) => rest = after,
            None => return Err(End::Cut),
        }
    }
}

/// Ends a frame early, with `part` of a raw block, and takes what the decoder still holds.
fn close(decoder: &mut FrameDecoder, part: &[u8], out: &mut Vec<u8>) -> End {
    // A raw block is no longer than `LARGEST_BLOCK`: this fits.
    let header = u32::try_from(part.len() << 3).unwrap_or_default().to_le_bytes();
    let blocks = header.get(..3).unwrap_or_default().chain(part).chain(&CLOSE[..]);
    if decoder.decode_blocks(blocks, BlockDecodingStrategy::All).is_ok() {
        out.extend(decoder.collect().unwrap_or_default());
    }
    End::Cut
}
