//! Cookies by their names, in the values of Cookie and of Set-Cookie.

use std::ops::Range;

/// Finds the values of secret cookies. `set`: of Set-Cookie, where the attributes of the cookie follow it.
///
/// A cookie without a name cannot be told from a secret.
pub(super) fn secrets(value: &[u8], set: bool, is_secret: impl Fn(&[u8]) -> bool, mut found: impl FnMut(Range<usize>)) {
    let mut at = 0;
    while let Some(rest) = value.get(at..).filter(|rest| !rest.is_empty()) {
        let length = memchr::memchr(b';', rest).unwrap_or(rest.len());
        let pair = rest.get(..length).unwrap_or_default();
        let equals = memchr::memchr(b'=', pair);
        let name = equals.and_then(|end| pair.get(..end)).unwrap_or_default().trim_ascii();
        let start = equals.map_or(pair.len() - pair.trim_ascii_start().len(), |end| end + 1);
        if start < length && (name.is_empty() || is_secret(name)) {
            found(at + start..at + length);
        }
        if set {
            return;
        }
        at += length + 1;
    }
}
