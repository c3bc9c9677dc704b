//! Go's `runtime.moduledata`: where the function table and the types are.
//!
//! Found by its first two words, which point at the function table and at the names inside it.

use super::error::Error;
use super::image::{Image, Reader, WIDE, u32_at, u64_at};

/// `runtime.pcHeader`, then offsets of its parts; the same words since Go 1.18.
const HEADER: usize = 72;
/// internal/abi/symtab.go (go1.26): Go118PCLnTabMagic and Go120PCLnTabMagic.
const MAGICS: [u32; 2] = [0xffff_fff0, 0xffff_fff1];
/// Words of `moduledata`, the same in Go 1.20 to 1.26 (runtime/symtab.go).
const TEXT: u64 = 22;
const ETEXT: u64 = 23;
const TYPES: u64 = 37;
/// `etypes` follows; Go 1.27 puts the length of the descriptors in between.
const AFTER_TYPES: [u64; 2] = [38, 39];
/// Bytes that look like a table's start but are none: give up after so many.
const MAX_CANDIDATES: usize = 16;

/// Addresses of the parts of `.gopclntab`.
#[derive(Debug, Clone, Copy)]
pub(super) struct FunctionHeader {
    pub(super) count: u64,
    pub(super) names: u64,
    pub(super) names_end: u64,
    pub(super) table: u64,
    /// Instructions begin at multiples of this.
    pub(super) quantum: u8,
}

#[derive(Debug)]
pub(super) struct ModuleData {
    pub(super) functions: FunctionHeader,
    pub(super) text: u64,
    pub(super) text_end: u64,
    pub(super) types: u64,
    pub(super) types_end: u64,
}

impl ModuleData {
    pub(super) fn find(image: &Image<'_>) -> Result<Self, Error> {
        if let Some(address) = image.elf.section(".gopclntab")
            && let Some(found) = Self::of(image, address)?
        {
            return Ok(found);
        }
        // GNU ld merges the section into `.data.rel.ro` in some PIE builds, and section headers may be gone.
        let mut candidates = 0;
        let mut segments: Vec<_> = image.elf.segments.iter().collect();
        segments.sort_by_key(|segment| segment.executable);
        for segment in segments {
            let mut reader = image.reader(WIDE);
            let mut address = segment.address.next_multiple_of(8);
            while address < segment.end() {
                let run = reader.run(address)?;
                let length = run.len() as u64;
                let starts: Vec<u64> = run
                    .chunks_exact(8)
                    .zip(0..)
                    .filter(|(chunk, _)| is_start(chunk))
                    .map(|(_, index)| address + index * 8)
                    .collect();
                for start in starts {
                    if let Some(found) = Self::of(image, start)? {
                        return Ok(found);
                    }
                    candidates += 1;
                    if candidates == MAX_CANDIDATES {
                        return Err(Error::NotGo);
                    }
                }
                address += length.max(8);
            }
        }
        Err(Error::NotGo)
    }

    /// The module data that points at a function table, if there is one at this address.
    fn of(image: &Image<'_>, address: u64) -> Result<Option<Self>, Error> {
        let Some(functions) = FunctionHeader::parse(image, address) else {
            return Ok(None);
        };
        let Some(at) = locate(image, address, functions.names)? else {
            return Ok(None);
        };
        let mut reader = image.reader(8 * 64);
        let mut word = |index: u64| image.pointer(&mut reader, at.saturating_add(index * 8));
        let (text, text_end, types) = (word(TEXT)?, word(ETEXT)?, word(TYPES)?);
        let mut types_end = types;
        for index in AFTER_TYPES {
            types_end = types_end.max(word(index)?);
        }
        // Go 1.27's words are known from a listing only: rather read too much of the segment than too little.
        let Some(limit) = image.elf.segment(types).map(|segment| segment.end()) else {
            return Ok(None);
        };
        if types_end <= types || types_end > limit {
            types_end = limit;
        }
        Ok(Some(Self { functions, text, text_end, types, types_end }))
    }
}

impl FunctionHeader {
    fn parse(image: &Image<'_>, address: u64) -> Option<Self> {
        let mut reader = image.reader(HEADER);
        let bytes = reader.bytes(address, HEADER).ok()?;
        if !is_start(bytes) {
            return None;
        }
        let end = image.elf.segment(address)?.end();
        let part = |at| {
            let address = address.checked_add(u64_at(bytes, at)?)?;
            (address < end).then_some(address)
        };
        let header = Self {
            count: u64_at(bytes, 8)?,
            names: part(32)?,
            names_end: part(40)?,
            table: part(64)?,
            quantum: *bytes.get(6)?,
        };
        // Each function takes 8 bytes in the table, and one more entry of 4 closes it.
        let table_end = header.count.checked_mul(8)?.checked_add(header.table + 4)?;
        (header.names < header.names_end && table_end <= end).then_some(header)
    }
}

/// Whether `pcHeader` begins so: magic, two zeros, the quantum of an instruction, the size of a pointer.
fn is_start(bytes: &[u8]) -> bool {
    u32_at(bytes, 0).is_some_and(|magic| MAGICS.contains(&magic)) && matches!(bytes.get(4..8), Some([0, 0, 1 | 4, 8]))
}

/// Where two words point at the function table and its names.
fn locate(image: &Image<'_>, table: u64, names: u64) -> Result<Option<u64>, Error> {
    for segment in image.elf.segments.iter().filter(|segment| segment.writable) {
        let mut reader = image.reader(WIDE);
        let mut address = segment.address.next_multiple_of(8);
        while address < segment.end() {
            let run = reader.run(address)?;
            let length = run.len() as u64;
            let hits: Vec<u64> = run
                .chunks_exact(8)
                .zip(0..)
                .filter(|(chunk, _)| u64_at(chunk, 0) == Some(table))
                .map(|(_, index)| address + index * 8)
                .collect();
            for hit in hits {
                if second_word(&mut image.reader(8), hit) == Some(names) {
                    return Ok(Some(hit));
                }
            }
            address += length.max(8);
        }
    }
    if image.elf.position_independent {
        return image.relocations()?.pair(image, table, names);
    }
    Ok(None)
}

fn second_word(reader: &mut Reader<'_>, address: u64) -> Option<u64> {
    reader.word(address.checked_add(8)?).ok()
}
