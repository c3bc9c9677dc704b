//! Reads the integers and strings of one header block.

use std::ops::Range;

use super::{Text, huffman};

/// Octets after the prefix of an integer: one more than a u32 needs is waste, but senders may waste some.
const CONTINUED_LIMIT: u32 = 9;

/// Where in a block the value of a field stands as a literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    /// The octet in which the length starts; its top bit says that the string is in the Huffman code.
    pub length_at: usize,
    /// The octets of the string.
    pub octets: Range<usize>,
}

#[derive(Debug)]
pub(crate) struct Reader<'a> {
    block: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(block: &'a [u8]) -> Self {
        Self { block, at: 0 }
    }

    pub(crate) fn octet(&mut self) -> Option<u8> {
        let octet = self.block.get(self.at)?;
        self.at += 1;
        Some(*octet)
    }

    /// The integer of which the lowest `bits` of `first` are the prefix; None if it is cut or too large.
    pub(crate) fn integer(&mut self, first: u8, bits: u32) -> Option<usize> {
        let mask = u8::MAX.checked_shr(8 - bits)?;
        let mut value = u64::from(first & mask);
        if value == u64::from(mask) {
            for octets in 0..=CONTINUED_LIMIT {
                if octets == CONTINUED_LIMIT {
                    return None;
                }
                let octet = self.octet()?;
                value += u64::from(octet & 0x7f) << (7 * octets);
                if octet & 0x80 == 0 {
                    break;
                }
            }
        }
        // Nothing in a block is that large, and so sums of lengths and indices do not overflow.
        u32::try_from(value).ok().and_then(|value| usize::try_from(value).ok())
    }

    /// The next string; `scratch` is only for reuse.
    pub(crate) fn string(&mut self, scratch: &mut Vec<u8>) -> Option<(Text, Literal)> {
        let length_at = self.at;
        let first = self.octet()?;
        let text = self.string_with(first, 7, scratch)?;
        let end = self.at;
        let mut start = Self { block: self.block, at: length_at + 1 };
        start.integer(first, 7)?;
        Some((text, Literal { length_at, octets: start.at..end }))
    }

    /// The string whose length is in the lowest `bits` of `first` and what follows, below the bit that says that it is in
    /// the Huffman code.
    pub(crate) fn string_with(&mut self, first: u8, bits: u32, scratch: &mut Vec<u8>) -> Option<Text> {
        let length = self.integer(first, bits)?;
        let bytes = self.block.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        if first & 1_u8.checked_shl(bits)? == 0 {
            return Some(Text::from(bytes));
        }
        scratch.clear();
        huffman::decode(bytes, scratch)?;
        Some(Text::from(scratch.as_slice()))
    }
}
