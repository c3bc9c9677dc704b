//! One direction of one connection: which protocol its bytes speak, and whether any are missing.

use super::STAR;
use super::frames::Frames;
use super::lines::Lines;
use crate::exchange::Method;

/// What an HTTP/2 client sends before its first frame (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The header of a SETTINGS frame without its length: how an HTTP/2 server begins.
const SETTINGS: [u8; 6] = [4, 0, 0, 0, 0, 0];

#[derive(Debug, Clone)]
pub(super) struct Masked {
    /// Offset of the byte that comes next.
    next: u64,
    speaks: Speaks,
}

#[derive(Debug, Clone)]
enum Speaks {
    /// Taken for HTTP/1 until the first bytes say that it is HTTP/2.
    Begins {
        seen: Vec<u8>,
        lines: Lines,
    },
    Http1(Lines),
    Http2(Frames),
    /// The place in it is not known: everything is masked until a transfer starts with what can only be the
    /// start of a message.
    Unknown,
}

impl Masked {
    /// Of a connection that was opened under our eyes.
    pub(super) fn from_its_start() -> Self {
        let speaks = Speaks::Begins { seen: Vec::new(), lines: Lines::new() };
        Self { next: 0, speaks }
    }

    /// Of a connection that was open before, or whose state was dropped.
    pub(super) fn found_midway() -> Self {
        Self { next: 0, speaks: Speaks::Unknown }
    }

    /// Masks the bytes of one transfer at `offset`.
    pub(super) fn apply(&mut self, offset: u64, bytes: &mut [u8]) {
        if offset != self.next {
            self.step_over_gap(offset, bytes);
        } else if matches!(self.speaks, Speaks::Unknown) {
            self.find_place(bytes);
        }
        self.next = offset.saturating_add(bytes.len() as u64);
        self.mask(bytes);
    }

    fn step_over_gap(&mut self, offset: u64, bytes: &[u8]) {
        match &mut self.speaks {
            Speaks::Http2(frames) => {
                let gap = offset.checked_sub(self.next);
                if !gap.is_some_and(|gap| frames.skip(gap)) {
                    self.speaks = Speaks::Unknown;
                    self.find_place(bytes);
                }
            }
            Speaks::Http1(_) => {
                self.speaks = Speaks::Http1(Lines::after_gap());
                self.find_place(bytes);
            }
            Speaks::Begins { .. } | Speaks::Unknown => {
                self.speaks = Speaks::Unknown;
                self.find_place(bytes);
            }
        }
    }

    /// Takes up the place again if these bytes start a message. What spoke HTTP/1 before never becomes HTTP/2 this
    /// way: a body may hold any bytes.
    fn find_place(&mut self, bytes: &[u8]) {
        if starts_message(bytes) {
            self.speaks = Speaks::Http1(Lines::new());
        } else if matches!(self.speaks, Speaks::Unknown) && Frames::begin_in(bytes) {
            self.speaks = Speaks::Http2(Frames::default());
        }
    }

    fn mask(&mut self, bytes: &mut [u8]) {
        let mut rest = bytes;
        while let Speaks::Begins { seen, lines } = &mut self.speaks {
            let Some((first, after)) = rest.split_first_mut() else {
                return;
            };
            seen.push(*first);
            lines.mask(std::slice::from_mut(first));
            rest = after;
            if let Some(speaks) = decide(seen, lines) {
                self.speaks = speaks;
            }
        }
        match &mut self.speaks {
            Speaks::Begins { .. } => {}
            Speaks::Http1(lines) => lines.mask(rest),
            Speaks::Http2(frames) => {
                if !frames.mask(rest) {
                    self.speaks = Speaks::Unknown;
                }
            }
            Speaks::Unknown => rest.fill(STAR),
        }
    }
}

/// `None` as long as the first bytes may still become either.
fn decide(seen: &[u8], lines: &Lines) -> Option<Speaks> {
    if seen == PREFACE {
        return Some(Speaks::Http2(Frames::default()));
    }
    if let [0, _, _, header @ ..] = seen
        && SETTINGS.starts_with(header)
    {
        let mut frames = Frames::default();
        let whole = header.len() == SETTINGS.len();
        // The frame starts with the bytes that went before.
        return (whole && frames.mask(&mut seen.to_vec())).then_some(Speaks::Http2(frames));
    }
    let undecided = PREFACE.starts_with(seen) || matches!(seen, [0] | [0, _]);
    (!undecided).then(|| Speaks::Http1(lines.clone()))
}

/// Says whether these bytes start with a whole request line or with a status line.
fn starts_message(bytes: &[u8]) -> bool {
    if let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0' | b'1', b' ', status @ ..] = bytes {
        return status.first_chunk::<3>().is_some_and(|status| status.iter().all(u8::is_ascii_digit));
    }
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        return false;
    };
    let line = bytes.get(..end).unwrap_or_default();
    let words: Vec<&[u8]> = line.splitn(4, |byte| *byte == b' ').collect();
    let [method, target, version] = words.as_slice() else {
        return false;
    };
    let known = std::str::from_utf8(method).is_ok_and(|method| !matches!(Method::parse(method), Method::Other(_)));
    known && !target.is_empty() && matches!(version.trim_ascii_end(), b"HTTP/1.1" | b"HTTP/1.0")
}
