use hoptap_tests::case::Attempt::Got;
use hoptap_tests::case::Case;

pub(crate) const CASES: &[Case] = &[
    Case::new("no router", "GET /x?id={id} HTTP/1.1|Host: nope.test||", 404),
    Case::new("by host", "GET /x?id={id} HTTP/1.1|Host: any.test||", 200)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("the other backend", "GET /x?id={id} HTTP/1.1|Host: other.test||", 200)
        .router("other@file")
        .attempts(&[Got("be2@file", 200)]),
    Case::new("two entrypoints", "GET /x?id={id} HTTP/1.1|Host: two.test||", 200)
        .router("two@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("strip prefix", "GET /api/users?id={id} HTTP/1.1|Host: strip.test||", 200)
        .router("strip@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("add prefix", "GET /users?id={id} HTTP/1.1|Host: add.test||", 200)
        .router("add@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("replace path", "GET /from/x?id={id} HTTP/1.1|Host: replace.test||", 200)
        .router("replace@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("host of the server", "GET /x?id={id} HTTP/1.1|Host: host.test||", 200)
        .router("host@file")
        .attempts(&[Got("nohost@file", 200)]),
    Case::new("server by name", "GET /x?id={id} HTTP/1.1|Host: lh.test||", 200)
        .router("lh@file")
        .attempts(&[Got("lh@file", 200)]),
    Case::new("weighted, first", "GET /x?id={id} HTTP/1.1|Host: w.test||", 200)
        .router("weighted@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("failover", "GET /x?id={id} HTTP/1.1|Host: failover.test||", 200)
        .router("failover@file")
        .attempts(&[Got("rr@file", 200)]),
    Case::new("with health checks", "GET /x?id={id} HTTP/1.1|Host: rr.test||", 200)
        .router("rr@file")
        .attempts(&[Got("rr@file", 200)]),
    Case::new("nested, first", "GET /a/1?id={id} HTTP/1.1|Host: tree.test||", 200)
        .router("parent@file -> child1@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("nested, second", "GET /b/1?id={id} HTTP/1.1|Host: tree.test||", 200)
        .router("parent@file -> child2@file")
        .attempts(&[Got("be2@file", 200)]),
    Case::new("nested, none", "GET /c?id={id} HTTP/1.1|Host: tree.test||", 404).router("parent@file"),
    Case::new("PROXY protocol", "PROXY TCP4 192.0.2.7 192.0.2.8 5555 80|GET /pp?id={id} HTTP/1.1|Host: x||", 200)
        .on("pp")
        .announced(5555)
        .router("pp@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("PROXY protocol not used", "GET /pp?id={id} HTTP/1.1|Host: x||", 200)
        .on("pp")
        .router("pp@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("spoofed forwarding", "GET /x?id={id} HTTP/1.1|Host: any.test|X-Forwarded-For: 192.0.2.1||", 200)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("absolute form", "GET http://any.test/x?id={id} HTTP/1.1|Host: any.test||", 200)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("escaped slash", "GET /a%2Fb?id={id} HTTP/1.1|Host: any.test||", 200)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("path to clean", "GET /a/../b//c?id={id} HTTP/1.1|Host: any.test||", 200)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("semicolon in the query", "GET /x?id={id};b=2 HTTP/1.1|Host: any.test||", 200)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("unknown method", "PURGE /x?id={id} HTTP/1.1|Host: any.test||", 200)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)]),
];
