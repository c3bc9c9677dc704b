//! `key=value` pairs: of a query, of a form, and of queries within other text.

use std::borrow::Cow;
use std::ops::Range;

use super::edits::Edits;

/// Traefik treats `;` as `&` (net/http.AllowQuerySemicolons, v3.6): a secret may stand behind either.
const SEPARATORS: &[u8] = b"&;";

/// Finds the values of secret keys in a query or a form.
pub(super) fn secrets(bytes: &[u8], is_secret: impl Fn(&[u8]) -> bool, found: impl FnMut(Range<usize>)) {
    walk(bytes, SEPARATORS, is_secret, found);
}

/// The same in a text that may hold a URL: in its query, or in its fragment, where OAuth's implicit grant has tokens.
pub(super) fn secrets_in_url(bytes: &[u8], is_secret: impl Fn(&[u8]) -> bool, mut found: impl FnMut(Range<usize>)) {
    let mut at = 0;
    while let Some(start) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'?', b'#', rest)) {
        let start = at + start + 1;
        let rest = bytes.get(start..).unwrap_or_default();
        // What cannot be in a URL, and is put around one in `Link`, in HTML and in prose.
        let end = rest.iter().position(|byte| byte.is_ascii_whitespace() || b"\"<>".contains(byte));
        let url = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        walk(url, b"&;?#", &is_secret, |range| found(start + range.start..start + range.end));
        at = start + url.len();
    }
}

fn walk(bytes: &[u8], separators: &[u8], is_secret: impl Fn(&[u8]) -> bool, mut found: impl FnMut(Range<usize>)) {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest.iter().position(|byte| separators.contains(byte)).unwrap_or(rest.len());
        let pair = rest.get(..length).unwrap_or_default();
        let key = memchr::memchr(b'=', pair).and_then(|end| pair.get(..end));
        at += match key {
            Some(key) if is_secret(key) => {
                // A secret ends at `&` alone: to some servers the other separators are a part of it.
                let end = memchr::memchr(b'&', rest).unwrap_or(rest.len());
                found(at + key.len() + 1..at + end);
                end
            }
            _ => length,
        } + 1;
    }
}

/// A query with the values of secret keys replaced; borrowed where there are none.
pub fn in_query(query: &str, is_secret: impl Fn(&str) -> bool) -> Cow<'_, str> {
    let mut edits = Edits::default();
    // A key ends where ASCII begins: it is text as the query is.
    let is_secret = |key: &[u8]| std::str::from_utf8(key).is_ok_and(&is_secret);
    secrets(query.as_bytes(), is_secret, |range| edits.secret(range));
    if edits.is_empty() { Cow::Borrowed(query) } else { Cow::Owned(edits.apply_to_text(query)) }
}

/// Whether a body without a declared type can be a form: pairs, and nothing that would have been percent-encoded.
pub(super) fn looks_like_form(bytes: &[u8]) -> bool {
    memchr::memchr(b'=', bytes).is_some() && bytes.trim_ascii().iter().all(u8::is_ascii_graphic)
}
