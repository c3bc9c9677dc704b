//! Reads a request head as it arrives, and says what net/http refuses in it.

use super::HEAD_LIMIT;
use super::fields::{Coding, Expectation, Fields, Length, is_token, value};
use super::head::{RequestHead, closes, protocol, version};
use super::lines::{Line, Lines, Span};
use super::target::{self, Target};
use crate::exchange::{Headers, Method};
use crate::lossy::lossy;
use crate::rpc::Kind;

/// What a client sends first if it speaks HTTP/2 without TLS.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What was read of a head so far.
#[derive(Debug, Default)]
pub(super) struct Scan {
    lenient: bool,
    lines: Lines,
    request: Option<RequestLine>,
    fields: Fields,
}

/// How far a head came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    /// The head is so many bytes long.
    Complete(usize),
    /// net/http answers with this status, whatever else comes.
    Refused(u16),
    Http2,
}

impl Scan {
    /// `lenient`: only what cannot be read at all is refused.
    pub(super) fn new(lenient: bool) -> Self {
        Self { lenient, ..Self::default() }
    }

    /// Reads on in `head`, which starts where it did at the calls before.
    pub(super) fn advance(&mut self, head: &[u8]) -> Progress {
        if head.starts_with(PREFACE) {
            return Progress::Http2;
        }
        if PREFACE.starts_with(head) {
            return Progress::More;
        }
        loop {
            match self.lines.next(head) {
                Line::Missing if head.len() > HEAD_LIMIT => return Progress::Refused(431),
                Line::Missing => return Progress::More,
                Line::First(line) => match RequestLine::parse(head, line, self.lenient) {
                    Some(request) => self.request = Some(request),
                    None => return Progress::Refused(400),
                },
                Line::Field(line) => {
                    self.fields.take(head, line);
                    if self.fields.broken && !self.lenient {
                        return Progress::Refused(400);
                    }
                }
                Line::Empty(length) if length > HEAD_LIMIT => return Progress::Refused(431),
                Line::Empty(length) => {
                    let refusal = match &self.request {
                        Some(_) if self.lenient => None,
                        Some(request) => request.refusal(head, &self.fields),
                        None => Some(400),
                    };
                    return refusal.map_or(Progress::Complete(length), Progress::Refused);
                }
            }
        }
    }

    /// The complete head, which is `length` bytes long.
    pub(super) fn head(&self, head: &[u8], length: usize, keep_headers: bool) -> Option<RequestHead> {
        let block = keep_headers.then(|| self.lines.block(head, length));
        let request = self.request.as_ref()?;
        Some(request.head(head, &self.fields, block))
    }

    /// The request expects what net/http does not know: it answers 417, with no look at the body.
    pub(super) fn expects_unknown(&self, head: &[u8]) -> bool {
        !self.lenient && self.fields.expectation(head) == Expectation::Unknown
    }
}

/// The first line of a request.
#[derive(Debug)]
struct RequestLine {
    method: Span,
    target: Target,
    /// Digits of the version.
    major: u8,
    minor: u8,
}

impl RequestLine {
    /// None where net/http answers 400 without a look at the rest.
    fn parse(head: &[u8], line: Span, lenient: bool) -> Option<Self> {
        let raw = line.of(head);
        let method_end = memchr::memchr(b' ', raw)?;
        let rest = raw.get(method_end + 1..)?;
        let target_end = method_end + 1 + memchr::memchr(b' ', rest)?;
        let method = raw.get(..method_end)?;
        let (major, minor) = version(raw.get(target_end + 1..)?)?;
        if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
            return None;
        }
        let target = line.part(method_end + 1, target_end);
        let parsed = target::parse(head, target, method == b"CONNECT");
        let whole = || Target { path: target, ..Target::default() };
        Some(Self { method: line.part(0, method_end), target: parsed.or_else(|| lenient.then(whole))?, major, minor })
    }

    fn at_least_1_1(&self) -> bool {
        (self.major, self.minor) >= (1, 1)
    }

    /// The status with which net/http refuses the whole head, in the order of `readRequest` and `conn.readRequest`.
    fn refusal(&self, head: &[u8], fields: &Fields) -> Option<u16> {
        let chunked = self.at_least_1_1() && fields.coding == Coding::Chunked;
        if fields.hosts > 1 {
            return Some(400);
        }
        let plain = fields.transfer_encodings == 1 && fields.coding == Coding::Chunked;
        if self.at_least_1_1() && fields.transfer_encodings > 0 && !plain {
            return Some(501);
        }
        if fields.length == Length::Invalid || chunked && fields.forbidden_trailer {
            return Some(400);
        }
        if self.major != 1 {
            return Some(505);
        }
        if fields.hosts == 0 && self.at_least_1_1() && self.method.of(head) != b"CONNECT" {
            return Some(400);
        }
        let host = fields.host.map(|host| value(host.of(head)));
        let host_fits = host.is_none_or(|host| host.iter().all(|byte| is_host(*byte)));
        (!host_fits || fields.spaced_name).then_some(400)
    }

    fn head(&self, head: &[u8], fields: &Fields, block: Option<Span>) -> RequestHead {
        let chunked = self.at_least_1_1() && fields.coding == Coding::Chunked;
        let text = |span: Span| lossy(&value(span.of(head))).into();
        let exact = |span: Span| -> Box<str> { lossy(span.of(head)).into() };
        let path = match self.target.path.of(head) {
            // `http://host` means the root (RFC 9112, 3.2.2), and an empty path means that nothing was understood.
            b"" => "/".into(),
            _ => exact(self.target.path),
        };
        RequestHead {
            method: Method::parse(&lossy(self.method.of(head))),
            path,
            query: self.target.query.map(exact),
            absolute: self.target.absolute.map(exact),
            host: fields.host.map(text),
            user_agent: fields.user_agent.map(text),
            version: protocol(self.major, self.minor),
            headers: block.map_or_else(Headers::default, |block| Headers::new(block.of(head))),
            content_length: fields.length.value().filter(|_| !chunked),
            chunked,
            upgrade: fields.upgrade.filter(|_| fields.says_upgrade).map(text),
            close: closes(self.at_least_1_1(), fields),
            expect_continue: fields.expectation(head) == Expectation::Continue,
            rpc: fields.content_type.and_then(|span| Kind::of(&value(span.of(head)))),
            traceparent: fields.traceparent.map(text),
            tracestate: fields.tracestate.map(text),
        }
    }
}

/// `httpguts.ValidHostHeader`: lenient, any byte that a host, port or zone may have, in any order.
fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!$%&()*+,-.:;=['_]~".contains(&byte)
}
