//! Writes a stream: the header, then each event as its length (u32, little-endian) and its postcard bytes.

use std::io::{BufWriter, Write};

use super::{Error, Header, LONGEST_RECORD, Masker};
use crate::event::Event;

/// What is written is buffered: [`Writer::flush`] hands it on, as dropping the writer does.
#[derive(Debug)]
pub struct Writer<W: Write> {
    to: BufWriter<W>,
    /// One record, kept for its allocation.
    record: Vec<u8>,
    masker: Option<Masker>,
}

impl<W: Write> Writer<W> {
    /// Begins a stream in which secrets are masked. `seed`: what the ids of this stream's traces are made from.
    pub fn new(to: W, seed: u64) -> Result<Self, Error> {
        Self::begin(to, seed, Some(Masker::new()))
    }

    /// Begins a stream that keeps every byte as it was, secrets too: only for those who asked for it.
    pub fn with_secrets(to: W, seed: u64) -> Result<Self, Error> {
        Self::begin(to, seed, None)
    }

    fn begin(to: W, seed: u64, masker: Option<Masker>) -> Result<Self, Error> {
        let mut to = BufWriter::with_capacity(64 << 10, to);
        Header { seed, version: env!("CARGO_PKG_VERSION").to_owned(), masked: masker.is_some() }.write(&mut to)?;
        Ok(Self { to, record: Vec::new(), masker })
    }

    /// Appends one event. After [`Error::TooLong`] the stream is whole, without that event.
    pub fn write(&mut self, event: &Event<'_>) -> Result<(), Error> {
        let record = std::mem::take(&mut self.record);
        let encoded = match &mut self.masker {
            Some(masker) => encode(&masker.mask(event), record),
            None => encode(event, record),
        };
        self.record = encoded.map_err(Error::Encode)?;
        let length = self.record.len();
        if length > LONGEST_RECORD {
            self.record = Vec::new();
            return Err(Error::TooLong { length });
        }
        let prefix = u32::try_from(length).map_err(|_| Error::TooLong { length })?;
        self.to.write_all(&prefix.to_le_bytes())?;
        self.to.write_all(&self.record)?;
        Ok(())
    }

    /// Hands everything written so far to the file.
    pub fn flush(&mut self) -> Result<(), Error> {
        Ok(self.to.flush()?)
    }

    /// Ends the stream and gives back what it was written to.
    pub fn finish(self) -> Result<W, Error> {
        self.to.into_inner().map_err(|error| Error::Io(error.into_error()))
    }
}

fn encode(event: &Event<'_>, mut record: Vec<u8>) -> Result<Vec<u8>, postcard::Error> {
    record.clear();
    postcard::to_extend(event, record)
}
