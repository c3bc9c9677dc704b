//! The requests of one connection, decoded as net/http's server reads them, refusals included.

use super::body::{Body, Step};
use super::chunked::Chunked;
use super::fields::is_token;
use super::kept::Kept;
use super::proxy::{self, Prefix};
use super::request_head::{PREFACE, Progress, Scan};
use super::{HEAD_LIMIT, Input, Loss, Output, RequestHead, plausible};
use crate::exchange::Method;

/// Line ends after a POST that net/http forgives: `numLeadingCRorLF` of the next four bytes.
const FORGIVEN: u8 = 4;

/// Type of the record that a TLS client begins with (RFC 8446, 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// Decodes one direction of one connection: the one that carries requests.
#[derive(Debug)]
pub struct RequestDecoder {
    state: State,
    /// A head, PROXY header or trailer of which the end has not come yet.
    kept: Kept,
    scan: Scan,
    keep_headers: bool,
    lenient: bool,
    /// Line ends that may stand before the next request.
    forgiven: u8,
    /// No request came so far.
    first: bool,
}

#[derive(Debug)]
enum State {
    /// Start of the connection: a PROXY header may come.
    Prefix,
    /// Between requests.
    Idle,
    Head,
    Body {
        body: Body,
        next: Next,
    },
    /// Nothing that follows is served.
    Closed,
    Tunnel,
    Http2,
    Lost,
}

/// What follows a request.
#[derive(Debug, Clone, Copy)]
struct Next {
    close: bool,
    forgiven: u8,
}

impl Default for RequestDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl RequestDecoder {
    /// A decoder at the first byte of a connection.
    pub fn new() -> Self {
        Self {
            state: State::Prefix,
            kept: Kept::default(),
            scan: Scan::default(),
            keep_headers: false,
            lenient: false,
            forgiven: 0,
            first: true,
        }
    }

    /// A decoder for a connection of which the start was not seen: skips up to a piece that starts with a request.
    pub fn joined_midway() -> Self {
        Self { state: State::Lost, first: false, ..Self::new() }
    }

    /// For the requests that Traefik writes itself. net/http on its other side refused what it had to; what came by
    /// HTTP/2 (`expect: x`) or out of fastProxy may still be more than a server would take, and one such request must
    /// not cost the rest of a pooled connection: what cannot be read is lost, nothing is refused.
    pub fn lenient(mut self) -> Self {
        self.lenient = true;
        self.first = false;
        if matches!(self.state, State::Prefix) {
            self.state = State::Idle;
        }
        self
    }

    /// Heads carry their header lines from here on, or no longer do. Off at first.
    pub fn keep_headers(&mut self, keep: bool) {
        self.keep_headers = keep;
    }

    /// The response switched protocols: all that follows is a tunnel. A message that was under way ends unsaid.
    pub fn tunnel(&mut self) {
        self.state = State::Tunnel;
        self.kept.clear();
    }

    /// How many of the next bytes may come as a gap without loss.
    pub fn skippable(&self) -> u64 {
        match &self.state {
            State::Body { body, .. } => body.skippable(),
            State::Tunnel | State::Closed => u64::MAX,
            State::Prefix | State::Idle | State::Head | State::Http2 | State::Lost => 0,
        }
    }

    /// Bytes held in memory for a message that is not complete.
    pub fn buffered(&self) -> usize {
        self.kept.capacity()
    }

    /// Takes what came next. Returns how many bytes of it were consumed: all, unless [`Output::Http2`] was said.
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
        if matches!(self.state, State::Lost) && !self.found(piece, out) {
            return piece.len();
        }
        let mut read = 0;
        while let Some(rest) = piece.get(read..).filter(|rest| !rest.is_empty()) {
            read += match &mut self.state {
                State::Prefix => self.prefix(rest, out),
                State::Idle => self.begin(rest, out),
                State::Head => self.head(rest, out),
                State::Body { body, next } => {
                    let next = *next;
                    let (taken, step) = body.feed(rest, &mut self.kept, out);
                    self.stepped(step, next, out);
                    taken
                }
                State::Tunnel => {
                    out(Output::Tunnel { bytes: rest.len() as u64, data: rest });
                    rest.len()
                }
                State::Closed | State::Lost => rest.len(),
                State::Http2 => break,
            };
        }
        read
    }

    /// Whether a request starts with this piece, or did with those that are kept.
    fn found<'a>(&mut self, piece: &'a [u8], out: &mut impl FnMut(Output<'a>)) -> bool {
        let before = self.kept.len();
        let bytes = self.kept.join(piece);
        let (is_request, may_become) = (plausible::request(bytes), plausible::request_start(bytes));
        // What is left of a method whose start was lost is no method that anybody uses.
        if is_request && before > 0 && plausible::usual(bytes) {
            self.kept.truncate(before);
            out(Output::Begin);
            self.start();
        } else if plausible::request(piece) {
            // What was kept was the end of something else.
            self.idle(0);
        } else if may_become {
            self.kept.hold(before, piece);
            return false;
        } else {
            self.kept.clear();
            if plausible::request_start(piece) {
                self.kept.push(piece);
            }
            return false;
        }
        true
    }

    fn prefix<'a>(&mut self, rest: &'a [u8], out: &mut impl FnMut(Output<'a>)) -> usize {
        let before = self.kept.len();
        match proxy::prefix(self.kept.join(rest)) {
            Prefix::More => {
                self.kept.hold(before, rest);
                rest.len()
            }
            Prefix::None => {
                // What was kept is less than a signature and the start of the first request.
                self.kept.truncate(before);
                match before {
                    0 => self.idle(0),
                    _ => {
                        out(Output::Begin);
                        self.start();
                    }
                }
                0
            }
            Prefix::Malformed => {
                out(Output::Begin);
                self.refuse(400, out);
                rest.len()
            }
            Prefix::Header { length, source } => {
                out(Output::ProxyHeader(source));
                self.idle(0);
                length - before
            }
        }
    }

    fn begin<'a>(&mut self, rest: &'a [u8], out: &mut impl FnMut(Output<'a>)) -> usize {
        let Some(first) = rest.first() else { return 0 };
        if self.forgiven > 0 && matches!(first, b'\r' | b'\n') {
            self.forgiven -= 1;
            return 1;
        }
        // By its first byte Traefik tells TLS (pkg/server/router/tcp/router.go, `clientHelloInfo`).
        if self.first && *first == TLS_HANDSHAKE {
            self.state = State::Closed;
            out(Output::Sealed);
            return rest.len();
        }
        out(Output::Begin);
        // No line that starts so can be a request line.
        if !is_token(*first) {
            self.refuse(400, out);
            return rest.len();
        }
        self.start();
        0
    }

    fn start(&mut self) {
        self.first = false;
        self.scan = Scan::new(self.lenient);
        self.state = State::Head;
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
            Progress::Refused(status) => {
                self.refuse(status, out);
                rest.len()
            }
            Progress::Http2 => {
                self.state = State::Http2;
                self.kept.clear();
                out(Output::Http2);
                PREFACE.len() - before
            }
            Progress::Complete(length) => {
                let unknown = self.scan.expects_unknown(head);
                if let Some(head) = self.scan.head(head, length, self.keep_headers) {
                    self.kept.clear();
                    self.follow(head, unknown, out);
                }
                length - before
            }
        }
    }

    fn follow<'a>(&mut self, head: RequestHead, unknown: bool, out: &mut impl FnMut(Output<'a>)) {
        let next = Next {
            close: head.close,
            forgiven: match head.method {
                Method::Post => FORGIVEN,
                _ => 0,
            },
        };
        let body = match head.content_length {
            _ if head.chunked => Some(Body::Chunked(Chunked::default())),
            Some(0) | None => None,
            Some(length) => Some(Body::Length(length)),
        };
        out(Output::Request(head));
        match body {
            _ if unknown => self.refuse(417, out),
            Some(body) => self.state = State::Body { body, next },
            None => self.stepped(Step::Done, next, out),
        }
    }

    fn stepped<'a>(&mut self, step: Step, next: Next, out: &mut impl FnMut(Output<'a>)) {
        if step == Step::More {
            return;
        }
        self.kept.clear();
        match step {
            Step::Broken if self.lenient => self.state = State::Lost,
            Step::Broken => self.state = State::Closed,
            _ if next.close => self.state = State::Closed,
            _ => self.idle(next.forgiven),
        }
        out(Output::End { incomplete: step == Step::Broken });
    }

    fn gap<'a>(&mut self, length: u64, out: &mut impl FnMut(Output<'a>)) {
        let mut left = length;
        while left > 0 {
            let loss = match &mut self.state {
                State::Prefix | State::Idle | State::Head => Loss::Head,
                State::Body { body, next } => {
                    let next = *next;
                    match body.gap(left, out) {
                        Some((taken, step)) => {
                            self.stepped(step, next, out);
                            left -= taken;
                            continue;
                        }
                        None => Loss::Chunk,
                    }
                }
                State::Tunnel => return out(Output::Tunnel { bytes: left, data: &[] }),
                State::Lost => return self.kept.clear(),
                State::Closed | State::Http2 => return,
            };
            return self.lose(loss, out);
        }
    }

    fn end<'a>(&mut self, out: &mut impl FnMut(Output<'a>)) {
        let state = std::mem::replace(&mut self.state, State::Closed);
        let cut = match state {
            State::Prefix if !self.kept.is_empty() => {
                out(Output::Begin);
                true
            }
            State::Head | State::Body { .. } => true,
            State::Prefix | State::Idle | State::Closed | State::Tunnel | State::Http2 | State::Lost => false,
        };
        self.kept.clear();
        if cut {
            out(Output::End { incomplete: true });
        }
    }

    fn lose<'a>(&mut self, loss: Loss, out: &mut impl FnMut(Output<'a>)) {
        self.state = State::Lost;
        self.kept.clear();
        out(Output::Lost(loss));
    }

    fn refuse<'a>(&mut self, status: u16, out: &mut impl FnMut(Output<'a>)) {
        match status {
            431 if self.lenient => return self.lose(Loss::HeadTooLong, out),
            _ if self.lenient => return self.lose(Loss::NoMessage, out),
            _ => {}
        }
        self.state = State::Closed;
        self.kept.clear();
        out(Output::Refused(status));
    }

    fn idle(&mut self, forgiven: u8) {
        self.kept.clear();
        self.state = State::Idle;
        self.forgiven = forgiven;
    }
}
