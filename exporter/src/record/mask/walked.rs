//! HTTP/2 as the kernel side tells of it: masks the values of secret fields in header blocks, where they stand.
//!
//! A literal keeps its octets and loses its Huffman coding: `*` as often as it has octets. A block that is cut by the
//! end of a record, or that cannot be read, is made unreadable as a whole, so that no replay takes what
//! follows for something that it is not.

use std::ops::Range;

use super::STAR;
use crate::event::Frames;
use crate::http2::LEFT_OUT_KEPT;
use crate::http2::hpack::{self, Field, Text};
use crate::redact::{is_secret_header, is_secret_query_key};

const HEADER: usize = 9;
const HEADERS: u8 = 1;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

/// An index of 0 is an error (RFC 7541, 6.1): whoever decodes it knows nothing of the table from there on.
const UNREADABLE: u8 = 0x80;

/// Follows one direction.
#[derive(Debug, Default)]
pub(super) struct Walked {
    decoder: hpack::Decoder,
    /// The last frame holds fields, and goes on in the next record.
    open: bool,
}

impl Walked {
    pub(super) fn mask(&mut self, frames: Frames, bytes: &mut [u8]) {
        if frames.resumed {
            self.decoder.forget();
            self.open = false;
        }
        let continued = (frames.continued as usize).min(bytes.len());
        let (before, mut rest) = bytes.split_at_mut(continued);
        if self.open {
            before.fill(UNREADABLE);
        }
        if !rest.is_empty() {
            self.open = false;
        }
        while rest.len() >= HEADER {
            let (header, after) = rest.split_at_mut(HEADER);
            let [a, b, c, kind, flags, stream, ..] = *header else { return };
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let left_out = stream & 0x80 != 0;
            let kept = match left_out {
                true => length.min(LEFT_OUT_KEPT as usize),
                false => length,
            };
            let whole = kept <= after.len();
            let (payload, after) = after.split_at_mut(kept.min(after.len()));
            if matches!(kind, HEADERS | PUSH_PROMISE | CONTINUATION) && !left_out {
                self.fields(kind, flags, payload, whole);
                self.open = !whole;
            }
            rest = after;
        }
    }

    fn fields(&mut self, kind: u8, flags: u8, payload: &mut [u8], whole: bool) {
        let block = match kind == HEADERS && flags & END_HEADERS != 0 && whole {
            true => block(flags, payload),
            false => None,
        };
        let masked = block.and_then(|block| self.secrets(payload.get_mut(block)?));
        if masked.is_none() {
            // Whatever stands before the block, and however long the padding is said to be.
            payload.fill(UNREADABLE);
            self.decoder.forget();
        }
    }

    /// None where the block cannot be read.
    fn secrets(&mut self, block: &mut [u8]) -> Option<()> {
        let mut secrets = Vec::new();
        let complete = self.decoder.decode(block, &mut |field, literal| {
            if let Some(literal) = literal
                && is_secret(&field)
            {
                secrets.push(literal);
            }
        });
        if !complete {
            return None;
        }
        for literal in secrets {
            block.get_mut(literal.octets)?.fill(STAR);
            // No Huffman code any more.
            *block.get_mut(literal.length_at)? &= 0x7f;
        }
        Some(())
    }
}

/// Masks the entries of a table (`event::Table::entries`). What cannot be read is masked as a whole.
pub(super) fn mask_table(mut bytes: &mut [u8]) {
    while let &mut [a, b, c, d, ..] = bytes {
        let [name, value] = [[a, b], [c, d]].map(|length| usize::from(u16::from_le_bytes(length)));
        let rest = &mut bytes[4..];
        if name + value > rest.len() {
            return rest.fill(STAR);
        }
        let (name, rest) = rest.split_at_mut(name);
        let (value, rest) = rest.split_at_mut(value);
        let field = Field { name: Some(Text::from(&*name)), value: Some(Text::from(&*value)), unknown: None };
        if is_secret(&field) {
            value.fill(STAR);
        }
        bytes = rest;
    }
    bytes.fill(STAR);
}

/// Whether the value of a field is a secret, or holds one: it is masked as a whole then.
fn is_secret(field: &Field) -> bool {
    let Some(name) = field.name.as_deref().map(String::from_utf8_lossy) else { return true };
    if matches!(&*name, ":path" | "referer" | "location") {
        return field.value.as_deref().is_none_or(|value| has_secret_query(&String::from_utf8_lossy(value)));
    }
    is_secret_header(&name)
}

fn has_secret_query(url: &str) -> bool {
    let Some((_, query)) = url.split_once('?') else { return false };
    query.split(['&', ';', '#']).any(|pair| is_secret_query_key(pair.split('=').next().unwrap_or_default()))
}

/// Where in the payload of a HEADERS frame the block is (RFC 9113, 6.2).
fn block(flags: u8, payload: &[u8]) -> Option<Range<usize>> {
    let mut start = 0;
    let mut padding = 0;
    if flags & PADDED != 0 {
        padding = usize::from(*payload.first()?);
        start = 1;
    }
    if flags & PRIORITY != 0 {
        start += 5;
    }
    let end = payload.len().checked_sub(padding)?;
    (start <= end).then_some(start..end)
}
