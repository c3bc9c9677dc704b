//! Reads a response head as it arrives, and says what follows it.

use super::fields::{Coding, Fields, value};
use super::head::{Framing, ResponseHead, closes, protocol, version};
use super::lines::{Line, Lines, Span};
use super::response::Expect;
use super::{HEAD_LIMIT, Loss};
use crate::exchange::Headers;
use crate::lossy::lossy;

/// What was read of a head so far.
#[derive(Debug, Default)]
pub(super) struct Scan {
    lines: Lines,
    status: Option<StatusLine>,
    fields: Fields,
}

/// How far a head came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    /// The head is so many bytes long; `interim`: of this status, and a final one follows.
    Complete {
        length: usize,
        interim: Option<u16>,
    },
    Lost(Loss),
}

impl Scan {
    /// Reads on in `head`, which starts where it did at the calls before.
    pub(super) fn advance(&mut self, head: &[u8]) -> Progress {
        // Known from the first bytes: whatever this is, it is not kept until a line ends.
        if !head.iter().zip(b"HTTP/").all(|(found, wanted)| found == wanted) {
            return Progress::Lost(Loss::NoMessage);
        }
        loop {
            match self.lines.next(head) {
                Line::Missing if head.len() > HEAD_LIMIT => {
                    return Progress::Lost(Loss::HeadTooLong);
                }
                Line::Missing => return Progress::More,
                Line::First(line) => match StatusLine::parse(line.of(head)) {
                    Some(status) => self.status = Some(status),
                    None => return Progress::Lost(Loss::NoMessage),
                },
                Line::Field(line) => self.fields.take(head, line),
                Line::Empty(length) => {
                    return match self.status {
                        _ if length > HEAD_LIMIT => Progress::Lost(Loss::HeadTooLong),
                        Some(status) => {
                            Progress::Complete { length, interim: status.is_interim().then_some(status.status) }
                        }
                        None => Progress::Lost(Loss::NoMessage),
                    };
                }
            }
        }
    }

    /// The complete head of a final response, which is `length` bytes long.
    pub(super) fn head(&self, head: &[u8], length: usize, keep_headers: bool, expect: Expect) -> Option<ResponseHead> {
        let block = keep_headers.then(|| self.lines.block(head, length));
        Some(self.status?.head(head, &self.fields, block, expect))
    }
}

/// The first line of a response.
#[derive(Debug, Clone, Copy)]
struct StatusLine {
    status: u16,
    major: u8,
    minor: u8,
}

impl StatusLine {
    /// Lenient: the reason, and the space before it, may be missing.
    fn parse(raw: &[u8]) -> Option<Self> {
        let space = memchr::memchr(b' ', raw)?;
        let (major, minor) = version(raw.get(..space)?)?;
        let rest = raw.get(space..)?.trim_ascii_start();
        let (digits, reason) = rest.split_first_chunk::<3>()?;
        let ends = reason.first().is_none_or(|byte| *byte == b' ');
        if !ends || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let status = digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
        Some(Self { status, major, minor })
    }

    /// A final response follows.
    fn is_interim(self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }

    fn head(self, head: &[u8], fields: &Fields, block: Option<Span>, expect: Expect) -> ResponseHead {
        let at_least_1_1 = (self.major, self.minor) >= (1, 1);
        // net/http ignores the header on HTTP/1.0; fasthttp takes every coding but `identity` for `chunked`.
        let coding = match at_least_1_1 {
            true => fields.coding,
            false => Coding::None,
        };
        let chunked = matches!(coding, Coding::Chunked | Coding::LastChunked);
        let content_length = fields.length.value().filter(|_| !chunked);
        let framing = match (self.status, coding) {
            (101, _) => Framing::Tunnel,
            _ if expect.head => Framing::None,
            (204 | 304, _) => Framing::None,
            _ if chunked => Framing::Chunked,
            (_, Coding::Other) => Framing::UntilEnd,
            _ => match content_length {
                Some(0) => Framing::None,
                Some(length) => Framing::Length(length),
                // With a framing of its own the answer to CONNECT is like any other: a backend that does not know
                // the method wrote it, and Traefik forwards it as such.
                None if expect.connect && self.status / 100 == 2 => Framing::Tunnel,
                None => Framing::UntilEnd,
            },
        };
        let text = |span: Span| lossy(&value(span.of(head))).into();
        ResponseHead {
            status: self.status,
            version: protocol(self.major, self.minor),
            headers: block.map_or_else(Headers::default, |block| Headers::new(block.of(head))),
            content_length,
            chunked,
            upgrade: fields.upgrade.filter(|_| self.status == 101).map(text),
            close: closes(at_least_1_1, fields) || framing == Framing::UntilEnd,
            framing,
        }
    }
}
