//! The path on which Traefik routes, from the path that the client sent.
//!
//! A request's path goes through net/url's parser, Traefik's normalisation and sanitisation, and the decoding of
//! what is not reserved (Traefik 3.6.12 pkg/server/server_entrypoint_tcp.go:700-900, pkg/muxer/http/mux.go:113-165;
//! Go 1.26 net/url/url.go). Every step is kept apart, because each one sees what the one before left.

use std::borrow::Cow;

/// Why Traefik (or net/http before it) answers 400 and asks no router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("expected two hex digits after each `%` of the path: net/http answers 400")]
    Encoding,
    #[error("found a `#` in the path: Traefik answers 400")]
    Fragment,
    #[error("found a control character in the path: net/http answers 400")]
    Control,
}

/// The routing path of `path`, the request's target without query. `sanitize` is the entrypoint's `sanitizePath`.
///
/// # Errors
/// Says why the request never comes to a router.
pub fn routing(path: &[u8], sanitize: bool) -> Result<Cow<'_, [u8]>, Refusal> {
    if is_plain(path) {
        return Ok(Cow::Borrowed(path));
    }
    if path.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
        return Err(Refusal::Control);
    }
    let mut url = Url::parse(path)?;
    if url.raw.contains(&b'#') {
        return Err(Refusal::Fragment);
    }
    url.normalize();
    if sanitize {
        url = Url::parse(&join(&url.escaped()))?;
    }
    Ok(Cow::Owned(decode_unreserved(&url.escaped())))
}

/// Most paths need none of the work: nothing encoded, nothing to clean, nothing that net/url would encode.
fn is_plain(path: &[u8]) -> bool {
    path.first() == Some(&b'/')
        && path.iter().all(|byte| *byte == b'/' || (stays_in_path(*byte) && *byte != b'.'))
        && !path.windows(2).any(|pair| pair == b"//")
}

/// `url.URL`: `Path` and `RawPath`, the latter empty where the default encoding of the former says the same.
struct Url {
    path: Vec<u8>,
    raw: Vec<u8>,
}

impl Url {
    fn parse(raw: &[u8]) -> Result<Self, Refusal> {
        let path = unescape(raw).ok_or(Refusal::Encoding)?;
        let raw = if escape(&path) == raw { Vec::new() } else { raw.to_vec() };
        Ok(Self { path, raw })
    }

    /// Decodes what needs no encoding, and writes the hex digits of the rest in upper case.
    fn normalize(&mut self) {
        let mut normal = Vec::with_capacity(self.raw.len());
        let mut rest = self.raw.as_slice();
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            match (byte, decoded(after)) {
                (b'%', Some(code)) => {
                    if code.is_ascii_alphanumeric() || b"-._~".contains(&code) {
                        normal.push(code);
                    } else {
                        push_encoded(&mut normal, code);
                    }
                    rest = after.get(2..).unwrap_or_default();
                }
                _ => normal.push(*byte),
            }
        }
        self.raw = normal;
    }

    /// `URL.EscapedPath`: the raw form if it is valid and still means the path, else the path encoded anew.
    fn escaped(&self) -> Cow<'_, [u8]> {
        let valid = !self.raw.is_empty()
            && self.raw.iter().all(|byte| stays_in_path(*byte) || b"!'()*[]%".contains(byte))
            && unescape(&self.raw).as_deref() == Some(self.path.as_slice());
        if valid { Cow::Borrowed(&self.raw) } else { Cow::Owned(escape(&self.path)) }
    }
}

/// Bytes that net/url leaves as they are when it encodes a path (`shouldEscape`, mode `encodePath`).
fn stays_in_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"$&+,-./:;=@_~".contains(&byte)
}

fn escape(path: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(path.len());
    for byte in path {
        if stays_in_path(*byte) {
            escaped.push(*byte);
        } else {
            push_encoded(&mut escaped, *byte);
        }
    }
    escaped
}

/// None: a `%` without two hex digits.
pub(super) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'%' {
            plain.push(decoded(after)?);
            rest = after.get(2..)?;
        } else {
            plain.push(*byte);
        }
    }
    Some(plain)
}

/// The byte that the two hex digits at the start of `digits` stand for.
fn decoded(digits: &[u8]) -> Option<u8> {
    let digit = |index: usize| char::from(*digits.get(index)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

fn push_encoded(into: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    into.push(b'%');
    into.extend(DIGITS.get(usize::from(byte >> 4)));
    into.extend(DIGITS.get(usize::from(byte & 15)));
}

/// `URL.JoinPath` without elements: no `.`, no `..`, no empty segment, one slash kept at the end.
fn join(escaped: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in escaped.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut path = Vec::with_capacity(escaped.len() + 1);
    for segment in segments {
        path.push(b'/');
        path.extend_from_slice(segment);
    }
    if escaped.is_empty() || escaped.ends_with(b"/") || path.is_empty() {
        path.push(b'/');
    }
    path
}

/// Decodes every encoded byte that is not one of RFC 3986's reserved characters, nor the percent sign.
fn decode_unreserved(escaped: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, decoded(after)) {
            (b'%', Some(code)) => {
                if b":/?#[]@!$&'()*+,;=%".contains(&code) {
                    push_encoded(&mut path, code);
                } else {
                    path.push(code);
                }
                rest = after.get(2..).unwrap_or_default();
            }
            _ => path.push(*byte),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, sanitized: Result<&str, Refusal>, kept: Result<&str, Refusal>) {
        for (sanitize, expected) in [(true, sanitized), (false, kept)] {
            let found = routing(path.as_bytes(), sanitize);
            let found = found.map(|path| String::from_utf8_lossy(&path).into_owned());
            assert_eq!(found, expected.map(str::to_owned), "{path} sanitize {sanitize}");
        }
    }

    #[test]
    fn paths_are_cleaned_as_traefik_does() {
        let same = |path| check(path, Ok(path), Ok(path));
        same("/");
        same("/a/b/");
        same("/a,b;c=d:e@f");
        same("/~user/x-y_z");
        check("", Ok("/"), Ok(""));
        check("/a.b", Ok("/a.b"), Ok("/a.b"));
        check("//a//b", Ok("/a/b"), Ok("//a//b"));
        check("/a/./b", Ok("/a/b"), Ok("/a/./b"));
        check("/a/../b//c", Ok("/b/c"), Ok("/a/../b//c"));
        check("/a/..", Ok("/"), Ok("/a/.."));
        check("/../../a/", Ok("/a/"), Ok("/../../a/"));
        check("/a/.", Ok("/a"), Ok("/a/."));
        check("/%61%2e%2E/%7eb", Ok("/a../~b"), Ok("/a../~b"));
        check("/a/%2e%2e/b", Ok("/b"), Ok("/a/../b"));
        check("/a%2fb", Ok("/a%2Fb"), Ok("/a%2Fb"));
        check("/a%2f..%2fb", Ok("/a%2F..%2Fb"), Ok("/a%2F..%2Fb"));
        check("/a%20b", Ok("/a b"), Ok("/a b"));
        check("/%22%5E", Ok("/\"^"), Ok("/\"^"));
        check("/%25%3F%23", Ok("/%25%3F%23"), Ok("/%25%3F%23"));
        check("/(x)!*'", Ok("/(x)!*'"), Ok("/(x)!*'"));
        check("/%C3%A9", Ok("/é"), Ok("/é"));
        check("/é", Ok("/é"), Ok("/é"));
        // One character that may not stand raw, and net/url encodes the whole path anew: the slash is one now.
        check("/a%2Fb^", Ok("/a/b^"), Ok("/a/b^"));
        check("/a%2F..%2Fb^", Ok("/b^"), Ok("/a/../b^"));
        for (path, refusal) in [
            ("/%", Refusal::Encoding),
            ("/%4", Refusal::Encoding),
            ("/%zz", Refusal::Encoding),
            ("/a#b", Refusal::Fragment),
            ("/a\u{7f}", Refusal::Control),
            ("/a\tb", Refusal::Control),
        ] {
            check(path, Err(refusal), Err(refusal));
        }
    }

    #[test]
    fn any_bytes_give_an_answer() {
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                for path in [[b'/', first, second], [first, b'%', second]] {
                    let _ = routing(&path, first % 2 == 0);
                }
            }
        }
    }
}
