//! Removes content codings (RFC 9110, 8.4.1): what comes out is bounded, and why it ended is said.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{brotli, gzip, zstd};

/// Codings that are removed from one body. Nobody sends more than two; each one more is one more bomb.
const DEEPEST: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// None for what is not known; the name in any case.
    pub fn parse(name: &str) -> Option<Self> {
        const NAMES: [(&str, Coding); 5] = [
            ("gzip", Coding::Gzip),
            ("x-gzip", Coding::Gzip),
            ("deflate", Coding::Deflate),
            ("br", Coding::Brotli),
            ("zstd", Coding::Zstd),
        ];
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, coding)| *coding)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// Why there is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The end of the coded content was reached.
    Whole,
    /// The input ended before the content did.
    Cut,
    /// There is more than the limit allows.
    Limit,
    /// The content is whole, but bytes follow that do not belong to it.
    Trailing,
    /// From here on the input is not in this coding.
    Corrupt(Coding),
    /// A coding that is not known, or too many of them: nothing was removed from there on.
    Unsupported,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::Cut => f.write_str("cut before its end"),
            Self::Limit => f.write_str("longer than the limit once decoded"),
            Self::Trailing => f.write_str("followed by other bytes"),
            Self::Corrupt(coding) => write!(f, "corrupt {}", coding.as_str()),
            Self::Unsupported => f.write_str("in a content coding that is not supported"),
        }
    }
}

/// A body without its content codings, as far as it could be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    pub bytes: Cow<'a, [u8]>,
    pub end: End,
    /// The coding that was removed last; None where there was none, or none could be removed.
    pub from: Option<Coding>,
}

/// Whether a Content-Encoding says anything: neither absent nor `identity`.
pub fn is_coded(encoding: Option<&str>) -> bool {
    names(encoding).next().is_some()
}

/// Removes what `encoding`, the value of a Content-Encoding header, names. At most `limit` bytes come out of each
/// coding; a body without one is passed on as it is, however long.
pub fn decode<'a>(encoding: Option<&str>, bytes: &'a [u8], limit: usize) -> Decoded<'a> {
    let mut decoded = Decoded { bytes: Cow::Borrowed(bytes), end: End::Whole, from: None };
    // An answer to HEAD, a 304: headers of a body that was not sent.
    if bytes.is_empty() {
        return decoded;
    }
    let deep = names(encoding).count() > DEEPEST;
    for name in names(encoding).rev() {
        let Some(coding) = Coding::parse(name).filter(|_| !deep) else {
            decoded.end = End::Unsupported;
            return decoded;
        };
        let mut out = Vec::new();
        let end = remove(coding, &decoded.bytes, &mut out, limit);
        // What ended first is why; but what is corrupt is not merely short.
        if decoded.end == End::Whole || matches!(end, End::Corrupt(_)) {
            decoded.end = end;
        }
        decoded.from = Some(coding);
        decoded.bytes = Cow::Owned(out);
    }
    decoded
}

fn names(encoding: Option<&str>) -> impl DoubleEndedIterator<Item = &str> {
    let names = encoding.unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"))
}

fn remove(coding: Coding, bytes: &[u8], out: &mut Vec<u8>, limit: usize) -> End {
    // Decoders of others assert what they believe of their input. None is known to be wrong; were one, a body would
    // be lost, not the capture.
    let ended = catch_unwind(AssertUnwindSafe(|| match coding {
        Coding::Gzip => gzip::gzip(bytes, out, limit),
        Coding::Deflate => gzip::deflate(bytes, out, limit),
        Coding::Brotli => brotli::decode(bytes, out, limit),
        Coding::Zstd => zstd::decode(bytes, out, limit),
    }));
    let end = ended.unwrap_or(End::Corrupt(coding));
    if out.len() > limit {
        out.truncate(limit);
        return if matches!(end, End::Corrupt(_)) { end } else { End::Limit };
    }
    end
}
