//! The fields of RST_STREAM, GOAWAY and SETTINGS, read byte by byte. Holds at most eight bytes.

use super::Output;
use super::frame::{Header, Kind};

const SETTINGS_HEADER_TABLE_SIZE: u16 = 0x1;

#[derive(Debug)]
pub(super) struct Number {
    kind: Kind,
    stream: u32,
    /// How many bytes the fields have.
    needed: u8,
    count: u8,
    value: u64,
    header_table_size: Option<u32>,
}

impl Number {
    /// None for frames that have no such fields.
    pub(super) fn new(header: &Header) -> Option<Self> {
        let needed = match header.kind {
            Kind::Reset => 4,
            Kind::GoAway => 8,
            Kind::Settings if !header.is_ack() => 6,
            _ => return None,
        };
        let (kind, stream) = (header.kind, header.stream);
        Some(Self { kind, stream, needed, count: 0, value: 0, header_table_size: None })
    }

    pub(super) fn seen(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.count == self.needed {
                return;
            }
            self.value = self.value << 8 | u64::from(*byte);
            self.count += 1;
            if self.count == self.needed && self.kind == Kind::Settings {
                let [_, _, id @ .., a, b, c, d] = self.value.to_be_bytes();
                if u16::from_be_bytes(id) == SETTINGS_HEADER_TABLE_SIZE {
                    self.header_table_size = Some(u32::from_be_bytes([a, b, c, d]));
                }
                (self.count, self.value) = (0, 0);
            }
        }
    }

    /// Whether bytes that come now may be missed: what follows the fields of GOAWAY is text for people.
    pub(super) fn is_skippable(&self) -> bool {
        self.count == self.needed
    }

    /// What the frame said, once it is complete.
    pub(super) fn output(&self) -> Option<Output<'static>> {
        let [first @ .., a, b, c, d] = self.value.to_be_bytes();
        let (last, code) = (u32::from_be_bytes(first) & 0x7fff_ffff, u32::from_be_bytes([a, b, c, d]));
        match self.kind {
            Kind::Settings => Some(Output::Settings { header_table_size: self.header_table_size }),
            _ if self.count < self.needed => None,
            Kind::Reset => Some(Output::Reset { stream: self.stream, code }),
            _ => Some(Output::GoAway { last, code }),
        }
    }
}
