//! The URL of a hop as text, with credentials and secret query values replaced.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::short::Short;
use crate::exchange::{Hop, Method};
use crate::redact::around_user;
use crate::redact::{REDACTED, Redaction};

/// `http` or `https`, as this hop was carried.
pub fn scheme(hop: &Hop) -> &'static str {
    if hop.tls.is_some() { "https" } else { "http" }
}

/// The URL that the client asked for: absolute-form target, else the Host header, else the address it came to.
pub fn requested(hop: &Hop, redaction: &Redaction) -> String {
    let said = hop.host.as_deref().filter(|host| !host.is_empty());
    match said {
        Some(host) => absolute(hop, &without_user(host), redaction, |pieces| pieces.concat()),
        None => {
            let local = Short::address(hop.local);
            absolute(hop, local.as_str(), redaction, |pieces| pieces.concat())
        }
    }
}

/// The URL that was in fact asked, in pieces: Traefik forwards the client's Host by default (`passHostHeader`), so the
/// server is named by the socket.
pub fn reached<T>(hop: &Hop, redaction: &Redaction, take: impl FnOnce(&[&str]) -> T) -> T {
    absolute(hop, Short::address(hop.peer).as_str(), redaction, take)
}

fn absolute<T>(hop: &Hop, authority: &str, redaction: &Redaction, take: impl FnOnce(&[&str]) -> T) -> T {
    let base = hop.absolute.as_deref().map(without_user);
    let mut tunnel = Cow::Borrowed("");
    let [mut scheme, mut divider, mut authority] = match &base {
        Some(base) => [base.as_ref(), "", ""],
        None => [scheme(hop), "://", authority],
    };
    let mut path = "";
    // `*` and the authority of a CONNECT are no paths.
    if hop.path.starts_with('/') {
        path = &hop.path;
    } else if hop.method == Method::Connect && base.is_none() {
        tunnel = without_user(&hop.path);
        [scheme, divider, authority] = [""; 3];
    }
    let query = hop.query.as_deref().map(|query| redaction.query(query));
    let mark = if query.is_some() { "?" } else { "" };
    let query = query.as_deref().unwrap_or_default();
    take(&[scheme, divider, authority, &tunnel, path, mark, query])
}

/// A URL or an authority with its user and password replaced, as `url.full` must have it.
pub fn without_user(url: &str) -> Cow<'_, str> {
    match around_user(url) {
        (_, "", _) => Cow::Borrowed(url),
        (scheme, user, host) if user.contains(':') => Cow::Owned(format!("{scheme}{REDACTED}:{REDACTED}@{host}")),
        (scheme, _, host) => Cow::Owned(format!("{scheme}{REDACTED}@{host}")),
    }
}

/// The path of a hop, as `url.path` says it; the target of a CONNECT is none, and may hold a password.
pub fn path(hop: &Hop) -> Cow<'_, str> {
    if hop.path.starts_with('/') { Cow::Borrowed(&hop.path) } else { without_user(&hop.path) }
}

/// Name and port that the client asked for; the port of the scheme where none is written.
pub fn requested_server(hop: &Hop) -> (Cow<'_, str>, u16) {
    let absolute = hop.absolute.as_deref().and_then(|base| base.split_once("://")).map(|(_, authority)| authority);
    let authority = absolute.or(hop.host.as_deref()).unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let default = if hop.tls.is_some() { 443 } else { 80 };
    if authority.is_empty() {
        return (hop.local.ip().to_canonical().to_string().into(), hop.local.port());
    }
    // Only these two can begin an address with a port: names, which are most, are not tried.
    if authority.starts_with(|first: char| first == '[' || first.is_ascii_digit())
        && let Ok(address) = authority.parse::<SocketAddr>()
    {
        // Of an IPv4 address there is one spelling only.
        return match authority.rsplit_once(':') {
            Some((name, _)) if address.is_ipv4() => (name.into(), address.port()),
            _ => (address.ip().to_string().into(), address.port()),
        };
    }
    match authority.rsplit_once(':') {
        // `[::1]`, or an IPv6 address that somebody wrote without brackets.
        Some((name, _)) if name.contains(':') => (bare(authority).into(), default),
        Some((name, port)) => (name.into(), port.parse().unwrap_or(default)),
        None => (authority.into(), default),
    }
}

fn bare(authority: &str) -> &str {
    authority.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use std::sync::Arc;

    use super::*;

    fn hop(host: &str, absolute: Option<&str>, target: &str, tls: bool) -> Hop {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.into())),
            None => (target, None),
        };
        Hop {
            host: (!host.is_empty()).then(|| host.into()),
            absolute: absolute.map(Into::into),
            path: path.into(),
            query,
            tls: tls.then(Arc::default),
            ..sample::hop()
        }
    }

    #[test]
    fn urls() {
        let check = |host: &str, absolute: Option<&str>, target: &str, requested_url: &str, reached_url: &str| {
            let hop = hop(host, absolute, target, false);
            let redaction = &Redaction::default();
            assert_eq!(requested(&hop, redaction), requested_url);
            assert_eq!(reached(&hop, redaction, |pieces| pieces.concat()), reached_url);
        };
        check("a.test", None, "/x?y=1", "http://a.test/x?y=1", "http://172.18.0.1:53122/x?y=1");
        check(
            "a.test:8083",
            None,
            "/?sig=s",
            "http://a.test:8083/?sig=REDACTED",
            "http://172.18.0.1:53122/?sig=REDACTED",
        );
        check("", None, "/x", "http://172.18.0.2:80/x", "http://172.18.0.1:53122/x");
        check("a.test", None, "*", "http://a.test", "http://172.18.0.1:53122");
        check("u:p@a.test", None, "/", "http://REDACTED:REDACTED@a.test/", "http://172.18.0.1:53122/");
        check(
            "a.test",
            Some("http://u:p@b.test"),
            "/x",
            "http://REDACTED:REDACTED@b.test/x",
            "http://REDACTED:REDACTED@b.test/x",
        );
        check("", None, "", "http://172.18.0.2:80", "http://172.18.0.1:53122");
    }

    #[test]
    fn users() {
        let check = |url: &str, expected: &str| assert_eq!(without_user(url), expected, "{url}");
        check("http://10.0.0.1:80", "http://10.0.0.1:80");
        check("http://user:pass@10.0.0.1:80/x", "http://REDACTED:REDACTED@10.0.0.1:80/x");
        check("http://user@h", "http://REDACTED@h");
        check("http://h/@home", "http://h/@home");
        check("http://u:p@ss@h/", "http://REDACTED:REDACTED@h/");
        check("", "");
    }

    #[test]
    fn servers() {
        let check = |host: &str, absolute: Option<&str>, tls: bool, name: &str, port: u16| {
            let hop = hop(host, absolute, "/", tls);
            let (got, number) = requested_server(&hop);
            assert_eq!((&*got, number), (name, port), "{host:?} {absolute:?}");
        };
        check("a.test", None, false, "a.test", 80);
        check("a.test", None, true, "a.test", 443);
        check("a.test:8083", None, true, "a.test", 8083);
        check("10.0.0.1:81", None, false, "10.0.0.1", 81);
        check("[::1]:81", None, false, "::1", 81);
        check("[::1]", None, false, "::1", 80);
        check("::1", None, false, "::1", 80);
        check("a.test:port", None, false, "a.test", 80);
        check("", None, false, "172.18.0.2", 80);
        check("a.test", Some("http://b.test:99"), false, "b.test", 99);
        check("u:p@a.test", None, false, "a.test", 80);
    }
}
