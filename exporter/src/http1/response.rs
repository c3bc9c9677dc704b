//! The responses of one connection, decoded as net/http's client and fastProxy read them: more forgiving than
//! the server is with requests.

use std::collections::VecDeque;

use super::body::{Body, Step};
use super::chunked::Chunked;
use super::head::{Framing, ResponseHead};
use super::kept::Kept;
use super::response_head::{Progress, Scan};
use super::{HEAD_LIMIT, Input, Loss, Output, plausible};

/// Requests that may wait for their responses: Traefik reads no further request before it answered one, so that more
/// than fit its read buffer are never there.
const EXPECTED_LIMIT: usize = 1024;

/// What of a request its response depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expect {
    pub head: bool,
    pub connect: bool,
}

/// Decodes one direction of one connection: the one that carries responses.
#[derive(Debug, Default)]
pub struct ResponseDecoder {
    state: State,
    /// A head or trailer of which the end has not come yet.
    kept: Kept,
    scan: Scan,
    keep_headers: bool,
    expected: VecDeque<Expect>,
}

#[derive(Debug, Default)]
enum State {
    /// Between responses.
    #[default]
    Idle,
    Head,
    Body {
        body: Body,
        close: bool,
    },
    /// Nothing that follows is read.
    Closed,
    /// `answered`: by a response of this direction, which ends with the tunnel.
    Tunnel {
        answered: bool,
    },
    Lost,
}

impl ResponseDecoder {
    /// A decoder at the first byte of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder for a connection of which the start was not seen: skips up to a piece that starts with a response.
    pub fn joined_midway() -> Self {
        Self { state: State::Lost, ..Self::default() }
    }

    /// Heads carry their header lines from here on, or no longer do. Off at first.
    pub fn keep_headers(&mut self, keep: bool) {
        self.keep_headers = keep;
    }

    /// A request was sent: a final response answers the first one that still waits. A response that nothing waits
    /// for decodes as the answer to a GET. A loss forgets all that wait: how many were answered is not known.
    pub fn expect(&mut self, expect: Expect) {
        if self.expected.len() < EXPECTED_LIMIT {
            self.expected.push_back(expect);
        }
    }

    /// All that follows is a tunnel. A message that was under way ends unsaid.
    pub fn tunnel(&mut self) {
        self.state = State::Tunnel { answered: false };
        self.kept.clear();
    }

    /// How many of the next bytes may come as a gap without loss.
    pub fn skippable(&self) -> u64 {
        match &self.state {
            State::Body { body, .. } => body.skippable(),
            State::Tunnel { .. } | State::Closed => u64::MAX,
            State::Idle | State::Head | State::Lost => 0,
        }
    }

    /// Between responses, as far as is known.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Bytes held in memory for a message that is not complete.
    pub fn buffered(&self) -> usize {
        self.kept.capacity()
    }

    /// Takes what came next. Returns how many bytes of it were consumed: always all.
    pub fn feed<'a>(&mut self, input: Input<'a>, out: &mut impl FnMut(Output<'a>)) -> usize {
        match input {
            Input::Bytes(piece) => self.bytes(piece, out),
            Input::Gap(length) => {
                self.gap(length, out);
                0
            }
            Input::End => {
                self.end(out);
                0
            }
        }
    }

    fn bytes<'a>(&mut self, piece: &'a [u8], out: &mut impl FnMut(Output<'a>)) -> usize {
        if matches!(self.state, State::Lost) && plausible::response(piece) {
            self.idle();
        }
        let mut read = 0;
        while let Some(rest) = piece.get(read..).filter(|rest| !rest.is_empty()) {
            read += match &mut self.state {
                // fasthttp skips empty lines before a response.
                State::Idle if matches!(rest.first(), Some(b'\r' | b'\n')) => 1,
                State::Idle => {
                    out(Output::Begin);
                    self.scan = Scan::default();
                    self.state = State::Head;
                    0
                }
                State::Head => self.head(rest, out),
                State::Body { body, close } => {
                    let close = *close;
                    let (taken, step) = body.feed(rest, &mut self.kept, out);
                    self.stepped(step, close, out);
                    taken
                }
                State::Tunnel { .. } => {
                    out(Output::Tunnel { bytes: rest.len() as u64, data: rest });
                    rest.len()
                }
                State::Closed | State::Lost => rest.len(),
            };
        }
        read
    }

    fn head<'a>(&mut self, rest: &'a [u8], out: &mut impl FnMut(Output<'a>)) -> usize {
        let before = self.kept.len();
        // One byte past the limit is enough to know that it is passed.
        let taken = rest.len().min((HEAD_LIMIT + 1).saturating_sub(before));
        let bytes = rest.get(..taken).unwrap_or(rest);
        let head = self.kept.join(bytes);
        match self.scan.advance(head) {
            Progress::More => {
                self.kept.hold(before, bytes);
                taken
            }
            Progress::Lost(loss) => {
                self.lose(loss, out);
                rest.len()
            }
            Progress::Complete { length, interim: Some(status) } => {
                self.idle();
                out(Output::Interim(status));
                length - before
            }
            Progress::Complete { length, .. } => {
                let expect = self.expected.pop_front().unwrap_or_default();
                if let Some(head) = self.scan.head(head, length, self.keep_headers, expect) {
                    self.kept.clear();
                    self.follow(head, out);
                }
                length - before
            }
        }
    }

    fn follow<'a>(&mut self, head: ResponseHead, out: &mut impl FnMut(Output<'a>)) {
        let close = head.close;
        let body = match head.framing {
            Framing::None => None,
            Framing::Length(length) => Some(Body::Length(length)),
            Framing::Chunked => Some(Body::Chunked(Chunked::default())),
            Framing::UntilEnd => Some(Body::UntilEnd),
            Framing::Tunnel => {
                self.state = State::Tunnel { answered: true };
                return out(Output::Response(head));
            }
        };
        out(Output::Response(head));
        match body {
            Some(body) => self.state = State::Body { body, close },
            None => self.stepped(Step::Done, close, out),
        }
    }

    fn stepped<'a>(&mut self, step: Step, close: bool, out: &mut impl FnMut(Output<'a>)) {
        if step == Step::More {
            return;
        }
        self.kept.clear();
        match step {
            // The reader closes the connection; if the bytes were ours to blame, the next head puts things right.
            Step::Broken => self.forget(),
            _ if close => self.state = State::Closed,
            _ => self.idle(),
        }
        out(Output::End { incomplete: step == Step::Broken });
    }

    fn gap<'a>(&mut self, length: u64, out: &mut impl FnMut(Output<'a>)) {
        let mut left = length;
        while left > 0 {
            let loss = match &mut self.state {
                State::Idle | State::Head => Loss::Head,
                State::Body { body, close } => {
                    let close = *close;
                    match body.gap(left, out) {
                        Some((taken, step)) => {
                            self.stepped(step, close, out);
                            left -= taken;
                            continue;
                        }
                        None => Loss::Chunk,
                    }
                }
                State::Tunnel { .. } => return out(Output::Tunnel { bytes: left, data: &[] }),
                State::Closed | State::Lost => return,
            };
            return self.lose(loss, out);
        }
    }

    fn end<'a>(&mut self, out: &mut impl FnMut(Output<'a>)) {
        let state = std::mem::replace(&mut self.state, State::Closed);
        self.kept.clear();
        let incomplete = match state {
            State::Head => true,
            State::Body { body, .. } => !matches!(body, Body::UntilEnd),
            State::Tunnel { answered: true } => false,
            State::Idle | State::Closed | State::Tunnel { answered: false } | State::Lost => return,
        };
        out(Output::End { incomplete });
    }

    fn lose<'a>(&mut self, loss: Loss, out: &mut impl FnMut(Output<'a>)) {
        self.forget();
        out(Output::Lost(loss));
    }

    fn forget(&mut self) {
        self.state = State::Lost;
        self.kept.clear();
        self.expected.clear();
    }

    fn idle(&mut self) {
        self.kept.clear();
        self.state = State::Idle;
    }
}
