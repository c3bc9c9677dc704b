//! Names that Traefik gave: each held once, however often it is met.

use rustc_hash::FxHashSet;

use crate::event::Name;

/// Holds at most `limit` names. What comes after that is handed out all the same, but not shared.
#[derive(Debug)]
pub struct Names {
    held: FxHashSet<Name>,
    limit: usize,
    unshared: u64,
}

impl Names {
    pub fn new(limit: usize) -> Self {
        Self { held: FxHashSet::default(), limit, unshared: 0 }
    }

    pub fn intern(&mut self, name: &str) -> Name {
        if let Some(held) = self.held.get(name) {
            return Name::clone(held);
        }
        let new = Name::from(name);
        if self.held.len() < self.limit {
            self.held.insert(Name::clone(&new));
        } else {
            self.unshared += 1;
        }
        new
    }

    /// Names handed out unshared because the limit was reached.
    pub fn unshared(&self) -> u64 {
        self.unshared
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn shares_up_to_its_limit() {
        let mut names = Names::new(1);
        assert!(Arc::ptr_eq(&names.intern("web"), &names.intern("web")));
        assert!(!Arc::ptr_eq(&names.intern("b"), &names.intern("b")));
        assert_eq!(names.unshared(), 2);
    }
}
