//! Keys as they are compared: without escapes, and without regard to case.
//!
//! Case: Go's `encoding/json`, and others when told so, take `Password` for `password`, and for that matter `paſſword`.
//! What a server takes for a secret must not be shown for its spelling.

use std::borrow::Cow;

pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// A key of the text, between its quotes.
pub(super) enum Key<'a> {
    Plain(&'a [u8]),
    Folded(String),
}

impl<'a> Key<'a> {
    pub(super) fn read(raw: &'a [u8]) -> Self {
        match memchr::memchr(b'\\', raw) {
            None if raw.is_ascii() => Self::Plain(raw),
            None => Self::Folded(fold(&String::from_utf8_lossy(raw))),
            Some(_) => Self::Folded(fold(&unescape(raw))),
        }
    }

    /// `name` is folded.
    pub(super) fn is(&self, name: &str) -> bool {
        match self {
            Self::Plain(raw) => raw.eq_ignore_ascii_case(name.as_bytes()),
            Self::Folded(key) => key == name,
        }
    }
}

/// What is escaped wrongly stays as it is.
fn unescape(raw: &[u8]) -> Cow<'_, str> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let Some((escape, after)) = rest.split_first() else { break };
        rest = after;
        match escape {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'u' => {
                let Some((char, after)) = unit(rest) else { continue };
                rest = after;
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => out.push(*other),
        }
    }
    String::from_utf8_lossy(&out).into_owned().into()
}

/// The character of one `\u` escape, or of two that are one in UTF-16.
fn unit(digits: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = four(digits)?;
    if (0xd800..0xdc00).contains(&first)
        && let Some((second, after)) = rest.strip_prefix(b"\\u").and_then(four)
        && let Some(Ok(char)) = char::decode_utf16([first, second]).next()
    {
        return Some((char, after));
    }
    Some((char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER), rest))
}

fn four(digits: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = digits.split_at_checked(4)?;
    let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok().map(|unit| (unit, rest))
}
