//! What the header lines of one head say about the message: gathered line by line, nothing copied.
//!
//! The rules are those of net/textproto and of net/http's `readTransfer` (Go 1.26).

use std::borrow::Cow;

use super::lines::Span;

#[derive(Debug, Default)]
pub(super) struct Fields {
    /// A line that net/textproto cannot read: no name, a name or value with bytes that may not be there.
    pub broken: bool,
    /// A name with a space before its colon: net/textproto reads it, the server refuses it later than the rest.
    pub spaced_name: bool,
    pub hosts: u32,
    pub host: Option<Span>,
    pub user_agent: Option<Span>,
    pub content_type: Option<Span>,
    pub traceparent: Option<Span>,
    pub tracestate: Option<Span>,
    pub upgrade: Option<Span>,
    pub expect: Option<Span>,
    pub length: Length,
    pub coding: Coding,
    pub transfer_encodings: u32,
    /// Tokens of the Connection header.
    pub says_close: bool,
    pub says_keep_alive: bool,
    pub says_upgrade: bool,
    /// The Trailer header announces a field that decides about framing.
    pub forbidden_trailer: bool,
}

/// What the Content-Length lines say together.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    #[default]
    None,
    /// The value as sent: a second line must repeat it letter by letter.
    Known(u64, Span),
    /// Not a number, or two different ones.
    Invalid,
}

impl Length {
    pub(super) fn value(self) -> Option<u64> {
        match self {
            Self::Known(value, _) => Some(value),
            Self::None | Self::Invalid => None,
        }
    }
}

/// The last transfer coding named.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    #[default]
    None,
    Chunked,
    /// The body is chunked on the way, with other codings inside; net/http reads only plain `chunked`.
    LastChunked,
    Other,
}

impl Fields {
    /// Takes in one header line of `head`, its continuation lines included.
    pub(super) fn take(&mut self, head: &[u8], line: Span) {
        let raw = line.of(head);
        // Where a name ends as it should its colon is found on the way.
        let token = raw.iter().position(|byte| !is_token(*byte)).unwrap_or(raw.len());
        let colon = match raw.get(token) {
            Some(b':') => token,
            _ => match memchr::memchr(b':', raw) {
                Some(colon) => colon,
                None => {
                    self.broken = true;
                    return;
                }
            },
        };
        let Some((name, rest)) = raw.split_at_checked(colon) else {
            return;
        };
        let value_at = line.part(colon + 1, raw.len());
        let rest = rest.get(1..).unwrap_or_default();
        // A colon must stand on the first line of a folded one, else the line break fails as part of the name.
        if token < colon {
            self.spaced_name = true;
            self.broken |= !name.iter().all(|byte| is_token(*byte) || *byte == b' ');
        }
        self.broken |= name.is_empty() || name.first() == Some(&b' ');
        if has_controls(rest) {
            // A tab, the line break of a folded one, or what may not be there.
            let value = value(rest);
            self.broken |= value.iter().any(|byte| *byte < b' ' && *byte != b'\t' || *byte == 0x7f);
            self.known(head, name, value_at, &value);
        } else {
            self.known(head, name, value_at, trim(rest));
        }
    }

    fn known(&mut self, head: &[u8], name: &[u8], at: Span, value: &[u8]) {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is(b"host") => {
                self.hosts += 1;
                self.host.get_or_insert(at);
            }
            6 if is(b"expect") => {
                self.expect.get_or_insert(at);
            }
            7 if is(b"upgrade") => {
                self.upgrade.get_or_insert(at);
            }
            7 if is(b"trailer") => {
                self.forbidden_trailer |= tokens(value).any(|token| {
                    [&b"transfer-encoding"[..], b"trailer", b"content-length"]
                        .iter()
                        .any(|name| token.eq_ignore_ascii_case(name))
                });
            }
            10 if is(b"connection") => {
                for token in tokens(value) {
                    self.says_close |= token.eq_ignore_ascii_case(b"close");
                    self.says_keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
                    self.says_upgrade |= token.eq_ignore_ascii_case(b"upgrade");
                }
            }
            10 if is(b"user-agent") => {
                self.user_agent.get_or_insert(at);
            }
            10 if is(b"tracestate") => {
                self.tracestate.get_or_insert(at);
            }
            11 if is(b"traceparent") => {
                self.traceparent.get_or_insert(at);
            }
            12 if is(b"content-type") => {
                self.content_type.get_or_insert(at);
            }
            14 if is(b"content-length") => self.content_length(head, at, value),
            17 if is(b"transfer-encoding") => self.transfer_encoding(value),
            _ => {}
        }
    }

    fn content_length(&mut self, head: &[u8], at: Span, value: &[u8]) {
        self.length = match self.length {
            Length::None => number(value).map_or(Length::Invalid, |number| Length::Known(number, at)),
            Length::Known(number, first) if *self::value(first.of(head)) == *value => Length::Known(number, first),
            Length::Known(..) | Length::Invalid => Length::Invalid,
        };
    }

    fn transfer_encoding(&mut self, value: &[u8]) {
        self.transfer_encodings += 1;
        if value.eq_ignore_ascii_case(b"chunked") && self.transfer_encodings == 1 {
            self.coding = Coding::Chunked;
            return;
        }
        self.coding = match tokens(value).last() {
            Some(last) if last.eq_ignore_ascii_case(b"chunked") => Coding::LastChunked,
            Some(last) if last.eq_ignore_ascii_case(b"identity") => Coding::None,
            Some(_) => Coding::Other,
            None => self.coding,
        };
    }

    /// Expect names nothing, or `100-continue`, alone or among others; anything else is answered with 417.
    pub(super) fn expectation(&self, head: &[u8]) -> Expectation {
        let Some(at) = self.expect else {
            return Expectation::None;
        };
        let value = value(at.of(head));
        let continues = value
            .split(|byte| matches!(byte, b' ' | b',' | b'\t'))
            .any(|token| token.eq_ignore_ascii_case(b"100-continue"));
        match continues {
            true => Expectation::Continue,
            false if value.is_empty() => Expectation::None,
            false => Expectation::Unknown,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expectation {
    None,
    Continue,
    Unknown,
}

/// A value without the spaces around it; continuation lines are joined by one space each, as net/textproto does it.
pub(super) fn value(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\n', raw).is_none() {
        return Cow::Borrowed(trim(raw));
    }
    let lines: Vec<&[u8]> =
        raw.split(|byte| *byte == b'\n').map(|line| trim(line.strip_suffix(b"\r").unwrap_or(line))).collect();
    let joined = lines.join(&b' ');
    let start = joined.iter().take_while(|byte| **byte == b' ').count();
    Cow::Owned(joined.get(start..).unwrap_or_default().to_vec())
}

/// Eight bytes at a time: values are most of a head.
fn has_controls(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    const TOPS: u64 = ONES << 7;
    // The top bits of bytes below 0x20, and of those that are 0x7f. A borrow may mark the byte above a marked one, too.
    let controls = |eight: [u8; 8]| {
        let word = u64::from_le_bytes(eight);
        let delete = word ^ (ONES * 0x7f);
        (word.wrapping_sub(ONES * 0x20) & !word | delete.wrapping_sub(ONES) & !delete) & TOPS
    };
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut last = [b' '; 8];
    for (byte, place) in rest.iter().zip(&mut last) {
        *place = *byte;
    }
    eights.iter().fold(controls(last), |found, eight| found | controls(*eight)) != 0
}

fn trim(mut raw: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = raw {
        raw = rest;
    }
    raw
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim).filter(|token| !token.is_empty())
}

/// Decimal digits only, up to 2^63-1: `strconv.ParseUint(value, 10, 63)`.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().try_fold(0u64, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })?;
    (value <= i64::MAX as u64).then_some(value)
}

/// A byte of a method or of a header name.
pub(super) fn is_token(byte: u8) -> bool {
    TOKENS.get(usize::from(byte)).copied().unwrap_or(false)
}

/// A table, because every byte of every name is looked up: twice as fast as comparing.
const TOKENS: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest = table.as_mut_slice();
    let mut byte = 0u8;
    while let Some((entry, after)) = rest.split_first_mut() {
        *entry = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~'
            );
        byte = byte.wrapping_add(1);
        rest = after;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_found_wherever_they_stand() {
        for byte in 0..=u8::MAX {
            let is_control = byte < b' ' || byte == 0x7f;
            for length in 1..20 {
                for at in 0..length {
                    for around in [b'a', b' ', 0x80, 0xff] {
                        let mut value = vec![around; length];
                        value.iter_mut().skip(at).take(1).for_each(|place| *place = byte);
                        assert_eq!(has_controls(&value), is_control, "{byte} at {at} of {length} among {around}");
                    }
                }
            }
        }
        assert!(!has_controls(b""));
    }
}
