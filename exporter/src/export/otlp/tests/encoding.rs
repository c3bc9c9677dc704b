//! The request as it is written, against the one that the SDK's span data make.

use std::sync::Arc;

use bytes::Buf;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::super::encode::{Encoder, Groups};
use super::super::resource::Resources;
use super::super::settings::Settings;
use super::random;
use crate::event::Process;
use crate::exchange::{Exchange, Headers};
use crate::export::sample;

/// Writes a request of these exchanges in both ways and compares: all fields, in their order, and that no byte is
/// spent that prost would not spend.
#[track_caller]
fn check(encoder: &mut Encoder, settings: &Settings, exchanges: &[Exchange]) {
    let mut resources = Resources::new(settings.service_name.clone(), settings.resource.clone());
    let mut oracle = Groups::new(settings, Arc::default());
    for exchange in exchanges {
        encoder.add(exchange);
        if exchange.spans() > 0 {
            oracle.add(exchange, &mut resources);
        }
    }
    let body = encoder.finish().unwrap();
    let got = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    assert_eq!(got.encode_to_vec(), body, "not the form of prost");

    let (got, expected) = (sorted(got), sorted(oracle.finish()));
    assert_eq!(spans(&got).count(), spans(&expected).count());
    for (got, expected) in spans(&got).zip(spans(&expected)) {
        assert_eq!(got, expected);
    }
    assert_eq!(got, expected);
}

fn spans(request: &ExportTraceServiceRequest) -> impl Iterator<Item = &opentelemetry_proto::tonic::trace::v1::Span> {
    let scopes = request.resource_spans.iter().flat_map(|of| &of.scope_spans);
    scopes.flat_map(|of| &of.spans)
}

/// The SDK keeps the attributes of a resource in a map of its own order.
fn sorted(mut request: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
    for resource in request.resource_spans.iter_mut() {
        let attributes = &mut resource.resource.as_mut().unwrap().attributes;
        attributes.sort_by(|one, other| one.key.cmp(&other.key));
    }
    request
}

fn settings(more: &'static [(&str, &str)]) -> Settings {
    Settings::from_env(&|name| match name {
        "OTEL_EXPORTER_OTLP_PROTOCOL" => Some("http/protobuf".into()),
        _ => more.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
    })
    .unwrap()
}

const LIMITS: &[&[(&str, &str)]] = &[
    &[],
    &[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "7")],
    &[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5")],
    &[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1")],
    &[("OTEL_SERVICE_NAME", "edge"), ("OTEL_RESOURCE_ATTRIBUTES", "a=b,process.pid=x")],
];

#[test]
fn samples() {
    for limits in LIMITS {
        let settings = settings(limits);
        let mut encoder = Encoder::new(&settings, Arc::default());
        let all = [
            sample::exchange(),
            sample::detailed(),
            sample::retried(),
            sample::unrouted(),
            sample::upgraded(),
            sample::health_check(),
            sample::full(),
        ];
        for exchange in &all {
            check(&mut encoder, &settings, std::slice::from_ref(exchange));
        }
        // Every sample has a process of its own.
        check(&mut encoder, &settings, &all);
        check(&mut encoder, &settings, &[]);
    }
}

#[test]
fn what_traffic_may_bring() {
    let mut random = random::Source::new(1);
    let processes: Vec<Arc<Process>> = (0..3).map(|index| Arc::new(random::process(&mut random, index))).collect();
    for limits in LIMITS {
        let settings = settings(limits);
        let mut encoder = Encoder::new(&settings, Arc::default());
        for size in 0..150 {
            let exchanges: Vec<Exchange> = (0..size % 30).map(|_| random::exchange(&mut random, &processes)).collect();
            check(&mut encoder, &settings, &exchanges);
        }
    }
}

/// Lengths that take one byte, two, three, in every place.
#[test]
fn long_values() {
    let settings = settings(&[]);
    let mut encoder = Encoder::new(&settings, Arc::default());
    for length in (0..400).chain(16_200..16_400).step_by(3).chain([70_000, 2_100_000]) {
        let mut exchange = sample::exchange();
        let server = exchange.server.as_mut().unwrap();
        server.hop.path = format!("/{}", "x".repeat(length)).into();
        server.router = Some("r".repeat(length).into());
        let name = "h".repeat(1 + length % 200);
        let line = format!("{name}: {}\r\n{name}: 2\r\n", "v".repeat(length));
        server.hop.request_headers = Headers::new(line.as_bytes());
        exchange.attempts[0].hop.path = format!("/{}", "y".repeat(length)).into();
        check(&mut encoder, &settings, &[exchange]);
    }
}

/// The frame of gRPC, and compression, around the same message.
#[test]
fn frames() {
    let encoded = |protocol: &str, compression: &str| {
        let settings = Settings::from_env(&|name| match name {
            "OTEL_EXPORTER_OTLP_PROTOCOL" => Some(protocol.into()),
            "OTEL_EXPORTER_OTLP_COMPRESSION" => Some(compression.into()),
            _ => None,
        })
        .unwrap();
        let mut encoder = Encoder::new(&settings, Arc::default());
        encoder.add(&sample::retried());
        assert_eq!(encoder.len(), 3);
        encoder.finish().unwrap()
    };
    let message = |bytes: &[u8]| sorted(ExportTraceServiceRequest::decode(bytes).unwrap());
    let unzipped = |bytes: &[u8]| {
        let mut out = Vec::new();
        std::io::copy(&mut flate2::read::GzDecoder::new(bytes), &mut out).unwrap();
        out
    };
    let framed = |mut body: bytes::Bytes, compressed: u8| {
        assert_eq!(body.get_u8(), compressed);
        assert_eq!(body.get_u32() as usize, body.len());
        body
    };
    let plain = message(&encoded("http/protobuf", "none"));
    assert_eq!(plain.resource_spans[0].scope_spans[0].spans.len(), 3);
    assert_eq!(message(&unzipped(&encoded("http/protobuf", "gzip"))), plain);
    assert_eq!(message(&framed(encoded("grpc", "none"), 0)), plain);
    assert_eq!(message(&unzipped(&framed(encoded("grpc", "gzip"), 1))), plain);
}

/// A body that is still being sent stays as it is while the next one is written.
#[test]
fn a_body_is_nobody_elses() {
    let settings = settings(&[]);
    let mut encoder = Encoder::new(&settings, Arc::default());
    encoder.add(&sample::exchange());
    let first = encoder.finish().unwrap();
    let before = first.to_vec();
    encoder.add(&sample::retried());
    let second = encoder.finish().unwrap();
    assert_eq!(first, before);
    assert_ne!(first, second);
}
