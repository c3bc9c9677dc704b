//! What outputs say of the bodies that a rule selected: said once, for those with keys and for those with lines.

use std::borrow::Cow;

use hoptap_semconv::attribute as key;

use super::attributes::Sink;
use super::objects::Part;
use crate::body::{self, Shown};
use crate::exchange::{Content, Hop};

/// Bytes that a compressed body is decoded into to be read. Those who want all of a larger one find it in a store.
pub const DECODED: usize = 1 << 20;

/// Bytes of a text that an event of a span holds. Collectors refuse messages of gRPC above 4 MiB, and with it they would
/// refuse the span: a request and a response on both hops must fit, and a retry.
pub const IN_EVENT: usize = 512 << 10;

/// The bodies that a hop holds, the request's first.
pub fn of(hop: &Hop) -> impl Iterator<Item = (Part, &Content)> {
    let both = hop.contents.iter().flat_map(|both| [(Part::Request, &both.request), (Part::Response, &both.response)]);
    both.filter_map(|(part, content)| Some((part, content.as_ref()?)))
}

/// One of the bodies of a hop.
pub fn part(hop: &Hop, part: Part) -> Option<&Content> {
    of(hop).find(|(found, _)| *found == part).map(|(_, content)| content)
}

/// What a person reads of a body; a note alone where it is no text.
pub fn shown(content: &Content) -> (Option<Cow<'_, str>>, Option<String>) {
    if let Some(reason) = content.withheld {
        return (None, Some(format!("[not shown: {reason}]")));
    }
    match content.captured.show(DECODED) {
        Shown::Text { text, note } => (Some(text), note),
        Shown::Binary { note } => (None, Some(note)),
    }
}

/// The text of a body with its content coding removed, and whether it ends before the body does. None for other
/// content, which telemetry carries as bytes or not at all.
pub fn text(content: &Content) -> Option<(Cow<'_, str>, bool)> {
    match content.captured.content(DECODED) {
        _ if content.withheld.is_some() => None,
        body::Content::Text(text) => {
            // The last character of what was cut may be missing as well.
            let coded = body::coding::is_coded(content.captured.content_encoding.as_deref());
            let cut = coded && text.len() + 4 > DECODED;
            Some((text, cut))
        }
        body::Content::Bytes(_) => None,
    }
}

/// The attributes of the event that tells of a body.
pub fn attributes(part: Part, content: &Content, sink: &mut impl Sink) {
    let captured = &content.captured;
    let (name, size, header) = match part {
        Part::Request => (key::HTTP_REQUEST_BODY_CONTENT, key::HTTP_REQUEST_BODY_SIZE, key::HTTP_REQUEST_HEADER),
        Part::Response => (key::HTTP_RESPONSE_BODY_CONTENT, key::HTTP_RESPONSE_BODY_SIZE, key::HTTP_RESPONSE_HEADER),
    };
    let mut truncated = captured.truncated;
    if let Some((text, cut)) = text(content) {
        let end = text.floor_char_boundary(IN_EVENT);
        sink.text(name, text.get(..end).unwrap_or_default());
        truncated |= cut || end < text.len();
    }
    sink.integer(size, bytes(captured.seen));
    sink.integer(key::HOPTAP_BODY_CAPTURED_SIZE, bytes(captured.captured()));
    sink.flag(key::HOPTAP_BODY_TRUNCATED, truncated);
    for (name, value) in [("content-type", &captured.content_type), ("content-encoding", &captured.content_encoding)] {
        if let Some(value) = value {
            sink.list(format!("{header}.{name}"), &[Cow::Borrowed(value)]);
        }
    }
    if let Some(reason) = content.withheld {
        sink.text(key::HOPTAP_BODY_WITHHELD, &reason.to_string());
    }
}

/// Where the bodies of a hop are stored: attributes of its span.
pub fn urls(hop: &Hop, sink: &mut impl Sink) {
    for (part, content) in of(hop).filter(|(_, content)| !content.urls.is_empty()) {
        let name = match part {
            Part::Request => key::HOPTAP_REQUEST_BODY_URL,
            Part::Response => key::HOPTAP_RESPONSE_BODY_URL,
        };
        let urls: Vec<_> = content.urls.iter().map(|url| Cow::Borrowed(url.as_ref())).collect();
        sink.list(name.to_owned(), &urls);
    }
}

fn bytes(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::super::sample;
    use super::*;
    use crate::body::sample::encode;

    /// Text, flags and numbers that an event has.
    #[derive(Default)]
    struct Event(Option<String>, Option<bool>, Vec<i64>);

    impl Sink for Event {
        fn text(&mut self, _: &'static str, value: &str) {
            self.0 = Some(value.to_owned());
        }

        fn integer(&mut self, _: &'static str, value: i64) {
            self.2.push(value);
        }

        fn flag(&mut self, _: &'static str, value: bool) {
            self.1 = Some(value);
        }

        fn list(&mut self, _: String, _: &[Cow<'_, str>]) {}
    }

    #[test]
    fn events_hold_text_that_fits() {
        let check = |content: &Content, length: Option<usize>, truncated: bool| {
            let mut event = Event::default();
            attributes(Part::Request, content, &mut event);
            assert_eq!((event.0.map(|text| text.len()), event.1), (length, Some(truncated)));
            assert_eq!(event.2, [content.captured.seen, content.captured.captured()].map(u64::cast_signed));
        };
        let of = |text: &str| sample::content("text/plain", text.to_owned());
        check(&of("a"), Some(1), false);
        check(&of(&"x".repeat(IN_EVENT)), Some(IN_EVENT), false);
        check(&of(&"x".repeat(IN_EVENT + 1)), Some(IN_EVENT), true);
        check(&of(&format!("x{}", "\u{e4}".repeat(IN_EVENT / 2))), Some(IN_EVENT - 1), true);
        check(&sample::content("image/png", vec![0xff; 9]), None, false);
        let mut coded = sample::content("text/plain", encode("gzip", &vec![b'x'; 2 * DECODED]));
        coded.captured.content_encoding = Some("gzip".into());
        check(&coded, Some(IN_EVENT), true);
        assert_eq!(text(&coded).map(|(text, cut)| (text.len(), cut)), Some((DECODED, true)));
        coded.captured.bytes = encode("gzip", b"xyz").into();
        assert_eq!(text(&coded).map(|(text, cut)| (text.len(), cut)), Some((3, false)));
    }
}
