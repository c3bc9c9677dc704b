//! Header lists as the heads of messages.

use hoptap_semconv::attribute;

use super::Field;
use crate::exchange::{Headers, Method, Version};
use crate::http1::{Framing, RequestHead, ResponseHead};
use crate::lossy::lossy;
use crate::rpc::Kind;

/// What of a head stood in entries of the header table that were made before we looked: names of attributes.
pub type Missing = Vec<&'static str>;

/// The value of a field, if it is there and known.
fn find<'f>(fields: &'f [Field], name: &[u8]) -> Option<&'f [u8]> {
    fields.iter().find(|field| field.name.as_deref() == Some(name)).and_then(|field| field.value.as_deref())
}

fn text(bytes: &[u8]) -> Box<str> {
    lossy(bytes).into()
}

/// The pseudo header fields of a request and what follows them (RFC 9113, 8.3.1).
pub fn request(fields: &[Field], keep_headers: bool) -> (RequestHead, Missing) {
    let get = |name: &[u8]| find(fields, name).map(text);
    let method = find(fields, b":method");
    let target = find(fields, b":path").or_else(|| find(fields, b":authority").filter(|_| method == Some(b"CONNECT")));
    let (path, query) = match target.map(|target| (target, memchr::memchr(b'?', target))) {
        Some((target, Some(mark))) => (target.get(..mark), target.get(mark + 1..).map(text)),
        Some((target, None)) => (Some(target), None),
        None => (None, None),
    };
    let host = get(b":authority").or_else(|| get(b"host"));
    let mut missing = Missing::new();
    if hides(fields) {
        let names = [
            (attribute::HTTP_REQUEST_METHOD, method.is_none()),
            (attribute::URL_PATH, path.is_none()),
            (attribute::USER_AGENT_ORIGINAL, find(fields, b"user-agent").is_none()),
        ];
        missing.extend(names.into_iter().filter(|(_, absent)| *absent).map(|(name, _)| name));
    }
    let head = RequestHead {
        method: method.map_or(Method::Unknown, |method| Method::parse(&lossy(method))),
        path: path.map(text).unwrap_or_default(),
        query,
        absolute: None,
        host,
        user_agent: get(b"user-agent"),
        version: Version::Http2,
        headers: headers(fields, keep_headers),
        content_length: find(fields, b"content-length").and_then(number),
        chunked: false,
        upgrade: None,
        close: false,
        expect_continue: find(fields, b"expect").is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue")),
        rpc: find(fields, b"content-type").and_then(Kind::of),
        traceparent: get(b"traceparent"),
        tracestate: get(b"tracestate"),
    };
    (head, missing)
}

/// The head of a response; its status is 0 where that is not known.
pub fn response(fields: &[Field], keep_headers: bool) -> (ResponseHead, Missing) {
    let status = find(fields, b":status").and_then(number).and_then(|status| u16::try_from(status).ok());
    let missing = if status.is_none() { vec![attribute::HTTP_RESPONSE_STATUS_CODE] } else { Missing::new() };
    let head = ResponseHead {
        status: status.unwrap_or(0),
        version: Version::Http2,
        headers: headers(fields, keep_headers),
        content_length: find(fields, b"content-length").and_then(number),
        chunked: false,
        upgrade: None,
        close: false,
        framing: Framing::None,
    };
    (head, missing)
}

/// `grpc-status`, which is in the trailers, or in the head of a response that has nothing else.
pub fn rpc_status(fields: &[Field]) -> Option<u32> {
    find(fields, b"grpc-status").and_then(number).and_then(|status| u32::try_from(status).ok())
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

/// Some field is not known.
fn hides(fields: &[Field]) -> bool {
    fields.iter().any(|field| field.name.is_none() || field.value.is_none())
}

/// As lines, as HTTP/1 has them.
fn headers(fields: &[Field], keep: bool) -> Headers {
    if !keep {
        return Headers::default();
    }
    let mut lines = Vec::new();
    for field in fields {
        if let (Some(name), Some(value)) = (field.name.as_deref(), field.value.as_deref())
            && name.first() != Some(&b':')
        {
            lines.extend_from_slice(name);
            lines.extend_from_slice(b": ");
            lines.extend_from_slice(value);
            lines.extend_from_slice(b"\r\n");
        }
    }
    Headers::new(&lines)
}
