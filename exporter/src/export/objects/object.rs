//! One object, and what a store is told about it besides its bytes.

use std::fmt::Write;

use bytes::Bytes;

/// What one object takes besides what is counted: its places in queues, the allocations.
const FIXED: usize = 256;

/// Of one value, and of all names and values: S3 allows 2 KiB.
const LONGEST: usize = 512;
const ALL: usize = 1900;

/// Something to be stored. Its bytes should be a buffer of their own: a slice keeps all of what it is cut from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub key: String,
    pub content_type: String,
    /// Names of letters, digits and dashes. Where a store has no place for it, it is left out.
    pub metadata: Vec<(&'static str, String)>,
    pub bytes: Bytes,
}

impl Object {
    /// Bytes of memory that it takes while it waits.
    pub fn weight(&self) -> usize {
        let metadata: usize = self.metadata.iter().map(|(_, value)| value.len() + 48).sum();
        FIXED + self.key.len() + self.content_type.len() + metadata + self.bytes.len()
    }

    /// Metadata as headers carry it, within what S3 allows.
    pub(super) fn safe_metadata(&self) -> impl Iterator<Item = (&'static str, String)> {
        let mut room = ALL;
        self.metadata.iter().filter_map(move |(name, value)| {
            let value = header_safe(value);
            room = room.checked_sub(name.len() + value.len())?;
            Some((*name, value))
        })
    }

    /// The content type, if a header can carry it.
    pub(super) fn safe_content_type(&self) -> &str {
        let text = self.content_type.trim();
        let fits = !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if fits { text } else { "application/octet-stream" }
    }
}

/// Visible ASCII as it is, with single spaces inside; the rest percent-encoded, as URLs do.
fn header_safe(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut out = String::with_capacity(value.len());
    for (at, byte) in bytes.iter().enumerate() {
        // At the ends and in rows, spaces are dropped on the way, and the signature does not fit any more.
        let lone = |at: Option<&u8>| at.is_some_and(|byte| byte.is_ascii_graphic());
        let inner = *byte == b' ' && lone(at.checked_sub(1).and_then(|at| bytes.get(at))) && lone(bytes.get(at + 1));
        if byte.is_ascii_graphic() && *byte != b'%' || inner {
            out.push(char::from(*byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        if out.len() > LONGEST {
            out.truncate(LONGEST - 3);
            out.push_str("...");
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_headers() {
        let check = |value: &str, expected: &str| assert_eq!(header_safe(value), expected, "{value:?}");
        check("", "");
        check("text/html; charset=utf-8", "text/html; charset=utf-8");
        check(" a  b ", "%20a%20%20b%20");
        check("100%", "100%25");
        check("\u{e4}\r\nx-amz-acl: public\0", "%C3%A4%0D%0Ax-amz-acl: public%00");
        assert_eq!(header_safe(&"x".repeat(5000)).len(), LONGEST);
    }

    #[test]
    fn all_of_it_fits() {
        let metadata = vec![("a", "x".repeat(500)); 9];
        let object = Object { key: "k".into(), content_type: "a\nb".into(), metadata, bytes: Bytes::new() };
        assert_eq!(object.safe_metadata().count(), 3);
        assert_eq!(object.safe_content_type(), "application/octet-stream");
    }
}
