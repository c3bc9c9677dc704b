//! One direction of one HTTP/2 connection, from bytes or from what a walk over its frames kept, to header lists and
//! bodies; also of connections of which the start was not seen.
//!
//! Pure: no clock, no IO, and whatever comes, it is decoded, skipped or said to be lost; memory stays bounded.
#![warn(clippy::indexing_slicing)]

mod block;
mod decoder;
mod frame;
mod frames;
pub mod head;
pub mod hpack;
mod meaning;
mod number;
mod payload;
mod plausible;

#[cfg(test)]
mod tests;

pub use decoder::Decoder;
pub use hpack::{Field, Text, Unknown};

/// Bytes of the longest header block that is kept, and the size of the longest header list: what Go accepts by default
/// (`DefaultMaxHeaderBytes`), and some more.
pub const BLOCK_LIMIT: usize = (1 << 20) + (64 << 10);

/// Bytes that are kept of a payload that is left out: the length of the padding, and what says how long a message of
/// gRPC is.
pub const LEFT_OUT_KEPT: u32 = 16;

/// What happened to the direction next.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Raw bytes, in order.
    Bytes(&'a [u8]),
    /// So many raw bytes went by unseen.
    Gap(u64),
    /// What a walk over the frames has kept.
    Walked(Walked<'a>),
}

/// One record of a walk over frames: their headers, each followed by what was kept of the payload.
///
/// In a header the walk sets the reserved bit (the top bit of the stream id) if the payload was left out, all but its
/// first [`LEFT_OUT_KEPT`] bytes. Otherwise all of it is kept, if need be in the records that follow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Walked<'a> {
    pub bytes: &'a [u8],
    /// How many of the first bytes continue the payload of a frame whose header was in an earlier record.
    pub continued: usize,
    /// Bytes of the last frame's payload that had not gone by when the record was made, kept or not. The last frame is
    /// that of the last header so far; 0 says that it is complete.
    pub left: u32,
    /// The walk had lost its place before these bytes: some are missing.
    pub resumed: bool,
}

/// Where in the dynamic table a header block stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    pub before: hpack::Place,
    pub after: hpack::Place,
}

/// What was understood.
#[derive(Debug)]
pub enum Output<'a> {
    /// A whole header block.
    Headers {
        stream: u32,
        fields: Vec<Field>,
        /// Not so if the block was malformed, too large or not seen entirely: the rest of the fields is missing.
        complete: bool,
        /// The frame has END_STREAM.
        end: bool,
        /// Bytes of its frames, with their headers.
        wire: u64,
        places: Places,
    },
    /// A part of a DATA frame. Summed up over a frame the sizes are those of the frame.
    Data {
        stream: u32,
        /// Bytes of content.
        size: u64,
        /// Bytes of the frame: content, its header and padding.
        wire: u64,
        /// The content, or nothing if it was not kept.
        bytes: &'a [u8],
    },
    /// A frame with END_STREAM is complete. Follows its `Headers` or `Data`.
    End {
        stream: u32,
    },
    Reset {
        stream: u32,
        code: u32,
    },
    GoAway {
        last: u32,
        code: u32,
    },
    /// A SETTINGS frame that is no acknowledgement, with SETTINGS_HEADER_TABLE_SIZE if that is set.
    Settings {
        header_table_size: Option<u32>,
    },
    /// Nothing is known of the header compression any more. Said once, not again before something was understood.
    Lost {
        /// Frames may have gone by unseen, too; if not, the rest of the stream is still followed.
        frames: bool,
    },
}
