//! Blocks in hexadecimal digits and what must come of them, in one line.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod limits;
mod literals;
mod malformed;
mod random;
mod rfc;
mod unknown;

use super::{Decoder, Field};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter(|digit| !digit.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

/// `name=value`, with a question mark for what is unknown.
fn describe(field: &Field) -> String {
    assert_eq!(field.unknown.is_some(), field.name.is_none() || field.value.is_none());
    let text = |text: &Option<super::Text>| text.as_ref().map_or("?".into(), |text| text.escape_ascii().to_string());
    format!("{}={}", text(&field.name), text(&field.value))
}

fn fields(decoder: &mut Decoder, block: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    assert!(decoder.decode(block, &mut |field, _| fields.push(field)));
    fields
}

/// The fields, and a word if the block was given up.
fn decode(decoder: &mut Decoder, block: &[u8]) -> String {
    let mut words = Vec::new();
    if !decoder.decode(block, &mut |field, _| words.push(describe(&field))) {
        words.push("MALFORMED".into());
    }
    words.join(" ")
}

/// Blocks of one connection, one after the other.
#[track_caller]
fn check(blocks: &[(&str, &str)]) {
    let mut decoder = Decoder::new();
    for (block, expected) in blocks {
        assert_eq!(decode(&mut decoder, &bytes(block)), *expected, "{block}");
    }
}

/// xorshift64*: good enough, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn bytes(&mut self, limit: usize) -> Vec<u8> {
        (0..self.below(limit)).map(|_| self.next() as u8).collect()
    }
}
