use hoptap_tests::case::Attempt::{Got, Lost, Refused};
use hoptap_tests::stream_case::Body::{Bytes, Slowly, Trailed};
use hoptap_tests::stream_case::{Over, StreamCase};

const fn to(
    name: &'static str,
    over: Over,
    request: &'static str,
    router: &'static str,
    attempts: &'static [hoptap_tests::case::Attempt],
) -> StreamCase {
    StreamCase::new(name, over, request, 200).router(router).attempts(attempts)
}

const fn h2c(name: &'static str, over: Over, request: &'static str) -> StreamCase {
    to(name, over, request, "h2c@file", &[Got("h2c@file", 200)])
}

const fn h2tls(name: &'static str, over: Over, request: &'static str) -> StreamCase {
    to(name, over, request, "h2tls@file", &[Got("h2tls@file", 200)])
}

const fn h1tls(name: &'static str, over: Over, request: &'static str) -> StreamCase {
    to(name, over, request, "h1tls@file", &[Got("h1tls@file", 200)])
}

pub(crate) const CASES: &[StreamCase] = &[
    h2c("HTTP/1 to HTTP/2", Over::Http1, "GET /x?id={id} h2c.test"),
    h2c("TLS to HTTP/2", Over::Http1Tls, "POST /x?id={id} h2c.test").body(Bytes(5)),
    h2c("HTTP/2 to HTTP/2", Over::Http2, "GET /x?id={id} h2c.test"),
    h2c("HTTP/2 with TLS to HTTP/2", Over::Http2Tls, "POST /x?id={id} h2c.test").body(Slowly(3, 50, 10)),
    h2c("trailers both ways", Over::Http2Tls, "POST /trailers?id={id} h2c.test|te: trailers").body(Trailed(9)),
    h2c("HEAD", Over::Http2Tls, "HEAD /big?id={id} h2c.test"),
    h2c("large upload", Over::Http2Tls, "POST /x?id={id} h2c.test").body(Bytes(1_200_000)),
    h2c("large download", Over::Http1, "GET /big?id={id}&n=1000000 h2c.test"),
    h2c("chunked response", Over::Http1, "GET /chunked?id={id} h2c.test"),
    h2c("slow body", Over::Http2Tls, "GET /slowbody?id={id}&k=3 h2c.test"),
    h2c("early hints", Over::Http2Tls, "GET /early?id={id} h2c.test"),
    h2c("early hints, HTTP/1", Over::Http1, "GET /early?id={id} h2c.test"),
    h2c("packed by the backend", Over::Http1, "GET /gzip?id={id} h2c.test"),
    h2c("a large head back", Over::Http2Tls, "GET /bighead?id={id}&n=40000 h2c.test"),
    h2c("a large head there", Over::Http2Tls, "GET /x?id={id} h2c.test|x-huge: {huge}"),
    h2c("unknown method", Over::Http2Tls, "PURGE /x?id={id} h2c.test"),
    StreamCase::new("204", Over::Http2Tls, "GET /status/204?id={id} h2c.test", 204)
        .router("h2c@file")
        .attempts(&[Got("h2c@file", 204)]),
    StreamCase::new("404 of a backend", Over::Http1, "GET /status/404?id={id} h2c.test", 404)
        .router("h2c@file")
        .attempts(&[Got("h2c@file", 404)]),
    h2tls("HTTP/1 to HTTP/2 with TLS", Over::Http1, "GET /x?id={id} h2tls.test"),
    h2tls("TLS on both sides, HTTP/2", Over::Http2Tls, "POST /x?id={id} h2tls.test").body(Bytes(5)),
    h2tls("large download over TLS", Over::Http2Tls, "GET /big?id={id}&n=1000000 h2tls.test"),
    h2tls("trailers over TLS", Over::Http2Tls, "GET /trailers?id={id} h2tls.test|te: trailers"),
    h2tls("slow body over TLS", Over::Http1Tls, "GET /slowbody?id={id}&k=3 h2tls.test"),
    h1tls("HTTP/1 to HTTP/1 with TLS", Over::Http1, "GET /x?id={id} h1tls.test"),
    h1tls("HTTP/1 with TLS on both sides", Over::Http1Tls, "POST /x?id={id} h1tls.test").body(Bytes(5)),
    h1tls("HTTP/2 to HTTP/1 with TLS", Over::Http2Tls, "POST /x?id={id} h1tls.test").body(Slowly(3, 50, 10)),
    h1tls("large download, HTTP/1 with TLS", Over::Http2Tls, "GET /big?id={id}&n=1000000 h1tls.test"),
    h1tls("chunks over TLS", Over::Http1Tls, "GET /chunked?id={id} h1tls.test"),
    h1tls("until the end, over TLS", Over::Http1, "GET /old?id={id} h1tls.test"),
    h1tls("backend closes TLS", Over::Http1Tls, "GET /close?id={id} h1tls.test"),
    h1tls("early hints over TLS", Over::Http1Tls, "GET /early?id={id} h1tls.test"),
    StreamCase::new("backend aborts TLS", Over::Http1Tls, "POST /abort?id={id}&d=50ms h1tls.test", 502)
        .body(Bytes(1))
        .router("h1tls@file")
        .attempts(&[Lost("h1tls@file")]),
    to(
        "certificates on both sides",
        Over::Http2Tls,
        "GET /x?id={id} mtlsbackend.test",
        "mtlsbackend@file",
        &[Got("mtlsbackend@file", 200)],
    ),
    to(
        "no header table and a small window",
        Over::Http2Tls,
        "POST /big?id={id}&n=60000 h2csmall.test",
        "h2csmall@file",
        &[Got("h2csmall@file", 200)],
    )
    .body(Bytes(30_000)),
    to(
        "a large header table",
        Over::Http1,
        "GET /x?id={id} h2clarge.test|x-a: b",
        "h2clarge@file",
        &[Got("h2clarge@file", 200)],
    ),
    to(
        "odd frames",
        Over::Http2Tls,
        "POST /trailers?id={id} h2codd.test|te: trailers",
        "h2codd@file",
        &[Got("h2codd@file", 200)],
    )
    .body(Bytes(300)),
    to(
        "odd frames, large",
        Over::Http1,
        "GET /big?id={id}&n=50000 h2codd.test",
        "h2codd@file",
        &[Got("h2codd@file", 200)],
    ),
    StreamCase::new("TLS backend is down", Over::Http2Tls, "GET /x?id={id} tlsdown.test", 502)
        .router("tlsdown@file")
        .attempts(&[Refused("tlsdown@file")]),
    StreamCase::new("HTTP/2 backend is down", Over::Http1, "GET /x?id={id} h2cdown.test", 502)
        .router("h2cdown@file")
        .attempts(&[Refused("h2cdown@file")]),
    StreamCase::new("untrusted backend", Over::Http2Tls, "GET /x?id={id} tlsbad.test", 500)
        .router("tlsbad@file")
        .attempts(&[Refused("tlsbad@file")]),
    StreamCase::new("TLS to a plain backend", Over::Http1, "GET /x?id={id} tlsplain.test", 500)
        .router("tlsplain@file")
        .attempts(&[Refused("tlsplain@file")]),
    StreamCase::new("response comes too late over TLS", Over::Http2Tls, "GET /x?id={id}&d=800ms tmoh2c.test", 504)
        .router("tmoh2c@file")
        .attempts(&[Lost("tmoh2c@file")]),
];
