//! What is offered arrives, in every protocol, and what the collector turns down is counted.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;

use super::super::super::sample;
use super::super::{Otlp, Output, Protocol, Settings};
use super::collector::{Collector, Reply};
use crate::export::counts::Counts;

pub(in crate::export) const PROTOCOLS: [(Protocol, &str); 3] =
    [(Protocol::Grpc, "grpc"), (Protocol::HttpProtobuf, "http/protobuf"), (Protocol::HttpJson, "http/json")];

pub(in crate::export) fn settings(port: u16, variables: &[(&str, &str)]) -> Settings {
    Settings::from_env(&|name| {
        if name == "OTEL_EXPORTER_OTLP_ENDPOINT" {
            return Some(format!("http://127.0.0.1:{port}"));
        }
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    })
    .unwrap()
}

/// Offers `count` exchanges of two spans, waits for the end, returns the counts.
pub(in crate::export) fn offer(settings: Settings, count: usize, within: Duration) -> Counts {
    let output = Otlp::start(settings, Arc::default()).unwrap().unwrap();
    let exchange = Arc::new(sample::exchange());
    (0..count).for_each(|_| output.offer(&exchange));
    let counts = Box::new(output).finish(within);
    assert_eq!((counts.offered(), counts.waiting), (2 * count as u64, 0), "{counts:?}");
    counts
}

pub(in crate::export) const LONG: Duration = Duration::from_secs(20);

#[test]
fn everything_arrives() {
    for (protocol, name) in PROTOCOLS {
        for compression in ["none", "gzip"] {
            let collector = Collector::start(protocol, |_| Reply::Take);
            let variables = [
                ("OTEL_EXPORTER_OTLP_PROTOCOL", name),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
                ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret,x-scope=a%20b"),
                ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "101"),
            ];
            let counts = offer(settings(collector.address.port(), &variables), 1000, LONG);
            assert_eq!(counts, Counts { delivered: 2000, ..Counts::default() }, "{name} {compression}");
            let seen = collector.stop();
            assert_eq!(seen.spans(), 2000);
            assert_eq!(seen.largest(), 100, "an exchange is not torn apart, a batch not overfilled");
            assert_eq!(seen.connections, 1, "one connection serves all batches");
            let path = match protocol {
                Protocol::Grpc => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                _ => "/v1/traces",
            };
            for (got, headers) in &seen.heads {
                assert_eq!(got, path);
                assert_eq!(headers["api-key"], "s3cret");
                assert_eq!(headers["x-scope"], "a b");
            }
        }
    }
}

#[test]
fn what_arrives_is_what_was_seen() {
    for (protocol, name) in PROTOCOLS {
        let collector = Collector::start(protocol, |_| Reply::Take);
        let variables = [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", name),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=lab,service.version=9"),
            ("OTEL_SERVICE_NAME", "edge"),
        ];
        let output = Otlp::start(settings(collector.address.port(), &variables), Arc::default()).unwrap().unwrap();
        output.offer(&Arc::new(sample::retried()));
        let mut other = sample::health_check();
        other.pid = 790;
        output.offer(&Arc::new(other));
        Box::new(output).finish(LONG);

        let seen = collector.stop();
        let [(batch, _)] = seen.taken.as_slice() else {
            panic!("{name}: expected one batch, got {}", seen.taken.len());
        };
        let resources: Vec<String> = batch
            .resource_spans
            .iter()
            .map(|spans| {
                assert_eq!(spans.schema_url, hoptap_semconv::SCHEMA_URL);
                let mut attributes: Vec<String> = spans
                    .resource
                    .as_ref()
                    .unwrap()
                    .attributes
                    .iter()
                    .filter(|pair| pair.key != "host.name")
                    .map(|pair| match pair.value.as_ref().unwrap().value.as_ref().unwrap() {
                        Value::StringValue(text) => format!("{}={text}", pair.key),
                        Value::IntValue(number) => format!("{}={number}", pair.key),
                        other => panic!("{other:?}"),
                    })
                    .collect();
                attributes.sort();
                attributes.join(" ")
            })
            .collect();
        let expected = |pid| {
            format!(
                "container.id=traefik-demo deployment.environment.name=lab process.executable.path=/usr/local/bin/traefik \
             process.pid={pid} process.runtime.name=go process.runtime.version=go1.26.8 \
             service.instance.id=traefik-demo service.name=edge service.version=9"
            )
        };
        assert_eq!(resources, [expected(789), expected(790)], "{name}");

        let spans = &batch.resource_spans[0].scope_spans[0].spans;
        let [server, refused, retried] = spans.as_slice() else {
            panic!("{name}: expected three spans, got {}", spans.len());
        };
        assert_eq!(server.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
        assert_eq!(server.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
        assert_eq!(server.flags, 0x301, "sampled, and the parent is known to be remote");
        assert_eq!(server.trace_state, "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
        assert_eq!((server.kind, refused.kind, retried.kind), (2, 3, 3));
        for attempt in [refused, retried] {
            assert_eq!(attempt.trace_id, server.trace_id);
            assert_eq!(attempt.parent_span_id, server.span_id);
            assert_eq!(attempt.flags, 0x101);
        }
        assert_eq!((refused.status.as_ref().unwrap().code, retried.status.as_ref().unwrap().code), (2, 0));
        assert_eq!(server.end_time_unix_nano - server.start_time_unix_nano, 8_100_000);
        assert_eq!(server.events[0].name, "hoptap.http.first_byte");
    }
}

#[test]
fn what_is_turned_down_is_counted() {
    for (protocol, name) in PROTOCOLS {
        let collector = Collector::start(protocol, |_| Reply::TakeBut(3));
        let variables = [("OTEL_EXPORTER_OTLP_PROTOCOL", name), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")];
        let counts = offer(settings(collector.address.port(), &variables), 20, LONG);
        assert_eq!(counts, Counts { delivered: 28, refused: 12, ..Counts::default() }, "{name}");
        assert_eq!(collector.stop().spans(), 28);
    }
}

#[test]
fn what_is_not_sampled_is_no_loss() {
    let collector = Collector::start(Protocol::HttpProtobuf, |_| Reply::Take);
    let variables = [("OTEL_TRACES_SAMPLER", "always_off")];
    let counts = offer(settings(collector.address.port(), &variables), 20, LONG);
    assert_eq!(counts, Counts { sampled_out: 40, ..Counts::default() });
    assert_eq!(collector.stop().connections, 0);
}

#[test]
fn nothing_is_started_where_nobody_asked() {
    let nobody = Settings::from_env(&|_| None).unwrap();
    assert!(Otlp::start(nobody, Arc::default()).unwrap().is_none());
}

#[test]
fn certificates_that_cannot_be_read_are_said_at_the_start() {
    let settings = Settings::from_env(&|name| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("https://127.0.0.1:1".to_owned()),
        "OTEL_EXPORTER_OTLP_CERTIFICATE" => Some("/nowhere.pem".to_owned()),
        _ => None,
    });
    let error = Otlp::start(settings.unwrap(), Arc::default()).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere.pem: expected certificates"), "{error}");
}
