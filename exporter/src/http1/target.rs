//! The request target, taken apart and refused as Go's `url.ParseRequestURI` does it (net/url/url.go, Go 1.26).

use std::net::Ipv6Addr;

use super::lines::Span;

#[derive(Debug, Default)]
pub(super) struct Target {
    /// Scheme and authority.
    pub absolute: Option<Span>,
    pub path: Span,
    pub query: Option<Span>,
}

/// Takes `target` of `head` apart; None if net/http refuses it.
pub(super) fn parse(head: &[u8], target: Span, connect: bool) -> Option<Target> {
    let raw = target.of(head);
    if raw.is_empty() || raw.iter().any(u8::is_ascii_control) {
        return None;
    }
    let whole = Target { path: target, ..Target::default() };
    if connect && raw.first() != Some(&b'/') {
        return hierarchical(b"http", raw, 0).map(|_| whole);
    }
    if raw == b"*" {
        return Some(whole);
    }
    let (before_query, query) = match memchr::memchr(b'?', raw) {
        Some(mark) => (raw.get(..mark)?, Some(target.part(mark + 1, raw.len()))),
        None => (raw, None),
    };
    if before_query.first() == Some(&b'/') {
        return escapes(before_query, |_, _| true).then(|| Target {
            absolute: None,
            path: target.part(0, before_query.len()),
            query,
        });
    }
    let colon = scheme(before_query)?;
    let rest = before_query.get(colon + 1..)?;
    if !rest.starts_with(b"//") {
        // `mailto:x` is opaque and `scheme:/path` has no authority: net/http accepts both.
        let opaque = rest.first() != Some(&b'/');
        return (opaque || escapes(rest, |_, _| true)).then(|| Target {
            absolute: Some(target.part(0, colon + 1)),
            path: target.part(colon + 1, before_query.len()),
            query,
        });
    }
    let path = hierarchical(before_query.get(..colon)?, before_query, colon + 3)?;
    Some(Target { absolute: Some(target.part(0, path)), path: target.part(path, before_query.len()), query })
}

/// Length of the scheme, if there is one.
fn scheme(raw: &[u8]) -> Option<usize> {
    let colon = memchr::memchr(b':', raw)?;
    let scheme = raw.get(..colon)?;
    let fits = scheme.first()?.is_ascii_alphabetic()
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    fits.then_some(colon)
}

/// Where the path starts in `raw`, whose authority starts at `authority`.
fn hierarchical(scheme: &[u8], raw: &[u8], authority: usize) -> Option<usize> {
    let rest = raw.get(authority..)?;
    let rest = rest.split(|byte| *byte == b'?').next()?;
    let length = memchr::memchr(b'/', rest).unwrap_or(rest.len());
    let (authority_text, path) = rest.split_at_checked(length)?;
    let (user, host) = match memchr::memrchr(b'@', authority_text) {
        Some(at) => (authority_text.get(..at)?, authority_text.get(at + 1..)?),
        None => (&[][..], authority_text),
    };
    let user_fits = user.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte));
    let fits = user_fits && escapes(user, |_, _| true) && host_fits(scheme, host);
    (fits && escapes(path, |_, _| true)).then_some(authority + length)
}

fn host_fits(scheme: &[u8], host: &[u8]) -> bool {
    if let Some(rest) = host.strip_prefix(b"[") {
        let Some(close) = memchr::memrchr(b']', rest) else {
            return false;
        };
        let (address, port) = (rest.get(..close), rest.get(close + 1..));
        return address.is_some_and(ipv6_fits) && port.is_some_and(port_fits);
    }
    if host.contains(&b'[') {
        return false;
    }
    // More than one colon is refused for the schemes of the web and tolerated for others (Go issue 75223).
    let strict = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
    let colon = match strict {
        true => memchr::memchr(b':', host),
        false => memchr::memrchr(b':', host),
    };
    let port = colon.and_then(|colon| host.get(colon..)).unwrap_or_default();
    let plain = host
        .iter()
        .all(|byte| !byte.is_ascii() || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(byte));
    plain && port_fits(port) && escapes(host, host_escape)
}

/// In a host only bytes beyond ASCII may be escaped, and the percent sign of a zone.
fn host_escape(high: u8, low: u8) -> bool {
    !(b'0'..=b'7').contains(&high) || (high == b'2' && low == b'5')
}

fn ipv6_fits(address: &[u8]) -> bool {
    let text = String::from_utf8_lossy(address);
    let (address, zone) = match text.split_once("%25") {
        Some((address, zone)) => (address, Some(zone)),
        None => (text.as_ref(), None),
    };
    zone != Some("") && address.parse::<Ipv6Addr>().is_ok()
}

fn port_fits(port: &[u8]) -> bool {
    match port.split_first() {
        None => true,
        Some((colon, digits)) => *colon == b':' && digits.iter().all(u8::is_ascii_digit),
    }
}

/// Each `%` is followed by two hexadecimal digits that `allowed` lets pass.
fn escapes(text: &[u8], allowed: impl Fn(u8, u8) -> bool) -> bool {
    memchr::memchr_iter(b'%', text).all(|at| match text.get(at + 1..at + 3) {
        Some(&[high, low]) => high.is_ascii_hexdigit() && low.is_ascii_hexdigit() && allowed(high, low),
        _ => false,
    })
}
