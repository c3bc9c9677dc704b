//! Protocol buffers, as far as OTLP needs them: fields appended to bytes, in the shortest form.

/// Wire types, the low three bits of a tag.
const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const LENGTH: u8 = 2;
const FIXED32: u8 = 5;

/// The longest length that is written, in bytes: a `u32`.
pub(super) const LONGEST_LENGTH: usize = 5;

/// Bytes kept free for a length that is not known yet. Two hold 128 to 16 383, as nearly every span has.
const RESERVED: usize = 2;

/// Appends fields. Numbers of fields are below 16, so that a tag is one byte; [`Writer::far_fixed32`] is for the one
/// that is not.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

/// A message whose length is not known yet.
#[must_use = "its length has to be written"]
pub(super) struct Open {
    /// Where its first field begins.
    start: usize,
}

impl Writer {
    #[inline]
    pub(super) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(low_bits(value) | 0x80);
            value >>= 7;
        }
        self.bytes.push(low_bits(value));
    }

    #[inline]
    pub(super) fn length(&mut self, length: usize) {
        self.varint(length as u64);
    }

    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Also a message that is encoded already.
    #[inline]
    pub(super) fn text(&mut self, field: u8, value: &[u8]) {
        self.bytes.push(tag(field, LENGTH));
        self.length(value.len());
        self.raw(value);
    }

    #[inline]
    pub(super) fn number(&mut self, field: u8, value: u64) {
        self.bytes.push(tag(field, VARINT));
        self.varint(value);
    }

    #[inline]
    pub(super) fn fixed64(&mut self, field: u8, value: u64) {
        self.bytes.push(tag(field, FIXED64));
        self.raw(&value.to_le_bytes());
    }

    /// A field from 16 to 2047.
    #[inline]
    pub(super) fn far_fixed32(&mut self, field: u16, value: u32) {
        self.varint(u64::from(field) << 3 | u64::from(FIXED32));
        self.raw(&value.to_le_bytes());
    }

    /// Begins a message of unknown length.
    #[inline]
    pub(super) fn open(&mut self, field: u8) -> Open {
        self.raw(&[tag(field, LENGTH), 0, 0]);
        let start = self.bytes.len();
        Open { start }
    }

    /// Ends a message: writes its length in front of it.
    #[inline]
    pub(super) fn close(&mut self, open: &Open) {
        let length = self.bytes.len().saturating_sub(open.start);
        let reserved = open.start.saturating_sub(RESERVED)..open.start;
        match self.bytes.get_mut(reserved.clone()) {
            Some([first, second]) if length_of(length) == RESERVED => {
                *first = low_bits(length as u64) | 0x80;
                *second = low_bits(length as u64 >> 7);
            }
            _ => {
                let mut written = Self::default();
                written.length(length);
                self.bytes.splice(reserved, written.bytes);
            }
        }
    }
}

#[inline]
pub(super) const fn tag(field: u8, kind: u8) -> u8 {
    field << 3 | kind
}

/// The tag of a text, of bytes or of a message.
#[inline]
pub(super) const fn long(field: u8) -> u8 {
    tag(field, LENGTH)
}

#[inline]
pub(super) const fn varying(field: u8) -> u8 {
    tag(field, VARINT)
}

/// Bytes that a length takes.
#[inline]
pub(super) const fn length_of(length: usize) -> usize {
    varint_of(length as u64)
}

/// Bytes that a number takes.
#[inline]
pub(super) const fn varint_of(value: u64) -> usize {
    // Seven bits to a byte, and one byte for nothing.
    ((64 - (value | 1).leading_zeros()) as usize).div_ceil(7)
}

#[inline]
const fn low_bits(value: u64) -> u8 {
    (value & 0x7f) as u8
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use prost::encoding::{decode_varint, encode_varint, encoded_len_varint};

    use super::*;

    #[test]
    fn numbers_are_those_of_prost() {
        for shift in 0..64 {
            for value in [(1_u64 << shift) - 1, 1 << shift, (1 << shift) + 1, u64::MAX] {
                let mut writer = Writer::default();
                writer.varint(value);
                let mut expected = Vec::new();
                encode_varint(value, &mut expected);
                assert_eq!(writer.bytes, expected, "{value}");
                assert_eq!(varint_of(value), encoded_len_varint(value), "{value}");
            }
        }
    }

    #[test]
    fn lengths_take_the_room_that_they_need() {
        let check = |length: usize, room: usize| {
            let mut writer = Writer::default();
            writer.raw(b"before");
            let open = writer.open(2);
            writer.bytes.extend(std::iter::repeat_n(7, length));
            writer.close(&open);
            let mut rest = writer.bytes.strip_prefix(b"before\x12").unwrap();
            let all = rest.len();
            assert_eq!(decode_varint(&mut rest), Ok(length as u64));
            assert_eq!(all - rest.len(), room, "{length}");
            assert_eq!(rest, vec![7; length]);
        };
        check(0, 1);
        check(127, 1);
        check(128, 2);
        check(16_383, 2);
        check(16_384, 3);
        check(2_097_151, 3);
        check(2_097_152, 4);
    }
}
