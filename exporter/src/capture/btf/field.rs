//! Follows a path of names through structs, unions, arrays, typedefs and what has no name.

use super::Error;
use super::table::{Table, Type, kind};

/// Steps of one search: types that refer to each other in circles end there. The largest struct of a kernel
/// (`task_struct`) has some 300 fields.
const STEPS: u32 = 100_000;

/// Anonymous structs inside each other; kernels have up to four.
const DEEPEST: u32 = 16;

/// Place of a field, from the start of the outermost structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// In bits. For a bit field of a little-endian kernel: of its lowest bit; of a big-endian one: of its highest.
    pub bit_offset: u32,
    /// Number of bits of a bit field, `None` for everything else.
    pub bit_size: Option<u32>,
}

pub(super) fn find(table: &Table, structure: &str, path: &str) -> Result<Field, Error> {
    let mut search = Search { table, steps: STEPS };
    let mut missing = None;
    // One name can belong to several types: the first that has the whole path is the one that is meant.
    for candidate in
        table.all().filter(|candidate| is_structure(*candidate) && table.name(candidate.name) == structure.as_bytes())
    {
        match search.walk(candidate, path)? {
            Ok(field) => return Ok(field),
            Err(field) => missing = Some(field),
        }
    }
    Err(match missing {
        None => Error::NoType(structure.to_owned()),
        Some(field) => Error::NoField { structure: structure.to_owned(), field, path: path.to_owned() },
    })
}

fn is_structure(candidate: Type) -> bool {
    matches!(candidate.kind, kind::STRUCT | kind::UNION)
}

struct Search<'a> {
    table: &'a Table,
    steps: u32,
}

impl Search<'_> {
    /// The field, or the part of the path that is not there.
    fn walk(&mut self, structure: Type, path: &str) -> Result<Result<Field, String>, Error> {
        let mut inside = Some(structure);
        let mut field = Field { bit_offset: 0, bit_size: None };
        for part in path.split('.') {
            let (name, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
            let Some(structure) = inside.filter(|inside| is_structure(*inside)) else {
                return Ok(Err(part.to_owned()));
            };
            let Some((found, mut type_id)) = self.member(structure, name, 0)? else {
                return Ok(Err(name.to_owned()));
            };
            field.bit_offset = add(field.bit_offset, found.bit_offset)?;
            field.bit_size = found.bit_size;
            for index in indices.split_terminator(']') {
                let index = index.strip_prefix('[').and_then(|index| index.parse().ok());
                let Some((element, bits)) = self.element(type_id, index)? else {
                    return Ok(Err(part.to_owned()));
                };
                field.bit_offset = add(field.bit_offset, bits)?;
                type_id = element;
            }
            inside = self.plain(type_id)?;
        }
        Ok(Ok(field))
    }

    /// A member by its name, also inside members that have none.
    fn member(&mut self, structure: Type, name: &str, depth: u32) -> Result<Option<(Field, u32)>, Error> {
        for member in self.table.members(structure) {
            self.step()?;
            let member = member?;
            let (bit_offset, mut bit_size) = if structure.tells_bit_fields {
                let size = member.offset >> 24;
                (member.offset & 0x00ff_ffff, (size != 0).then_some(size))
            } else {
                (member.offset, None)
            };
            let found = self.table.name(member.name);
            if found == name.as_bytes() {
                let mut bit_offset = bit_offset;
                if !structure.tells_bit_fields
                    && let Some((start, size)) = self.small_integer(member.type_id)?
                {
                    bit_offset = add(bit_offset, start)?;
                    bit_size = Some(size);
                }
                let field = Field { bit_offset, bit_size };
                return Ok(Some((field, member.type_id)));
            }
            if !found.is_empty() || depth == DEEPEST {
                continue;
            }
            if let Some(inner) = self.plain(member.type_id)?.filter(|inner| is_structure(*inner))
                && let Some((mut field, type_id)) = self.member(inner, name, depth + 1)?
            {
                field.bit_offset = add(field.bit_offset, bit_offset)?;
                return Ok(Some((field, type_id)));
            }
        }
        Ok(None)
    }

    /// How tables before 5.0 write bit fields: an integer type with fewer bits than its bytes have. Gives where
    /// they start, and their number.
    fn small_integer(&mut self, type_id: u32) -> Result<Option<(u32, u32)>, Error> {
        let Some(integer) = self.plain(type_id)?.filter(|found| found.kind == kind::INT) else {
            return Ok(None);
        };
        let (bits, start) = self.table.integer_bits(integer)?;
        let whole = start == 0 && bits == integer.size_or_type.saturating_mul(8);
        Ok((!whole).then_some((start, bits)))
    }

    /// Type of one element of an array, and the bits in front of it.
    fn element(&mut self, type_id: u32, index: Option<u32>) -> Result<Option<(u32, u32)>, Error> {
        let (Some(index), Some(array)) = (index, self.plain(type_id)?) else {
            return Ok(None);
        };
        if array.kind != kind::ARRAY {
            return Ok(None);
        }
        let (element, count) = self.table.elements(array)?;
        if index >= count {
            return Ok(None);
        }
        let Some(size) = self.size(element)? else {
            return Ok(None);
        };
        let bits = size.checked_mul(8).and_then(|bits| bits.checked_mul(index));
        Ok(Some((element, bits.ok_or(TOO_LARGE)?)))
    }

    /// Size in bytes of what an array is made of; `None` for pointers, whose size the table does not say.
    fn size(&mut self, type_id: u32) -> Result<Option<u32>, Error> {
        let mut factor = 1_u32;
        let mut type_id = type_id;
        while let Some(found) = self.plain(type_id)? {
            match found.kind {
                kind::ARRAY => {
                    let (element, count) = self.table.elements(found)?;
                    factor = factor.checked_mul(count).ok_or(TOO_LARGE)?;
                    type_id = element;
                }
                kind::INT | kind::STRUCT | kind::UNION | kind::ENUM | kind::ENUM64 | kind::FLOAT => {
                    return Ok(Some(factor.checked_mul(found.size_or_type).ok_or(TOO_LARGE)?));
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The type without typedefs and qualifiers; `None` for `void`.
    fn plain(&mut self, mut id: u32) -> Result<Option<Type>, Error> {
        while id != 0 {
            self.step()?;
            let found = self.table.get(id)?;
            match found.kind {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                    id = found.size_or_type;
                }
                _ => return Ok(Some(found)),
            }
        }
        Ok(None)
    }

    fn step(&mut self) -> Result<(), Error> {
        self.steps = self.steps.checked_sub(1).ok_or(Error::Damaged("types refer to each other in a circle"))?;
        Ok(())
    }
}

const TOO_LARGE: Error = Error::Damaged("an offset is too large");

fn add(left: u32, right: u32) -> Result<u32, Error> {
    left.checked_add(right).ok_or(TOO_LARGE)
}
