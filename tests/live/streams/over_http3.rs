use hoptap_tests::case::Attempt;
use hoptap_tests::case::Attempt::{Cut, Got, Lost, Refused};
use hoptap_tests::stream_case::Body::{Bytes, Messages, Slowly, Trailed};
use hoptap_tests::stream_case::{Act, Over, StreamCase};

const fn any(name: &'static str, request: &'static str) -> StreamCase {
    StreamCase::new(name, Over::Http3, request, 200).router("any@file").attempts(&[Got("be1@file", 200)])
}

const fn other(name: &'static str, request: &'static str, attempts: &'static [Attempt]) -> StreamCase {
    StreamCase::new(name, Over::Http3, request, 200).attempts(attempts)
}

pub(crate) const CASES: &[StreamCase] = &[
    any("GET", "GET /x?id={id} any.test"),
    any("POST", "POST /x?id={id} any.test").body(Bytes(5)),
    any("PUT of unknown length", "PUT /x?id={id} any.test").body(Slowly(4, 100, 10)),
    any("request trailers", "POST /x?id={id} any.test").body(Trailed(9)),
    any("large upload", "POST /x?id={id} any.test").body(Bytes(1_200_000)),
    any("large download", "GET /big?id={id}&n=1000000 any.test"),
    any("HEAD", "HEAD /big?id={id} any.test"),
    any("unknown method", "PURGE /x?id={id} any.test"),
    any("trailers", "GET /trailers?id={id} any.test|te: trailers"),
    any("slow body", "GET /slowbody?id={id}&k=3 any.test"),
    any("early hints", "GET /early?id={id} any.test"),
    StreamCase::new("no router", Over::Http3, "GET /x?id={id} nope.test", 404),
    StreamCase::new("204", Over::Http3, "GET /status/204?id={id} any.test", 204)
        .router("any@file")
        .attempts(&[Got("be1@file", 204)]),
    other("to HTTP/2", "POST /x?id={id} h2c.test", &[Got("h2c@file", 200)]).body(Bytes(5)).router("h2c@file"),
    other("to HTTP/2 with TLS", "GET /x?id={id} h2tls.test", &[Got("h2tls@file", 200)]).router("h2tls@file"),
    other("to HTTP/1 with TLS", "GET /x?id={id} h1tls.test", &[Got("h1tls@file", 200)]).router("h1tls@file"),
    StreamCase::new("backend is down", Over::Http3, "GET /x?id={id} down.test", 502)
        .router("down@file")
        .attempts(&[Refused("down@file")]),
    StreamCase::new("misdirected", Over::Http3, "GET /x?id={id} strict.test", 421).hello("any.test").unlogged(),
    StreamCase::new("client resets before the answer", Over::Http3, "GET /x?id={id}&d=400ms h2c.test", 499)
        .act(Act::ResetAfter(80))
        .router("h2c@file")
        .attempts(&[Lost("h2c@file")]),
    other("client resets a download", "GET /endless?id={id}&p=5ms h2c.test", &[Cut("h2c@file", 200)])
        .act(Act::ResetAt(30))
        .router("h2c@file"),
    StreamCase::new("client hangs up", Over::Http3, "GET /x?id={id}&d=400ms h2c.test", 499)
        .act(Act::HangUpAfter(80))
        .router("h2c@file")
        .attempts(&[Lost("h2c@file")]),
    // quic-go gives handlers no http.ServerContextKey, so that ReverseProxy does not abort: the client sees an end.
    other("stream ends in the middle", "GET /cut?id={id}&n=100000&c=2 h2c.test", &[Cut("h2c@file", 200)])
        .router("h2c@file")
        .unseen(),
    other("call", "POST /lab.Echo/Bidi?id={id} h2c.test", &[Got("h2c@file", 200)])
        .body(Messages(4, 20, 5))
        .router("h2c@file")
        .rpc("lab.Echo/Bidi", 0, 4, 4),
];
