//! Where objects lie: keys that are stable, safe in any store, and known before anything is uploaded.
//!
//! `{prefix}{YYYY/MM/DD}/{service}/{trace id}/{span id}/{ingress|egress}-{request|response}`; the exchange itself is
//! `…/exchange.json` below the span of its first hop.

use std::fmt::Write;
use std::sync::Arc;

use super::settings::Error;
use crate::export::direction::Direction;
use crate::export::time::date;

/// Bytes of a service's name in a key: what file systems and the 1024 bytes of S3 leave room for, several times over.
const SERVICE: usize = 120;

/// Bytes of a prefix.
const PREFIX: usize = 512;

/// Which body of a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Request,
    Response,
}

impl Part {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// What a key is made of.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Nanoseconds since 1970: of the hop.
    pub start: u64,
    pub service: Option<&'a str>,
    pub trace_id: u128,
    pub span_id: u64,
}

/// Makes the keys of one store and their URLs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: Arc<str>,
    /// `s3://bucket/` or `file:///directory/`.
    root: Arc<str>,
}

impl Keys {
    pub(super) fn new(prefix: &str, root: &str) -> Result<Self, Error> {
        let prefix = prefix.trim_start_matches('/');
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.=".contains(&byte);
        let segments = prefix.strip_suffix('/').unwrap_or(prefix).split('/');
        let whole = prefix.is_empty() || segments.clone().all(|segment| !matches!(segment, "" | "." | ".."));
        if !whole || !prefix.bytes().all(safe) || prefix.len() > PREFIX {
            let expected = "folders of letters, digits and - _ . = with single slashes between them, 512 bytes at most";
            return Err(Error::Setting { key: "prefix", expected, found: prefix.to_owned() });
        }
        let end = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
        Ok(Self { prefix: format!("{prefix}{end}").into(), root: root.into() })
    }

    /// What all keys begin with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The key of a body.
    pub fn body(&self, place: &Place<'_>, direction: Direction, part: Part) -> String {
        self.folder(place, format_args!("{}-{}", direction.as_str(), part.as_str()))
    }

    /// The key of the document about an exchange.
    pub fn exchange(&self, place: &Place<'_>) -> String {
        self.folder(place, format_args!("exchange.json"))
    }

    /// Where the object will be: said on spans before it is uploaded.
    pub fn url(&self, key: &str) -> String {
        format!("{}{key}", self.root)
    }

    fn folder(&self, place: &Place<'_>, name: std::fmt::Arguments<'_>) -> String {
        let (year, month, day) = date(place.start / 86_400_000_000_000);
        let service = segment(place.service.unwrap_or_default());
        let mut key = self.prefix.to_string();
        let (trace, span) = (place.trace_id, place.span_id);
        let _ = write!(key, "{year:04}/{month:02}/{day:02}/{service}/{trace:032x}/{span:016x}/{name}");
        key
    }
}

/// A name as one segment of a path. What is not safe everywhere becomes `!` and two hexadecimal digits; a long name
/// ends in a number made of all of it.
fn segment(name: &str) -> String {
    if name.is_empty() {
        return "-".into();
    }
    let mut out = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        let safe = byte.is_ascii_alphanumeric() || b"-_@".contains(&byte) || byte == b'.' && at > 0;
        // A name that is a dash must not look like none.
        if safe && name != "-" {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "!{byte:02x}");
        }
    }
    if out.len() > SERVICE {
        // All of it is ASCII.
        out.truncate(SERVICE - 17);
        let _ = write!(out, "-{:016x}", fnv(name.as_bytes()));
    }
    out
}

/// FNV-1a: the same in every run, which the hashes of the standard library are not.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    const PLACE: Place<'_> =
        Place { start: 1_782_864_000_000_000_000, service: Some("service-a@docker"), trace_id: 0xabc, span_id: 0xde };

    #[test]
    fn keys() {
        let keys = Keys::new("/team/traffic", "s3://bucket/").unwrap();
        let key = keys.body(&PLACE, Direction::Egress, Part::Response);
        let folder = "team/traffic/2026/07/01/service-a@docker/00000000000000000000000000000abc/00000000000000de";
        assert_eq!(key, format!("{folder}/egress-response"));
        assert_eq!(keys.url(&key), format!("s3://bucket/{folder}/egress-response"));
        assert_eq!(keys.exchange(&PLACE), format!("{folder}/exchange.json"));
        let bare = Keys::new("", "file:///var/spool/").unwrap();
        assert!(bare.exchange(&PLACE).starts_with("2026/07/01/"));
    }

    #[test]
    fn services() {
        let check = |service: &str, expected: &str| assert_eq!(segment(service), expected, "{service:?}");
        check("service-a@docker", "service-a@docker");
        check("", "-");
        check("-", "!2d");
        check(".", "!2e");
        check("..", "!2e.");
        check("a/../b", "a!2f..!2fb");
        check("a b#1\n\0%41!", "a!20b!231!0a!00!2541!21");
        check("ä", "!c3!a4");
        let long = "x".repeat(5000);
        assert_eq!(segment(&long).len(), SERVICE);
        assert_ne!(segment(&long), segment(&format!("{long}y")), "long names stay apart");
        assert!(object_store::path::Path::parse(segment("..")).is_ok());
    }

    #[test]
    fn prefixes() {
        for wrong in ["a//b", "../a", "a/./b", "a b/", "a%2fb", "\u{e4}", "//"] {
            let error = Keys::new(wrong, "").map_err(|error| error.to_string());
            // A leading slash alone is forgiven.
            assert!(error.is_err() || wrong == "//", "{wrong}");
        }
        assert!(Keys::new(&"a".repeat(600), "").is_err());
    }
}
