//! What the caller found out of entries that were inserted before we looked.

use std::collections::BTreeMap;

use super::{Text, Unknown};

/// More than fit most tables.
const ENTRIES_LIMIT: usize = 256;
/// Bytes of names and values, the largest table that is kept.
const SIZE_LIMIT: usize = 64 * 1024;

/// The name and the value.
pub(super) type Entry = (Option<Text>, Option<Text>);

#[derive(Debug, Default)]
pub(super) struct Learned {
    entries: BTreeMap<Unknown, Entry>,
    size: usize,
}

impl Learned {
    pub(super) fn get(&self, reference: Unknown) -> Option<&Entry> {
        self.entries.get(&reference)
    }

    /// Adds to what is known of the entry. Where there are too many, the oldest entries go: they are the first that
    /// the encoder drops, too.
    pub(super) fn insert(&mut self, reference: Unknown, name: Option<Text>, value: Option<Text>) {
        let old = self.entries.remove(&reference).unwrap_or_default();
        self.size -= size(&old);
        let entry = (name.or(old.0), value.or(old.1));
        let added = size(&entry);
        if added > SIZE_LIMIT {
            return;
        }
        self.size += added;
        self.entries.insert(reference, entry);
        while self.entries.len() > ENTRIES_LIMIT || self.size > SIZE_LIMIT {
            let Some((_, oldest)) = self.entries.pop_first() else { break };
            self.size -= size(&oldest);
        }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }
}

fn size((name, value): &Entry) -> usize {
    [name, value].into_iter().flatten().map(|text| text.len()).sum()
}
