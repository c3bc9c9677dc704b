//! One direction of one HTTP/1 connection, from bytes to messages, as Go's net/http and fasthttp read it.
//!
//! Pure: no clock, no IO, and whatever comes, it is decoded, skipped or said to be lost; memory stays bounded.
//! Each [`Output::Begin`] is followed by exactly one of `Interim`, `End`, `Refused`, `Lost` or `Http2`, unless the
//! connection became a tunnel meanwhile.
#![warn(clippy::indexing_slicing)]

mod body;
mod chunked;
mod fields;
mod head;
mod kept;
mod lines;
mod plausible;
mod proxy;
mod request;
mod request_head;
mod response;
mod response_head;
mod target;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use crate::exchange::Headers;

pub use head::{Framing, RequestHead, ResponseHead};
pub use request::RequestDecoder;
pub use response::{Expect, ResponseDecoder};

/// Bytes of the longest request head that net/http reads: `DefaultMaxHeaderBytes` and the 4096 that
/// `initialReadLimitSize` adds (net/http/server.go, Go 1.26; Traefik 3.6 keeps the default). Response heads are held
/// to the same, so that neither side of a connection can make us keep more.
pub const HEAD_LIMIT: usize = (1 << 20) + 4096;

/// What happened to the stream next.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    Bytes(&'a [u8]),
    /// So many bytes went by unseen.
    Gap(u64),
    /// The sender will send no more.
    End,
}

/// What was understood.
#[derive(Debug)]
pub enum Output<'a> {
    /// The first byte of a message: the time of the message is now.
    Begin,
    /// A PROXY protocol header stood before the first request; the source that it announces, unless it is of the
    /// proxy itself or of no IP protocol.
    ProxyHeader(Option<SocketAddr>),
    Request(RequestHead),
    /// A whole response of status 1xx other than 101. The final one is still to come.
    Interim(u16),
    Response(ResponseHead),
    /// The body went on.
    Body {
        /// Bytes of content.
        size: u64,
        /// Bytes that went over the wire for them, chunk framing and trailers included.
        wire: u64,
        /// The content, where it was seen: of length `size`, or empty.
        data: &'a [u8],
    },
    /// The fields after a chunked body; only where there are any.
    Trailers(Headers),
    /// The message is over. `incomplete`: the stream ended, or broke its own framing, before its end.
    End {
        incomplete: bool,
    },
    /// net/http takes no more from this connection: it answers with this status and closes. Follows `Request` where
    /// the head could be read all the same (417).
    Refused(u16),
    /// Bytes of the protocol to which the connection was switched; `data` where they were seen.
    Tunnel {
        bytes: u64,
        data: &'a [u8],
    },
    /// The client speaks TLS: nothing that follows can be read.
    Sealed,
    /// The client preface of HTTP/2 was consumed; what `feed` left of its input, and all that follows, is frames.
    Http2,
    /// It is not known where in the stream the next bytes belong. Everything is skipped up to a piece that starts
    /// with a message.
    Lost(Loss),
}

/// Why the place in the stream was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loss {
    /// A gap swallowed a head, or a part of one.
    Head,
    /// A gap swallowed the framing of a chunked body.
    Chunk,
    /// Where a message had to start, something else stood.
    NoMessage,
    /// A head longer than [`HEAD_LIMIT`].
    HeadTooLong,
}
