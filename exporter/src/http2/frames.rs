//! The place in the stream: where frames start and end, in raw bytes and in what a walk kept. Refuses headers that no
//! endpoint sends; then the place is lost until a piece starts with a frame, or a walk says where one starts.

use super::frame::{HEADER_LENGTH, Header};
use super::{Input, LEFT_OUT_KEPT, Walked, plausible};

/// What comes of a frame: `Begin`, all of its payload in parts, `Complete`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event<'a> {
    Begin(Header),
    Payload(&'a [u8]),
    /// So many bytes of the payload, never 0, were not seen.
    Unseen(u32),
    Complete,
    /// The frame that was under way is given up, and others may have been missed.
    Lost,
}

#[derive(Debug, Default)]
pub(super) struct Frames {
    place: Place,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// In a header of which so many bytes came.
    Header {
        bytes: [u8; HEADER_LENGTH],
        count: usize,
    },
    Payload {
        left: u32,
        kept: Kept,
    },
    Nowhere,
}

/// What a walk keeps of a payload, from the current place on. Raw bytes are all kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    All,
    /// Of a payload that is left out: so many bytes.
    First(u32),
    Nothing,
}

impl Default for Place {
    fn default() -> Self {
        Self::Header { bytes: [0; HEADER_LENGTH], count: 0 }
    }
}

impl Frames {
    /// Where the place is not known.
    pub(super) fn nowhere() -> Self {
        Self { place: Place::Nowhere }
    }

    pub(super) fn feed(&mut self, input: Input<'_>, out: &mut impl FnMut(Event<'_>)) {
        match input {
            Input::Bytes(piece) => self.bytes(piece, out),
            Input::Gap(length) => self.gap(length, out),
            Input::Walked(walked) => self.walked(walked, out),
        }
    }

    fn bytes(&mut self, piece: &[u8], out: &mut impl FnMut(Event<'_>)) {
        if matches!(self.place, Place::Nowhere) && plausible::starts_frame(piece) {
            self.place = Place::default();
        }
        let mut rest = piece;
        while !rest.is_empty() {
            rest = match self.place {
                Place::Header { .. } => self.header(rest, false, out),
                Place::Payload { left, .. } => self.payload(rest, left, Kept::All, out),
                Place::Nowhere => return,
            };
        }
    }

    fn gap(&mut self, length: u64, out: &mut impl FnMut(Event<'_>)) {
        match self.place {
            Place::Payload { left, .. } => {
                let taken = u32::try_from(length).map_or(left, |length| length.min(left));
                self.unseen(taken, left, out);
                if length > u64::from(taken) {
                    self.lose(out);
                }
            }
            Place::Header { .. } if length > 0 => self.lose(out),
            Place::Header { .. } | Place::Nowhere => {}
        }
    }

    fn walked(&mut self, walked: Walked<'_>, out: &mut impl FnMut(Event<'_>)) {
        if walked.resumed {
            self.lose(out);
        }
        let Some((continued, mut rest)) = walked.bytes.split_at_checked(walked.continued) else {
            return self.lose(out);
        };
        self.continued(continued, out);
        if !rest.is_empty() {
            self.close(out);
        }
        while !rest.is_empty() {
            rest = match self.place {
                Place::Header { .. } => self.header(rest, true, out),
                Place::Payload { left, kept } if kept != Kept::Nothing => self.payload(rest, left, kept, out),
                Place::Payload { .. } => {
                    self.close(out);
                    rest
                }
                Place::Nowhere => return,
            };
        }
        // What is kept tells itself what has come of it.
        if let Place::Payload { left, kept: Kept::Nothing } = self.place
            && let Some(gone) = left.checked_sub(walked.left)
        {
            self.unseen(gone, left, out);
        }
    }

    /// Bytes that a walk has kept of the frame that is under way.
    fn continued(&mut self, bytes: &[u8], out: &mut impl FnMut(Event<'_>)) {
        if bytes.is_empty() {
            return;
        }
        let rest = match self.place {
            // Where the frame is not known, neither is this.
            Place::Nowhere => return,
            Place::Payload { left, kept } if kept != Kept::Nothing => self.payload(bytes, left, kept, out),
            Place::Payload { .. } | Place::Header { .. } => bytes,
        };
        // More than was missing: this is not the frame that the walk is in. The next header is right in any case.
        if !rest.is_empty() {
            self.lose(out);
        }
    }

    /// A walk has come to the next header.
    fn close(&mut self, out: &mut impl FnMut(Event<'_>)) {
        match self.place {
            Place::Payload { left, .. } => self.unseen(left, left, out),
            Place::Nowhere => self.place = Place::default(),
            Place::Header { .. } => {}
        }
    }

    /// Reads from a header. Returns what follows.
    fn header<'a>(&mut self, piece: &'a [u8], walked: bool, out: &mut impl FnMut(Event<'_>)) -> &'a [u8] {
        let Place::Header { bytes, count } = &mut self.place else { return piece };
        for (slot, byte) in bytes.iter_mut().skip(*count).zip(piece) {
            *slot = *byte;
        }
        let taken = piece.len().min(HEADER_LENGTH - *count);
        *count += taken;
        if *count == HEADER_LENGTH {
            let header = Header::parse(*bytes);
            self.begin(&header, walked, out);
        }
        piece.get(taken..).unwrap_or_default()
    }

    fn begin(&mut self, header: &Header, walked: bool, out: &mut impl FnMut(Event<'_>)) {
        if !header.is_valid() {
            return self.lose(out);
        }
        let kept = if walked && header.reserved { Kept::First(LEFT_OUT_KEPT) } else { Kept::All };
        out(Event::Begin(*header));
        self.advance(header.length, kept, out);
    }

    /// Reads from the payload what is kept of it. Returns what follows.
    fn payload<'a>(&mut self, piece: &'a [u8], left: u32, kept: Kept, out: &mut impl FnMut(Event<'_>)) -> &'a [u8] {
        let wanted = match kept {
            Kept::All => left,
            Kept::First(count) => left.min(count),
            Kept::Nothing => 0,
        };
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let (bytes, rest) = piece.split_at_checked(wanted).unwrap_or((piece, &[]));
        out(Event::Payload(bytes));
        // There are no more of them than are left, which is a u32.
        let taken = u32::try_from(bytes.len()).unwrap_or(left);
        let then = match kept {
            Kept::All => Kept::All,
            Kept::First(count) if count > taken => Kept::First(count - taken),
            Kept::First(_) | Kept::Nothing => Kept::Nothing,
        };
        self.advance(left - taken.min(left), then, out);
        rest
    }

    fn unseen(&mut self, length: u32, left: u32, out: &mut impl FnMut(Event<'_>)) {
        if let (Place::Payload { kept, .. }, 1..) = (self.place, length) {
            out(Event::Unseen(length));
            self.advance(left.saturating_sub(length), kept, out);
        }
    }

    /// So many bytes of the payload are left.
    fn advance(&mut self, left: u32, kept: Kept, out: &mut impl FnMut(Event<'_>)) {
        if left > 0 {
            self.place = Place::Payload { left, kept };
        } else {
            self.place = Place::default();
            out(Event::Complete);
        }
    }

    fn lose(&mut self, out: &mut impl FnMut(Event<'_>)) {
        self.place = Place::Nowhere;
        out(Event::Lost);
    }
}
