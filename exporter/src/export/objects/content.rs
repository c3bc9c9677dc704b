//! The body of one message, as an object.

use bytes::Bytes;

use super::document::Stored;
use super::key::{Keys, Part, Place};
use super::object::Object;
use crate::exchange::{self, Context, Exchange, Hop};
use crate::export::bodies;
use crate::export::direction::Direction;

/// What is known of a captured body.
#[derive(Debug, Clone)]
pub struct Content<'a> {
    pub direction: Direction,
    pub part: Part,
    /// Of the span that it belongs to.
    pub context: &'a Context,
    pub hop: &'a Hop,
    pub router: Option<&'a str>,
    pub service: Option<&'a str>,
    /// As the header on the wire says.
    pub content_type: Option<&'a str>,
    pub content_encoding: Option<&'a str>,
    /// Bytes that the body had; `bytes` are those that were captured.
    pub seen: u64,
    pub truncated: bool,
    pub bytes: Bytes,
}

impl<'a> Content<'a> {
    /// The bodies of an exchange that can be told, the client's first, each with what is known of it besides.
    pub fn of(exchange: &'a Exchange) -> impl Iterator<Item = (Self, &'a exchange::Content)> {
        let server = exchange.server.iter().flat_map(|server| {
            let names = (server.router.as_deref(), server.service.as_deref());
            Self::of_hop(Direction::Ingress, &server.context, &server.hop, names)
        });
        let attempts = exchange.attempts.iter().flat_map(|attempt| {
            let names = (attempt.router.as_deref(), attempt.service.as_deref());
            Self::of_hop(Direction::Egress, &attempt.context, &attempt.hop, names)
        });
        server.chain(attempts)
    }

    fn of_hop(
        direction: Direction,
        context: &'a Context,
        hop: &'a Hop,
        (router, service): (Option<&'a str>, Option<&'a str>),
    ) -> impl Iterator<Item = (Self, &'a exchange::Content)> {
        let told = |content: &exchange::Content| content.withheld.is_none() && !content.captured.bytes.is_empty();
        bodies::of(hop).filter(move |(_, content)| told(content)).map(move |(part, content)| {
            let captured = &content.captured;
            let known = Self {
                direction,
                part,
                context,
                hop,
                router,
                service,
                content_type: captured.content_type.as_deref(),
                content_encoding: captured.content_encoding.as_deref(),
                seen: captured.seen,
                truncated: captured.truncated,
                bytes: captured.bytes.clone(),
            };
            (known, content)
        })
    }
}

impl Content<'_> {
    /// The key that its object has.
    pub fn key(&self, keys: &Keys) -> String {
        let place = Place {
            start: self.hop.start,
            service: self.service,
            trace_id: self.context.trace_id,
            span_id: self.context.span_id,
        };
        keys.body(&place, self.direction, self.part)
    }

    /// The object, and what the document about the exchange says of it.
    pub fn object(&self, keys: &Keys) -> (Object, Stored) {
        let key = self.key(keys);
        let stored = Stored {
            span_id: self.context.span_id,
            direction: self.direction,
            part: self.part,
            url: keys.url(&key),
            key: key.clone(),
            content_type: self.content_type.map(str::to_owned),
            content_encoding: self.content_encoding.map(str::to_owned),
            seen: self.seen,
            captured: self.bytes.len(),
            truncated: self.truncated,
        };
        let object = Object {
            key,
            content_type: self.content_type.unwrap_or_default().to_owned(),
            metadata: self.metadata(),
            bytes: self.bytes.clone(),
        };
        (object, stored)
    }

    /// What leads from the object back to the trace. The ids come first: what does not fit is left out from the end.
    fn metadata(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![
            ("trace-id", format!("{:032x}", self.context.trace_id)),
            ("span-id", format!("{:016x}", self.context.span_id)),
            ("hop", self.direction.as_str().to_owned()),
            ("part", self.part.as_str().to_owned()),
            ("bytes-seen", self.seen.to_string()),
            ("bytes-captured", self.bytes.len().to_string()),
            ("truncated", self.truncated.to_string()),
            ("method", self.hop.method.original().to_owned()),
        ];
        let mut known = |name: &'static str, value: Option<String>| pairs.extend(value.map(|value| (name, value)));
        known("status", self.hop.status.map(|status| status.to_string()));
        known("content-encoding", self.content_encoding.map(str::to_owned));
        known("content-type", self.content_type.map(str::to_owned));
        known("service", self.service.map(str::to_owned));
        known("router", self.router.map(str::to_owned));
        pairs
    }
}
