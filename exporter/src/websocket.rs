//! One direction of a WebSocket session (RFC 6455): its messages, and how it is closed.
//!
//! Masked payloads are read, too: the mask stands before them. What was not seen is stepped over inside of a payload;
//! where it hides the header of a frame nothing more is said.
#![warn(clippy::indexing_slicing)]

const CLOSE: u8 = 8;
/// The longest header: two bytes, eight of the length, four of the mask.
const HEADER: usize = 14;

/// Follows the frames of one direction.
#[derive(Debug, Clone, Default)]
pub struct Frames {
    header: [u8; HEADER],
    have: usize,
    /// Bytes of the payload that are to come.
    left: u64,
    /// The code that is being read.
    code: Option<Code>,
    messages: u64,
    closed: Option<u16>,
    lost: bool,
}

#[derive(Debug, Clone, Copy)]
struct Code {
    mask: [u8; 2],
    bytes: [u8; 2],
    have: usize,
}

impl Frames {
    /// Messages that began, control frames aside; None where that cannot be told.
    pub fn messages(&self) -> Option<u64> {
        (!self.lost).then_some(self.messages)
    }

    /// The code of the Close frame, if there was one: 1005 where it gave none (RFC 6455, 7.1.5).
    pub fn close_code(&self) -> Option<u16> {
        self.closed
    }

    /// How many of the next bytes need not be seen.
    pub fn skippable(&self) -> u64 {
        if self.lost { u64::MAX } else { self.left.saturating_sub(u64::from(self.code.is_some()) * 2) }
    }

    /// `size` bytes, which are `data` where they were seen.
    pub fn feed(&mut self, size: u64, data: &[u8]) {
        if self.lost {
        } else if data.len() as u64 == size {
            self.bytes(data);
        } else {
            match self.left.checked_sub(size) {
                Some(left) => self.left = left,
                None => self.lost = true,
            }
        }
    }

    fn bytes(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            if self.left > 0 {
                let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(data.len());
                let (payload, rest) = data.split_at(taken);
                self.payload(payload);
                self.left -= taken as u64;
                data = rest;
                continue;
            }
            let Some((first, rest)) = data.split_first() else { return };
            if let Some(slot) = self.header.get_mut(self.have) {
                *slot = *first;
            }
            self.have += 1;
            data = rest;
            self.header();
        }
    }

    /// A header is complete once it is as long as it says.
    fn header(&mut self) {
        let [first, second, rest @ ..] = self.header;
        if self.have < 2 {
            return;
        }
        let extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let masked = second & 0x80 != 0;
        if self.have < 2 + extended + if masked { 4 } else { 0 } {
            return;
        }
        self.left = match extended {
            0 => u64::from(second & 0x7f),
            _ => rest.iter().take(extended).fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        let mut mask = rest.iter().skip(extended).copied();
        let mask = if masked { [mask.next().unwrap_or(0), mask.next().unwrap_or(0)] } else { [0; 2] };
        self.have = 0;
        match first & 0xf {
            CLOSE if self.left >= 2 => self.code = Some(Code { mask, bytes: [0; 2], have: 0 }),
            CLOSE => self.closed = Some(1005),
            1 | 2 => self.messages += 1,
            _ => {}
        }
    }

    fn payload(&mut self, payload: &[u8]) {
        let Some(code) = &mut self.code else { return };
        for byte in payload {
            if let (Some(slot), Some(mask)) = (code.bytes.get_mut(code.have), code.mask.get(code.have)) {
                *slot = byte ^ mask;
                code.have += 1;
            }
        }
        if code.have == code.bytes.len() {
            self.closed = Some(u16::from_be_bytes(code.bytes));
            self.code = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages and close code of frames, fed in pieces of every size.
    fn check(frames: &[&[u8]], messages: u64, code: Option<u16>) {
        let all = frames.concat();
        for size in 1..=all.len() {
            let mut direction = Frames::default();
            for piece in all.chunks(size) {
                direction.feed(piece.len() as u64, piece);
            }
            assert_eq!((direction.messages(), direction.close_code()), (Some(messages), code), "{all:?} by {size}");
        }
    }

    #[test]
    fn frames() {
        check(&[&[0x81, 2, b'h', b'i']], 1, None);
        check(&[&[0x81, 0x82, 1, 2, 3, 4, b'h', b'i'], &[0x88, 2, 3, 0xe8]], 1, Some(1000));
        check(&[&[0x88, 0x82, 9, 8, 7, 6, 3 ^ 9, 0xe9 ^ 8]], 0, Some(1001));
        check(&[&[0x88, 0x80, 9, 8, 7, 6]], 0, Some(1005));
        check(&[&[0x88, 7, 3, 0xf3, b'w', b'o', b'r', b'd', b's']], 0, Some(1011));
        // A message in two frames with a ping between them.
        check(&[&[0x01, 1, b'a'], &[0x89, 0], &[0x80, 1, b'b']], 1, None);
        let mut long = vec![0x82, 126, 1, 0];
        long.extend([7; 256]);
        check(&[&long, &[0x88, 2, 3, 0xe8]], 1, Some(1000));
        let mut longer = vec![0x82, 127, 0, 0, 0, 0, 0, 0, 1, 44];
        longer.extend([7; 300]);
        check(&[&longer, &[0x82, 0]], 2, None);
    }

    #[test]
    fn what_is_not_seen() {
        let mut direction = Frames::default();
        direction.feed(4, &[0x82, 126, 1, 0]);
        assert_eq!(direction.skippable(), 256);
        direction.feed(256, &[]);
        direction.feed(4, &[0x88, 2, 3, 0xe8]);
        assert_eq!((direction.messages(), direction.close_code()), (Some(1), Some(1000)));
        direction.feed(1, &[]);
        assert_eq!((direction.messages(), direction.close_code()), (None, Some(1000)));
    }
}
