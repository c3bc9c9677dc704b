//! gRPC and gRPC-Web in a body: how many messages there are, and the status where a body carries it.
//!
//! Only the five bytes before each message are looked at (gRPC over HTTP/2, "Length-Prefixed-Message").
#![warn(clippy::indexing_slicing)]

/// Which form of it a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Grpc,
    /// Trailers are the last message of the body.
    Web,
    /// The same in base64.
    WebText,
}

impl Kind {
    /// By the value of a Content-Type header.
    pub fn of(content_type: &[u8]) -> Option<Self> {
        let essence = content_type.split(|byte| *byte == b';').next()?.trim_ascii();
        let lower = essence.to_ascii_lowercase();
        let subtype = lower.strip_prefix(b"application/grpc")?;
        match subtype {
            b"" => Some(Self::Grpc),
            [b'+', ..] => Some(Self::Grpc),
            b"-web" | [b'-', b'w', b'e', b'b', b'+', ..] => Some(Self::Web),
            b"-web-text" | [b'-', b'w', b'e', b'b', b'-', b't', b'e', b'x', b't', b'+', ..] => Some(Self::WebText),
            _ => None,
        }
    }
}

/// Marks the message that holds the trailers of gRPC-Web (grpc-web protocol, PROTOCOL-WEB.md).
const TRAILERS: u8 = 0x80;

/// Trailers of gRPC-Web that are kept: a status and a text of people.
const TRAILERS_KEPT: usize = 8192;

/// The messages of one body.
#[derive(Debug, Clone)]
pub struct Messages {
    text: Option<Base64>,
    prefix: [u8; 5],
    have: usize,
    /// Bytes of the message that are to come.
    left: u64,
    count: u64,
    /// Something went by unseen in which a message may have begun.
    lost: bool,
    trailers: Option<Vec<u8>>,
}

impl Messages {
    pub fn new(kind: Kind) -> Self {
        Self {
            text: (kind == Kind::WebText).then(Base64::default),
            prefix: [0; 5],
            have: 0,
            left: 0,
            count: 0,
            lost: false,
            trailers: None,
        }
    }

    /// Messages that began; None where that cannot be told.
    pub fn count(&self) -> Option<u64> {
        (!self.lost).then_some(self.count)
    }

    /// `grpc-status` of the trailers in the body of gRPC-Web.
    pub fn status(&self) -> Option<u32> {
        let trailers = self.trailers.as_ref()?;
        trailers.split(|byte| *byte == b'\n').find_map(|line| {
            let (name, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
            let value = std::str::from_utf8(value.get(1..)?).ok()?.trim();
            name.trim_ascii().eq_ignore_ascii_case(b"grpc-status").then(|| value.parse().ok())?
        })
    }

    /// `size` bytes of the body, which are `data` where they were seen.
    pub fn feed(&mut self, size: u64, data: &[u8]) {
        if data.len() as u64 != size {
            self.skip(size);
        } else if self.text.is_some() {
            for byte in data {
                let byte = self.text.as_mut().and_then(|text| text.decode(*byte));
                if let Some(byte) = byte {
                    self.bytes(&[byte]);
                }
            }
        } else {
            self.bytes(data);
        }
    }

    fn skip(&mut self, size: u64) {
        match self.left.checked_sub(size).filter(|_| self.text.is_none()) {
            Some(left) => self.left = left,
            None => self.lost = true,
        }
    }

    fn bytes(&mut self, mut data: &[u8]) {
        while !data.is_empty() && !self.lost {
            if self.left > 0 {
                let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(data.len());
                let (message, rest) = data.split_at(taken);
                if let Some(trailers) = self.trailers.as_mut().filter(|kept| kept.len() < TRAILERS_KEPT) {
                    trailers.extend_from_slice(message);
                }
                self.left -= taken as u64;
                data = rest;
                continue;
            }
            let Some((first, rest)) = data.split_first() else { return };
            if let Some(slot) = self.prefix.get_mut(self.have) {
                *slot = *first;
            }
            self.have += 1;
            data = rest;
            if self.have == self.prefix.len() {
                let [flags, length @ ..] = self.prefix;
                self.have = 0;
                self.left = u32::from_be_bytes(length).into();
                if flags & TRAILERS == 0 {
                    self.count += 1;
                } else {
                    self.trailers = Some(Vec::new());
                }
            }
        }
    }
}

/// Base64 as it comes: pieces may have been encoded one by one, each with its own padding.
#[derive(Debug, Clone, Default)]
struct Base64 {
    bits: u32,
    have: u32,
}

impl Base64 {
    fn decode(&mut self, byte: u8) -> Option<u8> {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                *self = Self::default();
                return None;
            }
            _ => return None,
        };
        self.bits = self.bits << 6 | u32::from(value);
        self.have += 6;
        if self.have < 8 {
            return None;
        }
        self.have -= 8;
        u8::try_from(self.bits >> self.have & 0xff).ok()
    }
}

/// Name of a status, as the conventions write it (`google.rpc.Code`).
pub fn status_name(status: u32) -> Option<&'static str> {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    NAMES.get(usize::try_from(status).ok()?).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    fn message(flags: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap();
        [&[flags], &length.to_be_bytes()[..], bytes].concat()
    }

    #[test]
    fn kinds() {
        for (content_type, expected) in [
            ("application/grpc", Some(Kind::Grpc)),
            ("Application/gRPC+proto", Some(Kind::Grpc)),
            ("application/grpc; charset=x", Some(Kind::Grpc)),
            ("application/grpc-web", Some(Kind::Web)),
            ("application/grpc-web+proto", Some(Kind::Web)),
            ("application/grpc-web-text", Some(Kind::WebText)),
            ("application/grpc-web-text+proto", Some(Kind::WebText)),
            ("application/grpc-other", None),
            ("application/grpcx", None),
            ("application/json", None),
            ("", None),
        ] {
            assert_eq!(Kind::of(content_type.as_bytes()), expected, "{content_type}");
        }
    }

    #[test]
    fn messages_in_any_cut() {
        let body = [message(0, b"hello"), message(1, b""), message(0, &[0; 300]), message(0x80, b"grpc-status: 5\r\n")];
        let body = body.concat();
        for size in 1..=body.len() {
            let mut messages = Messages::new(Kind::Web);
            for piece in body.chunks(size) {
                messages.feed(piece.len() as u64, piece);
            }
            assert_eq!((messages.count(), messages.status()), (Some(3), Some(5)), "pieces of {size}");
        }
    }

    #[test]
    fn what_is_not_seen() {
        let body = message(0, &[7; 1000]);
        let mut messages = Messages::new(Kind::Grpc);
        messages.feed(10, body.get(..10).unwrap());
        messages.feed(995, &[]);
        assert_eq!(messages.count(), Some(1));
        messages.feed(5, &[0, 0, 0, 0, 0]);
        assert_eq!(messages.count(), Some(2));
        messages.feed(1, &[]);
        assert_eq!(messages.count(), None);
    }

    #[test]
    fn base64_in_pieces() {
        // "AAAAAAVoZWxsbw==" is one message, and so is each that follows it.
        let mut messages = Messages::new(Kind::WebText);
        for text in ["AAAAAAVoZWxsbw==", "AAAAAAVoZWxsbw==", "gAAAAA9ncnBjLXN0YXR1czowDQo="] {
            messages.feed(text.len() as u64, text.as_bytes());
        }
        assert_eq!(messages.count(), Some(2));
        assert_eq!(messages.status(), Some(0));
    }
}
