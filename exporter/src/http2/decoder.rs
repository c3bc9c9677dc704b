//! One direction of one connection: finds the frames and says what they mean.

use super::frames::Frames;
use super::hpack::{Field, Place, Text, Unknown};
use super::meaning::Meaning;
use super::{Input, Output};

/// Decodes one direction of one HTTP/2 connection.
#[derive(Debug, Default)]
pub struct Decoder {
    frames: Frames,
    meaning: Meaning,
}

impl Decoder {
    /// A decoder at the first frame of a connection: a client's preface is for the caller to skip.
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder for a connection of which the start was not seen. Raw bytes are skipped up to a piece that starts with
    /// a frame; a walk knows the place.
    pub fn joined_midway() -> Self {
        Self { frames: Frames::nowhere(), meaning: Meaning::joined_midway() }
    }

    /// Takes what came next.
    pub fn feed(&mut self, input: Input<'_>, take: &mut impl FnMut(Output<'_>)) {
        let Self { frames, meaning } = self;
        frames.feed(input, &mut |event| meaning.event(event, take));
    }

    /// The peer announced SETTINGS_HEADER_TABLE_SIZE, in the other direction.
    pub fn table_size(&mut self, size: u32) {
        self.meaning.hpack.table_size(size);
    }

    /// The caller found out what stands in an entry of the dynamic table: `name` and `value` are those of the entry,
    /// which a field with a literal value only borrows the name of. What is None stays as it is known. Ignored if the
    /// table was lost since.
    pub fn learn(&mut self, reference: Unknown, name: Option<Text>, value: Option<Text>) {
        self.meaning.hpack.learn(reference, name, value);
    }

    /// The caller found out what the whole dynamic table was at a place, the newest entry first.
    pub fn learn_table<'t>(&mut self, place: Place, entries: impl Iterator<Item = (&'t [u8], &'t [u8])>) {
        self.meaning.hpack.learn_table(place, entries);
    }

    /// Puts into a field that was told before what was learned since. Says whether anything was.
    pub fn resolve(&self, field: &mut Field) -> bool {
        self.meaning.hpack.resolve(field)
    }

    /// Something went by unseen: forgets tables and frames that are not complete, and looks for a place again.
    pub fn lost(&mut self, take: &mut impl FnMut(Output<'_>)) {
        self.frames = Frames::nowhere();
        self.meaning.lost(take);
    }

    /// Bytes held in memory.
    pub fn buffered(&self) -> usize {
        self.meaning.buffered()
    }
}
