//! Cases for a crowd.

use hoptap_tests::case::Case;

/// Of these it depends on the requests before them what happens, so that they can be no cases of their own.
pub(crate) const CASES: &[Case] = &[
    Case::new("retried", "GET /x?id={id} HTTP/1.1|Host: retry.test||", 200),
    Case::new("retried, with a body", "PUT /x?id={id} HTTP/1.1|Host: retry.test|Content-Length: 5||hello", 200),
    Case::new("weighted", "POST /chunked?id={id} HTTP/1.1|Host: w.test|Content-Length: 5||hello", 200),
    Case::new("mirrored, ids in a header", "GET /chunked?id={id} HTTP/1.1|Host: mirror.test|X-Request-Id: {id}||", 200),
    Case::new("hidden resends", "GET /abort?id={id}&d=10ms HTTP/1.1|Host: other.test||", 502),
    Case::new("PROPFIND", "PROPFIND /x?id={id} HTTP/1.1|Host: other.test|Depth: 1|Content-Length: 5||<a/>x", 200),
    Case::new("TRACE", "TRACE /x?id={id} HTTP/1.1|Host: other.test||", 200),
    Case::new("slow on two servers", "GET /slowbody?id={id}&k=2&p=20ms HTTP/1.1|Host: rr.test||", 200),
];
