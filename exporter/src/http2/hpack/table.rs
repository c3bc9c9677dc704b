//! The dynamic table, as far as it is known: only what was inserted since we look.
//!
//! Keeping more than the encoder does is harmless, as indices count from the newest entry and an encoder never refers
//! to what it dropped. So the sizes it works with only bound our memory.

use std::collections::VecDeque;

use super::learned::Learned;
use super::{Field, Place, Text, Unknown, static_table};

/// What RFC 7541 counts for an entry on top of its name and value.
const OVERHEAD: usize = 32;
/// The size that holds until something else is announced.
const DEFAULT_SIZE: usize = 4096;
/// No table is kept larger, whatever was announced.
const SIZE_LIMIT: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Table {
    /// The newest first.
    entries: VecDeque<Field>,
    size: usize,
    bound: usize,
    /// The number that the next entry gets.
    next: u64,
    learned: Learned,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            size: 0,
            bound: DEFAULT_SIZE,
            next: Unknown::first(0),
            learned: Learned::default(),
        }
    }
}

impl Table {
    /// Makes room for a table of this size. Never less than before: an encoder may refer to an old entry until it
    /// heard of the smaller size.
    pub(super) fn allow(&mut self, size: usize) {
        self.bound = self.bound.max(size.min(SIZE_LIMIT));
    }

    /// The entry of this index, as far as it is known; None for 0, which is no index.
    pub(super) fn get(&self, index: usize) -> Option<Field> {
        let Some(back) = index.checked_sub(static_table::DYNAMIC) else {
            return static_table::get(index);
        };
        let mut field = match self.entries.get(back) {
            Some(field) => field.clone(),
            None => Field { name: None, value: None, unknown: Some(self.number(back)) },
        };
        self.resolve(&mut field);
        Some(field)
    }

    /// Puts in what was learned of the entry that a field stands in. Says whether anything was.
    pub(super) fn resolve(&self, field: &mut Field) -> bool {
        let Some((name, value)) = field.unknown.and_then(|unknown| self.learned.get(unknown)) else { return false };
        let inserted = field.value.is_some();
        field.name.clone_from(name);
        if !inserted {
            field.value.clone_from(value);
        }
        if field.name.is_some() && field.value.is_some() {
            field.unknown = None;
        }
        true
    }

    pub(super) fn place(&self) -> Place {
        Place(self.next)
    }

    pub(super) fn insert(&mut self, field: Field) {
        self.size += size(&field);
        self.entries.push_front(field);
        self.next = self.next.wrapping_add(1);
        while self.size > self.bound {
            let Some(oldest) = self.entries.pop_back() else { break };
            self.size -= size(&oldest);
        }
    }

    pub(super) fn learn(&mut self, reference: Unknown, name: Option<Text>, value: Option<Text>) {
        if reference.same_table(self.next) {
            self.learned.insert(reference, name, value);
        }
    }

    /// Nothing is known from here on; numbers of entries from before stand for nothing any more.
    pub(super) fn forget(&mut self) {
        *self = Self { bound: self.bound, next: Unknown::first(self.next), ..Self::default() };
    }

    /// Bytes of names and values held, with what each entry costs.
    pub(super) fn size(&self) -> usize {
        self.size + self.learned.size()
    }

    fn number(&self, back: usize) -> Unknown {
        Unknown::before(self.next, back)
    }
}

/// The size of a field as RFC 7541 counts it; what is unknown has none.
pub(super) fn size(field: &Field) -> usize {
    let lengths = [&field.name, &field.value].into_iter().flatten().map(|text| text.len());
    OVERHEAD + lengths.sum::<usize>()
}
