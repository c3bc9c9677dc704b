//! The parts of a multipart body (RFC 2046, 5.1; RFC 7578) as ranges of its bytes, read as tolerantly as servers do.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

use super::media::parameters;

/// One part. Ranges are of the whole body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The header lines, without the empty line behind them.
    pub headers: Range<usize>,
    /// Without what may be the beginning of a delimiter at the end of the body.
    pub content: Range<usize>,
    /// A boundary follows; else the body ended within this part.
    pub complete: bool,
}

/// Reads the parts one by one.
#[derive(Debug)]
pub struct Parts<'a> {
    body: &'a [u8],
    delimiter: Vec<u8>,
    /// Where the next part begins; None after the last.
    at: Option<usize>,
}

impl<'a> Parts<'a> {
    /// None where the boundary can be none (RFC 2046: 1 to 70 characters).
    pub fn new(body: &'a [u8], boundary: &str) -> Option<Self> {
        if boundary.is_empty() || boundary.len() > 70 {
            return None;
        }
        let delimiter = format!("--{boundary}").into_bytes();
        let mut parts = Self { body, delimiter, at: None };
        parts.at = parts.next_delimiter(0).and_then(|found| found.next);
        Some(parts)
    }

    /// Whether the body has one delimiter at least, or is too short to have it.
    pub fn fits(&self) -> bool {
        let start = self.body.get(..self.delimiter.len()).unwrap_or(self.body);
        self.delimiter.starts_with(start) || self.next_delimiter(0).is_some()
    }

    /// Where the content of a part ends that has no end: before what may be the beginning of a delimiter.
    fn cut_end(&self) -> usize {
        let tail = self.body.len().saturating_sub(self.delimiter.len());
        let line = memchr::memrchr(b'\n', self.body.get(tail..).unwrap_or_default()).map(|end| tail + end + 1);
        let begun = line.and_then(|line| self.body.get(line..)).filter(|rest| self.delimiter.starts_with(rest));
        let before = begun.and_then(|rest| self.body.get(..self.body.len() - rest.len()));
        let before = before.and_then(|before| before.strip_suffix(b"\n"));
        before.map_or(self.body.len(), |before| before.strip_suffix(b"\r").unwrap_or(before).len())
    }

    fn next_delimiter(&self, from: usize) -> Option<Delimiter> {
        let rest = self.body.get(from..)?;
        memmem::find_iter(rest, &self.delimiter).find_map(|found| self.delimiter_at(from + found))
    }

    fn delimiter_at(&self, start: usize) -> Option<Delimiter> {
        let before = self.body.get(..start)?;
        if !before.is_empty() && !before.ends_with(b"\n") {
            return None;
        }
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        let content_end = before.strip_suffix(b"\r").unwrap_or(before).len();
        let after = start + self.delimiter.len();
        let rest = self.body.get(after..)?;
        // The body may have been cut between the two.
        if rest.starts_with(b"--") || rest == b"-" {
            return Some(Delimiter { content_end, next: None });
        }
        let line = rest.get(..memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1))?;
        line.trim_ascii().is_empty().then_some(Delimiter { content_end, next: Some(after + line.len()) })
    }
}

struct Delimiter {
    /// End of the part before it.
    content_end: usize,
    /// None: it was the last.
    next: Option<usize>,
}

impl Iterator for Parts<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let start = self.at.take()?;
        let delimiter = self.next_delimiter(start);
        let end = delimiter.as_ref().map_or_else(|| self.cut_end(), |found| found.content_end).max(start);
        let complete = delimiter.is_some();
        self.at = delimiter.and_then(|found| found.next);
        let part = self.body.get(start..end)?;
        if part.is_empty() && !complete {
            return None;
        }
        let (headers, content) = split_head(part);
        Some(Part { headers: start..start + headers, content: start + content..end, complete })
    }
}

/// Where the header lines of a part end, and where its content begins.
fn split_head(part: &[u8]) -> (usize, usize) {
    let mut line = 0;
    while let Some(end) = part.get(line..).and_then(|rest| memchr::memchr(b'\n', rest)) {
        let text = part.get(line..line + end).unwrap_or_default();
        if text.is_empty() || text == b"\r" {
            return (line, line + end + 1);
        }
        line += end + 1;
    }
    (part.len(), part.len())
}

/// The values of a header among the lines of a part, folded lines joined to the one before.
pub fn field<'a>(headers: &'a [u8], name: &str) -> impl Iterator<Item = Cow<'a, str>> {
    lines(headers).filter_map(move |line| {
        let (key, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
        let same = key.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        same.then(|| String::from_utf8_lossy(value.get(1..).unwrap_or_default().trim_ascii()))
    })
}

fn lines(headers: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = headers;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let folded = |at: &usize| !matches!(rest.get(at + 1), Some(b' ' | b'\t'));
        let end = memchr::memchr_iter(b'\n', rest).find(folded).map_or(rest.len(), |end| end + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(line)
    })
}

/// The values of a parameter of Content-Disposition: as `name="…"`, and as `name*=utf-8''…` (RFC 5987).
pub fn disposition(headers: &[u8], parameter: &str) -> Vec<String> {
    let mut found = Vec::new();
    for value in field(headers, "content-disposition") {
        let Some((_, rest)) = value.split_once(';') else { continue };
        for (key, value) in parameters(rest) {
            if key.eq_ignore_ascii_case(parameter) {
                found.push(value.into_owned());
            } else if key.strip_suffix('*').is_some_and(|key| key.eq_ignore_ascii_case(parameter)) {
                found.push(value.rsplit('\'').next().unwrap_or_default().to_owned());
            }
        }
    }
    found
}
