//! Relative relocations: the pointers that a position independent program has only once it is loaded.
//!
//! Looked up where they lie, by binary search: a Traefik built so has about a million of them.

use super::elf::Arch;
use super::error::Error;
use super::image::{Image, NARROW, WIDE, u64_at};

const DT_NULL: u64 = 0;
const DT_RELA: u64 = 7;
const DT_RELASZ: u64 = 8;
const R_X86_64_RELATIVE: u64 = 8;
const R_AARCH64_RELATIVE: u64 = 1027;
/// `Elf64_Rela`: offset, info, addend.
const ENTRY: u64 = 24;
/// Linkers write some thirty dynamic entries.
const MAX_DYNAMIC: u64 = 256;

#[derive(Debug, Default)]
pub(super) struct Relocations {
    address: u64,
    /// Relative ones come first, sorted by offset (ld, gold and lld sort so: `-z combreloc`, their default).
    relative: u64,
    kind: u64,
}

impl Relocations {
    /// Finds the table; an executable without one has none.
    pub(super) fn find(image: &Image<'_>) -> Result<Self, Error> {
        let Some((dynamic, size)) = image.elf.dynamic else {
            return Ok(Self::default());
        };
        let mut reader = image.reader(NARROW);
        let (mut address, mut bytes) = (0, 0);
        for index in 0..(size / 16).min(MAX_DYNAMIC) {
            let entry = dynamic.saturating_add(index * 16);
            let value = reader.word(entry.saturating_add(8))?;
            match reader.word(entry)? {
                DT_NULL => break,
                DT_RELA => address = value,
                DT_RELASZ => bytes = value,
                _ => {}
            }
        }
        let left = image.elf.segment(address).map_or(0, |segment| segment.end() - address);
        let mut found = Self {
            address,
            relative: bytes.min(left) / ENTRY,
            kind: match image.elf.arch {
                Arch::X86_64 => R_X86_64_RELATIVE,
                Arch::Aarch64 => R_AARCH64_RELATIVE,
            },
        };
        found.relative = found.leading(image)?;
        Ok(found)
    }

    /// How many entries at the start of the table are relative.
    fn leading(&self, image: &Image<'_>) -> Result<u64, Error> {
        let mut reader = image.reader(WIDE);
        for index in 0..self.relative {
            let bytes = reader.bytes(self.address + index * ENTRY, ENTRY as usize)?;
            if u64_at(bytes, 8) != Some(self.kind) {
                return Ok(index);
            }
        }
        Ok(self.relative)
    }

    /// What the loader puts at an address, less the load bias.
    pub(super) fn addend(&self, image: &Image<'_>, address: u64) -> Result<Option<u64>, Error> {
        let mut reader = image.reader(ENTRY as usize);
        let (mut low, mut high) = (0, self.relative);
        while low < high {
            let middle = low + (high - low) / 2;
            let entry = self.address + middle * ENTRY;
            let at = reader.word(entry)?;
            if at == address {
                return reader.word(entry + 16).map(Some);
            }
            if at < address {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(None)
    }

    /// The first address where the loader puts one value and, a word later, another.
    pub(super) fn pair(&self, image: &Image<'_>, first: u64, second: u64) -> Result<Option<u64>, Error> {
        let mut reader = image.reader(WIDE);
        let mut before = None;
        for index in 0..self.relative {
            let bytes = reader.bytes(self.address + index * ENTRY, ENTRY as usize)?;
            let (at, value) = (u64_at(bytes, 0), u64_at(bytes, 16));
            let (Some(at), Some(value)) = (at, value) else {
                break;
            };
            if value == second && before == Some(at.wrapping_sub(8)) {
                return Ok(before);
            }
            before = (value == first).then_some(at);
        }
        Ok(None)
    }
}
