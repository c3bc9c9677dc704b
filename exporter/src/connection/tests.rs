//! Streams of connections that were open before we looked, and what Traefik's memory says of their tables.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::Side::{Egress, Ingress};
use super::book::Fact;
use super::{Side, Streams};
use crate::event::{Direction, Table, TablePlace};
use crate::http2::Input;

type Fields<'a> = &'a [(&'a str, &'a str)];

const REQUEST: Fields<'static> = &[
    (":method", "PURGE"),
    (":scheme", "https"),
    (":path", "/a?b=c"),
    (":authority", "a.test"),
    ("user-agent", "x"),
    ("content-type", "application/grpc"),
];
const RESPONSE: Fields<'static> = &[(":status", "403"), ("server", "y")];
const INTERIM: Fields<'static> = &[(":status", "103"), ("link", "z")];
const TRAILERS: Fields<'static> = &[("grpc-status", "7")];

/// One end that encodes: a literal that is indexed, or the index of one that was sent before.
#[derive(Default)]
struct Peer {
    /// What stands in its table, newest first.
    table: Vec<(String, String)>,
}

impl Peer {
    fn block(&mut self, fields: Fields<'_>) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in fields {
            if let Some(at) = self.table.iter().position(|(of, is)| of == name && is == value) {
                block.push(0x80 | u8::try_from(62 + at).unwrap());
                continue;
            }
            block.push(0x40);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).unwrap());
                block.extend(text.bytes());
            }
            self.table.insert(0, ((*name).to_owned(), (*value).to_owned()));
        }
        block
    }

    fn headers(&mut self, stream: u32, fields: Fields<'_>, end: bool) -> Vec<u8> {
        let block = self.block(fields);
        let mut frame = vec![0, 0, u8::try_from(block.len()).unwrap(), 1, 4 | u8::from(end)];
        frame.extend(stream.to_be_bytes());
        frame.extend(block);
        frame
    }

    fn entries(&self) -> Vec<u8> {
        let mut entries = Vec::new();
        for (name, value) in &self.table {
            for text in [name, value] {
                entries.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
            }
            entries.extend(name.bytes().chain(value.bytes()));
        }
        entries
    }
}

/// A connection that had carried all of this before.
fn before() -> (Streams, Peer, Peer) {
    let (mut client, mut server) = (Peer::default(), Peer::default());
    client.block(REQUEST);
    for fields in [INTERIM, RESPONSE, TRAILERS] {
        server.block(fields);
    }
    (Streams::new(true, false), client, server)
}

fn feed(streams: &mut Streams, side: Side, requests: bool, bytes: &[u8]) -> Vec<Fact> {
    let mut facts = Vec::new();
    let direction = if requests == (side == Ingress) { Direction::Receive } else { Direction::Send };
    streams.feed(1, direction, side, Input::Bytes(bytes), &mut facts);
    facts
}

fn tell(streams: &mut Streams, requests: bool, stream: u32, place: TablePlace, entries: &[u8]) -> Vec<Fact> {
    let mut facts = Vec::new();
    // The direction says nothing that `requests` does not.
    let table = Table { connection: 1, direction: Direction::Receive, stream, place, entries };
    streams.table(&table, requests, &mut facts);
    facts
}

/// Method, path, status, status of the call, and what is missing.
fn shown(streams: &Streams, stream: u32) -> String {
    let message = streams.get(stream.into()).unwrap();
    let head = message.request.as_ref().unwrap();
    let status = message.status();
    let call = message.call.as_ref().map(|call| call.status);
    format!("{} {} {status:?} {call:?} {:?}", head.method.original(), head.path, message.missing)
}

const NOTHING_KNOWN: &str =
    r#"_OTHER  None None ["http.request.method", "url.path", "user_agent.original", "http.response.status_code"]"#;

#[test]
fn requests_of_a_client_are_known_at_once() {
    let (mut streams, mut client, _) = before();
    let first = client.headers(7, REQUEST, true);
    let second = client.headers(9, &[(":method", "GET"), REQUEST[1], (":path", "/n"), REQUEST[3], REQUEST[4]], true);
    let both = [first, second].concat();
    feed(&mut streams, Ingress, true, &both);
    assert!(shown(&streams, 7).starts_with("_OTHER  None None"), "{}", shown(&streams, 7));
    // As it was behind the first of them: the second has added to it.
    client.table.drain(..2);
    let facts = tell(&mut streams, true, 7, TablePlace::After, &client.entries());
    assert_eq!(shown(&streams, 7), "PURGE /a None Some(None) []");
    assert_eq!(shown(&streams, 9), "GET /n None None []");
    assert_eq!(facts, [Fact::Head(7), Fact::Head(9)]);
    assert_eq!(streams.wanted_tables(), [None, None]);
}

#[test]
fn requests_to_a_backend_are_known_as_they_are_written() {
    let (mut streams, mut client, _) = before();
    let frame = client.headers(7, REQUEST, true);
    tell(&mut streams, true, 7, TablePlace::AfterNext, &client.entries());
    feed(&mut streams, Egress, true, &frame);
    assert_eq!(shown(&streams, 7), "PURGE /a None Some(None) []");
}

#[test]
fn responses_to_a_client_are_known_as_they_are_written() {
    let (mut streams, mut client, mut server) = before();
    let request = client.headers(7, REQUEST, true);
    feed(&mut streams, Ingress, true, &request);
    tell(&mut streams, true, 7, TablePlace::After, &client.entries());
    // Told before the interim response has left, which must not be taken for the final one.
    for fields in [INTERIM, &[(":status", "103"), ("link", "another")]] {
        let interim = server.headers(7, fields, false);
        let table = server.entries();
        tell(&mut streams, false, 7, TablePlace::Before, &table);
        feed(&mut streams, Ingress, false, &interim);
    }
    let response = [server.headers(7, RESPONSE, false), server.headers(7, TRAILERS, true)].concat();
    let facts = feed(&mut streams, Ingress, false, &response);
    assert_eq!(shown(&streams, 7), "PURGE /a Some(403) Some(Some(7)) []");
    assert_eq!(facts, [Fact::Answered(7)]);
}

#[test]
fn answers_of_a_backend_wait_for_what_may_become_known() {
    let (mut streams, mut client, mut server) = before();
    let request = client.headers(7, REQUEST, true);
    tell(&mut streams, true, 7, TablePlace::AfterNext, &client.entries());
    feed(&mut streams, Egress, true, &request);
    let response = [server.headers(7, RESPONSE, false), server.headers(7, TRAILERS, true)].concat();
    assert_eq!(feed(&mut streams, Egress, false, &response), []);
    let facts = tell(&mut streams, false, 7, TablePlace::After, &server.entries());
    assert_eq!(facts, [Fact::Answered(7)]);
    assert_eq!(shown(&streams, 7), "PURGE /a Some(403) Some(Some(7)) []");
}

#[test]
fn what_does_not_come_is_not_waited_for() {
    let (mut streams, mut client, mut server) = before();
    let exchange = |streams: &mut Streams, client: &mut Peer, server: &mut Peer, stream| {
        let request = client.headers(stream, REQUEST, true);
        feed(streams, Egress, true, &request);
        let response = server.headers(stream, RESPONSE, true);
        feed(streams, Egress, false, &response)
    };
    assert_eq!(exchange(&mut streams, &mut client, &mut server, 7), []);
    let mut facts = Vec::new();
    assert!(streams.holds());
    streams.release(&mut facts);
    assert_eq!(facts, [Fact::Answered(7)]);
    assert_eq!(shown(&streams, 7), NOTHING_KNOWN);
    assert_eq!(streams.wanted_tables(), [Some(1), Some(1)]);
    // Of a stream that we know nothing of: it cannot be placed, and another one is asked for.
    assert_eq!(tell(&mut streams, false, 99, TablePlace::After, &server.entries()), []);
    assert_eq!(exchange(&mut streams, &mut client, &mut server, 9), [Fact::Answered(9)]);
    assert_eq!(streams.wanted_tables(), [Some(1), Some(2)]);
}

#[test]
fn what_was_lost_is_asked_for() {
    let mut streams = Streams::new(false, false);
    let (mut client, mut server) = (Peer::default(), Peer::default());
    let request = client.headers(1, REQUEST, true);
    feed(&mut streams, Ingress, true, &request);
    assert_eq!(shown(&streams, 1), "PURGE /a None Some(None) []");
    streams.lost(true);
    assert_eq!(streams.wanted_tables(), [None, None]);
    let request = client.headers(3, REQUEST, true);
    feed(&mut streams, Ingress, true, &request);
    assert_eq!(streams.wanted_tables(), [Some(1), None]);
    let request = client.headers(5, REQUEST, true);
    feed(&mut streams, Ingress, true, &request);
    tell(&mut streams, true, 5, TablePlace::After, &client.entries());
    assert_eq!(streams.wanted_tables(), [None, None]);
    assert_eq!(shown(&streams, 3), "PURGE /a None Some(None) []");
    assert_eq!(shown(&streams, 5), "PURGE /a None Some(None) []");
    let response = server.headers(5, RESPONSE, true);
    assert_eq!(feed(&mut streams, Ingress, false, &response), [Fact::Answered(5)]);
}
