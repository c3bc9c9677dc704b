use hoptap_tests::case::Attempt::{Got, Refused};
use hoptap_tests::case::Case;

pub(crate) const CASES: &[Case] = &[
    Case::new("auth allows", "GET /x?id={id} HTTP/1.1|Host: auth.test|X-Request-Id: {id}||", 200)
        .router("auth@file")
        .attempts(&[Got("", 200), Got("be2@file", 200)]),
    Case::new("auth denies", "GET /x?id={id} HTTP/1.1|Host: auth.test|X-Deny: 1|X-Request-Id: {id}||", 403)
        .router("auth@file")
        .attempts(&[Got("", 403)]),
    Case::new("auth server is down", "GET /x?id={id} HTTP/1.1|Host: authdown.test||", 500)
        .router("authdown@file")
        .attempts(&[Refused("")]),
    Case::new("error page", "GET /status/503?id={id} HTTP/1.1|Host: errors.test|X-Request-Id: {id}||", 503)
        .router("errors@file")
        .attempts(&[Got("be1@file", 503), Got("be2@file", 200)])
        .not_api(
            "hoptap keeps no bodies of middlewares: the address alone names the service, and two have this server",
        ),
    Case::new("basic auth, none", "GET /x?id={id} HTTP/1.1|Host: basic.test||", 401).router("basic@file"),
    Case::new("basic auth, right", "GET /x?id={id} HTTP/1.1|Host: basic.test|Authorization: Basic dGVzdDp0ZXN0||", 200)
        .router("basic@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("rate limit, within", "GET /x?id={id} HTTP/1.1|Host: rl.test||", 200)
        .router("rl@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("rate limit, over", "GET /x?id={id} HTTP/1.1|Host: rl.test||", 429).router("rl@file"),
    Case::new("address not allowed", "GET /x?id={id} HTTP/1.1|Host: deny.test||", 403).router("deny@file"),
    Case::new("redirect", "GET /x?id={id} HTTP/1.1|Host: redir.test||", 301)
        .router("redir@file")
        .not_tls("it is where it should be"),
    // Traefik leaves requests of its internal services out of the log.
    Case::new("redirect to nowhere", "GET /x?id={id} HTTP/1.1|Host: noop.test||", 301)
        .router("noop@file")
        .unlogged()
        .not_tls("it is where it should be, and nothing is there"),
    Case::new("compress", "GET /big?id={id} HTTP/1.1|Host: comp.test|Accept-Encoding: gzip||", 200)
        .router("comp@file")
        .attempts(&[Got("be1@file", 200)]),
    Case::new("body over the limit", "POST /x?id={id} HTTP/1.1|Host: buf.test|Content-Length: 1200000||{huge}", 413)
        .router("buf@file"),
    Case::new("circuit closed", "GET /status/500?id={id} HTTP/1.1|Host: cb.test||", 500)
        .router("cb@file")
        .attempts(&[Got("be1@file", 500)]),
    Case::new("mirror", "POST /x?id={id} HTTP/1.1|Host: mirror.test|Content-Length: 5||hello", 200)
        .router("mirror@file")
        .attempts(&[Got("be1@file", 200), Got("be2@file", 200)]),
];
