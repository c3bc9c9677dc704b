//! Which request of a connection is being read, which response written, and what happened to them.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::bodies::{Keep, Part};
use super::message::{Call, Epoch, Message};
use crate::event::Time;
use crate::http1::{Expect, Loss, Output, RequestHead};

/// Requests of one connection, in order of their first byte.
pub type Sequence = u64;

/// Requests that may wait on one connection: a client that pipelines more is read on, but not kept.
const WAITING_LIMIT: usize = 1024;

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Fact {
    /// The first byte of a request.
    Begun(Sequence),
    /// Its head was read.
    Head(Sequence),
    /// Its response is complete; the message can be taken.
    Answered(Sequence),
    /// The response of a request that was never seen began: it was sent before we looked, or lost.
    Orphan,
    /// It cannot be known which requests went by.
    RequestsLost(Loss),
    /// It cannot be known which responses went by.
    ResponsesLost(Loss),
    /// Its HTTP/2 stream was reset before its response was complete; the message can be taken.
    Reset(Sequence),
    /// Much is kept of its bodies: is it still wanted?
    Large(Sequence),
}

/// The messages of a connection.
#[derive(Debug, Default)]
pub struct Book {
    /// Oldest first; the front's sequence is `first`.
    messages: VecDeque<Message>,
    first: Sequence,
    /// The one that the request decoder reads.
    reading: Option<Sequence>,
    /// Heads seen whose response decoder was not told yet.
    expected: VecDeque<Expect>,
    /// The response that is under way answers nothing that we know.
    orphan: bool,
    tunnel: bool,
    /// A response head has begun and is not complete.
    in_head: bool,
    /// Final response heads that were read, those that answer nothing included.
    pub heads: u32,
    pub facts: Vec<Fact>,
    /// Losses so far.
    pub epoch: Epoch,
    pub announced: Option<SocketAddr>,
    /// What is kept of bodies; None: nothing.
    pub keep: Option<Keep>,
}

impl Book {
    pub fn new(keep: Option<Keep>) -> Self {
        Self { keep, ..Self::default() }
    }

    pub fn get(&self, sequence: Sequence) -> Option<&Message> {
        let index = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        self.messages.get(index)
    }

    pub fn get_mut(&mut self, sequence: Sequence) -> Option<&mut Message> {
        nth(&mut self.messages, self.first, sequence)
    }

    /// More is to be kept of the body that is under way: of requests, or of responses.
    pub fn wants(&self, part: Part) -> bool {
        let message = match part {
            Part::Request => self.reading.and_then(|sequence| self.get(sequence)),
            Part::Response => self.messages.iter().find(|message| !message.response_over),
        };
        self.keep.is_some() && message.is_some_and(|message| message.wants(part))
    }

    /// Removes the oldest message.
    pub fn take(&mut self) -> Option<(Sequence, Message)> {
        let message = self.messages.pop_front()?;
        let sequence = self.first;
        self.first += 1;
        if let Some(next) = self.messages.front_mut()
            && next.start < message.last
        {
            next.start = message.last;
            if message.in_doubt(self.epoch) {
                // So is when it ended, and with that when this one began.
                next.epoch = message.epoch;
            }
        }
        Some((sequence, message))
    }

    /// A message began earlier than with its first byte: with a dial.
    pub fn began_at(&mut self, sequence: Sequence, time: Time) {
        if let Some(message) = self.get_mut(sequence) {
            message.start = message.start.min(time);
        }
    }

    pub fn oldest(&self) -> Option<(Sequence, &Message)> {
        self.messages.front().map(|message| (self.first, message))
    }

    pub fn iter(&self) -> impl Iterator<Item = (Sequence, &Message)> {
        (self.first..).zip(&self.messages)
    }

    /// Removes the oldest message if its response did not begin.
    pub fn take_unanswered(&mut self) -> Option<(Sequence, Message)> {
        self.messages.front().filter(|message| message.response.is_none())?;
        self.take()
    }

    /// The request that is answered next came after the last loss: what was missed of responses belongs to others.
    pub fn waits_for_first_byte(&self, epoch: Epoch) -> bool {
        let next = self.messages.iter().find(|message| !message.response_over);
        next.is_some_and(|message| message.epoch == epoch && message.response.is_none())
    }

    /// Some request has no complete response.
    pub fn waits_for_response(&self) -> bool {
        self.messages.iter().any(|message| !message.response_over)
    }

    pub fn next_expected(&mut self) -> Option<Expect> {
        self.expected.pop_front()
    }

    /// Final responses that the kernel counted and that were not read: 0 while a head is being read.
    pub fn missed(&mut self, counted: u32) -> u32 {
        if self.in_head {
            return 0;
        }
        self.missed_at_end(counted)
    }

    /// The same when nothing more comes: a head that is not complete now was not read.
    pub fn missed_at_end(&mut self, counted: u32) -> u32 {
        let missed = counted.saturating_sub(self.heads);
        self.heads += missed;
        missed
    }

    /// The response switched protocols: the request side is a tunnel from here on. Says so once.
    pub fn take_tunnel(&mut self) -> bool {
        std::mem::take(&mut self.tunnel)
    }

    /// The request decoder said something.
    pub fn request(&mut self, time: Time, output: Output<'_>) {
        match output {
            Output::Begin => {
                if self.messages.len() >= WAITING_LIMIT {
                    self.reading = None;
                    return;
                }
                let sequence = self.first + self.messages.len() as u64;
                self.messages.push_back(Message::new(time, self.epoch));
                self.reading = Some(sequence);
                self.facts.push(Fact::Begun(sequence));
            }
            Output::ProxyHeader(source) => self.announced = source,
            Output::Request(head) => self.head(time, head),
            Output::Body { size, wire, data } => {
                let Some(sequence) = self.reading else { return };
                let (first, keep) = (self.first, self.keep.as_ref());
                if let Some(message) = nth(&mut self.messages, first, sequence) {
                    message.request_body.size += size;
                    message.request_body.wire += wire;
                    if let Some(call) = &mut message.call {
                        call.requests.feed(size, data);
                    }
                    if keep.is_some_and(|keep| message.keep(Part::Request, size, data, keep)) {
                        self.facts.push(Fact::Large(sequence));
                    }
                }
            }
            Output::End { incomplete } => {
                if let Some(message) = self.reading_mut() {
                    message.request_over = true;
                    message.request_body.incomplete = incomplete;
                }
                self.reading = None;
            }
            Output::Refused(status) => {
                if let Some(message) = self.reading_mut() {
                    message.refused = Some(status);
                    message.request_over = true;
                    if message.request.is_none() {
                        self.expected.push_back(Expect::default());
                    }
                }
                self.reading = None;
            }
            Output::Tunnel { bytes, data } => self.tunnelled(0, bytes, data),
            Output::Http2 => {
                self.messages.pop_back();
                self.facts.retain(|fact| !matches!(fact, Fact::Begun(_)));
                self.reading = None;
            }
            Output::Sealed => {}
            Output::Lost(loss) => {
                // A head that was never read whole is nobody's request; a body may still get its answer.
                if self.reading_mut().is_some_and(|message| message.request.is_none()) {
                    self.messages.pop_back();
                } else if let Some(message) = self.reading_mut() {
                    message.request_over = true;
                    message.request_body.incomplete = true;
                }
                self.reading = None;
                self.facts.push(Fact::RequestsLost(loss));
            }
            Output::Trailers(_) | Output::Interim(_) | Output::Response(_) => {}
        }
    }

    /// Traefik serves a request from its whole head on, and one after the other: what a slow client or its own
    /// pipelining adds before that is not Traefik's time.
    fn head(&mut self, time: Time, head: RequestHead) {
        let Some(sequence) = self.reading else { return };
        if let Some(message) = self.get_mut(sequence) {
            message.start = time;
            message.call = head.rpc.map(|kind| Box::new(Call::new(kind)));
            message.request = Some(head);
            let expect = message.expects().unwrap_or_default();
            self.expected.push_back(expect);
            self.facts.push(Fact::Head(sequence));
        }
    }

    /// The response decoder said something.
    pub fn response(&mut self, time: Time, output: Output<'_>) {
        match output {
            Output::Begin => {
                self.orphan = self.answered().is_none();
                self.in_head = true;
            }
            Output::Interim(_) => {
                self.orphan = false;
                self.in_head = false;
            }
            Output::Response(head) => {
                self.in_head = false;
                self.heads += 1;
                if self.orphan {
                    self.facts.push(Fact::Orphan);
                    return;
                }
                let tunnel = head.framing == crate::http1::Framing::Tunnel;
                let websocket = head.upgrade.as_ref().is_some_and(|it| it.eq_ignore_ascii_case("websocket"));
                let epoch = self.epoch;
                if let Some(message) = self.answered() {
                    message.answered = Some(epoch);
                    message.first_byte.get_or_insert(time);
                    message.last = time;
                    message.response = Some(head);
                    if tunnel {
                        message.tunnel = Some([0; 2]);
                        message.websocket = websocket.then(Box::default);
                        message.request_over = true;
                    }
                }
                if tunnel {
                    self.tunnel = true;
                    self.reading = None;
                }
            }
            Output::Body { size, wire, data } if !self.orphan => {
                let keep = self.keep.as_ref();
                let answered = (self.first..).zip(&mut self.messages).find(|(_, message)| !message.response_over);
                if let Some((sequence, message)) = answered {
                    message.response_body.size += size;
                    message.response_body.wire += wire;
                    if let Some(call) = &mut message.call {
                        call.responses.feed(size, data);
                    }
                    message.last = time;
                    if keep.is_some_and(|keep| message.keep(Part::Response, size, data, keep)) {
                        self.facts.push(Fact::Large(sequence));
                    }
                }
            }
            Output::End { incomplete } => {
                if std::mem::take(&mut self.orphan) {
                    return;
                }
                let Some(index) = self.messages.iter().position(|message| !message.response_over) else { return };
                let sequence = self.first + index as u64;
                if let Some(message) = self.get_mut(sequence) {
                    message.response_body.incomplete = incomplete;
                    if message.response.is_none() {
                        return;
                    }
                    message.response_over = true;
                    message.last = time;
                    self.facts.push(Fact::Answered(sequence));
                }
            }
            Output::Tunnel { bytes, data } => self.tunnelled(1, bytes, data),
            Output::Lost(loss) => {
                self.orphan = false;
                self.in_head = false;
                self.facts.push(Fact::ResponsesLost(loss));
            }
            _ => {}
        }
    }

    /// Bytes to the server (0) or to the client (1) of a tunnel.
    fn tunnelled(&mut self, direction: usize, bytes: u64, data: &[u8]) {
        let Some(message) = self.messages.iter_mut().find(|message| message.tunnel.is_some()) else { return };
        if let Some(count) = message.tunnel.as_mut().and_then(|counts| counts.get_mut(direction)) {
            *count += bytes;
        }
        if let Some(frames) = message.websocket.as_mut().and_then(|both| both.get_mut(direction)) {
            frames.feed(bytes, data);
        }
    }

    /// Of a WebSocket session, how many of the next bytes to the server (0) or to the client (1) need not be seen.
    pub fn skippable_frames(&self, direction: usize) -> Option<u64> {
        let frames = self.messages.iter().find_map(|message| message.websocket.as_ref())?;
        frames.get(direction).map(crate::websocket::Frames::skippable)
    }

    /// What was taken for messages was none: it was encrypted.
    pub fn forget(&mut self) {
        self.first += self.messages.len() as u64;
        self.messages.clear();
        self.facts.clear();
        self.expected.clear();
        (self.reading, self.orphan, self.tunnel, self.in_head) = (None, false, false, false);
    }

    fn reading_mut(&mut self) -> Option<&mut Message> {
        self.reading.and_then(|sequence| self.get_mut(sequence))
    }

    fn answered(&mut self) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| !message.response_over)
    }
}

fn nth(messages: &mut VecDeque<Message>, first: Sequence, sequence: Sequence) -> Option<&mut Message> {
    messages.get_mut(usize::try_from(sequence.checked_sub(first)?).ok()?)
}
