//! One message pair on one connection, as its bytes said.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use super::{Contents, Reset, Rpc, Tls, WebSocket};
use crate::lossy::lossy;

/// Times are nanoseconds since 1970. Sizes are bytes.
#[derive(Debug, Clone)]
pub struct Hop {
    /// Ingress: the head was read whole, and the response before it was sent. Egress: first byte sent, or dial begun.
    pub start: u64,
    /// First byte of the final response.
    pub first_byte: Option<u64>,
    /// Last byte of the response, or the moment at which it was given up.
    pub end: u64,
    pub method: Method,
    /// The request target as sent, without the query; the authority for CONNECT. Empty if the request was not understood.
    pub path: Box<str>,
    pub query: Option<Box<str>>,
    /// Scheme and authority of an absolute-form target.
    pub absolute: Option<Box<str>>,
    /// The Host header.
    pub host: Option<Box<str>>,
    pub user_agent: Option<Box<str>>,
    pub version: Version,
    /// None: no response was seen.
    pub status: Option<u16>,
    pub error: Option<ErrorKind>,
    /// None: in the clear.
    pub tls: Option<Arc<Tls>>,
    /// Bound address of Traefik's side of the socket.
    pub local: SocketAddr,
    /// The other side of the socket; for a dial, where it went.
    pub peer: SocketAddr,
    pub request: Body,
    pub response: Body,
    /// Empty at level `summary`.
    pub request_headers: Headers,
    /// Empty at level `summary`.
    pub response_headers: Headers,
    /// None below level `full`, and where there were no bodies.
    pub contents: Option<Box<Contents>>,
    /// The response switched protocols: body sizes are the bytes of the session.
    pub upgraded: Option<Box<str>>,
    /// It was a call of gRPC.
    pub rpc: Option<Rpc>,
    pub websocket: Option<WebSocket>,
    /// Its HTTP/2 stream was reset.
    pub reset: Option<Reset>,
    /// Attributes that cannot be known, for the start of the connection was not seen.
    pub missing: Vec<&'static str>,
}

impl Hop {
    /// A hop between two ends, of which nothing else is known.
    pub fn between(local: SocketAddr, peer: SocketAddr) -> Self {
        Self {
            start: 0,
            first_byte: None,
            end: 0,
            method: Method::Unknown,
            path: Box::default(),
            query: None,
            absolute: None,
            host: None,
            user_agent: None,
            version: Version::default(),
            status: None,
            error: None,
            tls: None,
            local,
            peer,
            request: Body::default(),
            response: Body::default(),
            request_headers: Headers::default(),
            response_headers: Headers::default(),
            contents: None,
            upgraded: None,
            rpc: None,
            websocket: None,
            reset: None,
            missing: Vec::new(),
        }
    }

    /// Takes from the header lines what they say of the bodies.
    pub fn describe_contents(&mut self) {
        let Some(contents) = &mut self.contents else { return };
        let both = [(&mut contents.request, &self.request_headers), (&mut contents.response, &self.response_headers)];
        for (content, headers) in both {
            if let Some(content) = content {
                content.captured.content_type = headers.joined("content-type");
                content.captured.content_encoding = headers.joined("content-encoding");
            }
        }
    }

    /// The same request as another hop's: of what was never sent it cannot be told, and it is taken for the same.
    pub fn asks_as(&self, other: &Self) -> bool {
        let unsent = self.path.is_empty() || other.path.is_empty();
        unsent || self.method == other.method && self.path == other.path && self.query == other.query
    }

    /// Nanoseconds from start to end.
    pub fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// Size of a body: of its content after transfer coding was removed, and of what went over the wire for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Body {
    pub size: u64,
    pub wire: u64,
    /// It ended before its framing said so.
    pub incomplete: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    Http10,
    #[default]
    Http11,
    Http2,
    Http3,
}

impl Version {
    /// As `network.protocol.version` wants it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
            Self::Http3 => "3",
        }
    }
}

/// A request method: the ones that the conventions know, or any other token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    Query,
    Other(Box<str>),
    /// The request could not be read.
    Unknown,
}

impl Method {
    pub fn parse(token: &str) -> Self {
        match token {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            "CONNECT" => Self::Connect,
            "OPTIONS" => Self::Options,
            "TRACE" => Self::Trace,
            "PATCH" => Self::Patch,
            "QUERY" => Self::Query,
            other => Self::Other(other.into()),
        }
    }

    /// The token as sent; `_OTHER` where there was none.
    pub fn original(&self) -> &str {
        match self {
            Self::Other(token) => token,
            known => known.known(),
        }
    }

    /// Bounded: one of the methods of the conventions, or `_OTHER`. For labels and span names.
    pub fn known(&self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Patch => "PATCH",
            Self::Query => "QUERY",
            Self::Other(_) | Self::Unknown => "_OTHER",
        }
    }
}

/// Why a hop ended without the answer it should have had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    ConnectionRefused,
    ConnectionReset,
    /// The peer closed before the response was complete.
    ConnectionClosed,
    HostUnreachable,
    NetworkUnreachable,
    /// Traefik gave up waiting.
    Timeout,
    /// Given up because the client went away.
    Cancelled,
    /// What came was no response.
    MalformedResponse,
    /// The peer reset the HTTP/2 stream.
    StreamReset,
    /// The same, or its connection was closed, without a look at the request.
    StreamRefused,
    /// No TLS session came about.
    TlsHandshake,
    /// Nothing was dialled: the name did not resolve, or the kernel refused at once.
    NotDialled,
    Other,
}

impl ErrorKind {
    /// As `error.type` wants it: few, and stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectionReset => "connection_reset",
            Self::ConnectionClosed => "connection_closed",
            Self::HostUnreachable => "host_unreachable",
            Self::NetworkUnreachable => "network_unreachable",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::MalformedResponse => "malformed_response",
            Self::StreamReset => "stream_reset",
            Self::StreamRefused => "stream_refused",
            Self::TlsHandshake => "tls_handshake_failed",
            Self::NotDialled => "not_dialled",
            Self::Other => "_OTHER",
        }
    }
}

/// The header lines of one message, as they were sent: one allocation, read when an output asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Box<[u8]>);

impl Headers {
    /// `block`: the lines after the request or status line, with or without the empty line at the end.
    pub fn new(block: &[u8]) -> Self {
        Self(block.into())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Name and value of each line in order, the value without the spaces around it. Continuation lines are left
    /// out: they are obsolete (RFC 9112, 5.2).
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.0.split(|byte| *byte == b'\n').filter_map(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let colon = memchr::memchr(b':', line)?;
            let (name, value) = line.split_at(colon);
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            (!name.is_empty()).then(|| (lossy(name), lossy(value)))
        })
    }

    /// All values of a header, joined by commas (RFC 9110, 5.3).
    pub fn joined(&self, name: &str) -> Option<Box<str>> {
        let mut values = self.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let first = values.next()?.into_owned();
        Some(values.fold(first, |all, value| all + ", " + &value).into())
    }

    /// The first value of a header as it was sent, by its name in any case.
    pub fn raw(&self, name: &str) -> Option<&[u8]> {
        self.0.split(|byte| *byte == b'\n').find_map(|line| {
            let (key, value) = line.split_at_checked(name.len())?;
            let value = value.strip_prefix(b":")?;
            key.eq_ignore_ascii_case(name.as_bytes()).then(|| value.trim_ascii())
        })
    }

    /// The first value of a header, by its name in any case.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}
