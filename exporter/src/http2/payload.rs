//! The place in the payload of a frame with padding: which bytes are content. Holds no bytes.

use std::ops::Range;

use super::frame::Header;

#[derive(Debug, Default)]
pub(super) struct Payload {
    length: u32,
    prefix: u32,
    padded: bool,
    padding: u32,
    at: u32,
}

impl Payload {
    pub(super) fn new(header: &Header) -> Self {
        Self { length: header.length, prefix: header.prefix(), padded: header.is_padded(), padding: 0, at: 0 }
    }

    /// The content among the next bytes.
    pub(super) fn seen<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if let (true, 0, Some(padding)) = (self.padded, self.at, bytes.first()) {
            self.padding = u32::from(*padding);
        }
        let content = self.advance(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        let (Ok(start), Ok(end)) = (usize::try_from(content.start), usize::try_from(content.end)) else {
            return &[];
        };
        bytes.get(start..end).unwrap_or_default()
    }

    /// How much content is among so many bytes that went by unseen. If the length of the padding is among them, it is
    /// taken for 0.
    pub(super) fn unseen(&mut self, length: u32) -> u32 {
        let content = self.advance(length);
        content.end.saturating_sub(content.start)
    }

    /// Returns the content, counted from the place before.
    fn advance(&mut self, length: u32) -> Range<u32> {
        let from = self.at;
        self.at = from.saturating_add(length);
        let content_end = self.length.saturating_sub(self.padding).max(self.prefix);
        let start = from.max(self.prefix).min(self.at);
        let end = self.at.min(content_end).max(start);
        start - from..end - from
    }
}
