use hoptap_tests::case::Attempt::{Cut, Got};
use hoptap_tests::stream_case::{Act, End, Over, StreamCase};

const fn session(name: &'static str, over: Over, request: &'static str) -> StreamCase {
    StreamCase::new(name, over, request, 101).router("any@file").attempts(&[Got("be1@file", 101)])
}

pub(crate) const CASES: &[StreamCase] = &[
    session("websocket", Over::Http1, "GET /ws?id={id} any.test").session(5, 20, End::Close(1000)).close_code(1000),
    session("websocket over TLS", Over::Http1Tls, "GET /ws?id={id} any.test")
        .session(5, 300, End::Close(1001))
        .close_code(1001),
    session("large messages", Over::Http1Tls, "GET /ws?id={id} any.test")
        .session(3, 70_000, End::Close(1000))
        .close_code(1000),
    session("server closes", Over::Http1, "GET /ws?id={id}&k=3&c=1011 any.test")
        .session(3, 20, End::Wait)
        .close_code(1011),
    session("server leaves", Over::Http1Tls, "GET /ws?id={id}&k=2&c=0 any.test")
        .session(2, 20, End::Wait)
        .close_code(0),
    session("client leaves", Over::Http1Tls, "GET /ws?id={id} any.test").session(2, 20, End::Leave).close_code(0),
    session("client resets", Over::Http1, "GET /ws?id={id} any.test").session(2, 20, End::Abort).close_code(0),
    session("to a backend with TLS", Over::Http1Tls, "GET /ws?id={id} h1tls.test")
        .session(4, 20, End::Close(1000))
        .router("h1tls@file")
        .attempts(&[Got("h1tls@file", 101)])
        .close_code(1000),
    // A backend that speaks HTTP/2 as well is asked in HTTP/1.
    session("to a backend with HTTP/2", Over::Http1Tls, "GET /ws?id={id} h2tls.test")
        .session(4, 20, End::Close(1000))
        .router("h2tls@file")
        .attempts(&[Got("h2tls@file", 101)])
        .egress("HTTP/1.1")
        .close_code(1000),
    StreamCase::new("to a backend without", Over::Http1, "GET /x?id={id} any.test", 200)
        .session(0, 0, End::Leave)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)]),
    // HTTP/2 without TLS has no way back to HTTP/1: nothing is sent.
    StreamCase::new("to a backend with HTTP/2 alone", Over::Http1, "GET /ws?id={id} h2c.test", 500)
        .session(1, 20, End::Leave)
        .router("h2c@file"),
    StreamCase::new(
        "an offer of HTTP/2",
        Over::Http1,
        "GET /x?id={id} any.test|connection: Upgrade, HTTP2-Settings|upgrade: h2c|http2-settings: AAMAAABkAAQCAAAAAAIAAAAA",
        200,
    )
    .router("any@file")
    .attempts(&[Got("be1@file", 200)]),
    StreamCase::new("events read to the end", Over::Http2Tls, "GET /sse?id={id}&k=4&p=30ms h2c.test", 200)
        .router("h2c@file")
        .attempts(&[Got("h2c@file", 200)]),
    StreamCase::new("events read to the end, HTTP/1", Over::Http1Tls, "GET /sse?id={id}&k=4&p=30ms any.test", 200)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)]),
    StreamCase::new("events left early", Over::Http2Tls, "GET /sse?id={id}&k=1000&p=10ms h2c.test", 200)
        .act(Act::ResetAt(40))
        .router("h2c@file")
        .attempts(&[Cut("h2c@file", 200)]),
    StreamCase::new("events left early, HTTP/1", Over::Http1Tls, "GET /sse?id={id}&k=1000&p=10ms any.test", 200)
        .act(Act::ResetAt(40))
        .router("any@file")
        .attempts(&[Cut("be1@file", 200)])
        .not_fast("fastProxy logs 502 where the client leaves, though the head with 200 is out"),
];
