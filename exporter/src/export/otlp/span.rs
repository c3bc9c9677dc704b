//! An exchange as the SDK's span data: one SERVER span and a CLIENT span for each attempt.
//!
//! JSON is made of it, and the tests hold `request` against it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hoptap_semconv::event;
use opentelemetry::trace::{Event, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::settings::Settings;
use crate::event::Name;
use crate::exchange::{Attempt, Context, Exchange, Hop, Method, Server};
use crate::export::attributes::{self, Sink};
use crate::export::bodies;
use crate::export::objects::Part;
use crate::redact::Redaction;

/// Makes spans; holds what is the same in all of them.
pub(super) struct Spans {
    redaction: Arc<Redaction>,
    scope: InstrumentationScope,
    attribute_count: usize,
    attribute_length: Option<usize>,
    body_events: bool,
}

impl Spans {
    pub(super) fn new(settings: &Settings, redaction: Arc<Redaction>) -> Self {
        Self {
            redaction,
            scope: InstrumentationScope::builder(hoptap_semconv::NAME)
                .with_version(env!("CARGO_PKG_VERSION"))
                .with_schema_url(hoptap_semconv::SCHEMA_URL)
                .build(),
            attribute_count: settings.attribute_count,
            attribute_length: settings.attribute_length,
            body_events: settings.body_events,
        }
    }

    /// Appends the spans of an exchange, the client's request first.
    pub(super) fn append(&self, exchange: &Exchange, out: &mut Vec<SpanData>) {
        out.extend(exchange.server.iter().map(|server| self.server(server)));
        out.extend(exchange.attempts.iter().map(|attempt| self.attempt(attempt)));
    }

    fn server(&self, server: &Server) -> SpanData {
        let mut found = self.attributes();
        attributes::server(server, &self.redaction, &mut found);
        let failed = server_failed(&server.hop);
        let name = name(&server.hop, server.router.as_ref());
        self.span(&server.context, SpanKind::Server, name, &server.hop, failed, found)
    }

    fn attempt(&self, attempt: &Attempt) -> SpanData {
        let mut found = self.attributes();
        attributes::attempt(attempt, &self.redaction, &mut found);
        let hop = &attempt.hop;
        let failed = attempt_failed(hop);
        let name = name(hop, attempt.service.as_ref());
        self.span(&attempt.context, SpanKind::Client, name, hop, failed, found)
    }

    fn attributes(&self) -> Attributes {
        Attributes {
            found: Vec::with_capacity(24),
            dropped: 0,
            count: self.attribute_count,
            length: self.attribute_length,
        }
    }

    fn body(&self, hop: &Hop, part: Part) -> Option<Event> {
        let content = bodies::part(hop, part).filter(|_| self.body_events)?;
        let (name, time) = body_event(hop, part);
        let mut found = Attributes { count: usize::MAX, ..self.attributes() };
        bodies::attributes(part, content, &mut found);
        Some(Event::new(name, at(time), found.found, 0))
    }

    fn span(
        &self,
        context: &Context,
        span_kind: SpanKind,
        name: Cow<'static, str>,
        hop: &Hop,
        failed: bool,
        attributes: Attributes,
    ) -> SpanData {
        let mut events = SpanEvents::default();
        events.events.extend(self.body(hop, Part::Request));
        if let Some(first) = hop.first_byte {
            let name = event::HOPTAP_HTTP_FIRST_BYTE;
            events.events.push(Event::new(name, at(first), Vec::new(), 0));
        }
        events.events.extend(self.body(hop, Part::Response));
        SpanData {
            span_context: SpanContext::new(
                TraceId::from(context.trace_id),
                SpanId::from(context.span_id),
                TraceFlags::SAMPLED,
                false,
                trace_state(context),
            ),
            parent_span_id: context.parent.map_or(SpanId::INVALID, SpanId::from),
            parent_span_is_remote: context.parent_is_remote,
            span_kind,
            name,
            start_time: at(hop.start),
            end_time: at(hop.end.max(hop.start)),
            attributes: attributes.found,
            dropped_attributes_count: attributes.dropped,
            events,
            links: SpanLinks::default(),
            // No description: the status code or `error.type` says it, and the conventions want it so.
            status: if failed { Status::error("") } else { Status::Unset },
            instrumentation_scope: self.scope.clone(),
        }
    }
}

/// The name of the event that tells of a body, and when it happened: a request is told to have been sent with its
/// first byte, a response to have come with its last.
pub(super) fn body_event(hop: &Hop, part: Part) -> (&'static str, u64) {
    match part {
        Part::Request => (event::HOPTAP_HTTP_REQUEST_BODY, hop.start),
        Part::Response => (event::HOPTAP_HTTP_RESPONSE_BODY, hop.end.max(hop.start)),
    }
}

/// Says whether the span of a client request has failed: by the fault of this side only.
pub(super) fn server_failed(hop: &Hop) -> bool {
    hop.status.is_some_and(|status| status >= 500)
}

/// Says whether the span of an attempt has failed.
pub(super) fn attempt_failed(hop: &Hop) -> bool {
    hop.error.is_some() || hop.status.is_some_and(|status| status >= 400)
}

/// The method in a span's name; the conventions want `HTTP` for one that they do not know.
pub(super) fn method(hop: &Hop) -> &'static str {
    match &hop.method {
        Method::Other(_) | Method::Unknown => "HTTP",
        known => known.known(),
    }
}

/// `{method} {name}`.
fn name(hop: &Hop, of: Option<&Name>) -> Cow<'static, str> {
    let method = method(hop);
    of.map_or(Cow::Borrowed(method), |of| Cow::Owned(format!("{method} {of}")))
}

fn at(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

/// What cannot be a trace state is left out: the trace id and the parent are worth more than it.
pub(super) fn trace_state(context: &Context) -> TraceState {
    context.trace_state.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Attributes of one span, within the limits.
struct Attributes {
    found: Vec<KeyValue>,
    dropped: u32,
    count: usize,
    length: Option<usize>,
}

impl Attributes {
    fn push(&mut self, make: impl FnOnce(Option<usize>) -> KeyValue) {
        if self.found.len() < self.count {
            self.found.push(make(self.length));
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }
}

impl Sink for Attributes {
    fn text(&mut self, key: &'static str, value: &str) {
        self.push(|length| KeyValue::new(key, cut(value, length).to_owned()));
    }

    fn fixed(&mut self, key: &'static str, value: &'static str) {
        self.push(|length| KeyValue::new(key, cut(value, length)));
    }

    fn name(&mut self, key: &'static str, value: &Name) {
        self.push(|length| match cut(value, length) {
            whole if whole.len() == value.len() => KeyValue::new(key, Arc::clone(value)),
            part => KeyValue::new(key, part.to_owned()),
        });
    }

    fn integer(&mut self, key: &'static str, value: i64) {
        self.push(|_| KeyValue::new(key, value));
    }

    fn flag(&mut self, key: &'static str, value: bool) {
        self.push(|_| KeyValue::new(key, value));
    }

    fn list(&mut self, key: String, values: &[Cow<'_, str>]) {
        self.push(|length| {
            let values: Vec<StringValue> = values.iter().map(|value| cut(value, length).to_owned().into()).collect();
            KeyValue::new(key, Value::Array(Array::String(values)))
        });
    }
}

/// The first `length` characters.
pub(super) fn cut(text: &str, length: Option<usize>) -> &str {
    match length.and_then(|length| text.char_indices().nth(length)) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::super::super::sample;
    use super::*;

    fn spans(settings: impl Fn(&str) -> Option<String>) -> Spans {
        Spans::new(&Settings::from_env(&settings).unwrap(), Arc::default())
    }

    /// Everything that a span holds, one fact to a line.
    fn shown(span: &SpanData) -> String {
        let context = &span.span_context;
        let state = context.trace_state().header();
        let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let mut text = format!(
            "{:?} \"{}\" {:?}\n  trace {} span {} flags {:?} remote {} state {state:?}\n  \
             parent {} remote {}\n  from {} to {}\n",
            span.span_kind,
            span.name,
            span.status,
            context.trace_id(),
            context.span_id(),
            context.trace_flags(),
            context.is_remote(),
            span.parent_span_id,
            span.parent_span_is_remote,
            since(span.start_time),
            since(span.end_time),
        );
        for pair in &span.attributes {
            text += &format!("  {} = {:?}\n", pair.key, pair.value);
        }
        for event in &span.events.events {
            let (name, time) = (&event.name, since(event.timestamp));
            text += &format!("  event {name} at {time} {:?}\n", event.attributes);
        }
        let scope = &span.instrumentation_scope;
        let dropped = span.dropped_attributes_count;
        text + &format!("  scope {} links {:?} dropped {dropped}\n", scope.name(), span.links.links)
    }

    #[track_caller]
    fn check(exchange: &Exchange, file: &str) {
        let mut made = Vec::new();
        spans(|_| None).append(exchange, &mut made);
        let text: String = made.iter().map(shown).collect();
        assert!(!text.contains("s3cret"), "{text}");
        sample::golden(file, &text);
    }

    #[test]
    fn spans_say_this() {
        check(&sample::exchange(), "span/summary.txt");
        check(&sample::detailed(), "span/details.txt");
        check(&sample::retried(), "span/retried.txt");
        check(&sample::unrouted(), "span/unrouted.txt");
        check(&sample::upgraded(), "span/upgraded.txt");
        check(&sample::health_check(), "span/health-check.txt");
        check(&sample::full(), "span/full.txt");
    }

    #[test]
    fn statuses() {
        let check = |status: Option<u16>, error, server: Status, client: Status, kind: Option<&str>| {
            let mut exchange = sample::exchange();
            let attempt = &mut exchange.attempts[0];
            let hop = &mut exchange.server.as_mut().unwrap().hop;
            (hop.status, hop.error) = (status, error);
            (attempt.hop.status, attempt.hop.error) = (status, error);
            let mut made = Vec::new();
            spans(|_| None).append(&exchange, &mut made);
            let got: Vec<&Status> = made.iter().map(|span| &span.status).collect();
            assert_eq!(got, [&server, &client], "{status:?} {error:?}");
            let value = |name: &str| {
                let found = made[1].attributes.iter().find(|pair| pair.key.as_str() == name);
                found.map(|pair| pair.value.to_string())
            };
            assert_eq!(value("error.type").as_deref(), kind);
            let code = value("http.response.status_code");
            assert_eq!(code, status.map(|status| status.to_string()));
        };
        use crate::exchange::ErrorKind::{Cancelled, ConnectionReset};
        let (fine, failed) = (Status::Unset, Status::error(""));
        check(Some(200), None, fine.clone(), fine.clone(), None);
        check(Some(302), None, fine.clone(), fine.clone(), None);
        check(Some(404), None, fine.clone(), failed.clone(), Some("404"));
        check(Some(500), None, failed.clone(), failed.clone(), Some("500"));
        check(Some(200), Some(ConnectionReset), fine.clone(), failed.clone(), Some("connection_reset"));
        check(None, Some(Cancelled), fine.clone(), failed, Some("cancelled"));
        check(None, None, fine.clone(), fine, None);
    }

    #[test]
    fn limits_hold() {
        let limited = spans(|name| match name {
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT" => Some("5".into()),
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT" => Some("3".into()),
            _ => None,
        });
        let mut made = Vec::new();
        limited.append(&sample::detailed(), &mut made);
        let mut whole = Vec::new();
        spans(|_| None).append(&sample::detailed(), &mut whole);
        for (span, whole) in made.iter().zip(&whole) {
            assert_eq!(span.attributes.len(), 5);
            let dropped = whole.attributes.len() - 5;
            assert_eq!(usize::try_from(span.dropped_attributes_count), Ok(dropped));
            for pair in &span.attributes {
                if let Value::String(text) = &pair.value {
                    assert!(text.as_str().chars().count() <= 3, "{pair:?}");
                }
            }
        }
        assert_eq!(cut("äöü", Some(2)), "äö");
        assert_eq!(cut("äö", Some(2)), "äö");
    }
}
