//! Hands the bodies of an exchange, and the document about it, to every object store; and the bodies to those who take
//! them as log records.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::Outlets;
use crate::exchange::{Content, Exchange, Level};
use crate::export::bodies;
use crate::export::direction::Direction;
use crate::export::objects::{self, Part, Stored, document};
use crate::export::otlp::logs::Record;
use crate::redact::Redaction;

/// The bodies know afterwards where they lie.
pub(super) fn store(exchange: &mut Exchange, outlets: &Outlets, redaction: &Redaction) {
    let lists: Vec<Vec<Stored>> = outlets.stores.iter().map(|store| bodies_to(exchange, store)).collect();
    for stored in lists.iter().flatten() {
        if let Some(content) = content_of(exchange, stored) {
            content.urls.push(stored.url.as_str().into());
        }
    }
    // Last, for it tells all of the addresses.
    if exchange.kept.level >= Level::Details {
        for (store, list) in outlets.stores.iter().zip(&lists) {
            if let Some(object) = document(exchange, redaction, store.keys(), list) {
                store.offer(object);
            }
        }
    }
    if !outlets.logs.is_empty() {
        log(exchange, outlets);
    }
}

/// What the store took.
fn bodies_to(exchange: &Exchange, store: &objects::Objects) -> Vec<Stored> {
    let mut list = Vec::new();
    for (content, _) in objects::Content::of(exchange) {
        let (object, stored) = content.object(store.keys());
        if store.offer(object) {
            list.push(stored);
        }
    }
    list
}

fn content_of<'e>(exchange: &'e mut Exchange, stored: &Stored) -> Option<&'e mut Content> {
    let is_it = |span_id: u64| span_id == stored.span_id;
    let hop = match stored.direction {
        Direction::Ingress => {
            exchange.server.as_mut().filter(|server| is_it(server.context.span_id)).map(|server| &mut server.hop)
        }
        Direction::Egress => {
            let attempt = exchange.attempts.iter_mut().find(|attempt| is_it(attempt.context.span_id));
            attempt.map(|attempt| &mut attempt.hop)
        }
    };
    let both = hop?.contents.as_deref_mut()?;
    match stored.part {
        Part::Request => both.request.as_mut(),
        Part::Response => both.response.as_mut(),
    }
}

fn log(exchange: &Exchange, outlets: &Outlets) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let observed = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    for (mut object, content) in objects::Content::of(exchange) {
        let text = bodies::text(content).map(|(text, cut)| {
            object.truncated |= cut;
            Bytes::from(text.into_owned())
        });
        for logs in &outlets.logs {
            logs.offer(Record::of_content(&exchange.process, exchange.pid, &object, text.clone(), observed));
        }
    }
}
