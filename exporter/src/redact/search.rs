//! Finds the secrets of a decoded body by what it is, and of what is in it: parts, events, values.

use std::ops::Range;

use super::body::Failed;
use super::edits::Edits;
use super::json::{self, Broken};
use super::names::any_part;
use super::{Redaction, events, pairs, parts};
use crate::body::{Kind, Media, charset};

/// Multipart bodies within parts of others.
pub(super) const DEEPEST: usize = 4;

/// Gathers what is to be replaced.
pub(super) struct Search<'a> {
    pub rules: &'a Redaction,
    pub edits: Edits,
}

impl Search<'_> {
    /// `bytes` begin at `at` of the whole.
    pub(super) fn body(&mut self, media: Media<'_>, bytes: &[u8], at: usize, depth: usize) -> Result<(), Failed> {
        match media.kind() {
            Kind::Json => self.json(bytes, true, |range| range.start + at..range.end + at),
            Kind::Events => self.events(bytes, at),
            Kind::Multipart => self.multipart(media, bytes, at, depth),
            Kind::Form => {
                self.form(bytes, at);
                // What curl sends with `-d '{…}'`.
                self.json(bytes, false, |range| range.start + at..range.end + at)
            }
            Kind::Grpc => Ok(()),
            Kind::Xml | Kind::Text | Kind::Binary | Kind::Unknown => {
                if parts::undeclared(bytes).is_some() {
                    return self.multipart(media, bytes, at, depth);
                }
                if pairs::looks_like_form(bytes) {
                    self.form(bytes, at);
                }
                self.json(bytes, false, |range| range.start + at..range.end + at)
            }
        }
    }

    /// `declared`: it says that it is JSON. Otherwise it may begin as JSON does, and be something else.
    fn json(
        &mut self,
        bytes: &[u8],
        declared: bool,
        place: impl Fn(Range<usize>) -> Range<usize>,
    ) -> Result<(), Failed> {
        if self.rules.json.is_empty() || !(declared || json::looks_like_json(bytes)) {
            return Ok(());
        }
        let result = json::scan(bytes, &self.rules.json, &mut |range| self.edits.quoted(place(range)));
        match result {
            Ok(()) => Ok(()),
            Err(Broken::TooDeep) => Err(Failed::Deep),
            // `[info] started`: no object, no JSON.
            Err(Broken::At { members: 0, .. }) if !declared => Ok(()),
            Err(Broken::At { byte, .. }) => Err(Failed::Json(place(byte..byte).start)),
        }
    }

    fn events(&mut self, bytes: &[u8], at: usize) -> Result<(), Failed> {
        if self.rules.json.is_empty() {
            return Ok(());
        }
        for event in events::events(bytes) {
            self.json(&event.text, false, |range| {
                let range = event.in_body(range);
                range.start + at..range.end + at
            })?;
        }
        Ok(())
    }

    fn form(&mut self, bytes: &[u8], at: usize) {
        if !self.rules.form.is_empty() {
            let is_secret = |key: &[u8]| any_part(key, |part| self.rules.form.contains(part));
            pairs::secrets(bytes, is_secret, |range| self.edits.secret(range.start + at..range.end + at));
        }
    }

    fn multipart(&mut self, media: Media<'_>, bytes: &[u8], at: usize, depth: usize) -> Result<(), Failed> {
        if self.rules.form.is_empty() && self.rules.json.is_empty() {
            return Ok(());
        }
        if depth >= DEEPEST {
            return Err(Failed::Nested);
        }
        for part in parts::of(media, bytes).ok_or(Failed::Boundary)? {
            let content = bytes.get(part.content.clone()).unwrap_or_default();
            let (start, end) = (at + part.content.start, at + part.content.end);
            let headers = bytes.get(part.headers.clone()).unwrap_or_default();
            let said = parts::Said::of(headers);
            let secret = said.names.iter().any(|name| any_part(name.as_bytes(), |part| self.rules.form.contains(part)));
            if secret {
                // Of a part that is cut nobody knows whether a delimiter had begun.
                let end = if part.complete { end } else { at + bytes.len() };
                if part.complete || start < end {
                    self.edits.secret(start..end);
                }
                continue;
            }
            let media = Media::of(said.content_type.as_deref());
            if matches!(media.kind(), Kind::Binary | Kind::Grpc) || self.rules.json.is_empty() && !media.has_fields() {
                continue;
            }
            if said.encoded {
                return Err(Failed::Encoded);
            }
            let declared = media.parameter("charset");
            let encoding = charset::encoding(content, declared.as_deref(), !part.complete);
            let plain = encoding.is_some_and(|(encoding, _)| charset::keeps_ascii(encoding));
            // Two bytes that look like a byte order mark make no text.
            let text = || charset::text(content, None, !part.complete).is_some();
            if !plain && (declared.is_some() || text()) {
                return Err(Failed::Charset);
            }
            self.body(media, content, start, depth + 1)?;
        }
        Ok(())
    }
}
