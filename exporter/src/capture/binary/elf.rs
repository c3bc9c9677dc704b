//! The ELF headers: which bytes of the file are loaded where, and the section names that strip left behind.
//!
//! Sections are a shortcut only: the loader does not need them, so a damaged or missing table counts as none.

use std::fs::File;
use std::os::unix::fs::FileExt;

use object::LittleEndian;
use object::elf::{self, FileHeader64, ProgramHeader64, SectionHeader64};
use object::pod::{self, Pod};

use super::error::Error;

/// Linkers write a dozen program headers and some fifty section headers.
const MAX_SEGMENTS: u16 = 256;
const MAX_SECTIONS: u16 = 4096;

const PAGE: u64 = 4096;

/// User addresses have at most 56 bits; below that, sums of an address and an offset cannot overflow.
const MAX_ADDRESS: u64 = 1 << 56;

/// The instruction set of an executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    X86_64,
    Aarch64,
}

/// Bytes of the file that the loader maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub address: u64,
    pub offset: u64,
    /// Bytes in the file; memory beyond them starts as zero.
    pub file_size: u64,
    pub writable: bool,
    pub executable: bool,
}

impl Segment {
    /// First address behind the bytes that are in the file.
    pub fn end(&self) -> u64 {
        self.address.saturating_add(self.file_size)
    }

    pub fn contains(&self, address: u64) -> bool {
        (self.address..self.end()).contains(&address)
    }

    /// Where the first page of this segment begins: file offset and address.
    pub(super) fn first_page(&self) -> (u64, u64) {
        let within = self.offset % PAGE;
        (self.offset - within, self.address.saturating_sub(within))
    }
}

/// A named section that is loaded.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: Vec<u8>,
    pub(super) address: u64,
}

#[derive(Debug)]
pub(super) struct Elf {
    pub(super) arch: Arch,
    pub(super) position_independent: bool,
    pub(super) segments: Vec<Segment>,
    /// Address and size of the dynamic section, for relocations.
    pub(super) dynamic: Option<(u64, u64)>,
    /// It is started by a dynamic linker, which brings it libraries.
    pub(super) interpreted: bool,
    /// A table of symbols is there, which strip takes away.
    pub(super) symbols: bool,
    sections: Vec<Section>,
}

impl Elf {
    pub(super) fn read(file: &File, length: u64) -> Result<Self, Error> {
        let mut start = [0; size_of::<FileHeader64<LittleEndian>>()];
        if file.read_exact_at(&mut start, 0).is_err() {
            return Err(Error::NotElf("a file shorter than an ELF header"));
        }
        let header: &FileHeader64<LittleEndian> = view(&start)?;
        let arch = arch(header)?;
        let position_independent = match header.e_type.get(LittleEndian) {
            elf::ET_EXEC => false,
            elf::ET_DYN => true,
            _ => {
                return Err(Error::NotElf("an ELF file of another kind (object or core)"));
            }
        };
        let mut found = Self {
            arch,
            position_independent,
            segments: Vec::new(),
            dynamic: None,
            interpreted: false,
            symbols: false,
            sections: Vec::new(),
        };
        found.read_segments(file, header, length)?;
        found.read_sections(file, header);
        Ok(found)
    }

    fn read_segments(&mut self, file: &File, header: &FileHeader64<LittleEndian>, length: u64) -> Result<(), Error> {
        let count = header.e_phnum.get(LittleEndian);
        if count > MAX_SEGMENTS {
            return Err(Error::NotElf("a header with too many segments"));
        }
        let size = size_of::<ProgramHeader64<LittleEndian>>();
        if usize::from(header.e_phentsize.get(LittleEndian)) != size {
            return Err(Error::NotElf("program headers of an unknown size"));
        }
        let mut table = vec![0; usize::from(count) * size];
        let offset = header.e_phoff.get(LittleEndian);
        let needed = offset.saturating_add(table.len() as u64);
        if needed > length {
            return Err(Error::Truncated { needed, length });
        }
        file.read_exact_at(&mut table, offset)?;
        for entry in table.chunks_exact(size) {
            let entry: &ProgramHeader64<LittleEndian> = view(entry)?;
            let address = entry.p_vaddr.get(LittleEndian);
            let file_size = entry.p_filesz.get(LittleEndian);
            let flags = entry.p_flags.get(LittleEndian);
            match entry.p_type.get(LittleEndian) {
                elf::PT_INTERP => self.interpreted = true,
                elf::PT_DYNAMIC => self.dynamic = Some((address, file_size)),
                elf::PT_LOAD => {
                    let offset = entry.p_offset.get(LittleEndian);
                    let needed = offset.saturating_add(file_size);
                    if needed > length {
                        return Err(Error::Truncated { needed, length });
                    }
                    if address.saturating_add(file_size) > MAX_ADDRESS {
                        return Err(Error::NotElf("a segment beyond the last address"));
                    }
                    self.segments.push(Segment {
                        address,
                        offset,
                        file_size,
                        writable: flags.contains(elf::PF_W),
                        executable: flags.contains(elf::PF_X),
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_sections(&mut self, file: &File, header: &FileHeader64<LittleEndian>) {
        let table = section_table(file, header).unwrap_or_default();
        let headers: Vec<&SectionHeader64<LittleEndian>> = table
            .chunks_exact(size_of::<SectionHeader64<LittleEndian>>())
            .filter_map(|entry| view(entry).ok())
            .collect();
        self.symbols = headers.iter().any(|section| section.sh_type.get(LittleEndian) == elf::SHT_SYMTAB);
        self.sections = sections(file, header, &headers).unwrap_or_default();
    }

    /// Address of the loaded section whose name ends so: PIE builds put `.data.rel.ro` in front of Go's names.
    pub(super) fn section(&self, suffix: &str) -> Option<u64> {
        self.sections.iter().find(|section| section.name.ends_with(suffix.as_bytes())).map(|section| section.address)
    }

    pub(super) fn segment(&self, address: u64) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.contains(address))
    }
}

fn arch(header: &FileHeader64<LittleEndian>) -> Result<Arch, Error> {
    let ident = &header.e_ident;
    if ident.magic != elf::ELFMAG {
        return Err(Error::NotElf("a file without the ELF magic"));
    }
    if ident.class != elf::ELFCLASS64 || ident.data != elf::ELFDATA2LSB {
        return Err(Error::Unsupported { found: format!("class {}, byte order {}", ident.class.0, ident.data.0) });
    }
    match header.e_machine.get(LittleEndian) {
        elf::EM_X86_64 => Ok(Arch::X86_64),
        elf::EM_AARCH64 => Ok(Arch::Aarch64),
        other => Err(Error::Unsupported { found: format!("machine {}", other.0) }),
    }
}

fn section_table(file: &File, header: &FileHeader64<LittleEndian>) -> Option<Vec<u8>> {
    let size = size_of::<SectionHeader64<LittleEndian>>();
    let count = header.e_shnum.get(LittleEndian);
    if count > MAX_SECTIONS || usize::from(header.e_shentsize.get(LittleEndian)) != size {
        return None;
    }
    let mut table = vec![0; usize::from(count) * size];
    file.read_exact_at(&mut table, header.e_shoff.get(LittleEndian)).ok()?;
    Some(table)
}

/// Those that are loaded, with their names.
fn sections(
    file: &File,
    header: &FileHeader64<LittleEndian>,
    headers: &[&SectionHeader64<LittleEndian>],
) -> Option<Vec<Section>> {
    let names = headers.get(usize::from(header.e_shstrndx.get(LittleEndian).0))?.sh_offset.get(LittleEndian);
    let mut found = Vec::new();
    for section in headers {
        let address = section.sh_addr.get(LittleEndian);
        if address == 0 {
            continue;
        }
        let mut name = [0; 64];
        let offset = names.checked_add(u64::from(section.sh_name.get(LittleEndian)))?;
        let filled = file.read_at(&mut name, offset).ok()?;
        let name = name.get(..filled)?.split(|byte| *byte == 0).next()?;
        found.push(Section { name: name.to_vec(), address });
    }
    Some(found)
}

/// A header as `object` declares it, out of bytes that are long enough.
fn view<T: Pod>(bytes: &[u8]) -> Result<&T, Error> {
    match pod::from_bytes(bytes) {
        Ok((value, _)) => Ok(value),
        Err(()) => Err(Error::NotElf("a header that is too short")),
    }
}
