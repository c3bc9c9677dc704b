//! What is done with the captured bytes of one message body, after its transfer coding was removed.
//!
//! Content codings are removed within bounds, text is told from binary, and outputs for people get something that they
//! can print. Pure: bytes in, values out; hostile bytes cost a bounded amount of memory and time, and never panic.

pub mod charset;
pub mod coding;
mod gzip;
mod brotli;
mod zstd;
pub mod media;
pub mod multipart;
mod framed;
pub mod shown;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use bytes::Bytes;

pub use coding::{Decoded, End, decode};
pub use media::{Kind, Media};
pub use shown::{Content, Shown};

/// What was captured of one body: its beginning, as far as the limits went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// In the content coding in which they were sent.
    pub bytes: Bytes,
    /// Bytes that the body had on the wire, captured or not.
    pub seen: u64,
    /// There is, or should have been, more than `bytes`.
    pub truncated: bool,
    /// Value of the Content-Type header as sent.
    pub content_type: Option<Box<str>>,
    /// Value of the Content-Encoding header as sent, several lines joined by commas. None once it was removed.
    pub content_encoding: Option<Box<str>>,
}

impl Captured {
    /// Bytes that were captured.
    pub fn captured(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// What an output for people prints; at most about `limit` bytes are decoded.
    pub fn show(&self, limit: usize) -> Shown<'_> {
        shown::show(self, limit)
    }

    /// What telemetry carries: text as text, with its content coding removed, anything else as it was on the wire.
    pub fn content(&self, limit: usize) -> Content<'_> {
        shown::content(self, limit)
    }

    fn media(&self) -> Media<'_> {
        Media::of(self.content_type.as_deref())
    }
}
