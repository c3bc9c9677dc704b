//! Events as log records.

use std::borrow::Cow;
use std::sync::Arc;

use hoptap_semconv::{attribute as key, event as name};

use super::event::Event;
use crate::event::Name;
use crate::exchange::Exchange;
use crate::export::attributes::Sink;
use crate::export::otlp::logs::{Record, Severity, Value};

/// The record of one event.
pub(super) fn of(exchange: &Exchange, event: &Event<'_>, observed: u64) -> Record {
    let mut gathered = Gathered(Vec::with_capacity(20));
    event.attributes(&mut gathered);
    let mut attributes = gathered.0;
    let nanos = i64::try_from(event.hop.duration()).unwrap_or(i64::MAX);
    attributes.push((key::HOPTAP_HOP_DURATION.into(), Value::Integer(nanos)));
    Record {
        process: Arc::clone(&exchange.process),
        pid: exchange.pid,
        time: event.hop.start,
        observed,
        severity: if event.failed() { Severity::Error } else { Severity::Info },
        event: name::HOPTAP_HTTP_HOP,
        body: None,
        attributes,
        trace_id: event.context.trace_id,
        span_id: event.context.span_id,
        sampled: event.context.sampled.unwrap_or(true),
    }
}

struct Gathered(Vec<(Cow<'static, str>, Value)>);

impl Sink for Gathered {
    fn text(&mut self, key: &'static str, value: &str) {
        self.0.push((key.into(), Value::Text(value.into())));
    }

    fn fixed(&mut self, key: &'static str, value: &'static str) {
        self.0.push((key.into(), Value::Fixed(value)));
    }

    fn name(&mut self, key: &'static str, value: &Name) {
        self.0.push((key.into(), Value::Name(Arc::clone(value))));
    }

    fn integer(&mut self, key: &'static str, value: i64) {
        self.0.push((key.into(), Value::Integer(value)));
    }

    fn flag(&mut self, key: &'static str, value: bool) {
        self.0.push((key.into(), Value::Flag(value)));
    }

    fn list(&mut self, key: String, values: &[Cow<'_, str>]) {
        let values = values.iter().map(|value| value.as_ref().into()).collect();
        self.0.push((key.into(), Value::List(values)));
    }
}
