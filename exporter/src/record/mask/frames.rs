//! HTTP/2: masks the field blocks whole. A compressed block cannot be masked in part without its table, and one
//! byte of a block that was missed makes the table unknown.

use super::STAR;

/// Longest payload that is believed, in bytes; Go's HTTP/2 takes frames of up to 1 MiB.
const LONGEST_PAYLOAD: usize = 1 << 20;

const HEADER: usize = 9;

/// Follows the frames of one direction.
#[derive(Debug, Clone, Default)]
pub(super) struct Frames {
    header: [u8; HEADER],
    /// Bytes of the header that have come.
    have: usize,
    /// Bytes of the payload that are still to come.
    payload: usize,
    secret: bool,
}

impl Frames {
    /// Masks as far as the frames can be followed; false where what came is not a frame. Everything from there on
    /// is masked then.
    pub(super) fn mask(&mut self, mut bytes: &mut [u8]) -> bool {
        while let Some(first) = bytes.first() {
            if self.payload > 0 {
                let length = self.payload.min(bytes.len());
                let (payload, rest) = bytes.split_at_mut(length);
                if self.secret {
                    payload.fill(STAR);
                }
                self.payload -= length;
                bytes = rest;
                continue;
            }
            if let Some(slot) = self.header.get_mut(self.have) {
                *slot = *first;
            }
            self.have += 1;
            if self.have == HEADER {
                self.have = 0;
                let Some(payload) = payload(&self.header) else {
                    bytes.fill(STAR);
                    return false;
                };
                self.payload = payload;
                self.secret = holds_fields(&self.header);
            }
            bytes = bytes.split_first_mut().map_or(&mut [], |(_, rest)| rest);
        }
        true
    }

    /// Steps over bytes that were not seen; false if they reach beyond the payload, so that the place is lost.
    pub(super) fn skip(&mut self, length: u64) -> bool {
        let Some(payload) = usize::try_from(length).ok().and_then(|length| self.payload.checked_sub(length)) else {
            return false;
        };
        self.payload = payload;
        true
    }

    /// Says whether these bytes can only be the start of a frame: they begin with a whole header that is right in
    /// everything that RFC 9113 says of its kind.
    pub(super) fn begin_in(bytes: &[u8]) -> bool {
        bytes.first_chunk().is_some_and(|header| {
            let strict = header.first() == Some(&0);
            strict && payload(header).is_some()
        })
    }
}

/// HEADERS, PUSH_PROMISE, CONTINUATION.
fn holds_fields(header: &[u8; HEADER]) -> bool {
    matches!(header, [_, _, _, 1 | 5 | 9, ..])
}

/// Length of the payload in bytes, `None` if no HTTP/2 peer would send such a header.
fn payload(header: &[u8; HEADER]) -> Option<usize> {
    let [a, b, c, kind, flags, stream @ ..] = *header;
    let length = u32::from_be_bytes([0, a, b, c]) as usize;
    let stream = u32::from_be_bytes(stream);
    if length > LONGEST_PAYLOAD || stream >> 31 != 0 {
        return None;
    }
    let right = match kind {
        // DATA, HEADERS, PUSH_PROMISE, CONTINUATION: the flags that they have, on a stream.
        0 => stream != 0 && flags & !0x09 == 0,
        1 => stream != 0 && flags & !0x2d == 0,
        5 => stream != 0 && flags & !0x0c == 0,
        9 => stream != 0 && flags & !0x04 == 0,
        // PRIORITY, RST_STREAM.
        2 => stream != 0 && length == 5,
        3 => stream != 0 && length == 4,
        // SETTINGS, PING, GOAWAY: of the connection.
        4 => stream == 0 && length.is_multiple_of(6) && flags & !1 == 0,
        6 => stream == 0 && length == 8 && flags & !1 == 0,
        7 => stream == 0 && length >= 8,
        // WINDOW_UPDATE; PRIORITY_UPDATE (RFC 9218).
        8 => length == 4,
        16 => stream == 0 && length >= 4,
        _ => false,
    };
    right.then_some(length)
}
