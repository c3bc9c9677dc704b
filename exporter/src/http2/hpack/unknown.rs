//! Names an entry of the dynamic table that was inserted before we looked, or that was too old to be kept.

/// Numbers of one table, from the bits below: enough for all that may be inserted and all that an index may reach back.
const TABLE_BITS: u32 = 40;

/// An entry of which something is unknown: the number of its insertion, the same whenever it is referred to. Entries
/// from before and after a loss have different ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unknown(u64);

/// How far the insertions into a table had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(pub(super) u64);

impl Unknown {
    /// The number of the first entry that is inserted after the table of which `number` is one was forgotten.
    pub(super) fn first(number: u64) -> u64 {
        let table = (number >> TABLE_BITS).wrapping_add(1) << TABLE_BITS;
        table | 1 << (TABLE_BITS - 1)
    }

    /// The entry that is `back` older than the newest, where the next one will get the number `next`.
    pub(super) fn before(next: u64, back: usize) -> Self {
        Self(next.wrapping_sub(back as u64).wrapping_sub(1))
    }

    /// The entry that is `back` older than the newest of those that were inserted up to a place.
    pub(super) fn behind(place: Place, back: usize) -> Self {
        Self::before(place.0, back)
    }

    /// How much older the entry is than the newest of those that were inserted up to a place; None if it is younger.
    pub fn back_from(self, place: Place) -> Option<usize> {
        usize::try_from(place.0.checked_sub(1)?.checked_sub(self.0)?).ok()
    }

    /// Whether it is of the table of which `number` is one.
    pub(super) fn same_table(self, number: u64) -> bool {
        self.0 >> TABLE_BITS == number >> TABLE_BITS
    }
}
