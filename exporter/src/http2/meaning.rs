//! What frames mean, one after the other. The frames themselves are found by `frames`.

use super::block::Block;
use super::frame::{HEADER_LENGTH, Header, Kind};
use super::frames::Event;
use super::number::Number;
use super::payload::Payload;
use super::{BLOCK_LIMIT, Field, Output, Places, hpack};

#[derive(Debug, Default)]
pub(super) struct Meaning {
    pub(super) hpack: hpack::Decoder,
    /// The frame that is under way.
    part: Part,
    /// The header block that is under way, if need be over many frames.
    block: Option<Block>,
    told: Told,
}

#[derive(Debug, Default)]
enum Part {
    /// Its payload says nothing that matters here.
    #[default]
    Skipped,
    Data {
        stream: u32,
        end: bool,
        payload: Payload,
        /// Bytes that no output has told of yet.
        wire: u64,
    },
    /// A frame of `block`.
    Block {
        payload: Payload,
        last: bool,
    },
    Number(Number),
}

/// Which loss was said since something was understood.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    #[default]
    Nothing,
    Compression,
    Frames,
}

impl Meaning {
    pub(super) fn joined_midway() -> Self {
        Self { told: Told::Frames, ..Self::default() }
    }

    pub(super) fn event(&mut self, event: Event<'_>, take: &mut impl FnMut(Output<'_>)) {
        match event {
            Event::Begin(header) => self.begin(&header, take),
            Event::Payload(bytes) => self.payload(bytes, take),
            Event::Unseen(length) => self.unseen(length, take),
            Event::Complete => self.complete(take),
            Event::Lost => self.lost(take),
        }
    }

    /// Frames went by unseen.
    pub(super) fn lost(&mut self, take: &mut impl FnMut(Output<'_>)) {
        self.block = None;
        self.part = Part::Skipped;
        self.forget(Told::Frames, take);
    }

    /// Bytes held in memory.
    pub(super) fn buffered(&self) -> usize {
        self.hpack.buffered() + self.block.as_ref().map_or(0, Block::buffered)
    }

    fn begin(&mut self, header: &Header, take: &mut impl FnMut(Output<'_>)) {
        let continued = |block: &mut Block| header.kind == Kind::Continuation && block.stream == header.stream;
        let block = self.block.take_if(continued);
        // Another frame within a block, or a CONTINUATION of none: a block was missed, or it will never end.
        if self.block.take().is_some() || block.is_none() && header.kind == Kind::Continuation {
            self.forget(Told::Compression, take);
        }
        self.part = match header.kind {
            Kind::Data => Part::Data {
                stream: header.stream,
                end: header.ends_stream(),
                payload: Payload::new(header),
                wire: HEADER_LENGTH as u64,
            },
            Kind::Headers | Kind::PushPromise => {
                self.block = Some(Block::new(header));
                Part::Block { payload: Payload::new(header), last: header.ends_headers() }
            }
            Kind::Continuation => match block {
                Some(mut block) => {
                    block.count(header);
                    self.block = Some(block);
                    Part::Block { payload: Payload::new(header), last: header.ends_headers() }
                }
                None => Part::Skipped,
            },
            _ => Number::new(header).map_or(Part::Skipped, Part::Number),
        };
    }

    fn payload(&mut self, bytes: &[u8], take: &mut impl FnMut(Output<'_>)) {
        match &mut self.part {
            Part::Skipped => {}
            Part::Data { stream, payload, wire, .. } => {
                *wire += bytes.len() as u64;
                let content = payload.seen(bytes);
                if !content.is_empty() {
                    let (stream, wire) = (*stream, std::mem::take(wire));
                    self.tell(Output::Data { stream, size: content.len() as u64, wire, bytes: content }, take);
                }
            }
            Part::Block { payload, .. } => {
                let content = payload.seen(bytes);
                if self.block.as_mut().is_some_and(|block| !block.push(content)) {
                    self.forget(Told::Compression, take);
                }
            }
            Part::Number(number) => number.seen(bytes),
        }
    }

    fn unseen(&mut self, length: u32, take: &mut impl FnMut(Output<'_>)) {
        match &mut self.part {
            Part::Skipped => {}
            Part::Data { stream, payload, wire, .. } => {
                *wire += u64::from(length);
                let size = u64::from(payload.unseen(length));
                if size > 0 {
                    let (stream, wire) = (*stream, std::mem::take(wire));
                    self.tell(Output::Data { stream, size, wire, bytes: &[] }, take);
                }
            }
            Part::Block { payload, .. } => {
                payload.unseen(length);
                if let Some(block) = &mut self.block {
                    block.spoil();
                }
                self.forget(Told::Compression, take);
            }
            Part::Number(number) if number.is_skippable() => {}
            Part::Number(_) => self.lost(take),
        }
    }

    fn complete(&mut self, take: &mut impl FnMut(Output<'_>)) {
        match std::mem::take(&mut self.part) {
            Part::Skipped | Part::Block { last: false, .. } => {}
            Part::Data { stream, end, wire, .. } => {
                // Padding, or a frame without content.
                if wire > 0 {
                    self.tell(Output::Data { stream, size: 0, wire, bytes: &[] }, take);
                }
                if end {
                    self.tell(Output::End { stream }, take);
                }
            }
            Part::Block { last: true, .. } => {
                if let Some(block) = self.block.take() {
                    self.decode(&block, take);
                }
            }
            Part::Number(number) => {
                if let Some(output) = number.output() {
                    self.tell(output, take);
                }
            }
        }
    }

    fn decode(&mut self, block: &Block, take: &mut impl FnMut(Output<'_>)) {
        let mut fields = Vec::new();
        // A few bytes of a block may stand for a long list. The table must be kept right in any case.
        let mut room = if block.promise { 0 } else { BLOCK_LIMIT };
        let mut fits = true;
        let before = self.hpack.place();
        let decoded = block.bytes().map(|bytes| {
            self.told = Told::Nothing;
            self.hpack.decode(bytes, &mut |field: Field, _| match room.checked_sub(field.size()) {
                Some(left) if fits => {
                    room = left;
                    fields.push(field);
                }
                _ => fits = false,
            })
        });
        let (stream, end, wire) = (block.stream, block.end, block.wire);
        if !block.promise {
            let complete = fits && decoded == Some(true);
            let places = Places { before, after: self.hpack.place() };
            self.tell(Output::Headers { stream, fields, complete, end, wire, places }, take);
        }
        if end {
            self.tell(Output::End { stream }, take);
        }
        if decoded == Some(false) {
            self.forget(Told::Compression, take);
        }
    }

    /// Header tables are unknown from here on.
    fn forget(&mut self, loss: Told, take: &mut impl FnMut(Output<'_>)) {
        self.hpack.forget();
        if self.told < loss {
            self.told = loss;
            take(Output::Lost { frames: loss == Told::Frames });
        }
    }

    fn tell(&mut self, output: Output<'_>, take: &mut impl FnMut(Output<'_>)) {
        self.told = Told::Nothing;
        take(output);
    }
}
