//! The table of types as it lies in the file (Documentation/bpf/btf.rst): found by id, read where it is.

use std::path::PathBuf;

use super::Error;

const MAGIC: u16 = 0xeb9f;

/// Kinds of types, as far as they are looked at.
pub(super) mod kind {
    pub(in super::super) const INT: u32 = 1;
    pub(in super::super) const POINTER: u32 = 2;
    pub(in super::super) const ARRAY: u32 = 3;
    pub(in super::super) const STRUCT: u32 = 4;
    pub(in super::super) const UNION: u32 = 5;
    pub(in super::super) const ENUM: u32 = 6;
    pub(in super::super) const TYPEDEF: u32 = 8;
    pub(in super::super) const VOLATILE: u32 = 9;
    pub(in super::super) const CONST: u32 = 10;
    pub(in super::super) const RESTRICT: u32 = 11;
    pub(in super::super) const FLOAT: u32 = 16;
    pub(in super::super) const TYPE_TAG: u32 = 18;
    pub(in super::super) const ENUM64: u32 = 19;
}

#[derive(Debug)]
pub(super) struct Table {
    bytes: Vec<u8>,
    big_endian: bool,
    /// Where the strings start and end in `bytes`.
    strings: (usize, usize),
    /// Where each type starts in `bytes`, by its id less one: id 0 is `void`.
    types: Vec<u32>,
}

/// The head of one type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    pub(super) name: u32,
    pub(super) kind: u32,
    /// Number of members, values, parameters.
    pub(super) count: u32,
    /// Members say themselves which of them are bit fields.
    pub(super) tells_bit_fields: bool,
    /// Size in bytes, or the id of the type that this one refers to.
    pub(super) size_or_type: u32,
    /// Where that which follows the head starts in the file.
    rest: usize,
}

/// One field of a struct or union.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) name: u32,
    pub(super) type_id: u32,
    /// Bits from the start of the structure; with `tells_bit_fields` the upper 8 bits are the size of a bit field.
    pub(super) offset: u32,
}

impl Table {
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, Error> {
        let magic = [0, 1].map(|at| bytes.get(at).copied().unwrap_or_default());
        let big_endian = match magic {
            found if found == MAGIC.to_le_bytes() => false,
            found if found == MAGIC.to_be_bytes() => true,
            found => {
                return Err(Error::NotBtf {
                    path: PathBuf::from("this file"),
                    found: format!("it starts with {found:02x?}"),
                });
            }
        };
        let mut table = Self { bytes, big_endian, strings: (0, 0), types: Vec::new() };
        let header = table.word(4)?;
        let types = table.section(header, 8)?;
        table.strings = table.section(header, 16)?;
        table.types = table.index(types)?;
        Ok(table)
    }

    /// Start and end of the section whose offset and length stand at `at`; the offset counts from the header's end.
    fn section(&self, header: u32, at: usize) -> Result<(usize, usize), Error> {
        let start = u64::from(header) + u64::from(self.word(at)?);
        let end = start + u64::from(self.word(at + 4)?);
        match (usize::try_from(start), usize::try_from(end)) {
            (Ok(start), Ok(end)) if end <= self.bytes.len() => Ok((start, end)),
            _ => Err(Error::Damaged("a section reaches beyond its end")),
        }
    }

    fn index(&self, (start, end): (usize, usize)) -> Result<Vec<u32>, Error> {
        let mut types = Vec::new();
        let mut at = start;
        while at < end {
            let head = self.head(at)?;
            let length = head.length()?;
            types.push(u32::try_from(at).map_err(|_| Error::Damaged("too many types"))?);
            at = head.rest.saturating_add(length);
        }
        if at != end {
            return Err(Error::Damaged("the last type reaches beyond its section"));
        }
        Ok(types)
    }

    fn head(&self, at: usize) -> Result<Type, Error> {
        let info = self.word(at + 4)?;
        Ok(Type {
            name: self.word(at)?,
            kind: info >> 24 & 0x1f,
            count: info & 0xffff,
            tells_bit_fields: info >> 31 != 0,
            size_or_type: self.word(at + 8)?,
            rest: at + 12,
        })
    }

    pub(super) fn get(&self, id: u32) -> Result<Type, Error> {
        let at = usize::try_from(id)
            .ok()
            .and_then(|id| self.types.get(id.checked_sub(1)?))
            .ok_or(Error::Damaged("a type refers to one that is not there"))?;
        self.head(*at as usize)
    }

    /// Every type with its id, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = Type> {
        self.types.iter().filter_map(|at| self.head(*at as usize).ok())
    }

    /// The name at an offset of the string section; empty for what has none.
    pub(super) fn name(&self, offset: u32) -> &[u8] {
        let (start, end) = self.strings;
        let strings = self.bytes.get(start..end).unwrap_or_default();
        let name = strings.get(offset as usize..).unwrap_or_default();
        let end = memchr::memchr(0, name).unwrap_or(name.len());
        name.get(..end).unwrap_or_default()
    }

    /// The members of a struct or union.
    pub(super) fn members(&self, structure: Type) -> impl Iterator<Item = Result<Member, Error>> {
        (0..structure.count as usize).map(move |index| {
            let at = structure.rest + index * 12;
            Ok(Member { name: self.word(at)?, type_id: self.word(at + 4)?, offset: self.word(at + 8)? })
        })
    }

    /// Type and number of the elements of an array.
    pub(super) fn elements(&self, array: Type) -> Result<(u32, u32), Error> {
        Ok((self.word(array.rest)?, self.word(array.rest + 8)?))
    }

    /// What an integer says of itself: size in bits, and where they start in its bytes.
    pub(super) fn integer_bits(&self, integer: Type) -> Result<(u32, u32), Error> {
        let info = self.word(integer.rest)?;
        Ok((info & 0xff, info >> 16 & 0xff))
    }

    fn word(&self, at: usize) -> Result<u32, Error> {
        let bytes = self.bytes.get(at..).and_then(|rest| rest.first_chunk()).ok_or(Error::Damaged("it ends early"))?;
        Ok(if self.big_endian { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) })
    }
}

impl Type {
    /// Bytes that follow the head. Which kinds exist is a matter of the kernel that wrote the table: without the
    /// length of one kind nothing after it can be found.
    fn length(self) -> Result<usize, Error> {
        let count = self.count as usize;
        Ok(match self.kind {
            kind::POINTER | kind::TYPEDEF..=kind::RESTRICT | kind::FLOAT | kind::TYPE_TAG => 0,
            // Forward declaration, function.
            7 | 12 => 0,
            // Variable, declaration tag.
            kind::INT | 14 | 17 => 4,
            kind::ARRAY => 12,
            // Function prototype.
            kind::ENUM | 13 => count * 8,
            // Data section.
            kind::STRUCT | kind::UNION | kind::ENUM64 | 15 => count * 12,
            other => return Err(Error::UnknownKind(other)),
        })
    }
}
