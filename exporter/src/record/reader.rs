//! Reads a stream back, one event at a time, into one buffer.

use std::io::Read;

use super::{Error, Header, LONGEST_RECORD};
use crate::event::Event;

/// `from` is read in small pieces: hand over something buffered.
#[derive(Debug)]
pub struct Reader<R: Read> {
    from: R,
    header: Header,
    record: Vec<u8>,
    /// Whole records given out.
    records: u64,
    /// Where the next record starts in the file.
    offset: u64,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the header: an error says that this is no recording, or one of another format.
    pub fn new(mut from: R) -> Result<Self, Error> {
        let (header, offset) = Header::read(&mut from)?;
        Ok(Self { from, header, record: Vec::new(), records: 0, offset, ended: false })
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next event, `None` at the end. After an error there is only `None`: the place of the next record is lost.
    #[expect(
        clippy::should_implement_trait,
        reason = "the event borrows from the reader, which an Iterator cannot say"
    )]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        if self.ended {
            return Ok(None);
        }
        self.ended = true;
        if !self.fill()? {
            return Ok(None);
        }
        let (record, offset) = (self.records, self.offset);
        let damaged = |reason| Error::Damaged { record, offset, reason };
        let (event, rest) = postcard::take_from_bytes(&self.record).map_err(damaged)?;
        if !rest.is_empty() {
            return Err(damaged(postcard::Error::DeserializeBadEncoding));
        }
        self.records += 1;
        self.offset += 4 + self.record.len() as u64;
        self.ended = false;
        Ok(Some(event))
    }

    /// Reads one record into the buffer; false at the end of the stream. The buffer grows with the bytes that
    /// arrive, not with what the length promises.
    fn fill(&mut self) -> Result<bool, Error> {
        let (record, offset) = (self.records, self.offset);
        let truncated = Error::Truncated { record, offset };
        self.record.clear();
        self.from.by_ref().take(4).read_to_end(&mut self.record)?;
        let Ok(prefix) = <[u8; 4]>::try_from(self.record.as_slice()) else {
            return if self.record.is_empty() { Ok(false) } else { Err(truncated) };
        };
        let length = u64::from(u32::from_le_bytes(prefix));
        if length > LONGEST_RECORD as u64 {
            return Err(Error::Length { record, offset, length });
        }
        self.record.clear();
        let read = self.from.by_ref().take(length).read_to_end(&mut self.record)?;
        if (read as u64) < length {
            return Err(truncated);
        }
        Ok(true)
    }
}
