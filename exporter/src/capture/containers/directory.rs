//! The names of containers by their short ids, as engines told them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// More than a machine runs; what is not held is asked for when it is needed.
const MOST: usize = 16_384;

/// Shared by who learns names and who looks them up.
#[derive(Debug, Clone, Default)]
pub struct Directory(Arc<RwLock<BTreeMap<String, Arc<str>>>>);

impl Directory {
    pub fn name(&self, short_id: &str) -> Option<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(short_id).cloned()
    }

    /// Says whether it was not known so.
    pub fn insert(&self, short_id: &str, name: &str) -> bool {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if names.get(short_id).is_some_and(|known| **known == *name) {
            return false;
        }
        if names.len() < MOST || names.contains_key(short_id) {
            names.insert(short_id.to_owned(), name.into());
        }
        true
    }

    pub fn remove(&self, short_id: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(short_id);
    }
}
