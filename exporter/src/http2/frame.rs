//! The header of a frame (RFC 9113, section 4.1), and which ones may be.

pub(super) const HEADER_LENGTH: usize = 9;

/// END_STREAM of DATA and HEADERS.
const END_STREAM: u8 = 0x1;
/// ACK of SETTINGS and PING.
const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
/// Longer frames are not what a search takes for one. Go accepts frames of this size.
const SEARCHED_LENGTH_LIMIT: u32 = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Priority,
    Reset,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// RFC 9218.
    PriorityUpdate,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) length: u32,
    pub(super) kind: Kind,
    flags: u8,
    pub(super) stream: u32,
    /// The top bit of the stream id: a walk says with it that the payload was left out.
    pub(super) reserved: bool,
}

impl Header {
    pub(super) fn parse(bytes: [u8; HEADER_LENGTH]) -> Self {
        let [high, middle, low, kind, flags, stream @ ..] = bytes;
        let stream = u32::from_be_bytes(stream);
        let kind = match kind {
            0x0 => Kind::Data,
            0x1 => Kind::Headers,
            0x2 => Kind::Priority,
            0x3 => Kind::Reset,
            0x4 => Kind::Settings,
            0x5 => Kind::PushPromise,
            0x6 => Kind::Ping,
            0x7 => Kind::GoAway,
            0x8 => Kind::WindowUpdate,
            0x9 => Kind::Continuation,
            0x10 => Kind::PriorityUpdate,
            _ => Kind::Other,
        };
        let length = u32::from_be_bytes([0, high, middle, low]);
        Self { length, kind, flags, stream: stream & 0x7fff_ffff, reserved: stream & 0x8000_0000 != 0 }
    }

    pub(super) fn ends_stream(&self) -> bool {
        matches!(self.kind, Kind::Data | Kind::Headers) && self.flags & END_STREAM != 0
    }

    pub(super) fn ends_headers(&self) -> bool {
        self.is_block() && self.flags & END_HEADERS != 0
    }

    pub(super) fn is_block(&self) -> bool {
        matches!(self.kind, Kind::Headers | Kind::PushPromise | Kind::Continuation)
    }

    pub(super) fn is_ack(&self) -> bool {
        matches!(self.kind, Kind::Settings | Kind::Ping) && self.flags & ACK != 0
    }

    /// The payload starts with the length of the padding.
    pub(super) fn is_padded(&self) -> bool {
        matches!(self.kind, Kind::Data | Kind::Headers | Kind::PushPromise) && self.flags & PADDED != 0
    }

    /// Bytes before the content, the length of the padding included.
    pub(super) fn prefix(&self) -> u32 {
        let own = match self.kind {
            // The stream that this one depends on, and its weight.
            Kind::Headers if self.flags & PRIORITY != 0 => 5,
            // The promised stream.
            Kind::PushPromise => 4,
            _ => 0,
        };
        own + u32::from(self.is_padded())
    }

    /// No endpoint goes on after a frame for which this does not hold, and so the place must be wrong.
    pub(super) fn is_valid(&self) -> bool {
        let (of_stream, length) = (self.stream != 0, self.length);
        match self.kind {
            Kind::Data | Kind::Headers | Kind::PushPromise => of_stream && length >= self.prefix(),
            Kind::Priority | Kind::Continuation => of_stream,
            Kind::Reset => of_stream && length == 4,
            Kind::Settings => !of_stream && length % 6 == 0 && (length == 0 || !self.is_ack()),
            Kind::Ping => !of_stream && length == 8,
            Kind::GoAway => !of_stream && length >= 8,
            Kind::WindowUpdate => length == 4,
            Kind::PriorityUpdate | Kind::Other => true,
        }
    }

    /// Stricter, as random bytes are to fail: also what endpoints must ignore is not to be there.
    pub(super) fn is_plausible(&self) -> bool {
        let flags = match self.kind {
            Kind::Data => END_STREAM | PADDED,
            Kind::Headers => END_STREAM | END_HEADERS | PADDED | PRIORITY,
            Kind::Settings | Kind::Ping => ACK,
            Kind::PushPromise => END_HEADERS | PADDED,
            Kind::Continuation => END_HEADERS,
            Kind::Priority | Kind::Reset | Kind::GoAway | Kind::WindowUpdate | Kind::PriorityUpdate => 0,
            Kind::Other => return false,
        };
        let sized = match self.kind {
            Kind::Priority => self.length == 5,
            Kind::PriorityUpdate => self.stream == 0 && (4..1024).contains(&self.length),
            _ => self.length <= SEARCHED_LENGTH_LIMIT,
        };
        sized && self.flags & !flags == 0 && !self.reserved && self.is_valid()
    }
}
