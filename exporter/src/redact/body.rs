//! Redacts a body: decodes it where it is compressed, finds the secrets by what the body is, and replaces them in
//! place.
//!
//! A body that cannot be read as what it says it is may hold a secret that was not found: it fails, and its content
//! must not be shown.

use bytes::Bytes;

use super::edits::Edits;
use super::search::{DEEPEST, Search};
use super::{Redaction, json};
use crate::body::coding::{End, decode, is_coded};
use crate::body::{Captured, Kind, Media, charset};

/// A body that can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// As they were, if nothing had to be replaced.
    pub bytes: Bytes,
    /// Values that were replaced.
    pub values: usize,
    /// The content coding was removed: Content-Encoding does not hold any more.
    pub decoded: bool,
    /// The text was in another charset and is UTF-8 now: that of Content-Type does not hold any more.
    pub utf8: bool,
    /// It ends before the body did.
    pub truncated: bool,
}

/// Why the content of a body cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    #[error("the body is {0}")]
    Coding(End),
    #[error("the body is not in the charset that it declares")]
    Charset,
    #[error("the body is no JSON from byte {0} on")]
    Json(usize),
    #[error("the body has JSON values more than {} deep", json::DEEPEST)]
    Deep,
    #[error("the multipart body has no boundary that can be found")]
    Boundary,
    #[error("the body has multipart bodies more than {} deep", DEEPEST)]
    Nested,
    #[error("a part of the multipart body is in a transfer encoding")]
    Encoded,
}

/// `bytes` are what was captured of a body with these headers, `truncated` that there was more. At most `limit` bytes
/// are decoded of a compressed body, and no more of it is shown.
///
/// What was replaced in a compressed body comes back decoded. So does one of which not all could be decoded: what was
/// not looked at is not shown.
pub fn redact_body(
    redaction: &Redaction,
    content_type: Option<&str>,
    content_encoding: Option<&str>,
    bytes: &Bytes,
    truncated: bool,
    limit: usize,
) -> Result<Redacted, Failed> {
    let unchanged = Redacted { bytes: bytes.clone(), values: 0, decoded: false, utf8: false, truncated };
    let media = Media::of(content_type);
    let kind = media.kind();
    let json_only = matches!(kind, Kind::Json | Kind::Events);
    let may_apply = redaction.has_body_rules()
        && kind != Kind::Grpc
        && !(json_only && redaction.json.is_empty() && redaction.patterns.is_empty());
    if bytes.is_empty() || !may_apply {
        return Ok(unchanged);
    }
    let decoded = decode(content_encoding, bytes, limit);
    let whole = decoded.end == End::Whole;
    let cut = truncated || !whole;
    let declared = media.parameter("charset");
    // An image that is one: no rule speaks of it, and that it may be broken is nothing to us.
    if kind == Kind::Binary
        && !charset::text(&decoded.bytes, declared.as_deref(), cut).is_some_and(|text| charset::is_printable(&text))
    {
        return Ok(unchanged);
    }
    if matches!(decoded.end, End::Corrupt(_) | End::Unsupported) {
        return Err(Failed::Coding(decoded.end));
    }
    let mut search = Search { rules: redaction, edits: Edits::default() };
    let other = in_utf8(kind, &decoded.bytes, declared.as_deref(), cut)?;
    let text = other.as_deref().unwrap_or(&decoded.bytes);
    search.body(media, text, 0, 0)?;
    for pattern in &redaction.patterns {
        pattern.secrets(text, cut, |range| search.edits.secret(range));
    }
    if search.edits.is_empty() {
        let bytes = if whole { bytes.clone() } else { Bytes::copy_from_slice(&decoded.bytes) };
        return Ok(Redacted { bytes, decoded: !whole, truncated: cut, ..unchanged });
    }
    let (clean, values) = search.edits.apply(text);
    Ok(Redacted {
        bytes: clean.into(),
        values,
        decoded: is_coded(content_encoding),
        utf8: other.is_some(),
        truncated: cut,
    })
}

/// The text in UTF-8, if it is in a charset in which the bytes of ASCII do not always mean what they mean there.
fn in_utf8(kind: Kind, bytes: &[u8], declared: Option<&str>, cut: bool) -> Result<Option<Vec<u8>>, Failed> {
    // Parts have charsets of their own.
    if kind == Kind::Multipart {
        return Ok(None);
    }
    let (encoding, _) = charset::encoding(bytes, declared, cut).ok_or(Failed::Charset)?;
    if charset::keeps_ascii(encoding) {
        return Ok(None);
    }
    match charset::text(bytes, declared, cut) {
        Some(text) => Ok(Some(text.into_owned().into_bytes())),
        // Two bytes that look like a byte order mark, before something that nobody called text.
        None if kind == Kind::Unknown && declared.is_none() => Ok(None),
        None => Err(Failed::Charset),
    }
}

impl Captured {
    /// The body as outputs may show it.
    pub fn redacted(&self, redaction: &Redaction, limit: usize) -> Result<Self, Failed> {
        let (content_type, encoding) = (self.content_type.as_deref(), self.content_encoding.as_deref());
        let clean = redact_body(redaction, content_type, encoding, &self.bytes, self.truncated, limit)?;
        let content_type = match (clean.utf8, Media::of(content_type).name()) {
            (true, name) => Some(format!("{}; charset=utf-8", name.unwrap_or("text/plain")).into()),
            (false, _) => self.content_type.clone(),
        };
        Ok(Self {
            bytes: clean.bytes,
            seen: self.seen,
            truncated: clean.truncated,
            content_type,
            content_encoding: if clean.decoded { None } else { self.content_encoding.clone() },
        })
    }
}
