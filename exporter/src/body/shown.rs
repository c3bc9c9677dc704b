//! A body as outputs have it: text for those who read, and never base64 or the characters of another charset.

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::Captured;
use super::charset;
use super::coding::{Coding, End, decode};
use super::framed;
use super::media::{Kind, Media};
use super::multipart::{Parts, field};
use crate::rpc;

/// What an output for people prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown<'a> {
    /// Text without control characters but tabs and the ends of lines; `note` says in brackets what is missing and
    /// what it was decoded from, if there is something to say.
    Text { text: Cow<'a, str>, note: Option<String> },
    /// `[binary, 5,120 bytes, image/png]`.
    Binary { note: String },
}

/// What telemetry carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<'a> {
    /// With its content coding removed.
    Text(Cow<'a, str>),
    /// As on the wire.
    Bytes(&'a bytes::Bytes),
}

pub(super) fn show(body: &Captured, limit: usize) -> Shown<'_> {
    let media = body.media();
    let decoded = decode(body.content_encoding.as_deref(), &body.bytes, limit);
    let cut = body.truncated || decoded.end != End::Whole;
    let facts = Facts { length: decoded.bytes.len(), end: decoded.end, from: decoded.from };
    // What could not be decoded is shown as what it is, whatever it would have been.
    let unread = facts.end == End::Unsupported || facts.length == 0 && facts.end != End::Whole;
    if unread || body.bytes.is_empty() && body.seen > 0 {
        return Shown::Binary { note: facts.binary(body, media, None) };
    }
    let text = match media.kind() {
        Kind::Grpc => return Shown::Binary { note: facts.binary(body, media, Some(&decoded.bytes)) },
        Kind::Multipart => parts(media, &decoded.bytes, cut).map(Cow::Owned),
        _ => None,
    };
    match text.or_else(|| text_of(decoded.bytes, media, cut)) {
        Some(text) => Shown::Text { text, note: facts.text(body) },
        None => Shown::Binary { note: facts.binary(body, media, None) },
    }
}

pub(super) fn content(body: &Captured, limit: usize) -> Content<'_> {
    let media = body.media();
    let decoded = decode(body.content_encoding.as_deref(), &body.bytes, limit);
    let cut = body.truncated || decoded.end != End::Whole;
    if matches!(decoded.end, End::Unsupported | End::Corrupt(_)) || media.kind() == Kind::Grpc {
        return Content::Bytes(&body.bytes);
    }
    text_of(decoded.bytes, media, cut).map_or(Content::Bytes(&body.bytes), Content::Text)
}

fn text_of<'a>(bytes: Cow<'a, [u8]>, media: Media<'_>, cut: bool) -> Option<Cow<'a, str>> {
    let declared = media.parameter("charset");
    let text = match bytes {
        Cow::Borrowed(bytes) => charset::text(bytes, declared.as_deref(), cut)?,
        Cow::Owned(bytes) => Cow::Owned(charset::text(&bytes, declared.as_deref(), cut)?.into_owned()),
    };
    charset::is_printable(&text).then_some(text)
}

/// The parts that are text as text, the others by their sizes. None where it is no multipart body.
fn parts(media: Media<'_>, bytes: &[u8], cut: bool) -> Option<String> {
    let parts = Parts::new(bytes, &media.parameter("boundary")?)?;
    if !parts.fits() {
        return None;
    }
    let mut shown = String::new();
    let mut copied = 0;
    for part in parts {
        let content = bytes.get(part.content.clone()).unwrap_or_default();
        let headers = bytes.get(part.headers.clone()).unwrap_or_default();
        let said = field(headers, "content-type").next();
        let media = Media::of(said.as_deref());
        let before = bytes.get(copied..part.content.start).unwrap_or_default();
        shown.push_str(&text_of(Cow::Borrowed(before), Media::default(), false)?);
        match text_of(Cow::Borrowed(content), media, cut && !part.complete) {
            Some(text) => shown.push_str(&text),
            None => {
                let media = media.name().map_or(String::new(), |name| format!(", {name}"));
                let more = if part.complete { "" } else { " or more" };
                // Writing to a `String` cannot fail.
                let _ = write!(shown, "[binary, {} bytes{more}{media}]", Grouped(content.len() as u64));
            }
        }
        copied = part.content.end;
    }
    let rest = bytes.get(copied..).unwrap_or_default();
    shown.push_str(&text_of(Cow::Borrowed(rest), Media::default(), cut)?);
    Some(shown)
}

/// What decoding told.
struct Facts {
    length: usize,
    end: End,
    from: Option<Coding>,
}

impl Facts {
    /// What is missing of a text, and what it was before.
    fn text(&self, body: &Captured) -> Option<String> {
        let mut said = Vec::new();
        if body.truncated || body.seen > body.captured() {
            let (captured, seen) = (Grouped(body.captured()), Grouped(body.seen));
            said.push(format!("truncated, {captured} of {seen} bytes captured"));
        }
        if let Some(from) = self.from {
            said.push(format!("decoded from {}", from.as_str()));
        }
        match self.end {
            // Of a body that was not captured whole this is no news.
            End::Whole => {}
            End::Cut if body.truncated => {}
            End::Limit => said.push(format!("truncated at {} decoded bytes", Grouped(self.length as u64))),
            end => said.push(end.to_string()),
        }
        (!said.is_empty()).then(|| format!("[{}]", said.join(", ")))
    }

    fn binary(&self, body: &Captured, media: Media<'_>, framed: Option<&[u8]>) -> String {
        let mut said = vec!["binary".to_owned(), format!("{} bytes", Grouped(body.seen.max(body.captured())))];
        if body.truncated || body.seen > body.captured() {
            said.push(format!("{} captured", Grouped(body.captured())));
        }
        said.extend(media.name().map(str::to_owned));
        if let Some(from) = self.from {
            said.push(format!("sent as {}", from.as_str()));
        }
        if !matches!(self.end, End::Whole | End::Cut) {
            said.push(self.end.to_string());
        }
        said.extend(framed.filter(|_| counted(media)).map(messages));
        format!("[{}]", said.join(", "))
    }
}

/// gRPC-Web in base64 has no frames that can be counted as they are.
fn counted(media: Media<'_>) -> bool {
    let kind = media.name().and_then(|name| rpc::Kind::of(name.as_bytes()));
    matches!(kind, Some(rpc::Kind::Grpc | rpc::Kind::Web))
}

fn messages(bytes: &[u8]) -> String {
    let found = framed::messages(bytes);
    let sizes: Vec<_> = found.sizes.iter().map(|size| Grouped(*size).to_string()).collect();
    let more = if found.count > sizes.len() as u64 { " and more" } else { "" };
    match found.count {
        0 => "no messages".to_owned(),
        1 => format!("1 message of {} bytes", sizes.concat()),
        count => format!("{} messages of {}{more} bytes", Grouped(count), sizes.join(", ")),
    }
}

/// A number as people read it: `5,120`.
struct Grouped(u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_char(',')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}
