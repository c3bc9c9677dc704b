use hoptap_tests::case::Attempt;
use hoptap_tests::case::Attempt::{Cut, Got, Lost};
use hoptap_tests::stream_case::Body::{Messages, Open, Web};
use hoptap_tests::stream_case::{Act, Over, StreamCase};

const H2C: &[Attempt] = &[Got("h2c@file", 200)];
const H2TLS: &[Attempt] = &[Got("h2tls@file", 200)];

const fn call(name: &'static str, over: Over, request: &'static str, router: &'static str) -> StreamCase {
    StreamCase::new(name, over, request, 200).router(router).body(Messages(1, 20, 0))
}

const fn h2c(name: &'static str, over: Over, request: &'static str) -> StreamCase {
    call(name, over, request, "h2c@file").attempts(H2C)
}

pub(crate) const CASES: &[StreamCase] = &[
    h2c("unary", Over::Http2, "POST /lab.Echo/Unary?id={id} h2c.test").rpc("lab.Echo/Unary", 0, 1, 1),
    h2c("unary over TLS", Over::Http2Tls, "POST /lab.Echo/Unary?id={id} h2c.test").rpc("lab.Echo/Unary", 0, 1, 1),
    h2c("id in the metadata", Over::Http2Tls, "POST /lab.Echo/Unary h2c.test|x-request-id: {id}").rpc(
        "lab.Echo/Unary",
        0,
        1,
        1,
    ),
    call("TLS on both sides", Over::Http2Tls, "POST /lab.Echo/Unary?id={id} h2tls.test", "h2tls@file")
        .attempts(H2TLS)
        .rpc("lab.Echo/Unary", 0, 1, 1),
    h2c("server streaming", Over::Http2Tls, "POST /lab.Echo/ServerStream?id={id}&k=20&n=100 h2c.test").rpc(
        "lab.Echo/ServerStream",
        0,
        1,
        20,
    ),
    h2c("server streaming, slow", Over::Http2, "POST /lab.Echo/ServerStream?id={id}&k=4&p=30ms h2c.test").rpc(
        "lab.Echo/ServerStream",
        0,
        1,
        4,
    ),
    h2c("client streaming", Over::Http2Tls, "POST /lab.Echo/ClientStream?id={id} h2c.test")
        .body(Messages(10, 50, 5))
        .rpc("lab.Echo/ClientStream", 0, 10, 1),
    h2c("both ways", Over::Http2Tls, "POST /lab.Echo/Bidi?id={id}&n=30 h2c.test").body(Messages(8, 30, 10)).rpc(
        "lab.Echo/Bidi",
        0,
        8,
        8,
    ),
    h2c("messages larger than a frame", Over::Http2Tls, "POST /lab.Echo/Bidi?id={id}&n=100000 h2c.test")
        .body(Messages(3, 70_000, 0))
        .rpc("lab.Echo/Bidi", 0, 3, 3),
    h2c("empty messages", Over::Http2Tls, "POST /lab.Echo/Bidi?id={id}&n=0 h2c.test").body(Messages(30, 0, 0)).rpc(
        "lab.Echo/Bidi",
        0,
        30,
        30,
    ),
    h2c("an error and nothing else", Over::Http2Tls, "POST /lab.Echo/Error?id={id}&s=5 h2c.test").rpc(
        "lab.Echo/Error",
        5,
        1,
        0,
    ),
    h2c("an error after messages", Over::Http2Tls, "POST /lab.Echo/ServerStream?id={id}&k=3&s=13 h2c.test").rpc(
        "lab.Echo/ServerStream",
        13,
        1,
        3,
    ),
    call("an error over TLS", Over::Http2Tls, "POST /lab.Echo/Error?id={id}&s=7 h2tls.test", "h2tls@file")
        .attempts(H2TLS)
        .rpc("lab.Echo/Error", 7, 1, 0),
    h2c("deadline of the server", Over::Http2Tls, "POST /lab.Echo/Unary?id={id}&d=500ms h2c.test|grpc-timeout: 60m")
        .rpc("lab.Echo/Unary", 4, 1, 0),
    h2c("unimplemented", Over::Http2, "POST /lab.Echo/Error?id={id}&s=12 h2c.test").rpc("lab.Echo/Error", 12, 1, 0),
    StreamCase::new(
        "client cancels before the answer",
        Over::Http2Tls,
        "POST /lab.Echo/HangEarly?id={id} h2c.test",
        499,
    )
    .body(Messages(1, 20, 0))
    .act(Act::ResetAfter(80))
    .router("h2c@file")
    .attempts(&[Lost("h2c@file")])
    .rpc_cut("lab.Echo/HangEarly", Some(1), Some(0)),
    h2c("client cancels after messages", Over::Http2Tls, "POST /lab.Echo/Hang?id={id}&k=3 h2c.test")
        .act(Act::ResetAfter(120))
        .attempts(&[Cut("h2c@file", 200)])
        .rpc_cut("lab.Echo/Hang", Some(1), Some(3)),
    h2c("client cancels both ways", Over::Http2, "POST /lab.Echo/Bidi?id={id} h2c.test")
        .body(Open(4, 10))
        .act(Act::ResetAfter(120))
        .attempts(&[Cut("h2c@file", 200)])
        .rpc_cut("lab.Echo/Bidi", Some(4), Some(4)),
    h2c("server breaks off", Over::Http2Tls, "POST /lab.Echo/Cut?id={id}&k=2&c=2 h2c.test")
        .attempts(&[Cut("h2c@file", 200)])
        .rpc_cut("lab.Echo/Cut", Some(1), Some(2)),
    StreamCase::new("no server for calls", Over::Http2Tls, "POST /lab.Echo/Unary?id={id} h2cdown.test", 502)
        .body(Messages(1, 20, 0))
        .router("h2cdown@file")
        .attempts(&[Attempt::Refused("h2cdown@file")]),
    call("gRPC-Web", Over::Http1, "POST /lab.Echo/Unary?id={id} web.test", "web@file")
        .body(Web { text: false, size: 20 })
        .attempts(H2C)
        .rpc("lab.Echo/Unary", 0, 1, 1),
    call("gRPC-Web as text", Over::Http1Tls, "POST /lab.Echo/Unary?id={id} web.test", "web@file")
        .body(Web { text: true, size: 20 })
        .attempts(H2C)
        .rpc("lab.Echo/Unary", 0, 1, 1),
    call("gRPC-Web over HTTP/2", Over::Http2Tls, "POST /lab.Echo/ServerStream?id={id}&k=5 web.test", "web@file")
        .body(Web { text: false, size: 20 })
        .attempts(H2C)
        .rpc("lab.Echo/ServerStream", 0, 1, 5),
    call("gRPC-Web, an error", Over::Http2Tls, "POST /lab.Echo/ServerStream?id={id}&k=1&s=9 web.test", "web@file")
        .body(Web { text: false, size: 20 })
        .attempts(H2C)
        .rpc("lab.Echo/ServerStream", 9, 1, 1),
];
