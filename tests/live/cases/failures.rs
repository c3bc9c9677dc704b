use hoptap_tests::case::Attempt::{Cut, Got, Lost, Refused};
use hoptap_tests::case::{Case, Then};

// fastProxy loses the answer, and the client waits for ever, where a backend closes before Traefik has handed its
// writer to the reading goroutine (traefik 3.6.12, pkg/proxy/fast/connpool.go readLoop): `d` makes the backend wait.

pub(crate) const CASES: &[Case] = &[
    Case::new("backend is down", "GET /x?id={id} HTTP/1.1|Host: down.test||", 502)
        .router("down@file")
        .attempts(&[Refused("down@file")]),
    Case::new("no server", "GET /x?id={id} HTTP/1.1|Host: empty.test||", 503).router("empty@file"),
    Case::new("retries exhausted", "GET /x?id={id} HTTP/1.1|Host: exhaust.test||", 502)
        .router("exhaust@file")
        .attempts(&[Refused("down@file"), Refused("down@file"), Refused("down@file")]),
    // fastProxy counts responseHeaderTimeout from the first byte on (connpool.go handleResponse).
    Case::new("response comes too late", "GET /x?id={id}&d=800ms HTTP/1.1|Host: tmo.test||", 504)
        .router("tmo@file")
        .attempts(&[Lost("tmo@file")])
        .fast(200, &[Got("tmo@file", 200)]),
    Case::new("backend aborts a POST", "POST /abort?id={id}&d=50ms HTTP/1.1|Host: any.test|Content-Length: 1||a", 502)
        .router("any@file")
        .attempts(&[Lost("be1@file")]),
    Case::new("backend resets a POST", "POST /reset?id={id}&d=50ms HTTP/1.1|Host: any.test|Content-Length: 1||a", 502)
        .router("any@file")
        .attempts(&[Lost("be1@file")]),
    Case::new("half a head", "POST /halfhead?id={id} HTTP/1.1|Host: any.test|Content-Length: 1||a", 500)
        .router("any@file")
        .attempts(&[Lost("be1@file")])
        .fast(502, &[Lost("be1@file")]),
    Case::new("no HTTP at all", "POST /garbage?id={id} HTTP/1.1|Host: any.test|Content-Length: 1||a", 500)
        .router("any@file")
        .attempts(&[Lost("be1@file")]),
    Case::new("body ends early", "GET /cut?id={id}&n=100000 HTTP/1.1|Host: any.test||", 200)
        .router("any@file")
        .attempts(&[Cut("be1@file", 200)]),
    Case::new("chunk ends early", "GET /cutchunk?id={id} HTTP/1.1|Host: any.test||", 200)
        .router("any@file")
        .attempts(&[Cut("be1@file", 200)])
        .not_fast(
            "the head with 200 is out when the error page is written behind it: the log says 500, the client saw 200",
        ),
    // fastProxy does not look at the client while it waits for the backend.
    Case::new("client leaves", "GET /x?id={id}&d=400ms HTTP/1.1|Host: any.test||", 499)
        .then(Then::LeaveAfter(100))
        .router("any@file")
        .attempts(&[Lost("be1@file")])
        .not_fast(
            "fastProxy logs 200 for a response that the socket did not take; hoptap says 499, as the client left",
        ),
    Case::new("client resets", "GET /x?id={id}&d=400ms HTTP/1.1|Host: any.test||", 499)
        .then(Then::AbortAfter(100))
        .router("any@file")
        .attempts(&[Lost("be1@file")])
        .not_fast("Traefik logs 200 for a response that the socket did not take"),
    Case::new("client half closes", "GET /x?id={id}&d=100ms HTTP/1.1|Host: any.test||", 499)
        .then(Then::HalfCloseAfter(50))
        .router("any@file")
        .attempts(&[Lost("be1@file")])
        .fast(200, &[Got("be1@file", 200)]),
];
