//! The file seen by the addresses it is linked at, read piece by piece through small windows.
//!
//! A Traefik is 180 MB: nothing here maps it or holds more than one window of it per reader.

use std::cell::{Cell, OnceCell};
use std::fs::File;
use std::os::unix::fs::FileExt;

use super::elf::{Elf, Segment};
use super::error::Error;
use super::relocation::Relocations;

/// Window for tables that are read from end to end.
pub(super) const WIDE: usize = 64 << 10;
/// Window for single values; also the longest name that can be read.
pub(super) const NARROW: usize = 4 << 10;

/// A sound file is read about once; a hostile one could make every entry of a table refill a window.
const BUDGET_FILES: u64 = 4;
const BUDGET_FLOOR: u64 = 32 << 20;

pub(super) struct Image<'f> {
    file: &'f File,
    pub(super) elf: Elf,
    relocations: OnceCell<Relocations>,
    read: Cell<u64>,
    budget: u64,
}

impl<'f> Image<'f> {
    pub(super) fn open(file: &'f File) -> Result<Self, Error> {
        let length = file.metadata()?.len();
        Ok(Self {
            file,
            elf: Elf::read(file, length)?,
            relocations: OnceCell::new(),
            read: Cell::new(0),
            budget: length.saturating_mul(BUDGET_FILES).max(BUDGET_FLOOR),
        })
    }

    /// A window of at most `capacity` bytes that moves to wherever it is asked to read.
    pub(super) fn reader(&self, capacity: usize) -> Reader<'_> {
        Reader { image: self, capacity, start: 0, buffer: Vec::new() }
    }

    fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let read = self.read.get().saturating_add(buffer.len() as u64);
        if read > self.budget {
            return Err(Error::Costly { read });
        }
        self.read.set(read);
        self.file.read_exact_at(buffer, offset)?;
        Ok(())
    }

    /// The word at an address as it will be in memory, less the load bias.
    ///
    /// lld leaves zero in the file where a position independent program has a pointer, and keeps the value in
    /// `.rela.dyn` only; Go's own linker (cmd/link/internal/amd64/asm.go, go1.26) and GNU ld write both.
    pub(super) fn pointer(&self, reader: &mut Reader<'_>, address: u64) -> Result<u64, Error> {
        let value = reader.word(address)?;
        if value != 0 || !self.elf.position_independent {
            return Ok(value);
        }
        Ok(self.relocations()?.addend(self, address)?.unwrap_or(0))
    }

    pub(super) fn relocations(&self) -> Result<&Relocations, Error> {
        if let Some(found) = self.relocations.get() {
            return Ok(found);
        }
        let found = Relocations::find(self)?;
        Ok(self.relocations.get_or_init(|| found))
    }
}

pub(super) struct Reader<'i> {
    image: &'i Image<'i>,
    capacity: usize,
    /// Address of the first byte of the buffer.
    start: u64,
    buffer: Vec<u8>,
}

impl Reader<'_> {
    /// Exactly `length` bytes, which must fit the window.
    pub(super) fn bytes(&mut self, address: u64, length: usize) -> Result<&[u8], Error> {
        if self.held(address, length).is_none() {
            self.refill(address)?;
        }
        self.held(address, length)
            .ok_or(Error::Address { address })
            .and_then(|range| self.buffer.get(range).ok_or(Error::Address { address }))
    }

    /// As many bytes as a window holds from here on; fewer at the end of a segment, never none.
    pub(super) fn run(&mut self, address: u64) -> Result<&[u8], Error> {
        if self.start != address || self.buffer.is_empty() {
            self.refill(address)?;
        }
        Ok(&self.buffer)
    }

    pub(super) fn word(&mut self, address: u64) -> Result<u64, Error> {
        let bytes = self.bytes(address, 8)?;
        u64_at(bytes, 0).ok_or(Error::Address { address })
    }

    pub(super) fn half(&mut self, address: u64) -> Result<u32, Error> {
        let bytes = self.bytes(address, 4)?;
        u32_at(bytes, 0).ok_or(Error::Address { address })
    }

    pub(super) fn byte(&mut self, address: u64) -> Result<u8, Error> {
        let bytes = self.bytes(address, 1)?;
        bytes.first().copied().ok_or(Error::Address { address })
    }

    fn held(&self, address: u64, length: usize) -> Option<std::ops::Range<usize>> {
        let from = usize::try_from(address.checked_sub(self.start)?).ok()?;
        let to = from.checked_add(length)?;
        (to <= self.buffer.len()).then_some(from..to)
    }

    fn refill(&mut self, address: u64) -> Result<(), Error> {
        let segment = self.image.elf.segment(address).ok_or(Error::Address { address })?;
        let left = usize::try_from(segment.end() - address).unwrap_or(usize::MAX);
        let offset = offset(segment, address).ok_or(Error::Address { address })?;
        self.buffer.clear();
        self.buffer.resize(left.min(self.capacity), 0);
        self.start = address;
        let filled = self.image.fill(offset, &mut self.buffer);
        if filled.is_err() {
            self.buffer.clear();
        }
        filled
    }
}

/// Where in the file the byte of an address is.
pub(super) fn offset(segment: &Segment, address: u64) -> Option<u64> {
    segment.contains(address).then(|| (address - segment.address).checked_add(segment.offset))?
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}
