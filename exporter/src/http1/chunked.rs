//! The chunked transfer coding as `net/http/internal.NewChunkedReader` reads it (Go 1.26), which fastProxy uses, too.
//!
//! Framing is read byte by byte and never kept; only trailers are.

use super::Output;
use super::body::Step;
use super::kept::Kept;
use crate::exchange::Headers;

/// `maxLineLength` of net/http/internal.
const LINE_LIMIT: u32 = 4096;
/// What a sender may waste on framing before net/http takes it for malice.
const EXCESS_LIMIT: u64 = 16 * 1024;
/// net/http reads as much as fits its read buffer: 4 KiB on entrypoints, 64 KiB at most towards backends.
const TRAILER_LIMIT: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(super) struct Chunked {
    part: Part,
    size: u64,
    digits: u8,
    /// Bytes of the line so far.
    line: u32,
    excess: u64,
    /// Framing that was read and not yet told.
    wire: u64,
    /// Where the current line starts in the kept trailers.
    trailer_line: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Digits,
    /// Spaces after the digits.
    Padding,
    Extension,
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    Trailers,
}

impl Chunked {
    /// Bytes of the current chunk that may go by unseen.
    pub(super) fn skippable(&self) -> u64 {
        match self.part {
            Part::Data => self.size,
            _ => 0,
        }
    }

    /// Takes unseen bytes up to the end of the current chunk; None if the gap starts in framing.
    pub(super) fn gap(&mut self, length: u64) -> Option<u64> {
        let taken = length.min(self.size);
        (self.part == Part::Data).then(|| self.advance(taken))?;
        Some(taken)
    }

    /// Framing read since the last call.
    pub(super) fn told(&mut self) -> u64 {
        std::mem::take(&mut self.wire)
    }

    /// Reads from `piece`; `kept` holds trailers between calls. Returns how much was read.
    pub(super) fn feed<'a>(
        &mut self,
        piece: &'a [u8],
        kept: &mut Kept,
        out: &mut impl FnMut(Output<'a>),
    ) -> (usize, Step) {
        let mut read = 0;
        while let Some(rest) = piece.get(read..).filter(|rest| !rest.is_empty()) {
            match self.part {
                Part::Data => {
                    let length = usize::try_from(self.size).unwrap_or(usize::MAX);
                    let data = rest.get(..length).unwrap_or(rest);
                    read += data.len();
                    let size = data.len() as u64;
                    self.advance(size);
                    out(Output::Body { size, wire: size + self.told(), data });
                }
                Part::Trailers => {
                    let (taken, step) = self.trailers(rest, kept);
                    read += taken;
                    self.wire += taken as u64;
                    if step != Step::More {
                        self.finish(step, kept, out);
                        return (read, step);
                    }
                }
                _ => {
                    let Some(byte) = rest.first() else { break };
                    read += 1;
                    self.wire += 1;
                    if self.framing(*byte).is_none() {
                        self.finish(Step::Broken, kept, out);
                        return (read, Step::Broken);
                    }
                }
            }
        }
        self.finish(Step::More, kept, out);
        (read, Step::More)
    }

    fn advance(&mut self, taken: u64) {
        self.size -= taken;
        if self.size == 0 {
            self.part = Part::DataCr;
        }
    }

    /// One byte of a size line or of the end of a chunk; None if it may not stand here.
    fn framing(&mut self, byte: u8) -> Option<()> {
        self.line += 1;
        self.part = match (self.part, byte) {
            (Part::Digits, digit) if digit.is_ascii_hexdigit() => {
                let digit = char::from(digit).to_digit(16)?;
                self.digits = self.digits.checked_add(1).filter(|count| *count <= 16)?;
                self.size = self.size << 4 | u64::from(digit);
                Part::Digits
            }
            (Part::Digits | Part::Padding | Part::Extension, b'\r') => Part::SizeEnd,
            (Part::Digits | Part::Padding, b' ' | b'\t') => Part::Padding,
            (Part::Digits, b';') => Part::Extension,
            (Part::Extension, byte) if byte != b'\n' => Part::Extension,
            (Part::SizeEnd, b'\n') => self.sized()?,
            (Part::DataCr, b'\r') => Part::DataLf,
            (Part::DataLf, b'\n') => {
                (self.size, self.digits, self.line) = (0, 0, 0);
                Part::Digits
            }
            _ => return None,
        };
        (self.line < LINE_LIMIT).then_some(())
    }

    /// The size line is complete: `SIZE CRLF`.
    fn sized(&mut self) -> Option<Part> {
        if self.digits == 0 {
            return None;
        }
        let allowed = self.size.saturating_mul(2).saturating_add(16);
        self.excess = (self.excess + u64::from(self.line)).saturating_sub(allowed);
        if self.excess > EXCESS_LIMIT {
            return None;
        }
        Some(match self.size {
            0 => Part::Trailers,
            _ => {
                self.line = 0;
                Part::Data
            }
        })
    }

    /// Keeps trailer lines up to the empty one.
    fn trailers(&mut self, rest: &[u8], kept: &mut Kept) -> (usize, Step) {
        let newline = memchr::memchr(b'\n', rest);
        let taken = newline.map_or(rest.len(), |newline| newline + 1);
        kept.push(rest.get(..taken).unwrap_or(rest));
        if kept.len() > TRAILER_LIMIT {
            return (taken, Step::Broken);
        }
        let line = kept.as_bytes().get(self.trailer_line..).unwrap_or_default();
        if newline.is_none() {
            return (taken, Step::More);
        }
        if line == b"\r\n" || line == b"\n" {
            kept.truncate(self.trailer_line);
            return (taken, Step::Done);
        }
        self.trailer_line = kept.len();
        (taken, Step::More)
    }

    fn finish<'a>(&mut self, step: Step, kept: &mut Kept, out: &mut impl FnMut(Output<'a>)) {
        let wire = self.told();
        if wire > 0 {
            out(Output::Body { size: 0, wire, data: &[] });
        }
        if step == Step::More {
            return;
        }
        if step == Step::Done && !kept.is_empty() {
            out(Output::Trailers(Headers::new(kept.as_bytes())));
        }
        kept.clear();
    }
}
