//! An event stream as a file: written while Traefik is watched, read back for a replay.
//!
//! Secrets are masked before anything reaches the file, unless the writer was asked to keep them. A file that was
//! cut short (kill -9, full disk) reads back up to its last whole record.

mod configuration;
mod header;
pub mod mask;
mod reader;
mod writer;

pub use header::Header;
pub use mask::Masker;
pub use reader::Reader;
pub use writer::Writer;

/// Longest record in bytes. A transfer carries some kilobytes; the largest thing is the answer of Traefik's API.
pub const LONGEST_RECORD: usize = 1 << 20;

/// Why a stream cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read or write the recording: {0}")]
    Io(#[from] std::io::Error),
    #[error("not a recording: expected a file that `hoptap record` wrote, found other bytes at its start")]
    NotARecording,
    #[error(
        "the recording has format {found}, this hoptap reads formats {oldest} to {newest}: replay it with hoptap {written_by}"
    )]
    Format { found: u16, oldest: u16, newest: u16, written_by: String },
    #[error(
        "the recording ends inside record {record}, at byte {offset}: the writer was killed or the disk was full; all {record} records before it are whole"
    )]
    Truncated { record: u64, offset: u64 },
    #[error(
        "record {record} at byte {offset} says that it is {length} bytes long, expected at most {LONGEST_RECORD}: the file is damaged from there on"
    )]
    Length { record: u64, offset: u64, length: u64 },
    #[error("record {record} at byte {offset} is not an event ({reason}): the file is damaged from there on")]
    Damaged { record: u64, offset: u64, reason: postcard::Error },
    #[error("an event of {length} bytes does not fit into a record of at most {LONGEST_RECORD}: it was left out")]
    TooLong { length: usize },
    #[error("cannot encode an event: {0}")]
    Encode(postcard::Error),
}

#[cfg(test)]
mod tests;
