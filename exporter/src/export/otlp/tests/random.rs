//! Exchanges at random, with every field that may be absent absent and present.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::body::Captured;
use crate::event::{Name, Process};
use crate::exchange::{
    Attempt, Body, Content, Contents, Context, End, ErrorKind, Exchange, Headers, Hop, Kept, Link, Method, NameSource,
    Reset, Role, Rpc, Server, Tls, Version, WebSocket,
};
use crate::redact::Failed;
use crate::rpc;

/// xorshift64*: the same numbers in every run.
pub(super) struct Source(u64);

impl Source {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    fn flip(&mut self) -> bool {
        self.next() & 1 == 0
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.next()).unwrap() % all.len()].clone()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flip().then(|| make(self))
    }

    /// Small and large alike.
    fn number(&mut self) -> u64 {
        let shift = self.next() % 64;
        self.of(&[0, 1, u64::MAX, self.0]) >> shift
    }
}

pub(super) fn process(source: &mut Source, index: usize) -> Process {
    Process {
        executable: format!("/bin/traefik{index}"),
        version: source.maybe(|_| "3.6.12".into()),
        go_version: source.maybe(|_| "go1.26.8".into()),
        container: source.maybe(|_| "c0ffee".into()),
        probes: Vec::new(),
    }
}

pub(super) fn exchange(source: &mut Source, processes: &[Arc<Process>]) -> Exchange {
    let attempts = source.next() % 4;
    Exchange {
        process: source.of(processes),
        pid: source.of(&[1, 2, u32::MAX]),
        server: source.maybe(server),
        attempts: (0..attempts).map(|_| attempt(source)).collect(),
        kept: Kept::default(),
    }
}

fn server(source: &mut Source) -> Server {
    use NameSource::{Ambiguous, Api, None, Probes};
    Server {
        context: context(source),
        hop: Box::new(hop(source)),
        entrypoint: name(source),
        router: name(source),
        rule: name(source),
        router_service: name(source),
        service: name(source),
        server_url: name(source),
        names: source.of(&[Probes, Api, Ambiguous, None]),
        internal: source.flip(),
        unrouted: false,
        overhead: source.number(),
        announced_client: source.maybe(address),
    }
}

fn attempt(source: &mut Source) -> Attempt {
    use Role::{Backend, ErrorPage, ForwardAuth, HealthCheck, Middleware, Mirror};
    Attempt {
        context: context(source),
        hop: Box::new(hop(source)),
        role: source.of(&[Backend, Mirror, ForwardAuth, ErrorPage, Middleware, HealthCheck]),
        resend_count: source.of(&[0, 1, 200, u32::MAX]),
        service: name(source),
        server_url: name(source),
        container: name(source),
        link: source.of(&[None, Some(Link::Exact), Some(Link::Inferred)]),
        router: name(source),
        entrypoint: name(source),
    }
}

fn context(source: &mut Source) -> Context {
    const STATES: &[&str] = &["", "a=1", "congo=t61rcWkgMzE,rojo=00f067", "no state", "a=1,a=2,"];
    Context {
        trace_id: u128::from(source.number()) << 64 | u128::from(source.number()),
        span_id: source.number(),
        parent: source.maybe(Source::number),
        parent_is_remote: source.flip(),
        sampled: source.of(&[None, Some(true), Some(false)]),
        trace_state: source.maybe(|source| source.of(STATES).into()),
    }
}

fn name(source: &mut Source) -> Option<Name> {
    const NAMES: &[&str] = &["", "web", "service-a@docker", "http://user:pass@10.0.0.1:80", "http://10.0.0.1:80/äöü"];
    source.maybe(|source| source.of(NAMES).into())
}

fn address(source: &mut Source) -> SocketAddr {
    let port = source.of(&[0, 9, 10, 65535, 8080]);
    let ip: &str = source.of(&["10.0.0.1", "255.255.255.255", "::1", "::ffff:10.0.0.9", "fd00::3"]);
    SocketAddr::new(ip.parse().unwrap(), port)
}

fn body(source: &mut Source) -> Body {
    Body { size: source.number(), wire: source.number(), incomplete: source.flip() }
}

fn headers(source: &mut Source) -> Headers {
    const LINES: &[&[u8]] = &[
        b"Accept: text/html\r\n",
        b"accept: */*\r\n",
        b"Authorization: Bearer s3cret\r\n",
        b"Set-Cookie: id=s3cret\r\n",
        b"X-Bytes: \xff\xfe\r\n",
        b"\xe9: name\r\n",
        b"Empty:\r\n",
        b"no header\r\n",
    ];
    let count = source.next() % 6;
    let lines: Vec<&[u8]> = (0..count).map(|_| source.of(LINES)).collect();
    Headers::new(&lines.concat())
}

fn hop(source: &mut Source) -> Hop {
    use ErrorKind::{Cancelled, ConnectionRefused, Other};
    let texts: &[&str] = &["a.test", "a.test:81", "u:p@a.test", "10.0.0.1:82", "[0:0::1]:8", "::1"];
    let methods = [Method::Get, Method::Post, Method::Connect, Method::Other("BREW".into()), Method::Unknown];
    let queries = ["", "page=2", "page=2&sig=s3cret&", "s%69g=s3cret;a", "é=1"];
    Hop {
        start: source.number(),
        first_byte: source.maybe(Source::number),
        end: source.number(),
        method: source.of(&methods),
        path: source.of(&["", "*", "/", "/a/b", "a.test:443", "u:p@b.test:1", "/ä"]).into(),
        query: source.maybe(|source| source.of(&queries).into()),
        absolute: source.maybe(|source| source.of(&["http://u:p@b.test:99", "x://"]).into()),
        host: source.maybe(|source| source.of(texts).into()),
        user_agent: source.maybe(|source| source.of(&["", "curl/7.81.0"]).into()),
        version: source.of(&[Version::Http10, Version::Http11, Version::Http2, Version::Http3]),
        status: source.maybe(|source| source.of(&[0, 101, 200, 302, 404, 500, 599, 65535])),
        error: source.maybe(|source| source.of(&[ConnectionRefused, Cancelled, Other])),
        tls: source.maybe(|source| Arc::new(session(source))),
        local: address(source),
        peer: address(source),
        request: body(source),
        response: body(source),
        request_headers: headers(source),
        response_headers: headers(source),
        contents: source
            .maybe(|source| Box::new(Contents { request: source.maybe(content), response: source.maybe(content) })),
        upgraded: source.maybe(|_| "websocket".into()),
        rpc: source.maybe(|source| Rpc {
            kind: source.of(&[rpc::Kind::Grpc, rpc::Kind::Web]),
            status: source.maybe(|source| source.of(&[0, 1, 4, 16, 17])),
            requests: source.maybe(Source::number),
            responses: source.maybe(Source::number),
        }),
        websocket: source.maybe(|source| WebSocket {
            sent: source.maybe(Source::number),
            received: source.maybe(Source::number),
            close_code: source.maybe(|source| source.of(&[1000, 1005])),
        }),
        reset: source.maybe(|source| Reset { by: source.of(&[End::Client, End::Server]), code: source.of(&[8, 99]) }),
        missing: source.of(&[vec![], vec!["url.path", "user_agent.original"]]),
    }
}

fn content(source: &mut Source) -> Content {
    const LONG: &[u8] = &[b'x'; 70_000];
    let bodies: &[&'static [u8]] = &[b"", b"{\"a\": 1}", b"\x1f\x8b\x08 no gzip", b"\xff\xfe\0\0", LONG];
    let types = ["", "application/json", "text/plain; charset=latin1", "image/png", "application/grpc"];
    let captured = Captured {
        bytes: Bytes::from_static(source.of(bodies)),
        seen: source.number(),
        truncated: source.flip(),
        content_type: source.maybe(|source| source.of(&types).into()),
        content_encoding: source.maybe(|source| source.of(&["gzip", "identity", "x"]).into()),
    };
    let withheld = source.of(&[None, None, Some(Failed::Charset), Some(Failed::Json(3))]);
    let urls = source.maybe(|_| vec!["s3://b/k".into(), "file:///k".into()]).unwrap_or_default();
    Content { captured, cut: None, withheld, urls }
}

fn session(source: &mut Source) -> Tls {
    Tls {
        version: source.of(&[0, 0x0303, 0x0304]),
        cipher: source.of(&[0, 0x1301]),
        resumed: source.flip(),
        server_name: source.maybe(|source| source.of(&["a.test", "é"]).into()),
        protocol: source.maybe(|source| source.of(&["h2", "http/1.1"]).into()),
    }
}
