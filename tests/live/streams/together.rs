use hoptap_tests::stream_case::Body::{Bytes, Messages};
use hoptap_tests::stream_case::{Over, StreamCase};

/// Of these it depends on the requests before them what happens, so that they can be no cases of their own.
pub(crate) const CASES: &[StreamCase] = &[
    StreamCase::new("retried", Over::Http2Tls, "GET /x?id={id} retryh2c.test", 200),
    StreamCase::new("retried, with a body", Over::Http1Tls, "PUT /x?id={id} retryh2c.test", 200).body(Bytes(5)),
    StreamCase::new("a retried call", Over::Http2, "POST /lab.Echo/Unary?id={id} retryh2c.test", 200)
        .body(Messages(1, 20, 0)),
    StreamCase::new("exhausted", Over::Http2Tls, "GET /x?id={id} exhaust.test", 502),
    StreamCase::new("weighted", Over::Http2Tls, "POST /chunked?id={id} w.test", 200).body(Bytes(5)),
    StreamCase::new("hidden resends", Over::Http2Tls, "GET /abort?id={id}&d=10ms other.test", 502),
    StreamCase::new("hidden resends over TLS", Over::Http2Tls, "GET /abort?id={id}&d=10ms h1tls.test", 502),
    StreamCase::new("hang-up without a body", Over::Http2Tls, "GET /abort?id={id}&d=10ms frail.test", 500),
    StreamCase::new("goodbye at once", Over::Http2, "GET /goaway-now?id={id}&c=0 frail.test", 500),
    StreamCase::new("goodbye with others", Over::Http2Tls, "GET /goaway?id={id} frailtls.test", 200),
];
