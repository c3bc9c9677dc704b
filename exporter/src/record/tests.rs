#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::SocketAddr;

use super::*;
use crate::event::{
    Change, Configuration, Direction, Ended, Event, Frames, Goroutine, Kind, Open, Origin, Own, Owner, Peer, Probe,
    Process, Role, State, Table, TablePlace, Tally, Tls, Transfer,
};

const GOROUTINE: Goroutine = Goroutine { id: 77, parent: 7, role: Role::Serve };

/// One of every kind, and of every variant inside it.
fn every_kind() -> Vec<Event<'static>> {
    let v4: SocketAddr = "127.0.0.1:8000".parse().unwrap();
    let v6: SocketAddr = "[2001:db8::1]:443".parse().unwrap();
    let text = |text: &str| text.to_owned();
    let mut kinds = vec![
        Kind::Clock { unix: 1_700_000_000_000_000_000 },
        Kind::Process(Box::default()),
        Kind::Process(Box::new(Process {
            executable: text("/usr/local/bin/traefik"),
            version: Some(text("3.6.12")),
            go_version: Some(text("go1.26.8")),
            container: Some(text("0123456789ab")),
            probes: vec![text("router"), text("service")],
        })),
        Kind::Exit,
        Kind::Listening(vec![v4, v6]),
        Kind::Configuration(Box::new(Configuration::RawData(text(r#"{"routers":{"é":{}}}"#)))),
        Kind::Configuration(Box::new(Configuration::EntryPoints(text("[]")))),
        Kind::Configuration(Box::new(Configuration::Static(vec![(text("web"), text(":80"))]))),
        Kind::Tally(Tally { responses: 1, ring_full: 2, map_full: 3, unfollowed: 5, cut: 4, faults: u64::MAX }),
    ];
    for origin in [Origin::Dialled, Origin::Accepted, Origin::Found] {
        kinds.push(Kind::Open(Open {
            connection: u64::MAX,
            local: v4,
            peer: v6,
            origin,
            fd: -1,
            goroutine: GOROUTINE,
        }));
    }
    for (direction, result, bytes) in [
        (Direction::Receive, 21, b"GET / HTTP/1.1\r\n\r\n\0\xff\xfe".as_slice()),
        (Direction::Send, -32, b"HTTP/1.1 200 OK\r\n\r\n"),
        (Direction::Receive, 0, b""),
    ] {
        kinds.push(Kind::Transfer(Transfer {
            connection: u64::MAX,
            direction,
            fd: 9,
            goroutine: GOROUTINE,
            offset: 0,
            result,
            bytes,
            responses: 1,
            plain: false,
            frames: None,
        }));
    }
    for change in [Change::Established { local: v6 }, Change::ClosedHere, Change::ClosedThere, Change::Gone] {
        let goroutine = Goroutine::default();
        kinds.push(Kind::State(State { connection: 1, change, goroutine, error: 104, responses: 7, sealed: true }));
    }
    kinds.push(Kind::Tls(Tls {
        connection: 1,
        version: 0x0304,
        cipher: 0x1301,
        resumed: true,
        client: false,
        server_name: "a.test",
        protocol: "h2",
    }));
    // SETTINGS, and the header of a DATA frame without its payload.
    kinds.push(Kind::Transfer(Transfer {
        connection: 1,
        direction: Direction::Send,
        fd: 9,
        goroutine: GOROUTINE,
        offset: 0,
        result: 23,
        bytes: &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0x80, 0, 0, 1],
        responses: 0,
        plain: true,
        frames: Some(Frames { continued: 0, left: 0, resumed: false }),
    }));
    kinds.push(Kind::Own(Own { from: v4, to: 8080 }));
    for place in [TablePlace::After, TablePlace::AfterNext, TablePlace::Before] {
        kinds.push(Kind::Table(Table {
            connection: 1,
            direction: Direction::Receive,
            stream: 3,
            place,
            entries: b"\x04\0\x01\0hostx",
        }));
    }
    kinds.push(Kind::Lost);
    kinds.push(Kind::Ended(Ended { connection: 1, error: 104, responses: 7, sealed: false }));
    for owner in
        [Owner::Asked, Owner::Unknown, Owner::Container { name: text("demo-service-a-1"), since: 7 }, Owner::Gone]
    {
        kinds.push(Kind::Peer(Peer { address: v4, owner }));
    }
    for probe in [
        Probe::Router { router: "r@file", rule: "Host(`ä`)", service: "s", stream: 3 },
        Probe::Stream { stream: 5 },
        Probe::Http3Begin { local: v4, peer: v6 },
        Probe::Http3Fields { block: &[0, 0, 0xd1] },
        Probe::Http3End { written: 5, status: 204 },
        Probe::Http3Reset { code: 0x10c },
        Probe::Service { service: "s", url: Some("http://127.0.0.1:1") },
        Probe::Service { service: "", url: None },
        Probe::EntryPoint { name: "web" },
        Probe::RoundTrip { fd: -1, request: 9 },
        Probe::RequestWrite { request: 9 },
        Probe::Status { code: 499 },
        Probe::DialQueued { dial: 1 },
        Probe::Dial { dial: 1 },
        Probe::Spawn { closure: 2 },
        Probe::Mirror { closure: 2 },
    ] {
        kinds.push(Kind::Probe { goroutine: GOROUTINE, probe });
    }
    (1..).zip(kinds).map(|(time, kind)| Event { time, pid: 4, kind }).collect()
}

fn written(events: &[Event<'_>]) -> Vec<u8> {
    let mut writer = Writer::with_secrets(Vec::new(), 42).unwrap();
    for event in events {
        writer.write(event).unwrap();
    }
    writer.finish().unwrap()
}

/// The events that come back, and how it ended.
fn read(bytes: &[u8]) -> (Vec<String>, Result<(), Error>) {
    let mut reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Err(error)),
    };
    let mut events = Vec::new();
    let end = loop {
        match reader.next() {
            Ok(Some(event)) => events.push(format!("{event:?}")),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    assert!(matches!(reader.next(), Ok(None)), "it stays at its end");
    (events, end)
}

fn header_length() -> usize {
    written(&[]).len()
}

#[test]
fn every_kind_comes_back() {
    let events = every_kind();
    let expected: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
    let (found, end) = read(&written(&events));
    assert_eq!(found, expected);
    end.unwrap();
    let mut masking = Writer::new(Vec::new(), 42).unwrap();
    for event in &events {
        masking.write(event).unwrap();
    }
    let (found, end) = read(&masking.finish().unwrap());
    assert_eq!(found, expected, "masking leaves alone what is no secret");
    end.unwrap();
}

#[test]
fn header_comes_back() {
    for masked in [true, false] {
        let writer =
            if masked { Writer::new(Vec::new(), u64::MAX) } else { Writer::with_secrets(Vec::new(), u64::MAX) };
        let bytes = writer.unwrap().finish().unwrap();
        let header = Header { seed: u64::MAX, version: env!("CARGO_PKG_VERSION").to_owned(), masked };
        assert_eq!(Reader::new(bytes.as_slice()).unwrap().header(), &header);
    }
}

/// Fails when an event changes its shape: raise `FORMAT` then (once hoptap is released), and put the new sum here.
#[test]
fn shape_of_the_format() {
    let bytes = written(&every_kind());
    let sum = bytes
        .get(header_length()..)
        .unwrap()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    assert_eq!((header::FORMAT, sum), (4, 13_614_637_756_294_806_828));
}

/// A recording of format 3 is one that has no peers in it.
#[test]
fn older_recordings_are_read() {
    let mut events = every_kind();
    events.retain(|event| !matches!(event.kind, Kind::Peer(_)));
    let mut bytes = written(&events);
    *bytes.get_mut(8).unwrap() = 3;
    let expected: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
    let (found, end) = read(&bytes);
    assert_eq!(found, expected);
    end.unwrap();
}

#[test]
fn every_cut_is_told() {
    let events = every_kind();
    let bytes = written(&events);
    let mut ends = vec![header_length()];
    for count in 1..=events.len() {
        ends.push(written(events.get(..count).unwrap()).len());
    }
    for cut in 0..=bytes.len() {
        let (found, end) = read(bytes.get(..cut).unwrap());
        if cut < header_length() {
            assert!(matches!(end, Err(Error::NotARecording)), "{cut}");
            continue;
        }
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        assert_eq!(found.len(), whole, "{cut}");
        match end {
            Ok(()) => assert!(ends.contains(&cut), "{cut}"),
            Err(Error::Truncated { record, offset }) => {
                assert_eq!(record, whole as u64, "{cut}");
                assert_eq!(offset, *ends.get(whole).unwrap() as u64, "{cut}");
                assert!(!ends.contains(&cut), "{cut}");
            }
            Err(other) => unreachable!("{cut}: {other}"),
        }
    }
}

#[test]
fn damage_is_an_error() {
    fn check(tail: &[u8], expected: &str) {
        let mut bytes = written(&[]);
        bytes.extend_from_slice(tail);
        let (found, end) = read(&bytes);
        assert!(found.is_empty());
        let message = end.unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    check(&[0xff; 4], "4294967295 bytes long");
    check(&(LONGEST_RECORD as u32 + 1).to_le_bytes(), "1048577 bytes");
    check(&(LONGEST_RECORD as u32).to_le_bytes(), "ends inside record");
    check(&[0, 0, 0, 0], "is not an event");
    check(&[3, 0, 0, 0, 1, 1, 99], "is not an event");
    check(&[4, 0, 0, 0, 1, 1, 2, 0], "is not an event");
    // A list that promises 2^63 addresses.
    check(&[13, 0, 0, 0, 1, 1, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0], "is not an event");
}

#[test]
fn flipped_bytes_never_panic() {
    let bytes = written(&every_kind());
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            *damaged.get_mut(at).unwrap() ^= flip;
            let _ = read(&damaged);
        }
    }
}

#[test]
fn another_format_is_named() {
    let mut bytes = written(&[]);
    *bytes.get_mut(8).unwrap() = 9;
    let (_, end) = read(&bytes);
    let expected = format!(
        "the recording has format 9, this hoptap reads formats {} to {}: replay it with hoptap {}",
        header::OLDEST,
        header::FORMAT,
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(end.unwrap_err().to_string(), expected);
}

#[test]
fn too_long_leaves_the_stream_whole() {
    let long = "x".repeat(LONGEST_RECORD);
    let configuration = Configuration::EntryPoints(long);
    let event = |kind| Event { time: 1, pid: 1, kind };
    let mut writer = Writer::new(Vec::new(), 0).unwrap();
    let refused = writer.write(&event(Kind::Configuration(Box::new(configuration))));
    assert!(matches!(refused, Err(Error::TooLong { .. })));
    writer.write(&event(Kind::Exit)).unwrap();
    let (found, end) = read(&writer.finish().unwrap());
    assert_eq!(found.len(), 1);
    end.unwrap();
}
