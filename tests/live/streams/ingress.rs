use hoptap_tests::case::Attempt::{Got, Lost};
use hoptap_tests::frames::Settings;
use hoptap_tests::stream_case::Body::{Bytes, Slowly, Trailed};
use hoptap_tests::stream_case::{Act, Over, StreamCase};

const fn any(name: &'static str, over: Over, request: &'static str) -> StreamCase {
    StreamCase::new(name, over, request, 200).router("any@file").attempts(&[Got("be1@file", 200)])
}

const SMALL: Settings = Settings { table: Some(0), window: Some(1000), odd: false };
const LARGE: Settings = Settings { table: Some(65_536), window: None, odd: false };
const ODD: Settings = Settings { table: None, window: None, odd: true };

pub(crate) const CASES: &[StreamCase] = &[
    any("TLS", Over::Http1Tls, "GET /x?id={id} any.test"),
    any("TLS 1.2", Over::Http1Tls12, "GET /x?id={id} any.test"),
    any("HTTP/2", Over::Http2Tls, "GET /x?id={id} any.test"),
    any("HTTP/2, TLS 1.2", Over::Http2Tls12, "GET /x?id={id} any.test"),
    any("HTTP/2 without TLS", Over::Http2, "GET /x?id={id} any.test"),
    any("HTTP/2 behind a load balancer", Over::Http2Proxied, "GET /pp?id={id} any.test").router("pp@file"),
    StreamCase::new("no router", Over::Http2Tls, "GET /x?id={id} nope.test", 404),
    any("POST", Over::Http2Tls, "POST /x?id={id} any.test").body(Bytes(5)),
    any("POST without TLS", Over::Http2, "POST /x?id={id} any.test").body(Bytes(70_000)),
    any("PUT of unknown length", Over::Http2Tls, "PUT /x?id={id} any.test").body(Slowly(4, 100, 10)),
    any("request trailers", Over::Http2Tls, "POST /x?id={id} any.test").body(Trailed(9)),
    any("large upload", Over::Http2Tls, "POST /x?id={id} any.test").body(Bytes(1_200_000)),
    any("large download", Over::Http2Tls, "GET /big?id={id}&n=1000000 any.test"),
    any("large download, TLS", Over::Http1Tls, "GET /big?id={id}&n=1000000 any.test"),
    any("read slowly", Over::Http2Tls, "GET /big?id={id}&n=60000 any.test").act(Act::ReadSlowly).settings(SMALL),
    any("read slowly without TLS", Over::Http2, "GET /big?id={id}&n=60000 any.test")
        .act(Act::ReadSlowly)
        .settings(SMALL),
    any("a large header table", Over::Http2Tls, "GET /x?id={id} any.test|x-a: b|cookie: a=b").settings(LARGE),
    any("odd frames", Over::Http2Tls, "POST /x?id={id} any.test|x-a: b").body(Bytes(100)).settings(ODD),
    any("odd frames without TLS", Over::Http2, "GET /x?id={id} any.test|x-a: b").settings(ODD),
    any("a head of three frames", Over::Http2Tls, "GET /x?id={id} any.test|x-huge: {huge}"),
    any("cookies in crumbs", Over::Http2Tls, "GET /x?id={id} any.test|cookie: a=1|cookie: b=2|cookie: c=3"),
    any("te trailers", Over::Http2Tls, "GET /trailers?id={id} any.test|te: trailers"),
    any("HEAD", Over::Http2Tls, "HEAD /big?id={id} any.test"),
    any("OPTIONS", Over::Http2Tls, "OPTIONS /x?id={id} any.test"),
    any("unknown method", Over::Http2, "PURGE /x?id={id} any.test"),
    any("chunked response", Over::Http2Tls, "GET /chunked?id={id} any.test"),
    any("many headers twice", Over::Http2Tls, "GET /x?id={id} any.test|x-a: 1|x-a: 2|x-b: |x-c: \u{fc}"),
    any("an authority with a port", Over::Http2Tls, "GET /x?id={id} any.test:8443"),
    any("a path to clean", Over::Http2Tls, "GET /a/../b//c?id={id} any.test"),
    any("an escaped slash", Over::Http2, "GET /a%2Fb?id={id} any.test"),
    any("a semicolon in the query", Over::Http2Tls, "GET /x?id={id};b=2 any.test"),
    any("expect continue", Over::Http2Tls, "POST /x?id={id} any.test|expect: 100-continue").body(Bytes(5)),
    // Over HTTP/1 net/http refuses it.
    any("unknown expectation", Over::Http2Tls, "GET /x?id={id} any.test|expect: foo"),
    any("early hints", Over::Http2Tls, "GET /early?id={id} any.test"),
    any("slow body", Over::Http2Tls, "GET /slowbody?id={id}&k=3 any.test"),
    any("packed by the backend", Over::Http2Tls, "GET /gzip?id={id} any.test"),
    any("backend closes", Over::Http2Tls, "GET /close?id={id} any.test"),
    StreamCase::new("204", Over::Http2Tls, "GET /status/204?id={id} any.test", 204)
        .router("any@file")
        .attempts(&[Got("be1@file", 204)]),
    StreamCase::new("304", Over::Http2, "GET /status/304?id={id} any.test", 304)
        .router("any@file")
        .attempts(&[Got("be1@file", 304)]),
    StreamCase::new("500 of a backend", Over::Http2Tls, "GET /status/500?id={id} any.test", 500)
        .router("any@file")
        .attempts(&[Got("be1@file", 500)]),
    StreamCase::new("backend aborts", Over::Http2Tls, "POST /abort?id={id}&d=50ms any.test", 502)
        .body(Bytes(1))
        .router("any@file")
        .attempts(&[Lost("be1@file")]),
    StreamCase::new("backend is down", Over::Http2Tls, "GET /x?id={id} down.test", 502)
        .router("down@file")
        .attempts(&[hoptap_tests::case::Attempt::Refused("down@file")]),
    any("client certificate", Over::Http2Tls, "GET /x?id={id} mtls.test").certified().router("mtls@file"),
    any("client certificate, TLS 1.2", Over::Http1Tls12, "GET /x?id={id} mtls.test").certified().router("mtls@file"),
    any("options of its own", Over::Http2Tls, "GET /x?id={id} strict.test").router("strict@file").apart(),
    // The hello chose other TLS options than the host that is asked for has.
    StreamCase::new("misdirected", Over::Http2Tls, "GET /x?id={id} strict.test", 421).hello("any.test").unlogged(),
    StreamCase::new("misdirected, TLS", Over::Http1Tls, "GET /x?id={id} any.test", 421).hello("strict.test").unlogged(),
    any("another host, the same options", Over::Http2Tls, "GET /x?id={id} any.test").hello("other.test"),
    any("goodbye of the client", Over::Http2Tls, "GET /x?id={id}&d=100ms any.test").act(Act::GoAwayAfter(30)),
    any("goodbye of the client without TLS", Over::Http2, "GET /x?id={id}&d=100ms any.test").act(Act::GoAwayAfter(30)),
    // Traefik looks at the first bytes of a connection: any entrypoint speaks TLS, and any entrypoint speaks without.
    any("no TLS where there is TLS", Over::Http1, "GET /x?id={id} any.test").on("websecure"),
    any("HTTP/2 without TLS where there is TLS", Over::Http2, "GET /x?id={id} any.test").on("websecure"),
    StreamCase::new("TLS where there is none", Over::Http1Tls, "GET /x?id={id} any.test", 404).on("web"),
    StreamCase::new("HTTP/2 with TLS where there is none", Over::Http2Tls, "GET /x?id={id} any.test", 404).on("web"),
];
