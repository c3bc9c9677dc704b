//! A body by its framing: how long it goes on, and what of it is content.

use super::Output;
use super::chunked::Chunked;
use super::kept::Kept;

#[derive(Debug)]
pub(super) enum Body {
    /// So many bytes are still to come; never 0.
    Length(u64),
    Chunked(Chunked),
    UntilEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    More,
    Done,
    /// The bytes do not follow the framing: its reader closes the connection.
    Broken,
}

impl Body {
    /// Bytes that may go by unseen without loss.
    pub(super) fn skippable(&self) -> u64 {
        match self {
            Self::Length(left) => *left,
            Self::Chunked(chunked) => chunked.skippable(),
            Self::UntilEnd => u64::MAX,
        }
    }

    /// Reads from `piece`, which is not empty. Returns how much was read.
    pub(super) fn feed<'a>(
        &mut self,
        piece: &'a [u8],
        kept: &mut Kept,
        out: &mut impl FnMut(Output<'a>),
    ) -> (usize, Step) {
        let length = match self {
            Self::Chunked(chunked) => return chunked.feed(piece, kept, out),
            Self::Length(left) => usize::try_from(*left).unwrap_or(usize::MAX),
            Self::UntilEnd => usize::MAX,
        };
        let data = piece.get(..length).unwrap_or(piece);
        let size = data.len() as u64;
        out(Output::Body { size, wire: size, data });
        (data.len(), self.advance(size))
    }

    /// Takes up to `length` unseen bytes. Returns how many were of this body; None if framing was among them.
    pub(super) fn gap<'a>(&mut self, length: u64, out: &mut impl FnMut(Output<'a>)) -> Option<(u64, Step)> {
        let taken = match self {
            Self::Length(left) => length.min(*left),
            Self::UntilEnd => length,
            Self::Chunked(chunked) => chunked.gap(length)?,
        };
        out(Output::Body { size: taken, wire: taken, data: &[] });
        Some((taken, self.advance(taken)))
    }

    fn advance(&mut self, taken: u64) -> Step {
        match self {
            Self::Length(left) => {
                *left -= taken;
                match *left {
                    0 => Step::Done,
                    _ => Step::More,
                }
            }
            Self::Chunked(_) | Self::UntilEnd => Step::More,
        }
    }
}
