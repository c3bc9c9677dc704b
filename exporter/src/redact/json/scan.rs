//! One pass over a JSON text, or over several one after another, that finds the values which paths name.
//!
//! It knows where strings, numbers and brackets end, and keeps no tree: a text that ends anywhere was read up to there,
//! and a secret that was begun ends where the text does.
#![warn(clippy::indexing_slicing)]

use std::ops::Range;

use super::fold::Key;
use super::paths::{Paths, Way};

/// Values within values. What is deeper is not looked at, so such a text cannot be shown.
pub(in crate::redact) const DEEPEST: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redact) enum Broken {
    /// No JSON from this byte on. `members`: how many members of objects were read before.
    At {
        byte: usize,
        members: u64,
    },
    TooDeep,
}

/// Whether a text of which nothing is known is worth a try.
pub(in crate::redact) fn looks_like_json(bytes: &[u8]) -> bool {
    let bytes = bytes.get(start(bytes)..).unwrap_or_default().trim_ascii_start();
    matches!(bytes.first(), Some(b'{' | b'['))
}

/// Calls `found` with the range of each value that a path names: of what the value consists, with its quotes.
pub(in crate::redact) fn scan(bytes: &[u8], paths: &Paths, found: &mut dyn FnMut(Range<usize>)) -> Result<(), Broken> {
    let words = paths.words();
    let mut root = vec![0; words];
    paths.start(&mut root);
    let mut scan =
        Scan { bytes, at: start(bytes), paths, words, root, open: Vec::new(), sets: Vec::new(), hidden: None };
    let result = scan.run(found);
    // The text ended within a secret, or could not be read further: nobody knows where it ends.
    if let Some((_, start)) = scan.hidden {
        found(start..bytes.len());
    }
    result
}

/// A byte order mark, and what keeps browsers from reading JSON as a script.
fn start(bytes: &[u8]) -> usize {
    let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let rest = rest.strip_prefix(b")]}',").or_else(|| rest.strip_prefix(b")]}'")).unwrap_or(rest);
    bytes.len() - rest.len()
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    paths: &'a Paths,
    words: usize,
    /// Where the paths are at the outermost value.
    root: Vec<u64>,
    open: Vec<Open>,
    /// Where the paths are at each open value, `words` for each.
    sets: Vec<u64>,
    /// The secret within which everything is: how many values were open around it, and where it began.
    hidden: Option<(usize, usize)>,
}

#[derive(Clone, Copy)]
enum Open {
    Object,
    /// With the index of the element that comes next.
    Array(u64),
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// After `[`.
    ValueOrEnd,
    Key,
    /// After `{`.
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

impl<'a> Scan<'a> {
    fn run(&mut self, found: &mut dyn FnMut(Range<usize>)) -> Result<(), Broken> {
        let mut next = Next::Value;
        let mut members = 0;
        let mut set = self.root.clone();
        loop {
            self.skip_space();
            let Some(byte) = self.bytes.get(self.at).copied() else { return Ok(()) };
            let broken = Broken::At { byte: self.at, members };
            next = match (next, byte) {
                (Next::ValueOrEnd, b']') | (Next::KeyOrEnd, b'}') => self.close(found),
                (Next::CommaOrEnd, b']') if matches!(self.open.last(), Some(Open::Array(_))) => self.close(found),
                (Next::CommaOrEnd, b'}') if matches!(self.open.last(), Some(Open::Object)) => self.close(found),
                (Next::CommaOrEnd, b',') => {
                    self.at += 1;
                    match self.open.last_mut() {
                        Some(Open::Array(index)) => {
                            *index += 1;
                            let index = *index;
                            self.follow(&Way::Element(index), &mut set);
                            Next::Value
                        }
                        _ => Next::Key,
                    }
                }
                (Next::Key | Next::KeyOrEnd, b'"') => {
                    let Some(key) = self.string() else { return Ok(()) };
                    if self.hidden.is_none() {
                        self.follow(&Way::Member(Key::read(key)), &mut set);
                    }
                    members += 1;
                    Next::Colon
                }
                (Next::Colon, b':') => {
                    self.at += 1;
                    Next::Value
                }
                (Next::Value | Next::ValueOrEnd, _) => {
                    let start = self.at;
                    let secret = self.hidden.is_none() && self.paths.ends(&set);
                    if matches!(byte, b'{' | b'[') {
                        if self.open.len() >= DEEPEST {
                            return Err(Broken::TooDeep);
                        }
                        if secret {
                            self.hidden = Some((self.open.len(), start));
                        }
                        self.open(byte, &mut set)
                    } else {
                        let whole = match byte {
                            b'"' => self.string().is_some(),
                            _ => self.word(),
                        };
                        if self.at == start {
                            return Err(broken);
                        }
                        if secret {
                            found(start..self.at);
                        }
                        if !whole {
                            return Ok(());
                        }
                        self.after_value()
                    }
                }
                _ => return Err(broken),
            };
            if self.open.is_empty() {
                set.copy_from_slice(&self.root);
            }
        }
    }

    /// Steps over a string and says what is between its quotes; None where the text ends first.
    fn string(&mut self) -> Option<&'a [u8]> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            let Some(length) = self.bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) else {
                self.at = self.bytes.len();
                return None;
            };
            at += length;
            if self.bytes.get(at) == Some(&b'"') {
                self.at = at + 1;
                return self.bytes.get(start..at);
            }
            at += 2;
        }
    }

    /// Steps over a number or one of the three words, if it is one; false where it may go on beyond the text.
    fn word(&mut self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let word = rest.get(..rest.iter().take_while(|byte| in_word(byte)).count()).unwrap_or_default();
        let cut = word.len() == rest.len();
        let known = |name: &&[u8]| *name == word || cut && name.starts_with(word);
        let words: [&[u8]; 3] = [b"true", b"false", b"null"];
        if !word.is_empty() && words.iter().any(known) || is_number(word, cut) {
            self.at += word.len();
        }
        !cut
    }

    fn open(&mut self, byte: u8, set: &mut [u64]) -> Next {
        self.at += 1;
        self.sets.extend_from_slice(set);
        if byte == b'{' {
            self.open.push(Open::Object);
            return Next::KeyOrEnd;
        }
        self.open.push(Open::Array(0));
        self.follow(&Way::Element(0), set);
        Next::ValueOrEnd
    }

    fn close(&mut self, found: &mut dyn FnMut(Range<usize>)) -> Next {
        self.at += 1;
        self.open.pop();
        self.sets.truncate(self.open.len() * self.words);
        if let Some((depth, start)) = self.hidden
            && depth == self.open.len()
        {
            found(start..self.at);
            self.hidden = None;
        }
        self.after_value()
    }

    fn after_value(&self) -> Next {
        if self.open.is_empty() { Next::Value } else { Next::CommaOrEnd }
    }

    /// From the innermost open value to one in it.
    fn follow(&self, way: &Way<'_>, set: &mut [u64]) {
        set.fill(0);
        if self.hidden.is_none() {
            let from = self.sets.len().saturating_sub(self.words);
            self.paths.follow(self.sets.get(from..).unwrap_or_default(), way, set);
        }
    }

    fn skip_space(&mut self) {
        // RFC 7464 puts a record separator before each text of a sequence.
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x1e);
        self.at += rest.iter().take_while(space).count();
    }
}

/// `cut`: it may go on.
fn is_number(word: &[u8], cut: bool) -> bool {
    let rest = word.strip_prefix(b"-").unwrap_or(word);
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = rest.split_at(digits(rest));
    let (fraction, rest) = match rest.strip_prefix(b".") {
        Some(after) => after.split_at(digits(after)),
        None => (&b"0"[..], rest),
    };
    let (exponent, rest) = match rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        Some(after) => {
            let after = after.strip_prefix(b"+").or_else(|| after.strip_prefix(b"-")).unwrap_or(after);
            after.split_at(digits(after))
        }
        None => (&b"0"[..], rest),
    };
    let full = !whole.is_empty() && !fraction.is_empty() && !exponent.is_empty();
    rest.is_empty() && (full || cut && !word.is_empty())
}
