use hoptap_tests::case::Attempt::{Cut, Got, Lost};
use hoptap_tests::stream_case::Body::{Bytes, Slowly};
use hoptap_tests::stream_case::{Act, Over, StreamCase};

pub(crate) const CASES: &[StreamCase] = &[
    // What the client does.
    StreamCase::new("client resets before the answer", Over::Http2Tls, "GET /x?id={id}&d=400ms any.test", 499)
        .act(Act::ResetAfter(80))
        .router("any@file")
        .attempts(&[Lost("be1@file")])
        .not_fast("fastProxy does not look at the client while it waits for the backend"),
    StreamCase::new("client resets before the answer, HTTP/2", Over::Http2, "GET /x?id={id}&d=400ms h2c.test", 499)
        .act(Act::ResetAfter(80))
        .router("h2c@file")
        .attempts(&[Lost("h2c@file")]),
    StreamCase::new("client resets a download", Over::Http2Tls, "GET /endless?id={id}&p=5ms h2c.test", 200)
        .act(Act::ResetAt(30))
        .router("h2c@file")
        .attempts(&[Cut("h2c@file", 200)]),
    StreamCase::new("client resets an upload", Over::Http2Tls, "POST /x?id={id} h2c.test", 499)
        .body(Slowly(100, 100, 10))
        .act(Act::ResetAfter(80))
        .router("h2c@file")
        .attempts(&[Lost("h2c@file")]),
    StreamCase::new("client hangs up", Over::Http2Tls, "GET /x?id={id}&d=400ms h2tls.test", 499)
        .act(Act::HangUpAfter(80))
        .router("h2tls@file")
        .attempts(&[Lost("h2tls@file")]),
    StreamCase::new("client hangs up, HTTP/1 with TLS", Over::Http1Tls, "GET /x?id={id}&d=400ms h2c.test", 499)
        .act(Act::HangUpAfter(80))
        .router("h2c@file")
        .attempts(&[Lost("h2c@file")]),
    StreamCase::new("client resets TLS", Over::Http1Tls, "GET /x?id={id}&d=400ms h1tls.test", 499)
        .act(Act::ResetAfter(80))
        .router("h1tls@file")
        .attempts(&[Lost("h1tls@file")])
        .not_fast("fastProxy does not look at the client while it waits for the backend"),
    // What the backend does. Traefik answers 500 where net/http has no name for what went wrong, as it has for HTTP/1.
    StreamCase::new("backend resets the stream", Over::Http2Tls, "GET /reset?id={id}&c=2 h2c.test", 500)
        .router("h2c@file")
        .attempts(&[Lost("h2c@file")]),
    StreamCase::new("backend cancels the stream", Over::Http1, "POST /reset?id={id}&c=8 h2c.test", 500)
        .body(Bytes(5))
        .router("h2c@file")
        .attempts(&[Lost("h2c@file")]),
    StreamCase::new("backend resets the stream over TLS", Over::Http2Tls, "GET /reset?id={id}&c=11 h2tls.test", 500)
        .router("h2tls@file")
        .attempts(&[Lost("h2tls@file")]),
    StreamCase::new("stream ends in the middle", Over::Http2Tls, "GET /cut?id={id}&n=100000&c=2 h2c.test", 200)
        .router("h2c@file")
        .attempts(&[Cut("h2c@file", 200)]),
    StreamCase::new("stream ends in the middle, HTTP/1", Over::Http1, "GET /cut?id={id}&n=100000&c=8 h2c.test", 200)
        .router("h2c@file")
        .attempts(&[Cut("h2c@file", 200)]),
    StreamCase::new("body ends early over TLS", Over::Http2Tls, "GET /cut?id={id}&n=100000 h1tls.test", 200)
        .router("h1tls@file")
        .attempts(&[Cut("h1tls@file", 200)]),
    StreamCase::new("refused once", Over::Http2Tls, "GET /refuse?id={id} h2c.test", 200)
        .router("h2c@file")
        .attempts(&[Lost("h2c@file"), Got("h2c@file", 200)]),
    StreamCase::new("refused once over TLS", Over::Http1, "GET /refuse?id={id} h2tls.test", 200)
        .router("h2tls@file")
        .attempts(&[Lost("h2tls@file"), Got("h2tls@file", 200)]),
    StreamCase::new("refused by a goodbye", Over::Http2Tls, "GET /goaway-refuse?id={id} frail.test", 200)
        .router("frail@file")
        .attempts(&[Lost("frail@file"), Got("frail@file", 200)]),
    StreamCase::new("goodbye of the backend", Over::Http2Tls, "GET /goaway?id={id} frail.test", 200)
        .router("frail@file")
        .attempts(&[Got("frail@file", 200)]),
    StreamCase::new("goodbye of the backend over TLS", Over::Http1, "GET /goaway?id={id} frailtls.test", 200)
        .router("frailtls@file")
        .attempts(&[Got("frailtls@file", 200)]),
    StreamCase::new("backend ends the connection", Over::Http2Tls, "POST /goaway-now?id={id}&c=2 frail.test", 500)
        .body(Bytes(5))
        .router("frail@file")
        .attempts(&[Lost("frail@file")]),
    StreamCase::new("backend hangs up", Over::Http2Tls, "POST /abort?id={id} frail.test", 500)
        .body(Bytes(5))
        .router("frail@file")
        .attempts(&[Lost("frail@file")]),
    StreamCase::new("backend hangs up in the middle", Over::Http2Tls, "GET /hangup?id={id}&n=100000 frail.test", 200)
        .router("frail@file")
        .attempts(&[Cut("frail@file", 200)]),
    StreamCase::new(
        "backend hangs up in the middle, TLS",
        Over::Http1,
        "GET /hangup?id={id}&n=100000 frailtls.test",
        200,
    )
    .router("frailtls@file")
    .attempts(&[Cut("frailtls@file", 200)]),
    StreamCase::new("a frame that must not be", Over::Http2Tls, "POST /garbage?id={id} frail.test", 500)
        .body(Bytes(5))
        .router("frail@file")
        .attempts(&[Lost("frail@file")]),
    StreamCase::new("answer before the end of the request", Over::Http2Tls, "POST /unread?id={id} h2c.test", 413)
        .body(Slowly(5, 100, 20))
        .router("h2c@file")
        .attempts(&[Got("h2c@file", 413)]),
];
