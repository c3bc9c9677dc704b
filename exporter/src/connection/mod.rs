//! The bytes of one socket in order, both ways, made into messages.
//!
//! It knows nothing of other sockets; what happened to its messages is told as [`Fact`]s. Bytes that were not seen
//! are gaps, never guesses.

mod bodies;
mod book;
mod message;
mod streams;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::event::{
    ConnectionId, Direction, Goroutine, Name, Open, Origin, Own, Pid, Role, Table, TablePlace, Time, Transfer,
};
use crate::exchange::{ErrorKind, Method, Tls};
use crate::http1::{Input, Output, RequestDecoder, ResponseDecoder};
use crate::http2;

pub use bodies::{Budget, Keep, Part};
pub use book::{Book, Fact, Sequence};
pub use message::{Call, Clock, Ends, Epoch, Hidden, Message, error_of};
pub use streams::{Streams, error_of_reset};

/// Response bytes that are kept until the request they answer is seen: the peer may answer before the tracepoint of
/// our write has run.
const EARLY_LIMIT: usize = 64 * 1024;

/// Which end of HTTP this socket is for Traefik.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Neither its addresses nor its bytes have told yet.
    Unknown,
    /// Client to Traefik.
    Ingress,
    /// Traefik to a backend.
    Egress,
    /// hoptap's own requests to Traefik's API.
    Own,
}

/// A request of a client that is over.
#[derive(Debug)]
pub struct Over {
    pub message: Message,
    pub end: Time,
    pub error: Option<ErrorKind>,
}

/// One socket.
#[derive(Debug)]
pub struct Connection {
    pub id: ConnectionId,
    pub pid: Pid,
    pub local: SocketAddr,
    pub peer: SocketAddr,
    pub side: Side,
    pub origin: Origin,
    pub fd: i32,
    /// When it was dialled, or first used.
    pub opened: Time,
    pub established: bool,
    /// `net/http.(*Server).Serve` goroutine of an ingress connection.
    pub serve: Option<u64>,
    /// Requests that are over and of which it is not known yet which goroutine served them.
    pub unbound: VecDeque<Over>,
    /// Same, as the parent of the goroutine that reads ahead: right unless a request body was read to its end by
    /// another goroutine.
    pub hint: Option<u64>,
    /// Of a connection to a backend: the goroutine of fastProxy that reads it, or that dialled it.
    pub reader: Option<u64>,
    /// Client requests under way, as they were announced: they must be taken back in the same words.
    pub active: VecDeque<(Sequence, Option<Name>, Method)>,
    /// What the kernel side was told of payloads of DATA.
    pub data_wanted: Option<bool>,
    /// Offsets that the kernel side was told: received, sent.
    pub told: [u64; 2],
    /// `sk_err` when the network ended it.
    pub error: i32,
    pub peer_closed: bool,
    pub closed_here: bool,
    /// What was said of it carries TLS, and this is the session.
    pub tls: Option<Arc<Tls>>,
    /// It carried TLS, or tried to.
    pub sealed: bool,
    pub book: Book,
    /// It speaks HTTP/2.
    pub streams: Option<Box<Streams>>,
    requests: RequestDecoder,
    responses: ResponseDecoder,
    keep_headers: bool,
    received: u64,
    sent: u64,
    /// The next transfer of a direction says where in the stream it is.
    rebase: [bool; 2],
    early: Vec<u8>,
}

impl Connection {
    pub fn new(pid: Pid, open: &Open, side: Side, time: Time, keep_headers: bool, keep: Option<Keep>) -> Self {
        let found = open.origin == Origin::Found;
        let (mut requests, mut responses) = if found {
            (RequestDecoder::joined_midway(), ResponseDecoder::joined_midway())
        } else {
            (RequestDecoder::new(), ResponseDecoder::new())
        };
        if side == Side::Egress {
            // Traefik writes what net/http as a server would refuse.
            requests = requests.lenient();
        }
        requests.keep_headers(keep_headers);
        responses.keep_headers(keep_headers);
        Self {
            id: open.connection,
            pid,
            local: open.local,
            peer: open.peer,
            side,
            origin: open.origin,
            fd: open.fd,
            opened: time,
            established: open.origin != Origin::Dialled,
            serve: None,
            unbound: VecDeque::new(),
            hint: None,
            reader: None,
            active: VecDeque::new(),
            data_wanted: None,
            told: [0; 2],
            error: 0,
            peer_closed: false,
            closed_here: false,
            tls: None,
            sealed: false,
            book: Book::new(keep),
            streams: None,
            requests,
            responses,
            keep_headers,
            received: 0,
            sent: 0,
            rebase: [false; 2],
            early: Vec::new(),
        }
    }

    /// Decodes one transfer; the facts are in the book afterwards. `epoch`: losses so far.
    pub fn transfer(&mut self, time: Time, transfer: &Transfer<'_>, epoch: Epoch) {
        self.fd = transfer.fd;
        self.book.epoch = epoch;
        if transfer.plain && self.tls.is_none() {
            // The record of the session was lost.
            self.begin_tls(Tls::default());
        }
        if transfer.result > 0 && self.tls.is_some() != transfer.plain {
            return;
        }
        if self.side == Side::Unknown {
            self.side = side_of(transfer);
            if self.side == Side::Egress {
                self.requests = std::mem::take(&mut self.requests).lenient();
            }
        }
        if self.side == Side::Unknown || self.side == Side::Own {
            return;
        }
        let expected = match transfer.direction {
            Direction::Receive => &mut self.received,
            Direction::Send => &mut self.sent,
        };
        if let Some(rebase) = self.rebase.get_mut(usize::from(transfer.direction == Direction::Send))
            && transfer.result > 0
            && std::mem::take(rebase)
        {
            *expected = transfer.offset;
        }
        let missing = transfer.offset.saturating_sub(*expected);
        let moved = u64::try_from(transfer.result).unwrap_or(0);
        *expected = transfer.offset + moved;
        if transfer.frames.is_some() && self.streams.is_none() {
            self.streams = Some(self.new_streams(self.origin == Origin::Found));
        }
        if self.streams.is_some() {
            self.transfer_http2(time, transfer, missing, epoch);
            return;
        }
        if missing > 0 {
            let requests = self.carries_requests(transfer.direction);
            if requests {
                // They answer what was missed.
                self.early.clear();
            }
            if !requests && self.book.waits_for_first_byte(epoch) {
                self.resume_responses();
            } else {
                self.feed(time, transfer.direction, Input::Gap(missing));
            }
        }
        if transfer.result == 0 && transfer.direction == Direction::Receive {
            self.peer_closed = true;
            self.feed(time, Direction::Receive, Input::End);
            return;
        }
        if transfer.result < 0 {
            self.error = i32::try_from(-transfer.result).unwrap_or(0);
            return;
        }
        let seen = transfer.bytes.len() as u64;
        if seen > 0 {
            self.feed(time, transfer.direction, Input::Bytes(transfer.bytes));
        }
        if moved > seen {
            self.feed(time, transfer.direction, Input::Gap(moved - seen));
        }
    }

    fn new_streams(&self, midway: bool) -> Box<Streams> {
        let mut streams = Box::new(Streams::new(midway, self.keep_headers));
        streams.keep.clone_from(&self.book.keep);
        streams
    }

    /// What is kept from here on.
    pub fn keep(&mut self, headers: bool, bodies: Option<&Keep>) {
        self.keep_headers = headers;
        self.requests.keep_headers(headers);
        self.responses.keep_headers(headers);
        self.book.keep = bodies.cloned();
        if let Some(streams) = &mut self.streams {
            streams.keep = bodies.cloned();
            streams.keep_headers = headers;
        }
    }

    /// What of a message is not wanted by anybody is forgotten.
    pub fn forget_bodies(&mut self, sequence: Sequence) {
        let message = match &mut self.streams {
            Some(streams) => streams.get_mut(sequence),
            None => self.book.get_mut(sequence),
        };
        if let Some(bodies) = message.and_then(|message| message.bodies.as_mut()) {
            bodies.forget();
        }
    }

    fn transfer_http2(&mut self, time: Time, transfer: &Transfer<'_>, missing: u64, epoch: Epoch) {
        let requests = self.carries_requests(transfer.direction);
        let Some(streams) = &mut self.streams else { return };
        if missing > 0 {
            streams.lost(requests);
        }
        if transfer.result > 0 {
            streams.transfer(time, transfer, self.side, epoch, &mut self.book.facts);
        } else if transfer.result == 0 && transfer.direction == Direction::Receive {
            self.peer_closed = true;
        } else if transfer.result < 0 {
            self.error = i32::try_from(-transfer.result).unwrap_or(0);
        }
    }

    /// Takes a table of header compression. It may come before the first transfer that we see.
    pub fn table(&mut self, table: &Table<'_>) {
        let requests = match table.place {
            TablePlace::After => self.carries_requests(table.direction),
            TablePlace::AfterNext => true,
            TablePlace::Before => false,
        };
        if self.streams.is_none() && self.origin == Origin::Found {
            self.streams = Some(self.new_streams(true));
        }
        if let Some(streams) = &mut self.streams {
            streams.table(table, requests, &mut self.book.facts);
        }
    }

    /// Something that is over waits for what may become known of it.
    pub fn holds(&self) -> bool {
        self.streams.as_ref().is_some_and(|streams| streams.holds())
    }

    /// Nothing more is waited for that may tell more of streams that are over.
    pub fn release(&mut self) {
        if let Some(streams) = &mut self.streams {
            streams.release(&mut self.book.facts);
        }
    }

    /// The direction and number of the tables that are to be asked for.
    pub fn wanted_tables(&mut self) -> [Option<(Direction, u8)>; 2] {
        let Some(streams) = &mut self.streams else { return [None; 2] };
        let [requests, responses] = streams.wanted_tables();
        let (up, down) = match self.side {
            Side::Egress => (Direction::Send, Direction::Receive),
            _ => (Direction::Receive, Direction::Send),
        };
        [requests.map(|number| (up, number)), responses.map(|number| (down, number))]
    }

    /// It carries this session: what was taken for its bytes was none.
    pub fn begin_tls(&mut self, tls: Tls) {
        let known = self.tls.replace(Arc::new(tls));
        if known.is_some() {
            // Its first bytes may have overtaken what says which session they are of.
            return;
        }
        self.book.forget();
        self.rebase = [true; 2];
        self.early.clear();
        let midway = self.origin == Origin::Found;
        self.requests = if midway { RequestDecoder::joined_midway() } else { RequestDecoder::new() };
        self.responses = if midway { ResponseDecoder::joined_midway() } else { ResponseDecoder::new() };
        if self.side == Side::Egress {
            self.requests = std::mem::take(&mut self.requests).lenient();
        }
        self.requests.keep_headers(self.keep_headers);
        self.responses.keep_headers(self.keep_headers);
    }

    /// A message that is under way.
    pub fn message(&self, sequence: Sequence) -> Option<&Message> {
        match &self.streams {
            Some(streams) => streams.get(sequence),
            None => self.book.get(sequence),
        }
    }

    /// A message began earlier than with its first byte: with a dial.
    pub fn began_at(&mut self, sequence: Sequence, time: Time) {
        match &mut self.streams {
            None => self.book.began_at(sequence, time),
            Some(streams) => {
                if let Some(message) = streams.get_mut(sequence) {
                    message.start = message.start.min(time);
                }
            }
        }
    }

    /// Both ends, for a hop.
    pub fn ends(&self) -> Ends {
        Ends { local: self.local, peer: self.peer, tls: self.tls.clone() }
    }

    /// Client requests that were seen here as the kernel side counts them.
    pub fn counted(&self) -> u32 {
        self.book.heads + self.streams.as_ref().filter(|streams| streams.walked).map_or(0, |streams| streams.opened)
    }

    /// Of those that the kernel side counted, how many were not seen.
    pub fn missed(&mut self, counted: u32, at_end: bool) -> u32 {
        match &mut self.streams {
            Some(streams) if streams.walked => {
                let missed = counted.saturating_sub(streams.opened + self.book.heads);
                streams.opened += missed;
                missed
            }
            Some(_) => 0,
            None if at_end => self.book.missed_at_end(counted),
            None => self.book.missed(counted),
        }
    }

    /// It is this one of hoptap's own.
    pub fn is(&self, own: Own) -> bool {
        self.peer == own.from && self.local.port() == own.to
    }

    /// Responses went by unseen, and the requests that they answered are known and taken: the next response is that of
    /// the oldest request that is left.
    pub fn resume_responses(&mut self) {
        self.responses = ResponseDecoder::joined_midway();
        self.responses.keep_headers(self.keep_headers);
        for (_, message) in self.book.iter().filter(|(_, message)| !message.response_over) {
            if let Some(expect) = message.expects() {
                self.responses.expect(expect);
            }
        }
    }

    /// A response is under way that answers nothing that we know.
    pub fn answers_nothing(&self) -> bool {
        !self.responses.is_idle() && self.book.iter().all(|(_, message)| message.response.is_none())
    }

    /// The sender of one direction will send no more.
    pub fn end(&mut self, time: Time, direction: Direction) {
        if matches!(self.side, Side::Ingress | Side::Egress) && self.streams.is_none() {
            self.feed(time, direction, Input::End);
        }
    }

    /// Offset of the next byte of a direction.
    pub fn offset(&self, direction: Direction) -> u64 {
        match direction {
            Direction::Receive => self.received,
            Direction::Send => self.sent,
        }
    }

    /// Stream offset up to which the kernel side need not copy the bytes of a direction; 0 where it must.
    pub fn skippable_until(&self, direction: Direction) -> u64 {
        if self.streams.is_some() {
            return 0;
        }
        let carries_requests = self.carries_requests(direction);
        if self.book.wants(if carries_requests { Part::Request } else { Part::Response }) {
            return 0;
        }
        if let Some(skippable) = self.book.skippable_frames(usize::from(!carries_requests)) {
            return if skippable == 0 { 0 } else { self.offset(direction).saturating_add(skippable) };
        }
        let (offset, skippable) = match (direction, carries_requests) {
            (Direction::Receive, true) => (self.received, self.requests.skippable()),
            (Direction::Receive, false) => (self.received, self.responses.skippable()),
            (Direction::Send, true) => (self.sent, self.requests.skippable()),
            (Direction::Send, false) => (self.sent, self.responses.skippable()),
        };
        if skippable == 0 { 0 } else { offset.saturating_add(skippable) }
    }

    fn carries_requests(&self, direction: Direction) -> bool {
        (direction == Direction::Receive) == (self.side == Side::Ingress)
    }

    fn feed(&mut self, time: Time, direction: Direction, input: Input<'_>) {
        if self.carries_requests(direction) {
            let book = &mut self.book;
            let (mut http2, mut sealed) = (false, false);
            let consumed = self.requests.feed(input, &mut |output| {
                http2 |= matches!(output, Output::Http2);
                sealed |= matches!(output, Output::Sealed);
                book.request(time, output);
            });
            self.sealed |= sealed;
            if http2 {
                self.speaks_http2(time, direction, input, consumed);
                return;
            }
            while let Some(expect) = self.book.next_expected() {
                self.responses.expect(expect);
            }
            if !self.early.is_empty() && self.book.waits_for_response() {
                let early = std::mem::take(&mut self.early);
                self.responses_fed(time, Input::Bytes(&early));
            }
        } else if self.overtakes(&input) {
            if let Input::Bytes(bytes) = input {
                self.early.extend_from_slice(bytes);
            }
        } else {
            self.responses_fed(time, input);
        }
    }

    /// What is left of an input behind the preface is the first of the frames; the kernel side did not see that.
    fn speaks_http2(&mut self, time: Time, direction: Direction, input: Input<'_>, consumed: usize) {
        let mut streams = self.new_streams(false);
        if let Input::Bytes(bytes) = input {
            let rest = http2::Input::Bytes(bytes.get(consumed..).unwrap_or_default());
            streams.feed(time, direction, self.side, rest, &mut self.book.facts);
        }
        self.streams = Some(streams);
    }

    fn responses_fed(&mut self, time: Time, input: Input<'_>) {
        let book = &mut self.book;
        self.responses.feed(input, &mut |output| book.response(time, output));
        if book.take_tunnel() {
            self.requests.tunnel();
        }
    }

    /// Bytes of a response for which the request has not been seen, on a connection whose requests we do see.
    fn overtakes(&self, input: &Input<'_>) -> bool {
        let Input::Bytes(bytes) = input else { return false };
        self.side == Side::Egress
            && self.origin == Origin::Dialled
            && !self.book.waits_for_response()
            && self.early.len() + bytes.len() <= EARLY_LIMIT
            && (bytes.starts_with(b"HTTP/1.") || !self.early.is_empty())
    }
}

/// What the bytes of a transfer say about a socket of unknown side.
fn side_of(transfer: &Transfer<'_>) -> Side {
    match transfer.goroutine.role {
        Role::Http2Read | Role::Http2Write => return Side::Ingress,
        Role::Http2Stream | Role::Http2ClientRead => return Side::Egress,
        _ => {}
    }
    let response = transfer.bytes.starts_with(b"HTTP/1.");
    let request = transfer.bytes.split(|byte| *byte == b'\n').next().is_some_and(|line| {
        line.trim_ascii_end().ends_with(b"HTTP/1.1") || line.trim_ascii_end().ends_with(b"HTTP/1.0")
    });
    match (transfer.direction, request, response) {
        (Direction::Receive, true, _) | (Direction::Send, _, true) => Side::Ingress,
        (Direction::Send, true, _) | (Direction::Receive, _, true) => Side::Egress,
        _ => Side::Unknown,
    }
}

/// The goroutine that serves a connection, if this one is it.
pub fn serves(goroutine: &Goroutine) -> Option<u64> {
    match goroutine.role {
        Role::Serve => Some(goroutine.id).filter(|id| *id != 0),
        Role::Http2Read | Role::Http2Write => Some(goroutine.parent).filter(|id| *id != 0),
        _ => None,
    }
}
