//! HTTP/1: masks the values of secret header lines and of secret query keys, byte by byte, whatever the cuts.

use super::STAR;
use crate::redact::{SECRET_HEADERS, is_secret_header, is_secret_query_key};

/// Longest name of a secret header.
const LONGEST_NAME: usize = {
    let mut longest = 0;
    let mut index = 0;
    while index < SECRET_HEADERS.len() {
        if SECRET_HEADERS[index].len() > longest {
            longest = SECRET_HEADERS[index].len();
        }
        index += 1;
    }
    longest
};

/// Longest query key that is remembered as it was sent: three bytes for each that is percent-encoded.
const LONGEST_KEY: usize = 96;

/// Where in a line we are, and where in a URL's query: both at once, because a line holds URLs.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    line: Line,
    name: Word<LONGEST_NAME>,
    query: Query,
    key: Word<LONGEST_KEY>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Before the first colon.
    Name,
    /// After it, in a line that is no secret.
    Value,
    /// Between the colon of a secret line and its value.
    SecretStart,
    Secret,
    /// After the newline of a secret line: a space now means that the value goes on (RFC 9112, 5.2).
    SecretEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Query {
    Outside,
    Key,
    /// In the value of a secret key.
    Secret,
}

impl Lines {
    /// At the start of a message.
    pub(super) fn new() -> Self {
        Self { line: Line::Name, name: Word::new(), query: Query::Key, key: Word::new() }
    }

    /// Somewhere after a gap: the rest of this line may be a secret whose name was in the gap.
    pub(super) fn after_gap() -> Self {
        Self { line: Line::Secret, ..Self::new() }
    }

    pub(super) fn mask(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            let is = *byte;
            if self.header(is) | self.query(is) {
                *byte = STAR;
            }
        }
    }

    /// Moves on in the line; true if this byte is part of a secret value.
    fn header(&mut self, byte: u8) -> bool {
        let space = matches!(byte, b' ' | b'\t');
        if self.line == Line::SecretEnd {
            self.line = if space { Line::SecretStart } else { Line::Name };
        }
        match self.line {
            Line::Name | Line::Value if byte == b'\n' => self.start_line(Line::Name),
            Line::Name if byte == b':' => {
                let secret = self.name.as_str().is_some_and(is_secret_header);
                self.start_line(if secret { Line::SecretStart } else { Line::Value });
            }
            // Some servers take `Authorization : …` and ` Authorization: …`, so spaces do not count.
            Line::Name if !space => self.name.push(byte),
            Line::Name | Line::Value => {}
            Line::SecretStart | Line::Secret if byte == b'\n' => self.start_line(Line::SecretEnd),
            Line::SecretStart if space => {}
            Line::SecretStart | Line::Secret => {
                self.line = Line::Secret;
                return byte != b'\r';
            }
            Line::SecretEnd => {}
        }
        false
    }

    fn start_line(&mut self, line: Line) {
        self.line = line;
        self.name = Word::new();
    }

    /// Moves on in the query; true if this byte is part of a secret value. A value ends at `&` or at white space
    /// and nowhere else: net/http takes any other byte in a target, quotes too.
    fn query(&mut self, byte: u8) -> bool {
        match (self.query, byte) {
            // A form body starts with a key, without a question mark.
            (_, b'\n') => self.start_key(),
            (_, 0..=b' ') => self.query = Query::Outside,
            (Query::Secret, b'&') => self.start_key(),
            (Query::Secret, _) => return true,
            (_, b'?' | b'&' | b';' | b'#') => self.start_key(),
            (Query::Key, b'=') => {
                let secret = self.key.as_str().is_some_and(is_secret_query_key);
                self.query = if secret { Query::Secret } else { Query::Outside };
            }
            (Query::Key, _) => self.key.push(byte),
            (Query::Outside, _) => {}
        }
        false
    }

    fn start_key(&mut self) {
        self.query = Query::Key;
        self.key = Word::new();
    }
}

/// Up to `N` bytes; one that is longer is none of those that are looked for.
#[derive(Debug, Clone)]
struct Word<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Word<N> {
    fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.length) {
            *slot = byte;
        }
        self.length = self.length.saturating_add(1);
    }

    fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes.get(..self.length)?).ok()
    }
}
