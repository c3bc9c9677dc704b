//! No secret leaves: what goes in by every door (a target, headers of both sides, a server's URL from a probe) comes
//! out of no output and into no recording.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::SocketAddr;
use std::sync::Arc;

use hoptap::counters::Counters;
use hoptap::event::{
    ConnectionId, Direction, Event, Goroutine, Kind, Name, Open, Origin, Pid, Probe, Process, Role, Transfer,
};
use hoptap::exchange::{Exchange, Level, Method};
use hoptap::export::metrics::{self, Format, Metrics};
use hoptap::export::{json, text};
use hoptap::pipeline::{NamesFrom, Pipeline, Settings, Sink};
use hoptap::readiness::Readiness;
use hoptap::record::{Reader, Writer};
use hoptap::redact::Redaction;

const SECRET: &str = "s3cret";

const REQUEST: &[u8] = b"GET /x?user[password]=s3cret&page=2;Access-Token=s3cret HTTP/1.1\r\nHost: a.test\r\n\
    Authorization: Basic s3cret\r\nCookie: a=s3cret\r\nX-Vault-Token: s3cret\r\n\
    X-Forwarded-Tls-Client-Cert: s3cret\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nSet-Cookie: b=s3cret\r\nContent-Length: 0\r\n\r\n";

/// One request through Traefik, as its stream.
fn stream() -> Vec<Event<'static>> {
    let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let goroutine = |id: u64, role: Role| Goroutine { id, parent: 1, role };
    let (serve, write) = (goroutine(7, Role::Serve), goroutine(8, Role::UpstreamWrite));
    let transfer = |connection: ConnectionId, direction: Direction, goroutine: Goroutine, bytes: &'static [u8]| {
        let result = i64::try_from(bytes.len()).unwrap();
        let responses = u32::from(connection == 1 && direction == Direction::Send);
        let fd = i32::try_from(connection).unwrap();
        let (offset, plain, frames) = (0, false, None);
        Kind::Transfer(Transfer {
            connection,
            direction,
            fd,
            goroutine,
            offset,
            result,
            bytes,
            responses,
            plain,
            frames,
        })
    };
    let open = |connection: ConnectionId, local: u16, peer: u16, origin: Origin| {
        let fd = i32::try_from(connection).unwrap();
        Kind::Open(Open { connection, local: address(local), peer: address(peer), origin, fd, goroutine: serve })
    };
    let probe = |probe: Probe<'static>| Kind::Probe { goroutine: serve, probe };
    let kinds = [
        Kind::Clock { unix: 1_790_000_000_000_000_000 },
        Kind::Process(Box::new(Process { executable: "/traefik".into(), ..Process::default() })),
        Kind::Listening(vec![address(80)]),
        open(1, 80, 40_000, Origin::Accepted),
        transfer(1, Direction::Receive, serve, REQUEST),
        probe(Probe::Router { router: "r@file", rule: "Host(`a.test`)", service: "s@file", stream: 0 }),
        probe(Probe::Service { service: "s@file", url: Some("http://user:s3cret@10.0.0.7:8000") }),
        open(2, 41_000, 8000, Origin::Dialled),
        probe(Probe::RoundTrip { fd: 2, request: 99 }),
        transfer(2, Direction::Send, write, REQUEST),
        transfer(2, Direction::Receive, write, RESPONSE),
        transfer(1, Direction::Send, serve, RESPONSE),
    ];
    (1..).zip(kinds).map(|(at, kind)| Event { time: at * 1_000_000, pid: 4, kind }).collect()
}

#[derive(Default)]
struct Kept(Vec<Exchange>);

impl Sink for Kept {
    fn exchange(&mut self, exchange: Exchange) {
        self.0.push(exchange);
    }
    fn began(&mut self, _: Option<&Name>, _: &Method, _: bool) {}
    fn ended(&mut self, _: Option<&Name>, _: &Method, _: bool) {}
    fn skip(&mut self, _: ConnectionId, _: Direction, _: u64) {}
    fn entrypoint_known(&mut self, _: Pid, _: SocketAddr) {}
    fn needs_request_write(&mut self, _: Pid) {}
}

fn exchanges(events: &[Event<'_>]) -> Vec<Exchange> {
    let settings = Settings::uniform(1, Level::Details, NamesFrom::Auto);
    let mut pipeline = Pipeline::new(settings, Arc::new(Counters::default()));
    let mut kept = Kept::default();
    for event in events {
        pipeline.event(event, &mut kept);
    }
    pipeline.finish(events.last().unwrap().time, &mut kept);
    kept.0
}

#[test]
fn outputs() {
    let exchanges = exchanges(&stream());
    assert_eq!(exchanges.iter().map(|it| it.attempts.len()).collect::<Vec<_>>(), [1]);
    let (mut told, mut lines) = (String::new(), String::new());
    let (mut metrics, page) =
        Metrics::new(metrics::Settings::default(), Arc::default(), Arc::new(Readiness::default()));
    for exchange in &exchanges {
        text::write(exchange, &Redaction::default(), &mut told);
        json::write(exchange, &Redaction::default(), &mut lines);
        metrics.observe(exchange);
    }
    let page = page.encode(Format::OpenMetrics).unwrap();
    for (output, minimum) in [(told, 10), (lines, 10), (page, 0)] {
        assert!(!output.contains(SECRET), "{output}");
        assert!(output.matches("REDACTED").count() >= minimum, "{output}");
        assert!(output.contains("10.0.0.7"), "{output}");
    }
}

#[test]
fn recordings() {
    let mut writer = Writer::new(Vec::new(), 1).unwrap();
    for event in stream() {
        writer.write(&event).unwrap();
    }
    let file = writer.finish().unwrap();
    assert!(!file.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    let mut reader = Reader::new(file.as_slice()).unwrap();
    let mut urls = 0;
    while let Some(event) = reader.next().unwrap() {
        if let Kind::Probe { probe: Probe::Service { url, .. }, .. } = event.kind {
            assert_eq!(url, Some("http://10.0.0.7:8000"));
            urls += 1;
        }
    }
    assert_eq!(urls, 1);
}
