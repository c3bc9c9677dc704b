//! Server-sent events (WHATWG HTML, 9.2.6): the data of each, and where in the body every byte of it stands.

use std::borrow::Cow;
use std::ops::Range;

/// The data of one event: its `data` lines, joined by line feeds.
#[derive(Debug)]
pub(super) struct Data<'a> {
    pub text: Cow<'a, [u8]>,
    /// For each line: where it begins in `text`, and where in the body.
    lines: Vec<(usize, usize)>,
}

impl Data<'_> {
    /// A range of the text as a range of the body. What is between two lines belongs to it, too.
    pub(super) fn in_body(&self, range: Range<usize>) -> Range<usize> {
        let start = self.place(range.start);
        let end = if range.is_empty() { start } else { self.place(range.end - 1) + 1 };
        start..end
    }

    fn place(&self, at: usize) -> usize {
        let after = self.lines.partition_point(|(start, _)| *start <= at);
        let (in_text, in_body) = self.lines.get(after.saturating_sub(1)).copied().unwrap_or_default();
        in_body + (at - in_text)
    }
}

pub(super) fn events(body: &[u8]) -> impl Iterator<Item = Data<'_>> {
    let mut at = if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    std::iter::from_fn(move || {
        let mut data = Data { text: Cow::Borrowed(&[]), lines: Vec::new() };
        while let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) {
            let length = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..length).unwrap_or_default();
            let begin = at;
            let ending = rest.get(length..).unwrap_or_default();
            at += length + if ending.starts_with(b"\r\n") { 2 } else { 1 };
            if line.is_empty() && !data.lines.is_empty() {
                return Some(data);
            }
            if let Some(value) = line.strip_prefix(b"data:") {
                let value = value.strip_prefix(b" ").unwrap_or(value);
                let in_body = begin + line.len() - value.len();
                if data.lines.is_empty() {
                    data.text = Cow::Borrowed(value);
                    data.lines.push((0, in_body));
                } else {
                    let text = data.text.to_mut();
                    text.push(b'\n');
                    data.lines.push((text.len(), in_body));
                    text.extend_from_slice(value);
                }
            }
        }
        (!data.lines.is_empty()).then_some(data)
    })
}
