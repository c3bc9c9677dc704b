//! A span as it came over OTLP, whatever the encoding.

use std::collections::BTreeMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1 as proto;
use serde_json::Value;

pub type Attributes = BTreeMap<String, Value>;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Span {
    /// Lower-case hex, as everywhere below.
    pub trace_id: String,
    pub span_id: String,
    /// `None` for a root.
    pub parent: Option<String>,
    pub name: String,
    pub kind: Kind,
    /// Nanoseconds since 1970.
    pub start: u64,
    pub end: u64,
    pub attributes: Attributes,
    pub events: Vec<Event>,
    /// Trace and span ids.
    pub links: Vec<(String, String)>,
    /// 0 unset, 1 ok, 2 error.
    pub status: i64,
    pub status_message: String,
    pub resource: Arc<Attributes>,
    pub scope: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub time: u64,
    pub name: String,
    pub attributes: Attributes,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

impl Kind {
    fn from_number(number: i64) -> Self {
        match number {
            1 => Self::Internal,
            2 => Self::Server,
            3 => Self::Client,
            4 => Self::Producer,
            5 => Self::Consumer,
            _ => Self::Unspecified,
        }
    }

    fn from_json(value: Option<&Value>) -> Self {
        match value {
            Some(Value::String(name)) => match name.as_str() {
                "SPAN_KIND_SERVER" => Self::Server,
                "SPAN_KIND_CLIENT" => Self::Client,
                "SPAN_KIND_INTERNAL" => Self::Internal,
                _ => Self::Unspecified,
            },
            other => Self::from_number(other.and_then(Value::as_i64).unwrap_or_default()),
        }
    }
}

impl Span {
    /// Nanoseconds.
    pub fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// A text attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_str()
    }

    /// A whole-number attribute.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.attributes.get(name)?.as_i64()
    }

    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.name == name)
    }
}

/// All spans of a decoded protobuf request.
pub fn from_proto(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for group in request.resource_spans {
        let resource = Arc::new(attributes(group.resource.unwrap_or_default().attributes));
        for scoped in group.scope_spans {
            let scope = scoped.scope.unwrap_or_default().name;
            spans.extend(scoped.spans.into_iter().map(|span| Span {
                scope: scope.clone(),
                resource: Arc::clone(&resource),
                ..one(span)
            }));
        }
    }
    spans
}

fn one(span: proto::Span) -> Span {
    let status = span.status.unwrap_or_default();
    Span {
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent: Some(hex(&span.parent_span_id)).filter(|id| !id.is_empty()),
        name: span.name,
        kind: Kind::from_number(span.kind.into()),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        attributes: attributes(span.attributes),
        events: span
            .events
            .into_iter()
            .map(|event| Event {
                time: event.time_unix_nano,
                name: event.name,
                attributes: attributes(event.attributes),
            })
            .collect(),
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        status: status.code.into(),
        status_message: status.message,
        ..Span::default()
    }
}

fn attributes(list: Vec<KeyValue>) -> Attributes {
    list.into_iter().map(|pair| (pair.key, pair.value.map_or(Value::Null, value))).collect()
}

fn value(value: AnyValue) -> Value {
    use any_value::Value as Any;
    match value.value {
        Some(Any::StringValue(text)) => text.into(),
        Some(Any::BoolValue(truth)) => truth.into(),
        Some(Any::IntValue(number)) => number.into(),
        Some(Any::DoubleValue(number)) => number.into(),
        Some(Any::ArrayValue(list)) => list.values.into_iter().map(self::value).collect(),
        Some(Any::KvlistValue(list)) => Value::Object(attributes(list.values).into_iter().collect()),
        Some(Any::BytesValue(bytes)) => hex(&bytes).into(),
        _ => Value::Null,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All spans of a request in OTLP's JSON encoding.
pub fn from_json(request: &Value) -> Vec<Span> {
    let mut spans = Vec::new();
    for group in list(request, "resourceSpans") {
        let resource = Arc::new(group.get("resource").map(json_attributes).unwrap_or_default());
        for scoped in list(group, "scopeSpans") {
            let scope = scoped.get("scope").map(|scope| text(scope, "name"));
            spans.extend(list(scoped, "spans").iter().map(|span| Span {
                scope: scope.clone().unwrap_or_default(),
                resource: Arc::clone(&resource),
                ..json_span(span)
            }));
        }
    }
    spans
}

fn json_span(span: &Value) -> Span {
    let status = span.get("status");
    Span {
        trace_id: text(span, "traceId"),
        span_id: text(span, "spanId"),
        parent: Some(text(span, "parentSpanId")).filter(|id| !id.is_empty()),
        name: text(span, "name"),
        kind: Kind::from_json(span.get("kind")),
        start: nanos(span, "startTimeUnixNano"),
        end: nanos(span, "endTimeUnixNano"),
        attributes: json_attributes(span),
        events: list(span, "events")
            .iter()
            .map(|event| Event {
                time: nanos(event, "timeUnixNano"),
                name: text(event, "name"),
                attributes: json_attributes(event),
            })
            .collect(),
        links: list(span, "links").iter().map(|link| (text(link, "traceId"), text(link, "spanId"))).collect(),
        status: status.and_then(|status| status.get("code")).and_then(Value::as_i64).unwrap_or_default(),
        status_message: status.map(|status| text(status, "message")).unwrap_or_default(),
        ..Span::default()
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// 64-bit numbers are text in OTLP's JSON; some senders write numbers all the same.
fn nanos(value: &Value, name: &str) -> u64 {
    whole(value.get(name)).and_then(|number| u64::try_from(number).ok()).unwrap_or_default()
}

fn whole(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    }
}

fn json_attributes(owner: &Value) -> Attributes {
    list(owner, "attributes")
        .iter()
        .map(|pair| (text(pair, "key"), pair.get("value").map_or(Value::Null, json_value)))
        .collect()
}

fn json_value(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|object| object.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "intValue" => whole(Some(inner)).map_or(Value::Null, Value::from),
        "arrayValue" => list(inner, "values").iter().map(json_value).collect(),
        "kvlistValue" => list(inner, "values")
            .iter()
            .map(|pair| (text(pair, "key"), pair.get("value").map_or(Value::Null, json_value)))
            .collect(),
        _ => inner.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_say_the_same() {
        let json = serde_json::json!({"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "t"}}]},
            "scopeSpans": [{"scope": {"name": "s"}, "spans": [{
                "traceId": "0102", "spanId": "03", "parentSpanId": "", "name": "GET r", "kind": 2,
                "startTimeUnixNano": "1000", "endTimeUnixNano": "3000", "status": {"code": 2},
                "attributes": [{"key": "a", "value": {"intValue": "200"}},
                               {"key": "l", "value": {"arrayValue": {"values": [{"stringValue": "x"}]}}}],
            }]}],
        }]});
        let pair = |key: &str, value| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        };
        let string = |text: &str| any_value::Value::StringValue(text.to_owned());
        let list =
            opentelemetry_proto::tonic::common::v1::ArrayValue { values: vec![AnyValue { value: Some(string("x")) }] };
        let mut request = ExportTraceServiceRequest::default();
        request.resource_spans.push(proto::ResourceSpans {
            resource: Some(opentelemetry_proto::tonic::resource::v1::Resource {
                attributes: vec![pair("service.name", string("t"))],
                ..Default::default()
            }),
            scope_spans: vec![proto::ScopeSpans {
                scope: Some(opentelemetry_proto::tonic::common::v1::InstrumentationScope {
                    name: "s".to_owned(),
                    ..Default::default()
                }),
                spans: vec![proto::Span {
                    trace_id: vec![1, 2],
                    span_id: vec![3],
                    name: "GET r".to_owned(),
                    kind: 2,
                    start_time_unix_nano: 1000,
                    end_time_unix_nano: 3000,
                    status: Some(proto::Status { code: 2, ..Default::default() }),
                    attributes: vec![
                        pair("a", any_value::Value::IntValue(200)),
                        pair("l", any_value::Value::ArrayValue(list)),
                    ],
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        });
        let spans = from_json(&json);
        assert_eq!(spans, from_proto(request));
        assert_eq!((spans[0].number("a"), spans[0].kind, spans[0].duration()), (Some(200), Kind::Server, 2000));
    }
}
