//! What stands before the first record: which file this is, who wrote it, and the seed of the stream's ids.

use std::io::{Read, Write};

use super::Error;

/// The control byte in it makes a terminal or a line-ending conversion show.
const MAGIC: [u8; 8] = *b"hoptap\x1a\n";

/// Goes up when [`crate::event::Event`] changes its shape: postcard writes no names, so that an older stream
/// would be read as something else.
pub(super) const FORMAT: u16 = 4;

/// Since this one events were only added, behind all others: what was written before is read as it was meant.
pub(super) const OLDEST: u16 = 3;

const MASKED: u16 = 1;

/// Little-endian: magic, format (u16), flags (u16), seed (u64), length of the version (u8), version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What trace and span ids are made from, so that a replay makes the same ones.
    pub seed: u64,
    /// The hoptap that wrote the stream.
    pub version: String,
    /// Secrets were masked.
    pub masked: bool,
}

impl Header {
    pub(super) fn write(&self, to: &mut impl Write) -> std::io::Result<()> {
        let version = self.version.as_bytes();
        let length = u8::try_from(version.len()).unwrap_or(u8::MAX);
        let version = version.get(..usize::from(length)).unwrap_or_default();
        let flags = if self.masked { MASKED } else { 0 };
        to.write_all(&MAGIC)?;
        to.write_all(&FORMAT.to_le_bytes())?;
        to.write_all(&flags.to_le_bytes())?;
        to.write_all(&self.seed.to_le_bytes())?;
        to.write_all(&[length])?;
        to.write_all(version)
    }

    /// Also gives the length of the header in bytes. A file that ends inside its header is no recording.
    pub(super) fn read(from: &mut impl Read) -> Result<(Self, u64), Error> {
        if array::<8>(from)? != MAGIC {
            return Err(Error::NotARecording);
        }
        let format = u16::from_le_bytes(array(from)?);
        let flags = u16::from_le_bytes(array(from)?);
        let seed = u64::from_le_bytes(array(from)?);
        let [length] = array::<1>(from)?;
        let mut version = vec![0; usize::from(length)];
        from.read_exact(&mut version).map_err(short)?;
        let version = String::from_utf8_lossy(&version).into_owned();
        if !(OLDEST..=FORMAT).contains(&format) {
            return Err(Error::Format { found: format, oldest: OLDEST, newest: FORMAT, written_by: version });
        }
        let masked = flags & MASKED != 0;
        let header = Self { seed, version, masked };
        Ok((header, 8 + 2 + 2 + 8 + 1 + u64::from(length)))
    }
}

fn array<const N: usize>(from: &mut impl Read) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).map_err(short)?;
    Ok(bytes)
}

fn short(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::NotARecording,
        _ => Error::Io(error),
    }
}
