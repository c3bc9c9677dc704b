//! The start of a head or trailer of which the end has not come yet.

/// A buffer larger than this is given back once a message no longer needs it: most heads come in one piece and need
/// none, and there may be tens of thousands of idle connections.
const CAPACITY: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Kept(Vec<u8>);

impl Kept {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }

    /// What was kept and `piece` after it. What arrives whole is read where it lies: nothing is copied then.
    pub(super) fn join<'b>(&'b mut self, piece: &'b [u8]) -> &'b [u8] {
        if self.0.is_empty() {
            return piece;
        }
        self.push(piece);
        &self.0
    }

    /// Keeps `piece`, of which `join` was asked when `before` bytes were kept.
    pub(super) fn hold(&mut self, before: usize, piece: &[u8]) {
        if before == 0 {
            self.push(piece);
        }
    }

    /// Nothing of it is needed any more.
    pub(super) fn clear(&mut self) {
        self.0.clear();
        self.0.shrink_to(CAPACITY);
    }
}
