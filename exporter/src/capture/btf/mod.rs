//! Where the fields of kernel structures are, from the kernel's own type data (BTF).
//!
//! Read once at start and dropped: the file is about 6 MB. What is in it comes from the kernel or from a file that
//! the user named, and is checked all the same: a damaged table is an error, never a panic.

mod field;
mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use object::read::{ReadCache, ReadCacheRange};
use object::{Object, ObjectSection};

pub use field::Field;
use table::Table;

/// Where a kernel built with `CONFIG_DEBUG_INFO_BTF` shows its type data (5.4 and later).
pub const KERNEL: &str = "/sys/kernel/btf/vmlinux";

/// More than any kernel has (6.18: 5.5 MB, with every driver built in about 15 MB).
const LARGEST: u64 = 64 << 20;

/// Why there is no offset.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "cannot read kernel type data from {path}: {source}; a kernel built with CONFIG_DEBUG_INFO_BTF has it, for others name a file"
    )]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} holds no kernel type data: expected BTF, or an ELF file with a section .BTF; {found}")]
    NotBtf { path: PathBuf, found: String },
    #[error("kernel type data is damaged: {0}")]
    Damaged(&'static str),
    #[error("kernel type data has a type of the unknown kind {0}: it is newer than this hoptap")]
    UnknownKind(u32),
    #[error("this kernel has no struct or union named {0}")]
    NoType(String),
    #[error("this kernel's {structure} has no field {field} (looked for {path})")]
    NoField { structure: String, field: String, path: String },
    #[error("{structure}.{path} is a bit field at bit {bit}: it has no offset in bytes")]
    BitField { structure: String, path: String, bit: u32 },
}

/// The types of one kernel.
#[derive(Debug)]
pub struct Btf {
    table: Table,
}

impl Btf {
    /// Reads raw BTF, or the section `.BTF` of an ELF file (a kernel image with debug information), in either
    /// byte order.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::parse(bytes_of(path)?).map_err(|error| match error {
            Error::NotBtf { found, .. } => Error::NotBtf { path: path.to_owned(), found },
            other => other,
        })
    }

    /// Reads raw BTF.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, Error> {
        let table = Table::parse(bytes)?;
        Ok(Self { table })
    }

    /// Offset in bytes of a field from the start of a structure: `offset("sock", "__sk_common.skc_family")`.
    /// Anonymous structs and unions on the way need not be named; elements of arrays are `regs[28]`.
    pub fn offset(&self, structure: &str, path: &str) -> Result<u32, Error> {
        let field = self.field(structure, path)?;
        if field.bit_size.is_some() || !field.bit_offset.is_multiple_of(8) {
            return Err(Error::BitField {
                structure: structure.to_owned(),
                path: path.to_owned(),
                bit: field.bit_offset,
            });
        }
        Ok(field.bit_offset / 8)
    }

    /// The place of a field that may be a bit field (`sock.sk_protocol` and `sk_type` before 5.6).
    pub fn field(&self, structure: &str, path: &str) -> Result<Field, Error> {
        field::find(&self.table, structure, path)
    }

    /// Says whether the kernel, without its modules, has a tracepoint: each has a type of its own
    /// (include/trace/bpf_probe.h, 5.5 and later).
    pub fn has_tracepoint(&self, name: &str) -> bool {
        let wanted = format!("btf_trace_{name}");
        let mut types = self.table.all();
        types.any(|one| one.kind == table::kind::TYPEDEF && self.table.name(one.name) == wanted.as_bytes())
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Error> {
    use std::io::Read;
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mut magic = [0; 4];
    file.read_exact(&mut magic).map_err(failed)?;
    if magic == *b"\x7fELF" {
        return section_of(path, file);
    }
    let mut bytes = magic.to_vec();
    file.take(LARGEST).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Reads the headers and that one section: a kernel image with debug information has hundreds of megabytes.
fn section_of(path: &Path, file: std::fs::File) -> Result<Vec<u8>, Error> {
    let not_btf = |found: String| Error::NotBtf { path: path.to_owned(), found };
    let cache = ReadCache::new(file);
    let whole: ReadCacheRange<'_, _> = cache.range(0, u64::MAX);
    let elf = object::File::parse(whole).map_err(|error| not_btf(format!("this ELF file cannot be read: {error}")))?;
    let section = elf.section_by_name(".BTF").ok_or_else(|| not_btf("this ELF file has no such section".to_owned()))?;
    if section.size() > LARGEST {
        return Err(Error::Damaged("the section .BTF is too large"));
    }
    let bytes = section.data().map_err(|error| not_btf(format!("its section cannot be read: {error}")))?;
    Ok(bytes.to_vec())
}
