//! What the ring had no room for: any run of records is taken out of a stream, the way the kernel side would lose it.
//! What is told all the same must be what is told of the whole stream, and what is not must be counted.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use hoptap::counters::Counters;
use hoptap::event::{Change, ConnectionId, Ended, Event, Kind, Open, Origin, State};
use hoptap::exchange::Level;
use hoptap::pipeline::{NamesFrom, Pipeline, Settings};
use hoptap::record::Reader;
use serde_json::Value;

use super::Lines;

/// Records that are lost in a row.
const RUNS: [usize; 4] = [1, 2, 7, 40];

struct Told {
    seen: u64,
    exported: u64,
    dropped: u64,
    text: String,
}

fn told<'a>(seed: u64, events: impl Iterator<Item = &'a Event<'a>>) -> Told {
    let counters = Arc::new(Counters::default());
    let settings = Settings::uniform(seed, Level::Details, NamesFrom::Auto);
    let mut pipeline = Pipeline::new(settings, Arc::clone(&counters));
    let (mut lines, mut last) = (Lines::default(), 0);
    for event in events {
        last = last.max(event.time);
        pipeline.event(event, &mut lines);
    }
    pipeline.finish(last, &mut lines);
    let load = |number: &std::sync::atomic::AtomicU64| number.load(std::sync::atomic::Ordering::Relaxed);
    Told {
        seen: load(&counters.requests_seen),
        exported: load(&counters.requests_exported),
        dropped: counters.drops.sum(),
        text: lines.text,
    }
}

/// Comes through the ring; the rest is what user space finds out by itself.
fn is_record(event: &Event<'_>) -> bool {
    matches!(event.kind, Kind::Open(_) | Kind::Transfer(_) | Kind::State(_) | Kind::Probe { .. })
}

/// The stream without the records from `start` on, `length` of them, and with what the kernel side and the session do
/// about it: the next record tells of a loss, a socket that was not announced is announced when it is next used, and
/// one that went is told of with the next totals.
fn without<'a>(events: &'a [Event<'a>], start: usize, length: usize) -> Vec<Event<'a>> {
    let mut made = Vec::with_capacity(events.len() + 8);
    let mut unannounced: HashMap<ConnectionId, Open> = HashMap::new();
    let mut ended: Vec<Event<'_>> = Vec::new();
    let (mut lost, mut untold) = (0, false);
    for (index, event) in events.iter().enumerate() {
        if index >= start && lost < length && is_record(event) {
            lost += 1;
            untold = true;
            match &event.kind {
                Kind::Open(open) => {
                    unannounced.insert(open.connection, *open);
                }
                Kind::State(State { connection, change: Change::Gone, error, responses, sealed, .. }) => {
                    unannounced.remove(connection);
                    let gone = Ended { connection: *connection, error: *error, responses: *responses, sealed: *sealed };
                    ended.push(Event { kind: Kind::Ended(gone), ..event.clone() });
                }
                _ => {}
            }
            continue;
        }
        let of_all = |kind| Event { time: event.time, pid: 0, kind };
        if is_record(event) && std::mem::take(&mut untold) {
            made.push(of_all(Kind::Lost));
        }
        match &event.kind {
            Kind::Transfer(transfer) => {
                if let Some(open) = unannounced.remove(&transfer.connection) {
                    made.push(Event { kind: Kind::Open(Open { origin: Origin::Found, ..open }), ..event.clone() });
                }
            }
            Kind::State(State { connection, change: Change::Gone, .. }) => {
                unannounced.remove(connection);
            }
            Kind::Tally(_) if lost > 0 && !ended.is_empty() => {
                made.push(of_all(Kind::Lost));
                made.append(&mut ended);
            }
            _ => {}
        }
        made.push(event.clone());
    }
    made
}

/// What was told, without the ids that depend on how much was told before.
fn exchanges(text: &str) -> Vec<String> {
    let bare = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        forget_ids(&mut value);
        value.to_string()
    };
    text.lines().map(bare).collect()
}

fn forget_ids(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !matches!(name.as_str(), "trace_id" | "span_id" | "parent_span_id"));
            if fields.contains_key("hoptap.upgrade.protocol") {
                // A session is told also where a part of it was lost: that much, and not complete.
                let parts = ["duration_ms", "overhead_ms", "hoptap.body.incomplete"];
                let sizes = ["http.request.body.size", "http.response.body.size"];
                fields.retain(|name, _| !parts.contains(&name.as_str()) && !sizes.contains(&name.as_str()));
            }
            fields.values_mut().for_each(forget_ids);
        }
        Value::Array(values) => values.iter_mut().for_each(forget_ids),
        _ => {}
    }
}

#[track_caller]
fn check(group: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("replay/data").join(group);
    let stream = fs::read(file).unwrap();
    let mut reader = Reader::new(stream.as_slice()).unwrap();
    let seed = reader.header().seed;
    // The reader lends one event at a time: bytes are kept here for as long as the test runs.
    let mut events: Vec<Event<'static>> = Vec::new();
    while let Some(event) = reader.next().unwrap() {
        events.push(owned(&event));
    }
    let whole = told(seed, events.iter());
    assert_eq!((whole.seen, whole.dropped), (whole.exported, 0), "{group}");
    let known: HashSet<String> = exchanges(&whole.text).into_iter().collect();
    for length in RUNS {
        for start in (0..events.len()).filter(|start| is_record(&events[*start])) {
            let stream = without(&events, start, length);
            let found = told(seed, stream.iter());
            let place = format!("{group}: {length} records lost from {start} on");
            for exchange in exchanges(&found.text) {
                assert!(known.contains(&exchange), "{place}: this is not so: {exchange}");
            }
            assert_eq!(
                (found.seen, found.exported + found.dropped),
                (whole.seen, whole.seen),
                "{place}: {} exported, {} dropped",
                found.exported,
                found.dropped
            );
        }
    }
}

/// The same with everything that it borrows leaked: a test's process is short.
fn owned(event: &Event<'_>) -> Event<'static> {
    let bytes: &'static [u8] = Vec::leak(postcard::to_allocvec(event).unwrap());
    postcard::from_bytes(bytes).unwrap()
}

#[test]
fn whatever_is_lost_is_counted() {
    for group in ["routing", "bodies", "middlewares"] {
        check(group);
    }
}
