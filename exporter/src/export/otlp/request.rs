//! Exchanges as the bytes of an `ExportTraceServiceRequest`, written in one pass.
//!
//! The spans of a process follow each other in one buffer; what comes before them (frame, resource, scope) goes into
//! room that was left for it, so that nothing is copied.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use prost::Message;

use super::attribute::{Attributes, OF_EVENT, OF_SPAN};
use super::protobuf::{LONGEST_LENGTH, Writer, length_of, long, varying};
use super::resource::{Described, Resources};
use super::settings::Settings;
use super::span;
use crate::event::Name;
use crate::exchange::{Attempt, Context, Exchange, Hop, Server};
use crate::export::objects::Part;
use crate::export::{attributes, bodies};
use crate::redact::Redaction;
use hoptap_semconv::event;

/// Left free before the first byte of the request, for the frame of gRPC.
pub(super) const FRAME: usize = 5;

/// A buffer that a burst made larger than this is given back to the system.
const LARGEST_KEPT: usize = 4 * 1024 * 1024;

/// Values of `Span.kind`.
const SERVER: u64 = 2;
const CLIENT: u64 = 3;

/// Bits of `Span.flags`: sampled; it is known whether the parent is remote; it is.
const SAMPLED: u32 = 0x1;
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// The code of a failed span in `Status`.
const ERROR: u8 = 2;

/// Writes requests.
pub(super) struct Request {
    redaction: Arc<Redaction>,
    attribute_count: usize,
    attribute_length: Option<usize>,
    body_events: bool,
    /// Encoded: `ScopeSpans.scope`.
    scope: Vec<u8>,
    /// Encoded: `schema_url` of `ScopeSpans`, and that of `ResourceSpans`.
    schema: Vec<u8>,
    groups: Vec<Group>,
    /// The last body, for its memory.
    last: Bytes,
}

/// Spans of one process.
struct Group {
    resource: Arc<Described>,
    /// Room for what comes before the spans, then the spans.
    out: Writer,
    room: usize,
}

impl Request {
    pub(super) fn new(settings: &Settings, redaction: Arc<Redaction>) -> Self {
        let scope = InstrumentationScope {
            name: hoptap_semconv::NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            attributes: Vec::new(),
            dropped_attributes_count: 0,
        };
        let mut first = Writer::default();
        first.text(1, &scope.encode_to_vec());
        let mut schema = Writer::default();
        schema.text(3, hoptap_semconv::SCHEMA_URL.as_bytes());
        Self {
            redaction,
            attribute_count: settings.attribute_count,
            attribute_length: settings.attribute_length,
            body_events: settings.body_events,
            scope: first.bytes,
            schema: schema.bytes,
            groups: Vec::new(),
            last: Bytes::new(),
        }
    }

    /// Appends the spans of an exchange, the client's request first.
    pub(super) fn add(&mut self, exchange: &Exchange, resources: &mut Resources) {
        let resource = resources.of(&exchange.process, exchange.pid);
        let of_process = |group: &Group| Arc::ptr_eq(&group.resource, &resource);
        let index = self.groups.iter().position(of_process).unwrap_or_else(|| {
            let group = self.group(&resource);
            self.groups.push(group);
            self.groups.len() - 1
        });
        let Some(group) = self.groups.get_mut(index) else {
            return;
        };
        // Out of the way of `self` for the time of writing.
        let mut out = std::mem::take(&mut group.out);
        if let Some(server) = &exchange.server {
            self.server(server, &mut out);
        }
        for attempt in &exchange.attempts {
            self.attempt(attempt, &mut out);
        }
        if let Some(group) = self.groups.get_mut(index) {
            group.out = out;
        }
    }

    fn group(&mut self, resource: &Arc<Described>) -> Group {
        let length = self.last.len();
        let mut last = std::mem::take(&mut self.last);
        last.clear();
        // Nobody else reads it any more: the same memory, without a copy.
        let mut bytes = Vec::from(last);
        bytes.reserve(length);
        let room = FRAME + 2 * (1 + LONGEST_LENGTH) + resource.encoded.len() + self.scope.len();
        bytes.resize(room, 0);
        Group { resource: Arc::clone(resource), out: Writer { bytes }, room }
    }

    /// The request, and where in these bytes it begins: [`FRAME`] bytes or more are before it. Begins the next one.
    pub(super) fn finish(&mut self) -> (Vec<u8>, usize) {
        let mut groups = std::mem::take(&mut self.groups).into_iter();
        let Some(first) = groups.next() else {
            return (vec![0; FRAME], FRAME);
        };
        let (mut bytes, start) = self.closed(first);
        for group in groups {
            let (more, start) = self.closed(group);
            bytes.extend_from_slice(more.get(start..).unwrap_or_default());
        }
        (bytes, start)
    }

    /// Keeps the memory of a body for the next request, for when nobody reads it any more.
    pub(super) fn keep(&mut self, body: Bytes) {
        if body.len() <= LARGEST_KEPT {
            self.last = body;
        }
    }

    /// One `ResourceSpans`, and where it begins.
    fn closed(&self, group: Group) -> (Vec<u8>, usize) {
        let Group { resource, mut out, room } = group;
        let spans = out.bytes.len().saturating_sub(room);
        out.raw(&self.schema);
        out.raw(&self.schema);
        let of_scope = self.scope.len() + spans + self.schema.len();
        let of_resource = resource.encoded.len() + 1 + length_of(of_scope) + of_scope + self.schema.len();
        let mut head = Writer::default();
        head.raw(&[long(1)]);
        head.length(of_resource);
        head.raw(&resource.encoded);
        head.raw(&[long(2)]);
        head.length(of_scope);
        head.raw(&self.scope);
        let start = room.saturating_sub(head.bytes.len());
        if let Some(place) = out.bytes.get_mut(start..room) {
            place.copy_from_slice(&head.bytes);
        }
        (out.bytes, start)
    }

    fn server(&self, server: &Server, out: &mut Writer) {
        let open = out.open(2);
        let hop = &server.hop;
        head(&server.context, SERVER, hop, server.router.as_ref(), out);
        let mut sink = self.attributes(out);
        attributes::server(server, &self.redaction, &mut sink);
        let dropped = sink.dropped;
        dropped_count(dropped, out);
        self.events(hop, out);
        tail(&server.context, span::server_failed(hop), out);
        out.close(&open);
    }

    fn attempt(&self, attempt: &Attempt, out: &mut Writer) {
        let open = out.open(2);
        let hop = &attempt.hop;
        head(&attempt.context, CLIENT, hop, attempt.service.as_ref(), out);
        let mut sink = self.attributes(out);
        attributes::attempt(attempt, &self.redaction, &mut sink);
        let dropped = sink.dropped;
        dropped_count(dropped, out);
        self.events(hop, out);
        tail(&attempt.context, span::attempt_failed(hop), out);
        out.close(&open);
    }

    fn attributes<'a>(&self, out: &'a mut Writer) -> Attributes<'a> {
        let (room, length) = (self.attribute_count, self.attribute_length);
        Attributes { out, field: OF_SPAN, room, dropped: 0, length }
    }

    /// In the order of time.
    fn events(&self, hop: &Hop, out: &mut Writer) {
        self.body(hop, Part::Request, out);
        if let Some(first) = hop.first_byte {
            let name = event::HOPTAP_HTTP_FIRST_BYTE;
            let at = if first == 0 { 0 } else { 1 + size_of::<u64>() };
            out.raw(&[long(11)]);
            out.length(at + 1 + length_of(name.len()) + name.len());
            time(1, first, out);
            out.text(2, name.as_bytes());
        }
        self.body(hop, Part::Response, out);
    }

    fn body(&self, hop: &Hop, part: Part, out: &mut Writer) {
        let Some(content) = bodies::part(hop, part).filter(|_| self.body_events) else { return };
        let (name, at) = span::body_event(hop, part);
        let open = out.open(11);
        time(1, at, out);
        out.text(2, name.as_bytes());
        let length = self.attribute_length;
        let mut sink = Attributes { out, field: OF_EVENT, room: usize::MAX, dropped: 0, length };
        bodies::attributes(part, content, &mut sink);
        out.close(&open);
    }
}

/// The fields of a span before its attributes. As everywhere in protobuf, a number that is 0 and a text that is empty
/// are left out.
fn head(context: &Context, kind: u64, hop: &Hop, of: Option<&Name>, out: &mut Writer) {
    out.text(1, &context.trace_id.to_be_bytes());
    out.text(2, &context.span_id.to_be_bytes());
    if context.trace_state.is_some() {
        let state = span::trace_state(context).header();
        if !state.is_empty() {
            out.text(3, state.as_bytes());
        }
    }
    if let Some(parent) = context.parent.filter(|parent| *parent != 0) {
        out.text(4, &parent.to_be_bytes());
    }
    let method = span::method(hop);
    match of {
        None => out.text(5, method.as_bytes()),
        Some(of) => {
            out.raw(&[long(5)]);
            out.length(method.len() + 1 + of.len());
            out.raw(method.as_bytes());
            out.raw(b" ");
            out.raw(of.as_bytes());
        }
    }
    out.number(6, kind);
    time(7, hop.start, out);
    time(8, hop.end.max(hop.start), out);
}

/// The field between the attributes and the events.
fn dropped_count(dropped: u32, out: &mut Writer) {
    if dropped > 0 {
        out.number(10, dropped.into());
    }
}

/// The fields after the events.
fn tail(context: &Context, failed: bool, out: &mut Writer) {
    if failed {
        out.raw(&[long(15), 2, varying(3), ERROR]);
    } else {
        // A status that says nothing: the SDKs send it so.
        out.raw(&[long(15), 0]);
    }
    let remote = if context.parent_is_remote { IS_REMOTE } else { 0 };
    out.far_fixed32(16, SAMPLED | HAS_IS_REMOTE | remote);
}

fn time(field: u8, nanos: u64, out: &mut Writer) {
    if nanos != 0 {
        out.fixed64(field, nanos);
    }
}
