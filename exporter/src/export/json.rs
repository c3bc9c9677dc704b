//! Exchanges as JSON, one object per line, with the names of the semantic conventions as keys.

use std::borrow::Cow;
use std::fmt::{self, Write};

use hoptap_semconv::attribute as key;

use super::attributes::{self, Sink};
use super::bodies;
use super::objects::Part;
use super::time::Timestamp;
use crate::exchange::{Content, Context, Exchange, Hop};
use crate::redact::Redaction;

/// Appends one line: `timestamp`, `trace_id`, what is known of the process, then `ingress` (the client's request) and
/// `egress` (the requests to backends, in order). Each of these has `span_id`, `parent_span_id`, `timestamp`,
/// `duration_ms`, `first_byte_ms`, and the attributes of its span; `ingress` also has `overhead_ms`.
///
/// What was captured of bodies is `request.body` and `response.body` in each: `text`, or a `note` where there is no text
/// or not all of it, `bytes_seen`, `bytes_captured`, `truncated`, `content_type`, `content_encoding`, `withheld`, `urls`.
pub fn write(exchange: &Exchange, redaction: &Redaction, out: &mut String) {
    write_with(exchange, redaction, Bodies::Shown, out);
}

/// Whether the text of bodies goes along with what is said of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    Shown,
    /// They lie elsewhere.
    Named,
}

/// The same with or without the text of bodies.
pub fn write_with(exchange: &Exchange, redaction: &Redaction, bodies: Bodies, out: &mut String) {
    let first = exchange
        .server
        .as_ref()
        .map(|server| (&server.context, &server.hop))
        .or_else(|| exchange.attempts.first().map(|attempt| (&attempt.context, &attempt.hop)));
    let Some((context, hop)) = first else {
        return;
    };
    let mut object = Object::open(out);
    object.shown("timestamp", Timestamp(hop.start));
    object.shown("trace_id", format_args!("{:032x}", context.trace_id));
    object.integer(key::PROCESS_PID, exchange.pid.into());
    object.text(key::PROCESS_EXECUTABLE_PATH, &exchange.process.executable);
    if let Some(container) = &exchange.process.container {
        object.text(key::CONTAINER_ID, container);
    }
    if let Some(server) = &exchange.server {
        object.key("ingress");
        let mut ingress = Object::open(object.out);
        ingress.span(&server.context, &server.hop);
        ingress.milliseconds("overhead_ms", server.overhead);
        attributes::server(server, redaction, &mut ingress);
        ingress.bodies(&server.hop, bodies);
        ingress.close();
    }
    object.key("egress");
    object.out.push('[');
    for (index, attempt) in exchange.attempts.iter().enumerate() {
        if index > 0 {
            object.out.push(',');
        }
        let mut egress = Object::open(object.out);
        egress.span(&attempt.context, &attempt.hop);
        attributes::attempt(attempt, redaction, &mut egress);
        egress.bodies(&attempt.hop, bodies);
        egress.close();
    }
    object.out.push(']');
    object.close();
    out.push('\n');
}

/// One JSON object that is being written: no tree is built for what leaves at once.
pub(super) struct Object<'a> {
    out: &'a mut String,
    empty: bool,
}

impl<'a> Object<'a> {
    pub(super) fn open(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    pub(super) fn close(self) {
        self.out.push('}');
    }

    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(',');
        }
        quote(key, self.out);
        self.out.push(':');
    }

    /// A value whose text needs no escape.
    pub(super) fn shown(&mut self, key: &str, value: impl fmt::Display) {
        self.key(key);
        let _ = write!(self.out, "\"{value}\"");
    }

    /// Nanoseconds as milliseconds with a fraction.
    fn milliseconds(&mut self, key: &str, nanos: u64) {
        self.key(key);
        let micros = nanos / 1000;
        let _ = write!(self.out, "{}.{:03}", micros / 1000, micros % 1000);
    }

    fn bodies(&mut self, hop: &Hop, bodies: Bodies) {
        for (part, content) in bodies::of(hop) {
            self.key(match part {
                Part::Request => "request.body",
                Part::Response => "response.body",
            });
            let mut body = Object::open(self.out);
            body.content(content, bodies);
            body.close();
        }
    }

    fn content(&mut self, content: &Content, bodies: Bodies) {
        let captured = &content.captured;
        if bodies == Bodies::Shown && content.withheld.is_none() {
            let (text, note) = bodies::shown(content);
            text.iter().for_each(|text| self.text("text", text));
            note.iter().for_each(|note| self.text("note", note));
        }
        self.integer("bytes_seen", i64::try_from(captured.seen).unwrap_or(i64::MAX));
        self.integer("bytes_captured", i64::try_from(captured.captured()).unwrap_or(i64::MAX));
        self.flag("truncated", captured.truncated);
        for (key, value) in [("content_type", &captured.content_type), ("content_encoding", &captured.content_encoding)]
        {
            value.iter().for_each(|value| self.text(key, value));
        }
        if let Some(reason) = content.withheld {
            self.shown("withheld", reason);
        }
        if !content.urls.is_empty() {
            let urls: Vec<_> = content.urls.iter().map(|url| Cow::Borrowed(url.as_ref())).collect();
            self.list("urls".to_owned(), &urls);
        }
    }

    pub(super) fn span(&mut self, context: &Context, hop: &Hop) {
        self.shown("span_id", format_args!("{:016x}", context.span_id));
        if let Some(parent) = context.parent {
            self.shown("parent_span_id", format_args!("{parent:016x}"));
        }
        self.shown("timestamp", Timestamp(hop.start));
        self.milliseconds("duration_ms", hop.duration());
        if let Some(first) = hop.first_byte {
            self.milliseconds("first_byte_ms", first.saturating_sub(hop.start));
        }
    }
}

impl Sink for Object<'_> {
    fn text(&mut self, key: &'static str, value: &str) {
        self.key(key);
        quote(value, self.out);
    }

    fn integer(&mut self, key: &'static str, value: i64) {
        self.key(key);
        let _ = write!(self.out, "{value}");
    }

    fn flag(&mut self, key: &'static str, value: bool) {
        self.key(key);
        let _ = write!(self.out, "{value}");
    }

    fn list(&mut self, key: String, values: &[Cow<'_, str>]) {
        self.key(&key);
        self.out.push('[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            quote(value, self.out);
        }
        self.out.push(']');
    }
}

/// A JSON string. Control characters leave as escapes, those of C1 too, which JSON would let through to a terminal.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    // Whole runs at once: nearly all text has nothing to escape.
    while let Some(at) = rest.find(|char: char| char.is_control() || char == '"' || char == '\\') {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = tail.chars();
        match chars.next() {
            Some(escaped @ ('"' | '\\')) => out.extend(['\\', escaped]),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(control) => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::super::sample;
    use super::*;

    #[track_caller]
    fn check(exchange: &Exchange, file: &str) {
        let mut line = String::new();
        write(exchange, &Redaction::default(), &mut line);
        assert_eq!(line.matches('\n').count(), 1, "one line: {line}");
        assert!(!line.contains("s3cret"), "{line}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        sample::golden(file, &format!("{value:#}\n"));
    }

    #[test]
    fn lines_say_this() {
        check(&sample::exchange(), "json/summary.json");
        check(&sample::detailed(), "json/details.json");
        check(&sample::retried(), "json/retried.json");
        check(&sample::unrouted(), "json/unrouted.json");
        check(&sample::upgraded(), "json/upgraded.json");
        check(&sample::health_check(), "json/health-check.json");
        check(&sample::full(), "json/full.json");
    }

    #[test]
    fn strings_come_back_as_they_were() {
        let check = |text: &str| {
            let mut quoted = String::new();
            quote(text, &mut quoted);
            assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
            assert!(!quoted.chars().any(char::is_control), "{quoted:?}");
        };
        check("");
        check("plain");
        check("\"\\/\u{8}\u{c}\n\r\t\0\u{1b}[2J\u{7f}\u{9b}");
        check("é 漢 🦀 \u{2028}");
    }
}
