//! Header blocks of HTTP/3 (QPACK, RFC 9204), as far as Traefik reads them: it offers no dynamic table, so that a block
//! says all by itself.
//!
//! There are no frames here: what goes over QUIC is encrypted on its way through the socket, and Traefik's own functions
//! say what there was.
#![warn(clippy::indexing_slicing)]

mod static_table;

use crate::http2::Field;
use crate::http2::hpack::{Reader, Text};
use static_table::STATIC_TABLE;

/// The fields of a block; those up to the first that cannot be read, if it breaks the rules or goes past what was kept.
pub fn fields(block: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut reader = Reader::new(block);
    let mut scratch = Vec::new();
    // Required Insert Count and Base: of a table that is not there.
    if prefix(&mut reader, 8).is_none() || prefix(&mut reader, 7).is_none() {
        return fields;
    }
    while let Some(first) = reader.octet() {
        let Some(field) = field(first, &mut reader, &mut scratch) else { break };
        fields.push(field);
    }
    fields
}

fn prefix(reader: &mut Reader<'_>, bits: u32) -> Option<usize> {
    let first = reader.octet()?;
    reader.integer(first, bits)
}

/// One field line (RFC 9204, 4.5); None where it refers to the dynamic table, or cannot be read.
fn field(first: u8, reader: &mut Reader<'_>, scratch: &mut Vec<u8>) -> Option<Field> {
    const STATIC: u8 = 0x40;
    const STATIC_NAME: u8 = 0x10;
    let entry = |index: usize| STATIC_TABLE.get(index);
    let fixed = |text: &'static str| Text::Static(text.as_bytes());
    let (name, value) = match first {
        // Indexed.
        0x80.. if first & STATIC != 0 => {
            let (name, value) = entry(reader.integer(first, 6)?)?;
            (fixed(name), fixed(value))
        }
        // A literal with the name of an entry.
        0x40..0x80 if first & STATIC_NAME != 0 => {
            let (name, _) = entry(reader.integer(first, 4)?)?;
            (fixed(name), reader.string(scratch)?.0)
        }
        // A literal with a name of its own, whose length shares its octet.
        0x20..0x40 => {
            let name = reader.string_with(first, 3, scratch)?;
            (name, reader.string(scratch)?.0)
        }
        _ => return None,
    };
    Some(Field { name: Some(name), value: Some(value), unknown: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(block: &[u8], expected: &str) {
        let text =
            |text: &Option<Text>| text.as_deref().map(|text| text.escape_ascii().to_string()).unwrap_or_default();
        let found: Vec<_> =
            fields(block).iter().map(|field| format!("{}={}", text(&field.name), text(&field.value))).collect();
        assert_eq!(found.join(" "), expected, "{block:?}");
    }

    #[test]
    fn blocks() {
        check(b"", "");
        check(b"\0", "");
        check(b"\0\0", "");
        // RFC 9204, B.1.
        check(b"\0\0\x51\x0b/index.html", ":path=/index.html");
        check(b"\0\0\xd1\xd7\x50\x06a.test\xc1", ":method=GET :scheme=https :authority=a.test :path=/");
        check(b"\0\0\x23foo\x03bar\x27\x00longnam\x01x", "foo=bar longnam=x");
        check(b"\0\0\x27\x03longer-nam\x01x", "longer-nam=x");
        // Huffman, in the name and in the value.
        check(b"\0\0\x2a\x94\xe7\x83\x8c\x76\x7f", "foo=bar");
        // An index past the table, one into the dynamic table, a string that is cut.
        check(b"\0\0\xd1\xff\x64", ":method=GET");
        check(b"\0\0\xd1\x80\xd1", ":method=GET");
        check(b"\0\0\xd1\x51\x0b/ind", ":method=GET");
    }
}
