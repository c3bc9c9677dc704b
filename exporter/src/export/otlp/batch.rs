//! What the worker needs of whoever puts requests together: spans and log records travel by the same road.

use std::io;

use bytes::Bytes;

/// One export request after another, item by item.
pub(super) trait Batch {
    type Item: Send + 'static;

    /// What an item counts: its spans, or one for a log record.
    fn units(item: &Self::Item) -> usize;

    /// Bytes that an item takes; 0 where they need no limit.
    fn weight(item: &Self::Item) -> usize;

    fn add(&mut self, item: &Self::Item);

    /// Units in the request so far.
    fn len(&self) -> usize;

    /// The weight of the request so far.
    fn bytes(&self) -> usize;

    /// The body of the request, ready for as many tries as it takes; begins the next one.
    ///
    /// # Errors
    /// The message is longer than the protocol can say.
    fn finish(&mut self) -> io::Result<Bytes>;
}
