//! The document about an exchange: what its JSON line says, headers included, and where its bodies lie.

use std::fmt::Write;

use bytes::Bytes;
use serde_json::json;

use super::key::{Keys, Part, Place};
use super::object::Object;
use crate::exchange::Exchange;
use crate::export::direction::Direction;
use crate::export::json;
use crate::redact::Redaction;

/// What is known of a body that was handed to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub span_id: u64,
    pub direction: Direction,
    pub part: Part,
    pub key: String,
    pub url: String,
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub seen: u64,
    pub captured: usize,
    pub truncated: bool,
}

/// Makes the document; None for an exchange without hops. `objects` says of each body: `span_id`, `hop`, `part`, `key`,
/// `url`, `content_type`, `content_encoding`, `bytes_seen`, `bytes_captured`, `truncated`.
pub fn document(exchange: &Exchange, redaction: &Redaction, keys: &Keys, stored: &[Stored]) -> Option<Object> {
    let server = exchange.server.as_ref().map(|server| (&server.context, &server.hop, server.service.as_deref()));
    let attempt =
        || exchange.attempts.first().map(|attempt| (&attempt.context, &attempt.hop, attempt.service.as_deref()));
    let (context, hop, service) = server.or_else(attempt)?;
    let place = Place { start: hop.start, service, trace_id: context.trace_id, span_id: context.span_id };
    let mut text = String::new();
    json::write_with(exchange, redaction, json::Bodies::Named, &mut text);
    // The line is an object: the list goes in before its last brace.
    let end = text.trim_end().strip_suffix('}').map_or(0, str::len);
    text.truncate(end);
    text.push_str(",\"objects\":[");
    for (index, body) in stored.iter().enumerate() {
        let end = if index == 0 { "" } else { "," };
        let _ = write!(text, "{end}{}", shown(body));
    }
    text.push_str("]}\n");
    Some(Object {
        key: keys.exchange(&place),
        content_type: "application/json".into(),
        metadata: vec![
            ("trace-id", format!("{:032x}", context.trace_id)),
            ("span-id", format!("{:016x}", context.span_id)),
        ],
        bytes: Bytes::from(text),
    })
}

fn shown(body: &Stored) -> serde_json::Value {
    json!({
        "span_id": format!("{:016x}", body.span_id),
        "hop": body.direction.as_str(),
        "part": body.part.as_str(),
        "key": body.key,
        "url": body.url,
        "content_type": body.content_type,
        "content_encoding": body.content_encoding,
        "bytes_seen": body.seen,
        "bytes_captured": body.captured,
        "truncated": body.truncated,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::super::content::Content;
    use super::*;
    use crate::export::sample;

    #[test]
    fn it_says_this() {
        let exchange = sample::detailed();
        let keys = Keys::new("hoptap/", "s3://traffic/").unwrap();
        let server = exchange.server.as_ref().unwrap();
        let content = Content {
            direction: Direction::Ingress,
            part: Part::Request,
            context: &server.context,
            hop: &server.hop,
            router: server.router.as_deref(),
            service: server.service.as_deref(),
            content_type: Some("application/json"),
            content_encoding: None,
            seen: 34,
            truncated: true,
            bytes: Bytes::from_static(b"{\"name\":"),
        };
        let (body, stored) = content.object(&keys);
        assert_eq!(stored.key, body.key);
        let object = document(&exchange, &Redaction::default(), &keys, &[stored]).unwrap();
        let text = std::str::from_utf8(&object.bytes).unwrap();
        assert!(!text.contains("s3cret"), "{text}");
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        sample::golden("objects/document.json", &format!("{value:#}\n"));
        let metadata: String = body.metadata.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        sample::golden("objects/body.txt", &format!("{}\n{}\n{metadata}", body.key, body.content_type));
        assert_eq!(object.key.replace("exchange.json", "ingress-request"), body.key);
    }

    #[test]
    fn without_hops_there_is_none() {
        let mut exchange = sample::health_check();
        let keys = Keys::new("", "file:///").unwrap();
        assert!(document(&exchange, &Redaction::default(), &keys, &[]).is_some());
        exchange.attempts.clear();
        assert!(document(&exchange, &Redaction::default(), &keys, &[]).is_none());
    }
}
