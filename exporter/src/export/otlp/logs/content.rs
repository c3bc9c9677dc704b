//! A body that a rule selected, as a log record of its span.

use std::sync::Arc;

use bytes::Bytes;

use hoptap_semconv::{attribute as key, event as name};

use super::record::{Body, Record, Severity, Value};
use crate::event::Process;
use crate::export::objects::{Content, Part};

impl Record {
    /// The record of a body: its content is the record's, its sizes and its type are attributes. `text` is the content
    /// where it is text, with its content coding removed; other content goes as it was on the wire.
    pub fn of_content(
        process: &Arc<Process>,
        pid: u32,
        content: &Content<'_>,
        text: Option<Bytes>,
        observed: u64,
    ) -> Self {
        let hop = content.hop;
        let (event, size, header, time) = match content.part {
            Part::Request => {
                (name::HOPTAP_HTTP_REQUEST_BODY, key::HTTP_REQUEST_BODY_SIZE, key::HTTP_REQUEST_HEADER, hop.start)
            }
            Part::Response => {
                (name::HOPTAP_HTTP_RESPONSE_BODY, key::HTTP_RESPONSE_BODY_SIZE, key::HTTP_RESPONSE_HEADER, hop.end)
            }
        };
        let integer = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let mut attributes = vec![
            (size.into(), integer(content.seen)),
            (key::HOPTAP_BODY_CAPTURED_SIZE.into(), integer(content.bytes.len() as u64)),
            (key::HOPTAP_BODY_TRUNCATED.into(), Value::Flag(content.truncated)),
        ];
        for (header_name, value) in
            [("content-type", content.content_type), ("content-encoding", content.content_encoding)]
        {
            if let Some(value) = value {
                attributes.push((format!("{header}.{header_name}").into(), Value::List(vec![value.into()])));
            }
        }
        let failed = hop.error.is_some() || hop.status.is_some_and(|status| status >= 500);
        Self {
            process: Arc::clone(process),
            pid,
            time,
            observed,
            severity: if failed { Severity::Error } else { Severity::Info },
            event,
            body: Some(text.map_or_else(|| Body::of(content.bytes.clone(), content.truncated), Body::Text)),
            attributes,
            trace_id: content.context.trace_id,
            span_id: content.context.span_id,
            sampled: content.context.sampled.unwrap_or(true),
        }
    }
}
