//! The heads of messages as values, and what both kinds have in common.

use super::fields::Fields;
use crate::exchange::{Headers, Method, Version};
use crate::rpc::Kind;

/// The head of a request that net/http takes.
#[derive(Debug, Clone)]
pub struct RequestHead {
    pub method: Method,
    /// As sent, without the query; the authority for CONNECT.
    pub path: Box<str>,
    pub query: Option<Box<str>>,
    /// Scheme and authority of an absolute-form target.
    pub absolute: Option<Box<str>>,
    /// The Host header.
    pub host: Option<Box<str>>,
    pub user_agent: Option<Box<str>>,
    pub version: Version,
    /// The header lines; empty unless the decoder keeps them.
    pub headers: Headers,
    /// Bytes of the body, if they were announced and count: chunked wins.
    pub content_length: Option<u64>,
    pub chunked: bool,
    /// The protocol that the client asks for, where both Connection and Upgrade say so.
    pub upgrade: Option<Box<str>>,
    /// net/http takes no request after this one.
    pub close: bool,
    pub expect_continue: bool,
    /// gRPC in any of its forms.
    pub rpc: Option<Kind>,
    pub traceparent: Option<Box<str>>,
    pub tracestate: Option<Box<str>>,
}

/// The head of a final response.
#[derive(Debug, Clone)]
pub struct ResponseHead {
    pub status: u16,
    pub version: Version,
    /// The header lines; empty unless the decoder keeps them.
    pub headers: Headers,
    /// As announced, also where no body follows (HEAD, 304); None if chunked.
    pub content_length: Option<u64>,
    pub chunked: bool,
    /// The protocol that the connection switches to, of a 101.
    pub upgrade: Option<Box<str>>,
    /// No response follows this one.
    pub close: bool,
    pub framing: Framing,
}

/// What follows a response head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    None,
    Length(u64),
    Chunked,
    /// The body ends with the connection.
    UntilEnd,
    /// The connection is a tunnel from here on, in both directions.
    Tunnel,
}

/// Both digits of `HTTP/x.y`.
pub(super) fn version(raw: &[u8]) -> Option<(u8, u8)> {
    match raw.strip_prefix(b"HTTP/")? {
        [major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => Some((major - b'0', minor - b'0')),
        _ => None,
    }
}

pub(super) fn protocol(major: u8, minor: u8) -> Version {
    match (major, minor) {
        (0, _) | (1, 0) => Version::Http10,
        _ => Version::Http11,
    }
}

pub(super) fn closes(at_least_1_1: bool, fields: &Fields) -> bool {
    fields.says_close || !at_least_1_1 && !fields.says_keep_alive
}
