//! Header compression (RFC 7541) of one direction, where the start of the connection need not have been seen.
//!
//! Whatever cannot be known is said to be unknown, never guessed. A block that breaks the rules is given up, and
//! nothing is known of the table from there on.

mod huffman;
mod learned;
mod reader;
mod static_table;
mod table;
mod text;
mod unknown;

#[cfg(test)]
mod tests;

pub(crate) use reader::Reader;
use table::Table;

pub use reader::Literal;
pub use text::Text;
pub use unknown::{Place, Unknown};

/// Memory that is kept for the next Huffman string.
const SCRATCH_KEPT: usize = 4096;

/// One header field. What is None stands in an entry of the dynamic table from before we looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: Option<Text>,
    pub value: Option<Text>,
    /// If something is None: the entry of the table that it stands in. If only the name is, the value is not that of the
    /// entry: the field was sent with the name of the entry and its own value.
    pub unknown: Option<Unknown>,
}

impl Field {
    /// The size of the field as RFC 7541 counts it; what is unknown counts nothing.
    pub fn size(&self) -> usize {
        table::size(self)
    }
}

/// Decodes the header blocks of one direction of a connection.
#[derive(Debug, Default)]
pub struct Decoder {
    table: Table,
    scratch: Vec<u8>,
}

impl Decoder {
    /// A decoder that knows nothing but the static table, which is all that there is at the start of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes a block. `visit` gets each field and, if its value is a literal, where in the block it stands. Returns
    /// whether that was all; if not, the rest of the block was malformed and the table was forgotten.
    pub fn decode(&mut self, block: &[u8], visit: &mut impl FnMut(Field, Option<Literal>)) -> bool {
        let mut reader = Reader::new(block);
        let mut complete = true;
        while let Some(first) = reader.octet() {
            complete = self.represented(first, &mut reader, visit).is_some();
            if !complete {
                self.forget();
                break;
            }
        }
        self.scratch.clear();
        self.scratch.shrink_to(SCRATCH_KEPT);
        complete
    }

    /// Decodes a block for the values in it that are literals: `visit` gets the name of the field, if it is known, and
    /// where the value stands. Returns what [`Self::decode`] does.
    pub fn literals(&mut self, block: &[u8], visit: &mut impl FnMut(Option<&[u8]>, Literal)) -> bool {
        self.decode(block, &mut |field, literal| {
            if let Some(literal) = literal {
                visit(field.name.as_deref(), literal);
            }
        })
    }

    /// The other side announced SETTINGS_HEADER_TABLE_SIZE.
    pub fn table_size(&mut self, size: u32) {
        self.table.allow(usize::try_from(size).unwrap_or(usize::MAX));
    }

    /// The caller found out what stands in an entry, or a part of it. Ignored if the table was forgotten since.
    pub fn learn(&mut self, reference: Unknown, name: Option<Text>, value: Option<Text>) {
        self.table.learn(reference, name, value);
    }

    /// How far insertions have come.
    pub fn place(&self) -> Place {
        self.table.place()
    }

    /// The caller found out what the whole table was, the newest entry first, at a place. Ignored if it was forgotten
    /// since.
    pub fn learn_table<'t>(&mut self, place: Place, entries: impl Iterator<Item = (&'t [u8], &'t [u8])>) {
        for (back, (name, value)) in entries.enumerate() {
            self.table.learn(Unknown::behind(place, back), Some(name.into()), Some(value.into()));
        }
    }

    /// Puts into a field of before what was learned since. Says whether anything was.
    pub fn resolve(&self, field: &mut Field) -> bool {
        self.table.resolve(field)
    }

    /// A block went by unseen: nothing is known of the table any more.
    pub fn forget(&mut self) {
        self.table.forget();
    }

    /// Bytes held in memory.
    pub fn buffered(&self) -> usize {
        self.table.size() + self.scratch.capacity()
    }

    /// One representation, of which `first` is the first octet; None if it is malformed.
    fn represented(
        &mut self,
        first: u8,
        reader: &mut Reader<'_>,
        visit: &mut impl FnMut(Field, Option<Literal>),
    ) -> Option<()> {
        match first {
            0x80.. => visit(self.table.get(reader.integer(first, 7)?)?, None),
            0x40.. => {
                let (field, literal) = self.literal(first, 6, reader)?;
                self.table.insert(field.clone());
                visit(field, Some(literal));
            }
            0x20.. => {
                let size = reader.integer(first, 5)?;
                self.table.allow(size);
            }
            // Without indexing, and never to be indexed.
            _ => {
                let (field, literal) = self.literal(first, 4, reader)?;
                visit(field, Some(literal));
            }
        }
        Some(())
    }

    /// A field with a literal value; the prefix of `bits` has the index of its name.
    fn literal(&mut self, first: u8, bits: u32, reader: &mut Reader<'_>) -> Option<(Field, Literal)> {
        let (name, unknown) = match reader.integer(first, bits)? {
            0 => (Some(reader.string(&mut self.scratch)?.0), None),
            index => {
                let named = self.table.get(index)?;
                // An entry may lack the value alone, which is not asked for.
                let unknown = named.unknown.filter(|_| named.name.is_none());
                (named.name, unknown)
            }
        };
        let (value, literal) = reader.string(&mut self.scratch)?;
        Some((Field { name, value: Some(value), unknown }, literal))
    }
}
