//! Exchanges as the body of an export request, in the bytes of the protocol.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::SpanData;

use super::batch::Batch;
use super::request::{FRAME, Request};
use super::resource::{Described, Resources};
use super::settings::{Protocol, Settings, Target};
use super::span::Spans;
use crate::exchange::Exchange;
use crate::redact::Redaction;

/// Puts export requests together, exchange by exchange.
///
/// The seam of this module: what a request is made of is known on this side of it only.
pub struct Encoder {
    form: Form,
    resources: Resources,
    length: usize,
    /// Of bodies.
    bytes: usize,
    grpc: bool,
    gzip: bool,
}

enum Form {
    Protobuf(Request),
    Json(Groups),
}

impl Encoder {
    pub fn new(settings: &Settings, redaction: Arc<Redaction>) -> Self {
        let console = settings.target == Target::Console;
        let form = if console || settings.protocol == Protocol::HttpJson {
            Form::Json(Groups::new(settings, redaction))
        } else {
            Form::Protobuf(Request::new(settings, redaction))
        };
        Self {
            form,
            resources: Resources::new(settings.service_name.clone(), settings.resource.clone()),
            length: 0,
            bytes: 0,
            grpc: settings.protocol == Protocol::Grpc && !console,
            gzip: settings.gzip && !console,
        }
    }

    /// Adds the spans of an exchange to the request.
    pub fn add(&mut self, exchange: &Exchange) {
        if exchange.spans() == 0 {
            return;
        }
        self.length += exchange.spans();
        self.bytes = self.bytes.saturating_add(exchange.content_bytes());
        match &mut self.form {
            Form::Protobuf(request) => request.add(exchange, &mut self.resources),
            Form::Json(groups) => groups.add(exchange, &mut self.resources),
        }
    }

    /// Spans in the request so far.
    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The body of the request, ready for as many tries as it takes; begins the next one.
    ///
    /// # Errors
    /// The message is longer than gRPC can say (4 GiB).
    pub fn finish(&mut self) -> io::Result<Bytes> {
        (self.length, self.bytes) = (0, 0);
        let (mut message, mut start) = match &mut self.form {
            Form::Protobuf(request) => request.finish(),
            Form::Json(groups) => (serde_json::to_vec(&groups.finish())?, 0),
        };
        if self.gzip {
            let small = squeezed(message.get(start..).unwrap_or_default())?;
            self.keep(message.into());
            (message, start) = (small, FRAME);
        }
        if self.grpc {
            start = framed(&mut message, start, self.gzip)?;
        }
        let mut body = Bytes::from(message);
        if !self.gzip {
            self.keep(body.clone());
        }
        Ok(body.split_off(start))
    }

    fn keep(&mut self, body: Bytes) {
        if let Form::Protobuf(request) = &mut self.form {
            request.keep(body);
        }
    }
}

impl Batch for Encoder {
    type Item = Arc<Exchange>;

    fn units(exchange: &Arc<Exchange>) -> usize {
        exchange.spans()
    }

    fn weight(exchange: &Arc<Exchange>) -> usize {
        exchange.content_bytes()
    }

    fn add(&mut self, exchange: &Arc<Exchange>) {
        self.add(exchange);
    }

    fn len(&self) -> usize {
        self.length
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn finish(&mut self) -> io::Result<Bytes> {
        self.finish()
    }
}

/// Fast rather than small: names and keys repeat so much that the first level already takes nine tenths away. The first
/// [`FRAME`] bytes are left free.
pub(super) fn squeezed(message: &[u8]) -> io::Result<Vec<u8>> {
    let mut room = Vec::with_capacity(FRAME + message.len() / 8);
    room.resize(FRAME, 0);
    let mut encoder = GzEncoder::new(room, Compression::fast());
    encoder.write_all(message)?;
    encoder.finish()
}

/// Puts the frame of gRPC in front of a message: a byte that says whether it is compressed, four with its length. Says
/// where the frame begins.
pub(super) fn framed(message: &mut [u8], start: usize, compressed: bool) -> io::Result<usize> {
    let length = u32::try_from(message.len().saturating_sub(start)).map_err(io::Error::other)?;
    let [a, b, c, d] = length.to_be_bytes();
    let begin = start.saturating_sub(FRAME);
    match message.get_mut(begin..start) {
        Some(frame) if frame.len() == FRAME => {
            frame.copy_from_slice(&[compressed.into(), a, b, c, d]);
            Ok(begin)
        }
        _ => Err(io::Error::other("no room for the frame of gRPC")),
    }
}

/// Requests by way of the SDK's span data.
pub(super) struct Groups {
    spans: Spans,
    groups: Vec<Group>,
}

/// Spans of one process.
struct Group {
    resource: Arc<Described>,
    spans: Vec<SpanData>,
}

impl Groups {
    pub(super) fn new(settings: &Settings, redaction: Arc<Redaction>) -> Self {
        let spans = Spans::new(settings, redaction);
        let groups = Vec::new();
        Self { spans, groups }
    }

    pub(super) fn add(&mut self, exchange: &Exchange, resources: &mut Resources) {
        let resource = resources.of(&exchange.process, exchange.pid);
        let of_process = |group: &Group| Arc::ptr_eq(&group.resource, &resource);
        let index = self.groups.iter().position(of_process).unwrap_or_else(|| {
            let (resource, spans) = (Arc::clone(&resource), Vec::new());
            self.groups.push(Group { resource, spans });
            self.groups.len() - 1
        });
        if let Some(group) = self.groups.get_mut(index) {
            self.spans.append(exchange, &mut group.spans);
        }
    }

    pub(super) fn finish(&mut self) -> ExportTraceServiceRequest {
        let groups = std::mem::take(&mut self.groups).into_iter();
        let resource_spans = groups
            .flat_map(|group| group_spans_by_resource_and_scope(group.spans, &group.resource.attributes))
            .collect();
        ExportTraceServiceRequest { resource_spans }
    }
}
