use hoptap_tests::case::Attempt::{Got, Refused};
use hoptap_tests::stream_case::Body::Bytes;
use hoptap_tests::stream_case::{Over, StreamCase};

pub(crate) const CASES: &[StreamCase] = &[
    StreamCase::new("strip prefix", Over::Http2Tls, "GET /api/users?id={id} striph2c.test", 200)
        .router("striph2c@file")
        .attempts(&[Got("h2c@file", 200)]),
    StreamCase::new("mirror to HTTP/2", Over::Http2Tls, "POST /x?id={id} mirh2c.test", 200)
        .body(Bytes(5))
        .router("mirh2c@file")
        .attempts(&[Got("be1@file", 200), Got("h2c@file", 200)]),
    StreamCase::new("mirror from HTTP/2 to TLS", Over::Http2, "GET /x?id={id} mirh2tls.test", 200)
        .router("mirh2tls@file")
        .attempts(&[Got("h2c@file", 200), Got("h2tls@file", 200)]),
    StreamCase::new("auth over TLS allows", Over::Http2Tls, "GET /x?id={id} authtls.test|x-request-id: {id}", 200)
        .router("authtls@file")
        .attempts(&[Got("", 200), Got("h2c@file", 200)]),
    StreamCase::new(
        "auth over TLS denies",
        Over::Http1,
        "GET /x?id={id} authtls.test|x-request-id: {id}|x-deny: 1",
        403,
    )
    .router("authtls@file")
    .attempts(&[Got("", 403)]),
    StreamCase::new("auth server is not trusted", Over::Http2Tls, "GET /x?id={id} authbad.test", 500)
        .router("authbad@file")
        .attempts(&[Refused("")]),
    StreamCase::new(
        "error page over HTTP/2",
        Over::Http2Tls,
        "GET /status/503?id={id} errh2c.test|x-request-id: {id}",
        503,
    )
    .router("errh2c@file")
    .attempts(&[Got("h2c@file", 503), Got("h2c@file", 200)]),
    StreamCase::new("buffered", Over::Http2Tls, "POST /big?id={id} bufh2c.test", 200)
        .body(Bytes(50_000))
        .router("bufh2c@file")
        .attempts(&[Got("h2c@file", 200)]),
    StreamCase::new("compressed", Over::Http2Tls, "GET /big?id={id} comph2c.test|accept-encoding: gzip", 200)
        .router("comph2c@file")
        .attempts(&[Got("h2c@file", 200)]),
    StreamCase::new("a header more", Over::Http2Tls, "GET /x?id={id} hdrh2c.test", 200)
        .router("hdrh2c@file")
        .attempts(&[Got("h2c@file", 200)]),
    StreamCase::new("redirect", Over::Http2, "GET /x?id={id} redir.test", 301).router("redir@file"),
    StreamCase::new("address not allowed", Over::Http2Tls, "GET /x?id={id} deny.test", 403).router("deny@file"),
    StreamCase::new("nested", Over::Http2Tls, "GET /a/1?id={id} tree.test", 200)
        .router("parent@file -> child1@file")
        .attempts(&[Got("be1@file", 200)]),
    StreamCase::new("weighted", Over::Http2Tls, "GET /x?id={id} failover.test", 200)
        .router("failover@file")
        .attempts(&[Got("rr@file", 200)]),
];
