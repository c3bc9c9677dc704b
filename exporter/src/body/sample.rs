//! Bodies for tests: compressed by the encoders of others, and bytes at random that are the same every time.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

pub(crate) const CODINGS: [&str; 5] = ["gzip", "deflate", "br", "zstd", "raw deflate"];

/// As it stands in the header.
pub(crate) fn header(coding: &str) -> &str {
    coding.trim_start_matches("raw ")
}

pub(crate) fn encode(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let level = Compression::default();
    match coding {
        "gzip" => write(GzEncoder::new(Vec::new(), level), bytes, |encoder| encoder.finish().unwrap()),
        "deflate" => write(ZlibEncoder::new(Vec::new(), level), bytes, |encoder| encoder.finish().unwrap()),
        "raw deflate" => write(DeflateEncoder::new(Vec::new(), level), bytes, |encoder| encoder.finish().unwrap()),
        "zstd" => ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest),
        "br" => {
            let mut out = Vec::new();
            brotli::CompressorReader::new(bytes, 4096, 5, 22).read_to_end(&mut out).unwrap();
            out
        }
        other => panic!("{other}"),
    }
}

fn write<W: Write>(mut encoder: W, bytes: &[u8], finish: impl Fn(W) -> Vec<u8>) -> Vec<u8> {
    encoder.write_all(bytes).unwrap();
    finish(encoder)
}

/// xorshift: good enough to find what nobody thought of, and the same on every machine.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    pub(crate) fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}
