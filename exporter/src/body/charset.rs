//! Bytes as text: by their byte order mark, as UTF-8, else by the charset that was declared. Nothing is guessed, for a
//! wrong guess prints what nobody wrote; but ASCII in UTF-16 is known by its zero bytes, as JSON once had it (RFC 4627).

use std::borrow::Cow;

use encoding_rs::{DecoderResult, Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

/// The text that `bytes` are. None where they are none in UTF-8 or the declared charset. `cut`: an incomplete last
/// character is left out, else there must be none.
pub fn text<'a>(bytes: &'a [u8], declared: Option<&str>, cut: bool) -> Option<Cow<'a, str>> {
    let (encoding, bytes) = encoding(bytes, declared, cut)?;
    if encoding == UTF_8 {
        return utf8(bytes, cut).map(Cow::Borrowed);
    }
    decode(encoding, bytes, cut).map(Cow::Owned)
}

/// In what `bytes` are written, and the bytes after the byte order mark. None where that is not known here.
pub fn encoding<'a>(bytes: &'a [u8], declared: Option<&str>, cut: bool) -> Option<(&'static Encoding, &'a [u8])> {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return Some((encoding, bytes.get(length..).unwrap_or_default()));
    }
    let declared = match declared {
        Some(label) => Encoding::for_label(label.trim().as_bytes()),
        None => zero_bytes(bytes).or_else(|| xml_declaration(bytes).and_then(Encoding::for_label)),
    };
    let declared = declared.unwrap_or(UTF_8);
    // What is valid UTF-8 is hardly anything else, whatever is declared: except what consists of ASCII bytes anyway.
    if declared.is_ascii_compatible() && utf8(bytes, cut).is_some() {
        return Some((UTF_8, bytes));
    }
    (declared != REPLACEMENT).then_some((declared, bytes))
}

/// UTF-16, if the first two characters are those of ASCII.
fn zero_bytes(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [1..=127, 0, 1..=127, 0, ..] => Some(UTF_16LE),
        [0, 1..=127, 0, 1..=127, ..] => Some(UTF_16BE),
        _ => None,
    }
}

/// `encoding` of `<?xml version="1.0" encoding="…"?>`.
fn xml_declaration(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"<?xml")?;
    let rest = rest.get(..rest.len().min(200))?;
    let declaration = rest.get(..memchr::memmem::find(rest, b"?>")?)?;
    let rest = declaration.get(memchr::memmem::find(declaration, b"encoding")? + 8..)?;
    let quoted = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, rest) = quoted.split_first()?;
    rest.get(..memchr::memchr(*quote, rest)?)
}

/// Valid UTF-8, without what is there of a last character if it is cut.
pub fn utf8(bytes: &[u8], cut: bool) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if cut && error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok())
        }
        Err(_) => None,
    }
}

fn decode(encoding: &'static Encoding, bytes: &[u8], cut: bool) -> Option<String> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length_without_replacement(bytes.len())?);
    let (result, read) = decoder.decode_to_string_without_replacement(bytes, &mut text, !cut);
    (result == DecoderResult::InputEmpty && read == bytes.len()).then_some(text)
}

/// Whether the bytes of `encoding` below 128 always mean what they mean in ASCII, also behind others.
pub fn keeps_ascii(encoding: &'static Encoding) -> bool {
    encoding == UTF_8 || encoding.is_single_byte()
}

/// Whether `text` can be shown to people: no control characters but those that set lines and columns.
pub fn is_printable(text: &str) -> bool {
    text.chars().all(|char| !char.is_control() || matches!(char, '\t' | '\n' | '\r' | '\x0c'))
}
