//! Log records arrive as they were, in every protocol, and their bytes are bounded.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::super::logs::{Body, Record, Value};
use super::super::{Logs, Protocol, Settings};
use super::collector::{Collector, Reply};
use super::delivery::{LONG, PROTOCOLS};
use crate::exchange::ErrorKind;
use crate::export::counts::Counts;
use crate::export::direction::Direction;
use crate::export::objects::{Content, Part};
use crate::export::{events, sample};

fn settings(port: u16, variables: &[(&str, &str)]) -> Settings {
    let lookup = |name: &str| {
        if name == "OTEL_EXPORTER_OTLP_ENDPOINT" {
            return Some(format!("http://127.0.0.1:{port}"));
        }
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Settings::logs_from_env(&lookup).unwrap()
}

fn record(bytes: impl Into<Bytes>) -> Record {
    let exchange = sample::detailed();
    let server = exchange.server.as_ref().unwrap();
    let content = Content {
        direction: Direction::Ingress,
        part: Part::Response,
        context: &server.context,
        hop: &server.hop,
        router: None,
        service: None,
        content_type: Some("application/json"),
        content_encoding: None,
        seen: 151,
        truncated: true,
        bytes: bytes.into(),
    };
    Record::of_content(&exchange.process, exchange.pid, &content, None, 7)
}

fn records(batch: &ExportLogsServiceRequest) -> impl Iterator<Item = &LogRecord> {
    let scopes = batch.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
    scopes.flat_map(|scope| &scope.log_records)
}

fn text(text: &str) -> Any {
    Any::StringValue(text.to_owned())
}

/// `key = value`, one to a line.
fn shown(attributes: &[KeyValue]) -> String {
    let value = |value: &AnyValue| match value.value.as_ref().unwrap() {
        Any::StringValue(text) => text.clone(),
        Any::IntValue(number) => number.to_string(),
        Any::BoolValue(flag) => flag.to_string(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|pair| format!("{} = {}\n", pair.key, value(pair.value.as_ref().unwrap()))).collect()
}

#[test]
fn bodies_arrive_as_they_were() {
    let bodies: Vec<(Vec<u8>, Any)> = vec![
        (b"{\"a\": 1}".to_vec(), text("{\"a\": 1}")),
        ("\u{e4} \u{1f980}\n".into(), text("\u{e4} \u{1f980}\n")),
        (Vec::new(), text("")),
        ((0..=255).collect(), Any::BytesValue((0..=255).collect())),
        (vec![0x1f, 0x8b, 8, 0], Any::BytesValue(vec![0x1f, 0x8b, 8, 0])),
        (vec![b'x'; 300_000], text(&"x".repeat(300_000))),
    ];
    for (protocol, name) in PROTOCOLS {
        for compression in ["none", "gzip"] {
            let collector = Collector::start(protocol, |_| Reply::Take);
            let variables = [
                ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", name),
                ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", compression),
                ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "api-key=s3cret"),
                ("OTEL_SERVICE_NAME", "edge"),
            ];
            let logs = Logs::start(settings(collector.address.port(), &variables)).unwrap().unwrap();
            bodies.iter().for_each(|(bytes, _)| logs.offer(record(bytes.clone())));
            let counts = logs.finish(LONG);
            assert_eq!(counts, Counts { delivered: bodies.len() as u64, ..Counts::default() }, "{name} {compression}");
            let seen = collector.stop();
            let path = match protocol {
                Protocol::Grpc => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
                _ => "/v1/logs",
            };
            assert!(seen.heads.iter().all(|(got, headers)| got == path && headers["api-key"] == "s3cret"));
            let got: Vec<&LogRecord> = seen.logs.iter().flat_map(|(batch, _)| records(batch)).collect();
            for (got, (_, expected)) in got.iter().zip(&bodies) {
                assert!(got.body.as_ref().unwrap().value.as_ref() == Some(expected), "{name} {compression}");
                assert_eq!(got.event_name, "hoptap.http.response.body");
                assert_eq!(got.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
                assert_eq!(got.span_id, 0xb7ad_u64.to_be_bytes());
                assert_eq!((got.flags, got.severity_number, got.severity_text.as_str()), (1, 9, "INFO"));
                assert_eq!((got.time_unix_nano, got.observed_time_unix_nano), (1_782_864_000_008_100_000, 7));
                let attributes = shown(&got.attributes);
                assert!(attributes.contains("http.response.body.size = 151\n"), "{attributes}");
                assert!(attributes.contains("hoptap.body.truncated = true\n"), "{attributes}");
                assert!(attributes.contains("http.response.header.content-type = ArrayValue"), "{attributes}");
            }
            let (batch, _) = &seen.logs[0];
            assert_eq!(batch.resource_logs[0].schema_url, hoptap_semconv::SCHEMA_URL);
            let resource = shown(&batch.resource_logs[0].resource.as_ref().unwrap().attributes);
            assert!(
                resource.contains("service.name = edge\n") && resource.contains("process.pid = 789\n"),
                "{resource}"
            );
            let scope = batch.resource_logs[0].scope_logs[0].scope.as_ref().unwrap();
            assert_eq!(scope.name, "hoptap");
        }
    }
}

#[test]
fn events_of_exchanges_say_who_nobody_is() {
    for (protocol, name) in PROTOCOLS {
        let collector = Collector::start(protocol, |_| Reply::Take);
        let settings = settings(collector.address.port(), &[("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", name)]);
        let outputs = events::start(vec![events::Store::Otlp(Box::new(settings))]).unwrap();
        let mut failed = sample::detailed();
        failed.attempts[0].hop.error = Some(ErrorKind::ConnectionReset);
        for output in &outputs {
            output.offer(&Arc::new(failed.clone()));
        }
        for output in outputs {
            assert_eq!(output.finish(LONG), Counts { delivered: 2, ..Counts::default() });
        }
        let seen = collector.stop();
        let got: Vec<&LogRecord> = seen.logs.iter().flat_map(|(batch, _)| records(batch)).collect();
        let [server, attempt] = got.as_slice() else { panic!("{name}: {}", got.len()) };
        assert_eq!((server.severity_text.as_str(), attempt.severity_text.as_str()), ("INFO", "ERROR"));
        assert_eq!((server.event_name.as_str(), server.body.as_ref()), ("hoptap.http.hop", None));
        assert_eq!(server.time_unix_nano, 1_782_864_000_000_000_000);
        assert!(server.observed_time_unix_nano > server.time_unix_nano);
        let all = format!("{}--\n{}", shown(&server.attributes), shown(&attempt.attributes));
        for secret in ["s3cret", "172.18.0.1\n", "curl", "page="] {
            assert!(!all.contains(secret), "{secret}: {all}");
        }
        sample::golden("events/record.txt", &all);
    }
}

#[test]
fn attributes_have_limits() {
    let collector = Collector::start(Protocol::HttpProtobuf, |_| Reply::Take);
    let variables =
        [("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "2"), ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3")];
    let logs = Logs::start(settings(collector.address.port(), &variables)).unwrap().unwrap();
    let mut long = record("body is no attribute");
    long.attributes = vec![
        ("a".into(), Value::Text("12345".into())),
        ("b".into(), Value::Flag(true)),
        ("c".into(), Value::Fixed("x")),
    ];
    logs.offer(long);
    logs.finish(LONG);
    let seen = collector.stop();
    let got = records(&seen.logs[0].0).next().unwrap();
    assert_eq!((shown(&got.attributes).as_str(), got.dropped_attributes_count), ("a = 123\nb = true\n", 1));
    assert_eq!(got.body.as_ref().unwrap().value, Some(text("body is no attribute")));
}

#[test]
fn what_is_turned_down_is_counted() {
    for (protocol, name) in PROTOCOLS {
        let collector = Collector::start(protocol, |_| Reply::TakeBut(3));
        let variables = [("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", name), ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "10")];
        let logs = Logs::start(settings(collector.address.port(), &variables)).unwrap().unwrap();
        (0..20).for_each(|_| logs.offer(record("x")));
        assert_eq!(logs.finish(LONG), Counts { delivered: 14, refused: 6, ..Counts::default() }, "{name}");
        collector.stop();
    }
}

/// 100 MB of bodies in a queue of 32 MiB, to a collector that is away and then comes: what fits arrives, in requests
/// that a collector takes.
#[test]
fn bytes_are_bounded_in_the_queue_and_in_a_request() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let logs = Logs::start(settings(address.port(), &[("OTEL_BLRP_SCHEDULE_DELAY", "50")])).unwrap().unwrap();
    for _ in 0..1000 {
        logs.offer(record(vec![7; 100_000]));
        assert!(logs.bytes_waiting() <= 32 << 20);
    }
    let counts = logs.counts();
    assert!(counts.waiting > 320 && counts.waiting < 380 && counts.offered() == 1000, "{counts:?}");
    let listener = std::net::TcpListener::bind(address).unwrap();
    let collector = Collector::on(listener, Protocol::HttpProtobuf, |_| Reply::Take);
    let begun = std::time::Instant::now();
    let last = logs.finish(LONG);
    assert_eq!((last.delivered, last.queue_full), (counts.waiting, counts.queue_full), "{last:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let seen = collector.stop();
    let largest = seen.logs.iter().map(|(batch, _)| records(batch).count()).max();
    assert_eq!(largest, Some(20), "2 MiB of bodies to a request");
}

#[test]
fn nothing_is_started_where_nobody_asked() {
    let nobody = Settings::logs_from_env(&|_| None).unwrap();
    assert!(Logs::start(nobody).unwrap().is_none());
    assert!(matches!(record("x").body, Some(Body::Text(_))));
}
