//! `gzip` (RFC 1952) and `deflate` (RFC 9110, 8.4.1.2: zlib; but some send the bare stream).

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::coding::{Coding, End};

/// Output is asked for in pieces of this size: so far does memory run ahead of what is decoded.
const STEP: usize = 16 * 1024;

/// Input is fed in pieces of this size: at a fault the decoder drops what it made of the piece.
const PIECE: usize = 256;

/// Members that are read one after another; each costs a decoder.
const MEMBERS: usize = 4096;

const MAGIC: [u8; 2] = [0x1f, 0x8b];

pub(super) fn gzip(bytes: &[u8], out: &mut Vec<u8>, limit: usize) -> End {
    let mut rest = bytes;
    for member in 0..MEMBERS {
        if rest.is_empty() {
            return End::Whole;
        }
        if member > 0 && !MAGIC.starts_with(rest.get(..2).unwrap_or(rest)) {
            return End::Trailing;
        }
        match one_member(rest, out, limit) {
            Ok(after) => rest = after,
            Err(end) => return end,
        }
    }
    if rest.is_empty() { End::Whole } else { End::Limit }
}

fn one_member<'a>(bytes: &'a [u8], out: &mut Vec<u8>, limit: usize) -> Result<&'a [u8], End> {
    let stream = header(bytes)?;
    let before = out.len();
    let mut decoder = Decompress::new(false);
    let consumed =
        inflate(&mut decoder, stream, out, limit).map_err(|end| end.unwrap_or(End::Corrupt(Coding::Gzip)))?;
    let trailer = stream.get(consumed..).unwrap_or_default();
    let (sum, after) = trailer.split_first_chunk::<4>().ok_or(End::Cut)?;
    let (size, after) = after.split_first_chunk::<4>().ok_or(End::Cut)?;
    let mut crc = Crc::new();
    crc.update(out.get(before..).unwrap_or_default());
    if u32::from_le_bytes(*sum) != crc.sum() || u32::from_le_bytes(*size) != crc.amount() {
        return Err(End::Corrupt(Coding::Gzip));
    }
    Ok(after)
}

/// Skips the header of a member.
fn header(bytes: &[u8]) -> Result<&[u8], End> {
    const HEADER_CRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let fixed = [MAGIC[0], MAGIC[1], 8];
    if !fixed.starts_with(bytes.get(..3).unwrap_or(bytes)) {
        return Err(End::Corrupt(Coding::Gzip));
    }
    let (head, mut rest) = bytes.split_first_chunk::<10>().ok_or(End::Cut)?;
    let flags = head[3];
    if flags & EXTRA != 0 {
        let (length, after) = rest.split_first_chunk::<2>().ok_or(End::Cut)?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..).ok_or(End::Cut)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = memchr::memchr(0, rest).ok_or(End::Cut)?;
            rest = rest.get(end + 1..).unwrap_or_default();
        }
    }
    if flags & HEADER_CRC != 0 { rest.get(2..).ok_or(End::Cut) } else { Ok(rest) }
}

pub(super) fn deflate(bytes: &[u8], out: &mut Vec<u8>, limit: usize) -> End {
    // RFC 1950, 2.2: the method, and a check of the first two bytes.
    let zlib = match bytes {
        [method, flags, ..] => method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0,
        _ => false,
    };
    let mut result = inflate(&mut Decompress::new(zlib), bytes, out, limit);
    // A bare stream may happen to begin like zlib.
    if zlib && result == Err(None) {
        let mut bare = Vec::new();
        let again = inflate(&mut Decompress::new(false), bytes, &mut bare, limit);
        if bare.len() > out.len() || again.is_ok() {
            *out = bare;
            result = again;
        }
    }
    match result {
        Ok(consumed) if consumed == bytes.len() => End::Whole,
        Ok(_) => End::Trailing,
        Err(end) => end.unwrap_or(End::Corrupt(Coding::Deflate)),
    }
}

/// How many bytes the stream had; an error of None where it is corrupt.
fn inflate(decoder: &mut Decompress, bytes: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<usize, Option<End>> {
    loop {
        if out.len() > limit {
            return Err(Some(End::Limit));
        }
        let (read, written) = (decoder.total_in(), decoder.total_out());
        let input = usize::try_from(read).ok().and_then(|read| bytes.get(read..)).unwrap_or_default();
        let input = input.get(..PIECE).unwrap_or(input);
        // One byte more than the limit tells whether there is more.
        let room = STEP.min(limit - out.len() + 1);
        out.reserve(room);
        let mut piece = [0; STEP];
        let piece = piece.get_mut(..room).unwrap_or_default();
        let status = decoder.decompress(input, piece, FlushDecompress::None);
        let fresh = usize::try_from(decoder.total_out() - written).unwrap_or_default();
        out.extend_from_slice(piece.get(..fresh).unwrap_or_default());
        match status {
            Err(_) => return Err(None),
            Ok(Status::StreamEnd) => return Ok(usize::try_from(decoder.total_in()).unwrap_or(usize::MAX)),
            Ok(_) if decoder.total_in() == read && fresh == 0 => return Err(Some(End::Cut)),
            Ok(_) => {}
        }
    }
}
