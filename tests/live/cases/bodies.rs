use hoptap_tests::case::Attempt::Got;
use hoptap_tests::case::{Case, Then};

const fn any(name: &'static str, send: &'static str) -> Case {
    Case::new(name, send, 200).router("any@file").attempts(&[Got("be1@file", 200)])
}

pub(crate) const CASES: &[Case] = &[
    any("POST", "POST /x?id={id} HTTP/1.1|Host: any.test|Content-Length: 5||hello"),
    any(
        "chunked upload",
        "POST /x?id={id} HTTP/1.1|Host: any.test|Transfer-Encoding: chunked||5;a=b|hello|6| world|0|X-T: 1||",
    ),
    any(
        "chunked upload, byte by byte",
        "POST /x?id={id} HTTP/1.1|Host: any.test|Transfer-Encoding: chunked||5|hello|0||",
    )
    .pieces(1),
    any("split head", "GET /x?id={id} HTTP/1.1|Host: any.test|X-Long: some value||").pieces(7),
    any("expect continue", "POST /x?id={id} HTTP/1.1|Host: any.test|Content-Length: 5|Expect: 100-continue||hello"),
    any("large upload", "POST /x?id={id} HTTP/1.1|Host: any.test|Content-Length: 1200000||{huge}"),
    any("1 MB down", "GET /big?id={id}&n=1000000 HTTP/1.1|Host: any.test||"),
    any("large answer to a POST", "POST /big?id={id}&n=20000 HTTP/1.1|Host: any.test|Content-Length: 5||hello"),
    any("slow answer to a POST", "POST /slowbody?id={id}&k=3 HTTP/1.1|Host: any.test|Content-Length: 5||hello"),
    any("HEAD", "HEAD /big?id={id} HTTP/1.1|Host: any.test||"),
    any("chunked response", "GET /chunked?id={id} HTTP/1.1|Host: any.test||"),
    any("trailers", "GET /trailers?id={id} HTTP/1.1|Host: any.test|TE: trailers||"),
    any("early hints", "GET /early?id={id} HTTP/1.1|Host: any.test||"),
    any("slow body", "GET /slowbody?id={id}&k=3 HTTP/1.1|Host: any.test||"),
    any("server-sent events", "GET /sse?id={id}&k=3 HTTP/1.1|Host: any.test|Accept: text/event-stream||"),
    any("packed by the backend", "GET /gzip?id={id} HTTP/1.1|Host: any.test||"),
    any("packed for the client", "GET /gzip?id={id} HTTP/1.1|Host: any.test|Accept-Encoding: gzip||"),
    any("HTTP/1.0 client", "GET /x?id={id} HTTP/1.0|Host: any.test||"),
    any("HTTP/1.0 backend", "GET /old?id={id} HTTP/1.1|Host: any.test||"),
    any("client closes", "GET /x?id={id} HTTP/1.1|Host: any.test|Connection: close||"),
    any("backend closes", "GET /close?id={id} HTTP/1.1|Host: any.test||"),
    any("slow backend", "GET /x?id={id}&d=120ms HTTP/1.1|Host: any.test||"),
    Case::new("204", "GET /status/204?id={id} HTTP/1.1|Host: any.test||", 204)
        .router("any@file")
        .attempts(&[Got("be1@file", 204)]),
    Case::new("304", "GET /status/304?id={id} HTTP/1.1|Host: any.test||", 304)
        .router("any@file")
        .attempts(&[Got("be1@file", 304)]),
    Case::new("401 of a backend", "GET /status/401?id={id} HTTP/1.1|Host: any.test||", 401)
        .router("any@file")
        .attempts(&[Got("be1@file", 401)]),
    Case::new("500 of a backend", "GET /status/500?id={id} HTTP/1.1|Host: any.test||", 500)
        .router("any@file")
        .attempts(&[Got("be1@file", 500)]),
    Case::new(
        "websocket",
        "GET /upgrade?id={id} HTTP/1.1|Host: any.test|Connection: Upgrade|Upgrade: websocket|\
         Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==|Sec-WebSocket-Version: 13||",
        101,
    )
    .then(Then::LeaveAfter(100))
    .router("any@file")
    .attempts(&[Got("be1@file", 101)]),
];
