//! Whether a piece starts with a frame, for a search of the place in the stream.

use super::frame::{HEADER_LENGTH, Header, Kind};

/// Pieces that are shorter do not start with a frame that they do not end: senders write whole frames, and readers have
/// larger buffers. A header alone is too little to tell.
const CUT_PIECE: usize = 512;

/// Every header in the piece, from the first byte on, must be one that may stand there.
pub(super) fn starts_frame(piece: &[u8]) -> bool {
    // What a block that has not ended must go on with.
    let mut open = None;
    let mut rest = piece;
    let mut found = 0;
    while let Some((bytes, payload)) = rest.split_first_chunk::<HEADER_LENGTH>() {
        let header = Header::parse(*bytes);
        let continues = (header.kind == Kind::Continuation).then_some(header.stream);
        if !header.is_plausible() || continues != open {
            return false;
        }
        found += 1;
        open = (header.is_block() && !header.ends_headers()).then_some(header.stream);
        rest = match usize::try_from(header.length).ok().and_then(|length| payload.get(length..)) {
            Some(rest) => rest,
            None => return found > 1 || piece.len() >= CUT_PIECE,
        };
    }
    found > 0
}
