use hoptap_tests::case::Attempt::Got;
use hoptap_tests::case::{Case, Then};

pub(crate) const CASES: &[Case] = &[
    Case::new("no Host", "GET /x?id={id} HTTP/1.1||", 400).unlogged(),
    Case::new("two Hosts", "GET /x?id={id} HTTP/1.1|Host: any.test|Host: b||", 400).unlogged(),
    Case::new("bad header line", "GET /x?id={id} HTTP/1.1|Host: any.test|no colon||", 400).unlogged(),
    Case::new("two lengths", "POST /x?id={id} HTTP/1.1|Host: any.test|Content-Length: 1|Content-Length: 2||a", 400)
        .unlogged(),
    Case::new("unknown coding", "POST /x?id={id} HTTP/1.1|Host: any.test|Transfer-Encoding: foo||a", 501).unlogged(),
    Case::new("version 2.0", "GET /x?id={id} HTTP/2.0|Host: any.test||", 505).unlogged(),
    Case::new("unknown expectation", "GET /x?id={id} HTTP/1.1|Host: any.test|Expect: foo||", 417).unlogged(),
    Case::new("huge header", "GET /x?id={id} HTTP/1.1|Host: any.test|X: {huge}||", 431).unlogged(),
    Case::new("fragment in the path", "GET /x#y?id={id} HTTP/1.1|Host: any.test||", 400).unlogged(),
    Case::new("OPTIONS *", "OPTIONS * HTTP/1.1|Host: any.test||", 200).unlogged(),
    Case::new("garbage", "\u{1}\u{2}\u{3} garbage garbage garbage||", 400).unlogged(),
    Case::new(
        "two requests' worth of length",
        "POST /x?id={id} HTTP/1.1|Host: any.test|Content-Length: 5|Transfer-Encoding: chunked||0||",
        200,
    )
    .router("any@file")
    .attempts(&[Got("be1@file", 200)])
    .then(Then::Read),
];
