//! Log records as the body of an export request.
//!
//! Unlike spans they go through the messages of the protocol: what they carry is copied once anyway, and there are few.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::super::batch::Batch;
use super::super::encode::{framed, squeezed};
use super::super::request::FRAME;
use super::super::resource::{Described, Resources};
use super::super::settings::{Protocol, Settings, Target};
use super::super::span::cut;
use super::record::{Body, Record, Severity, Value};

/// Bit of `LogRecord.flags`.
const SAMPLED: u32 = 0x1;

pub(in crate::export::otlp) struct Encoder {
    resources: Resources,
    groups: Vec<Group>,
    records: usize,
    bytes: usize,
    json: bool,
    grpc: bool,
    gzip: bool,
    attribute_count: usize,
    attribute_length: Option<usize>,
}

/// Records of one process.
struct Group {
    resource: Arc<Described>,
    records: Vec<LogRecord>,
}

impl Encoder {
    pub(in crate::export::otlp) fn new(settings: &Settings) -> Self {
        let console = settings.target == Target::Console;
        Self {
            resources: Resources::new(settings.service_name.clone(), settings.resource.clone()),
            groups: Vec::new(),
            records: 0,
            bytes: 0,
            json: console || settings.protocol == Protocol::HttpJson,
            grpc: settings.protocol == Protocol::Grpc && !console,
            gzip: settings.gzip && !console,
            attribute_count: settings.attribute_count,
            attribute_length: settings.attribute_length,
        }
    }

    fn request(&mut self) -> ExportLogsServiceRequest {
        let resource_logs = std::mem::take(&mut self.groups).into_iter().map(of_process).collect();
        ExportLogsServiceRequest { resource_logs }
    }

    fn message(&self, record: &Record) -> LogRecord {
        let kept = record.attributes.len().min(self.attribute_count);
        let attributes = record.attributes.iter().take(kept).map(|(key, value)| KeyValue {
            key: key.clone().into_owned(),
            value: Some(self.value(value)),
            ..KeyValue::default()
        });
        let (severity, text) = match record.severity {
            Severity::Info => (SeverityNumber::Info, "INFO"),
            Severity::Error => (SeverityNumber::Error, "ERROR"),
        };
        LogRecord {
            time_unix_nano: record.time,
            observed_time_unix_nano: record.observed,
            severity_number: severity.into(),
            severity_text: text.to_owned(),
            body: record.body.as_ref().map(body),
            attributes: attributes.collect(),
            dropped_attributes_count: u32::try_from(record.attributes.len() - kept).unwrap_or(u32::MAX),
            flags: if record.sampled { SAMPLED } else { 0 },
            trace_id: record.trace_id.to_be_bytes().to_vec(),
            span_id: record.span_id.to_be_bytes().to_vec(),
            event_name: record.event.to_owned(),
        }
    }

    fn value(&self, value: &Value) -> AnyValue {
        let text = |text: &str| Any::StringValue(cut(text, self.attribute_length).to_owned());
        any(match value {
            Value::Text(value) => text(value),
            Value::Fixed(value) => text(value),
            Value::Name(value) => text(value),
            Value::Integer(value) => Any::IntValue(*value),
            Value::Flag(value) => Any::BoolValue(*value),
            Value::List(values) => {
                Any::ArrayValue(ArrayValue { values: values.iter().map(|value| any(text(value))).collect() })
            }
        })
    }
}

impl Batch for Encoder {
    type Item = Record;

    fn units(_: &Record) -> usize {
        1
    }

    fn weight(record: &Record) -> usize {
        record.weight()
    }

    fn add(&mut self, record: &Record) {
        let resource = self.resources.of(&record.process, record.pid);
        let message = self.message(record);
        self.records += 1;
        self.bytes = self.bytes.saturating_add(record.weight());
        match self.groups.iter_mut().find(|group| Arc::ptr_eq(&group.resource, &resource)) {
            Some(group) => group.records.push(message),
            None => self.groups.push(Group { resource, records: vec![message] }),
        }
    }

    fn len(&self) -> usize {
        self.records
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn finish(&mut self) -> io::Result<Bytes> {
        let request = self.request();
        (self.records, self.bytes) = (0, 0);
        let mut message = vec![0; FRAME];
        if self.json {
            serde_json::to_writer(&mut message, &request)?;
        } else {
            message.reserve(request.encoded_len());
            request.encode(&mut message).map_err(io::Error::other)?;
        }
        drop(request);
        if self.gzip {
            message = squeezed(message.get(FRAME..).unwrap_or_default())?;
        }
        let start = if self.grpc { framed(&mut message, FRAME, self.gzip)? } else { FRAME };
        Ok(Bytes::from(message).split_off(start))
    }
}

fn of_process(group: Group) -> ResourceLogs {
    let scope = InstrumentationScope {
        name: hoptap_semconv::NAME.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let resource = Resource { attributes: group.resource.attributes.attributes.0.clone(), ..Resource::default() };
    ResourceLogs {
        resource: Some(resource),
        scope_logs: vec![ScopeLogs {
            scope: Some(scope),
            log_records: group.records,
            schema_url: hoptap_semconv::SCHEMA_URL.to_owned(),
        }],
        schema_url: hoptap_semconv::SCHEMA_URL.to_owned(),
    }
}

/// Bytes stay bytes: base64 comes in only where OTLP/JSON has no other way to write them.
fn body(body: &Body) -> AnyValue {
    any(match body {
        Body::Binary(bytes) => Any::BytesValue(bytes.to_vec()),
        Body::Text(bytes) => match String::from_utf8(bytes.to_vec()) {
            Ok(text) => Any::StringValue(text),
            Err(error) => Any::BytesValue(error.into_bytes()),
        },
    })
}

fn any(value: Any) -> AnyValue {
    AnyValue { value: Some(value) }
}
