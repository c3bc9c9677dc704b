//! Bodies arrive at a collector, as events of their spans and as log records that belong to them.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

use super::*;
use crate::body::sample::encode;
use crate::export::objects::tests::limits;
use crate::export::objects::tests::server::Scratch;
use crate::export::objects::{self, Objects};
use crate::export::otlp::tests::collector::{Collector, Reply};
use crate::export::otlp::tests::delivery::settings;
use crate::export::otlp::{self, Logs, Otlp, Protocol};

fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes.iter().find(|pair| pair.key == key)?.value.as_ref()?.value.as_ref()
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

#[test]
fn spans_and_records_hold_bodies() {
    let collector = Collector::start(Protocol::HttpProtobuf, |_| Reply::Take);
    let port = collector.address.port();
    let logs = otlp::Settings::logs_from_env(&|name| {
        (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| format!("http://127.0.0.1:{port}"))
    });
    let scratch = Scratch::new();
    let file = objects::File { directory: scratch.0.clone(), prefix: String::new() };
    let outlets = Outlets {
        outputs: vec![Box::new(Otlp::start(settings(port, &[]), redaction()).unwrap().unwrap())],
        stores: vec![Objects::start(&objects::Settings::File(file), limits()).unwrap()],
        logs: vec![Logs::start(logs.unwrap()).unwrap().unwrap()],
    };
    let contents = Contents::start(Settings { redaction: redaction(), ..Settings::default() }, outlets).unwrap();
    let mut exchange = posted("application/json", b"{\"password\": \"s3cret\"}", &encode("gzip", b"{\"a\": 1}"));
    for hop in exchange.hops_mut() {
        let response = hop.contents.as_mut().unwrap().response.as_mut().unwrap();
        response.captured.content_encoding = Some("gzip".into());
    }
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    exchange.attempts[0].hop.contents.as_mut().unwrap().request = Some(sample::content("image/png", &png[..]));
    contents.offer(exchange);
    let (told, _) = contents.finish(LONG);
    let delivered: Vec<u64> = told.iter().map(|told| told.counts.delivered).collect();
    assert_eq!(delivered, [1, 2, 5, 4], "{told:?}");

    let seen = collector.stop();
    let spans = seen.taken.iter().flat_map(|(batch, _)| &batch.resource_spans[0].scope_spans[0].spans);
    let [server, client] = spans.collect::<Vec<_>>()[..] else { panic!("two spans") };
    let [request, first_byte, response] = server.events.as_slice() else { panic!("{:?}", server.events) };
    assert_eq!(request.name, "hoptap.http.request.body");
    let redacted = text("{\"password\": \"REDACTED\"}");
    assert_eq!(value(&request.attributes, "http.request.body.content"), Some(&redacted));
    assert_eq!(value(&request.attributes, "http.request.body.size"), Some(&Value::IntValue(22)));
    assert_eq!(first_byte.name, "hoptap.http.first_byte");
    assert_eq!(value(&response.attributes, "http.response.body.content"), Some(&text("{\"a\": 1}")));
    assert_eq!(response.time_unix_nano, server.end_time_unix_nano);
    let [image, _, _] = client.events.as_slice() else { panic!("{:?}", client.events) };
    assert_eq!(value(&image.attributes, "http.request.body.content"), None, "bytes are no text");
    assert_eq!(value(&image.attributes, "hoptap.body.captured_size"), Some(&Value::IntValue(16)));
    let Some(Value::ArrayValue(urls)) = value(&client.attributes, "hoptap.request.body.url") else { panic!("no url") };
    let Some(Value::StringValue(url)) = &urls.values[0].value else { panic!("{urls:?}") };
    assert_eq!(std::fs::read(url.strip_prefix("file://").unwrap()).unwrap(), png);

    let records = seen.logs.iter().flat_map(|(batch, _)| &batch.resource_logs[0].scope_logs[0].log_records);
    let records: Vec<_> = records.collect();
    let bodies: Vec<_> = records.iter().map(|record| record.body.as_ref().unwrap().value.clone().unwrap()).collect();
    assert_eq!(bodies, [redacted, text("{\"a\": 1}"), Value::BytesValue(png.to_vec()), text("{\"a\": 1}")]);
    let of = |span_id: &[u8]| records.iter().filter(|record| record.span_id == span_id).count();
    assert_eq!((of(&server.span_id), of(&client.span_id)), (2, 2));
    assert!(records.iter().all(|record| record.trace_id == server.trace_id));
}
