//! One log record as a value, before it is bytes of any protocol.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use crate::event::{Name, Process};

/// A record without its text and its attributes, roughly.
const FIXED: usize = 256;

/// How bad it is that the record tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Info,
    Error,
}

/// What a record carries besides its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    Text(Bytes),
    Binary(Bytes),
}

impl Body {
    /// Text where the bytes are text, else the bytes as they are. A text that was cut in the middle of a character
    /// ends before it.
    pub fn of(bytes: Bytes, truncated: bool) -> Self {
        match std::str::from_utf8(&bytes) {
            Ok(text) if !text.contains('\0') => Self::Text(bytes),
            Err(error) if truncated && error.error_len().is_none() => {
                let text = bytes.slice(..error.valid_up_to());
                if text.is_empty() || text.contains(&0) { Self::Binary(bytes) } else { Self::Text(text) }
            }
            _ => Self::Binary(bytes),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes.len(),
        }
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(Box<str>),
    Fixed(&'static str),
    Name(Name),
    Integer(i64),
    Flag(bool),
    List(Vec<Box<str>>),
}

impl Value {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::List(texts) => texts.iter().map(|text| text.len() + 24).sum(),
            _ => 8,
        }
    }
}

/// One record. Times are nanoseconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The Traefik that it is about: its resource.
    pub process: Arc<Process>,
    pub pid: u32,
    /// When it happened; when hoptap knew of it.
    pub time: u64,
    pub observed: u64,
    pub severity: Severity,
    /// One of `hoptap_semconv::event`.
    pub event: &'static str,
    pub body: Option<Body>,
    pub attributes: Vec<(Cow<'static, str>, Value)>,
    pub trace_id: u128,
    pub span_id: u64,
    /// The span that it belongs to is exported.
    pub sampled: bool,
}

impl Record {
    /// Bytes of memory that it takes, roughly.
    pub fn weight(&self) -> usize {
        let attributes: usize = self.attributes.iter().map(|(key, value)| key.len() + value.len() + 56).sum();
        FIXED + attributes + self.body.as_ref().map_or(0, Body::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_and_the_rest_is_bytes() {
        let check = |bytes: &'static [u8], truncated: bool, expected: Body| {
            assert_eq!(Body::of(Bytes::from_static(bytes), truncated), expected, "{bytes:?} {truncated}");
        };
        let text = |bytes: &'static [u8]| Body::Text(Bytes::from_static(bytes));
        let binary = |bytes: &'static [u8]| Body::Binary(Bytes::from_static(bytes));
        check(b"", false, text(b""));
        check(b"{\"a\": \"\xc3\xa4\"}", false, text(b"{\"a\": \"\xc3\xa4\"}"));
        check(b"\x1f\x8b\x08\0", false, binary(b"\x1f\x8b\x08\0"));
        check(b"nul\0", false, binary(b"nul\0"));
        check(b"cut \xc3", true, text(b"cut "));
        check(b"cut \xc3", false, binary(b"cut \xc3"));
        check(b"\xc3", true, binary(b"\xc3"));
        check(b"no\xff text", true, binary(b"no\xff text"));
    }
}
