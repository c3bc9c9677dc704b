//! What header compression of one direction had in its table before we looked, as Traefik's memory tells it: where among
//! the header blocks it belongs, and whether to ask for it.

use std::collections::VecDeque;

use crate::event::{Table, TablePlace};
use crate::http2::hpack::Place;
use crate::http2::{Decoder, Field, Places};

/// Heads that are remembered until a table comes: as many as may be in what is read at once, and more.
const HEADS: usize = 1024;

/// The table of one direction.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// How often it was asked for; the kernel side sends it once of itself where a connection was open before.
    asked: u8,
    /// It may come.
    pub(super) expected: bool,
    /// Something was not known since this was looked at last.
    unknown: bool,
    /// Where in the table the heads of streams ended.
    heads: VecDeque<(u32, Place)>,
    /// One that belongs to a block that is to come.
    early: Option<Early>,
}

#[derive(Debug)]
struct Early {
    stream: u32,
    /// It is right before the block, not behind it.
    before: bool,
    entries: Vec<u8>,
}

impl Tables {
    pub(super) fn new(midway: bool) -> Self {
        Self { asked: u8::from(midway), expected: midway, ..Self::default() }
    }

    /// Notes a block. If a table waits for this one: where it belongs.
    pub(super) fn block(&mut self, stream: u32, fields: &[Field], places: Places) -> Option<Place> {
        self.unknown |= fields.iter().any(|field| field.unknown.is_some());
        let early = self.early.as_ref().filter(|early| early.stream == stream)?;
        match early.before {
            false => Some(places.after),
            true => is_final(fields, &early.entries, places.before).then_some(places.before),
        }
    }

    /// Notes the head of a stream.
    pub(super) fn head(&mut self, stream: u32, places: Places) {
        if self.expected {
            if self.heads.len() >= HEADS {
                self.heads.pop_front();
            }
            self.heads.push_back((stream, places.after));
        }
    }

    /// Takes a table. If it belongs behind a block that was seen: where.
    pub(super) fn told(&mut self, table: &Table<'_>) -> Option<Place> {
        if table.place == TablePlace::After {
            let found = self.heads.iter().rfind(|(stream, _)| *stream == table.stream).map(|(_, place)| *place);
            // Of a block that was missed: asked for again where something is not known.
            self.expected &= found.is_some();
            return found;
        }
        let before = table.place == TablePlace::Before;
        self.early = Some(Early { stream: table.stream, before, entries: table.entries.into() });
        None
    }

    /// The table of which [`Self::block`] has said where it belongs.
    pub(super) fn take_early(&mut self) -> Vec<u8> {
        self.early.take().map(|early| early.entries).unwrap_or_default()
    }

    /// All that was in the table is known.
    pub(super) fn learn(&mut self, decoder: &mut Decoder, place: Place, entries: &[u8]) {
        decoder.learn_table(place, self::entries(entries));
        self.expected = false;
        self.unknown = false;
        self.heads = VecDeque::new();
    }

    /// Something was missed: nothing is known of the table any more.
    pub(super) fn lost(&mut self) {
        self.heads.clear();
        self.early = None;
        self.expected = false;
    }

    /// Something was not known since the last call: the number of the table to ask for.
    pub(super) fn wanted(&mut self) -> Option<u8> {
        if !std::mem::take(&mut self.unknown) {
            return None;
        }
        if !self.expected {
            // At the end of the numbers there is no more to be had.
            self.asked = self.asked.checked_add(1)?;
            self.expected = true;
        }
        Some(self.asked)
    }
}

/// Whether a block is a final response, judged by a table that may be the one before it.
fn is_final(fields: &[Field], entries: &[u8], before: Place) -> bool {
    let is_status = |field: &&Field| field.name.as_deref().is_none_or(|name| name == b":status");
    let Some(field) = fields.iter().find(is_status) else { return false };
    let status = match (&field.name, &field.value, field.unknown) {
        (Some(_), Some(value), _) => value.first().copied(),
        (_, _, Some(unknown)) => unknown.back_from(before).and_then(|back| {
            let (name, value) = self::entries(entries).nth(back)?;
            let value = field.value.as_deref().unwrap_or(value);
            value.first().copied().filter(|_| name == b":status")
        }),
        _ => None,
    };
    status.is_some_and(|digit| digit > b'1')
}

/// The entries of a table as the kernel side sends them.
fn entries(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_first_chunk::<4>()?;
        let [a, b, c, d] = *head;
        let (name, rest) = rest.split_at_checked(u16::from_le_bytes([a, b]).into())?;
        let (value, rest) = rest.split_at_checked(u16::from_le_bytes([c, d]).into())?;
        bytes = rest;
        Some((name, value))
    })
}
