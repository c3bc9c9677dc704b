//! A header block, collected from HEADERS or PUSH_PROMISE and the CONTINUATIONs that follow. Never larger than the
//! limit; a block of which something is missing holds nothing.

use super::BLOCK_LIMIT;
use super::frame::{HEADER_LENGTH, Header, Kind};

#[derive(Debug)]
pub(super) struct Block {
    pub(super) stream: u32,
    pub(super) end: bool,
    /// Its fields are no message of this stream, but the table depends on them.
    pub(super) promise: bool,
    pub(super) wire: u64,
    /// None if something is missing.
    bytes: Option<Vec<u8>>,
}

impl Block {
    pub(super) fn new(header: &Header) -> Self {
        let mut block = Self {
            stream: header.stream,
            end: header.ends_stream(),
            promise: header.kind == Kind::PushPromise,
            wire: 0,
            bytes: Some(Vec::new()),
        };
        block.count(header);
        block
    }

    /// Another frame of the block.
    pub(super) fn count(&mut self, header: &Header) {
        self.wire += HEADER_LENGTH as u64 + u64::from(header.length);
    }

    /// Adds to the block. Returns false if that makes it too large, which is said once.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let Some(block) = &mut self.bytes else { return true };
        if block.len() + bytes.len() > BLOCK_LIMIT {
            self.bytes = None;
            return false;
        }
        block.extend_from_slice(bytes);
        true
    }

    /// A part of it is missing.
    pub(super) fn spoil(&mut self) {
        self.bytes = None;
    }

    /// All of it, if nothing is missing.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }

    pub(super) fn buffered(&self) -> usize {
        self.bytes.as_ref().map_or(0, Vec::capacity)
    }
}
