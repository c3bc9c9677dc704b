//! Recorded streams of the lab's cases through the pipeline: the same exchanges, byte for byte, every time.
//!
//! `data/<group>` is a stream, `data/<group>.json` what it must become; UPDATE=1 rewrites the latter.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod loss;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hoptap::counters::Counters;
use hoptap::event::{ConnectionId, Direction, Name, Pid};
use hoptap::exchange::{Exchange, Level, Method};
use hoptap::export::json;
use hoptap::pipeline::{NamesFrom, Pipeline, Settings, Sink};
use hoptap::record::Reader;
use hoptap::redact::Redaction;

/// Exchanges as lines of JSON.
#[derive(Default)]
struct Lines {
    text: String,
    redaction: Redaction,
}

impl Sink for Lines {
    fn exchange(&mut self, exchange: Exchange) {
        json::write(&exchange, &self.redaction, &mut self.text);
    }

    fn began(&mut self, _: Option<&Name>, _: &Method, _: bool) {}
    fn ended(&mut self, _: Option<&Name>, _: &Method, _: bool) {}
    fn skip(&mut self, _: ConnectionId, _: Direction, _: u64) {}
    fn entrypoint_known(&mut self, _: Pid, _: SocketAddr) {}
    fn needs_request_write(&mut self, _: Pid) {}
}

fn replay(stream: &[u8]) -> String {
    let mut reader = Reader::new(stream).unwrap();
    let settings = Settings::uniform(reader.header().seed, Level::Details, NamesFrom::Auto);
    let mut pipeline = Pipeline::new(settings, Arc::new(Counters::default()));
    let (mut lines, mut last) = (Lines::default(), 0);
    while let Some(event) = reader.next().unwrap() {
        last = event.time;
        pipeline.event(&event, &mut lines);
    }
    pipeline.finish(last, &mut lines);
    lines.text
}

fn check(group: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("replay/data").join(group);
    let golden = file.with_extension("json");
    let stream = fs::read(&file).unwrap();
    let found = replay(&stream);
    assert!(found == replay(&stream), "{group}: two replays differ");
    if std::env::var_os("UPDATE").is_some() {
        return fs::write(&golden, found).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap();
    let count = (expected.lines().count(), found.lines().count());
    for (number, (expected, found)) in expected.lines().zip(found.lines()).enumerate() {
        assert_eq!(found, expected, "{group}, line {}: UPDATE=1 rewrites it", number + 1);
    }
    assert_eq!(count.0, count.1, "{group}: exchanges expected and found");
}

macro_rules! streams {
    ($($test:ident $group:literal),* $(,)?) => {
        $(#[test] fn $test() { check($group); })*

        #[test]
        fn every_stream_is_checked() {
            let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("replay/data");
            let mut found: Vec<PathBuf> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
            found.retain(|file| file.extension().is_none());
            found.sort();
            let mut expected = [$(data.join($group)),*];
            expected.sort();
            assert_eq!(found, expected);
        }
    };
}

streams! {
    routing "routing",
    bodies "bodies",
    middlewares "middlewares",
    malformed "malformed",
    failures "failures",
    fastproxy "fastproxy",
    mid_attach "mid-attach",
    streams_ingress "streams-ingress",
    streams_backends "streams-backends",
    streams_middlewares "streams-middlewares",
    streams_broken "streams-broken-streams",
    streams_calls "streams-calls",
    streams_sessions "streams-sessions",
    streams_http3 "streams-http-3",
}
