//! Ranges of a text that are to be replaced: gathered in any order, made all at once.

use std::ops::Range;

use super::REDACTED;

/// What stands for a secret that was a value of JSON.
pub(super) const QUOTED: &str = "\"REDACTED\"";

#[derive(Debug, Default)]
pub(super) struct Edits(Vec<(Range<usize>, &'static str)>);

impl Edits {
    pub(super) fn secret(&mut self, range: Range<usize>) {
        self.0.push((range, REDACTED));
    }

    pub(super) fn quoted(&mut self, range: Range<usize>) {
        self.0.push((range, QUOTED));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with everything replaced, and how many values that were. Where ranges overlap, all of them goes, and
    /// the first says what is put in its place.
    pub(super) fn apply(mut self, bytes: &[u8]) -> (Vec<u8>, usize) {
        self.0.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut out = Vec::with_capacity(bytes.len());
        let mut copied = 0;
        let mut count = 0;
        for (range, mark) in self.0 {
            if range.start < copied {
                copied = copied.max(range.end);
                continue;
            }
            out.extend_from_slice(bytes.get(copied..range.start).unwrap_or_default());
            out.extend_from_slice(mark.as_bytes());
            copied = range.end;
            count += 1;
        }
        out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
        (out, count)
    }

    /// As [`Self::apply`], of a text.
    pub(super) fn apply_to_text(self, text: &str) -> String {
        let (bytes, _) = self.apply(text.as_bytes());
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}
