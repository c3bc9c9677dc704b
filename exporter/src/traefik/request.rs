//! A request as Traefik's routers see it, made from what the client sent.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::IpAddr;

use super::entrypoints::EntryPoint;
use super::forwarded;
use super::path::{self, Refusal};
use super::query::Query;
use crate::exchange::{Headers, Version};

/// One request, as it came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Name of the entrypoint it came to.
    pub entrypoint: &'a str,
    pub tls: bool,
    pub version: Version,
    pub method: &'a str,
    /// The authority of an absolute-form target, else the Host header, else `:authority`. Empty if there was none.
    pub host: &'a str,
    /// The path of the target, as sent. Empty for CONNECT and for absolute-form targets without a path.
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub headers: &'a Headers,
    /// The socket's peer, or the client that the PROXY protocol announced. Header fields never count.
    pub client: Option<IpAddr>,
}

/// What the matchers ask. Costly parts are made when the first matcher asks for them.
#[derive(Debug)]
pub struct View<'a> {
    request: Request<'a>,
    entrypoint: Option<&'a EntryPoint>,
    host: Cow<'a, str>,
    path: Cow<'a, [u8]>,
    path_text: OnceCell<String>,
    query: OnceCell<Query>,
    headers: OnceCell<Vec<(Cow<'a, str>, Cow<'a, str>)>>,
}

impl<'a> View<'a> {
    /// # Errors
    /// Says why Traefik answers this request before it asks a router.
    pub fn new(request: Request<'a>, entrypoint: Option<&'a EntryPoint>) -> Result<Self, Refusal> {
        let sanitize = entrypoint.is_none_or(|entrypoint| entrypoint.sanitize_path);
        Ok(Self {
            host: canonical_host(request.host),
            path: path::routing(request.path.as_bytes(), sanitize)?,
            request,
            entrypoint,
            path_text: OnceCell::new(),
            query: OnceCell::new(),
            headers: OnceCell::new(),
        })
    }

    /// Lower case, without port and brackets.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Without port, but otherwise as sent: what the templates of v2 are held against. Brackets go with the port.
    pub(super) fn authority_host(&self) -> &str {
        split_port(self.request.host).unwrap_or(self.request.host)
    }

    pub(super) fn method(&self) -> &str {
        self.request.method
    }

    pub(super) fn client(&self) -> Option<IpAddr> {
        self.request.client
    }

    pub(super) fn path(&self) -> &[u8] {
        &self.path
    }

    /// The path as Go's regular expressions read it.
    pub(super) fn path_text(&self) -> &str {
        match std::str::from_utf8(&self.path) {
            Ok(text) => text,
            Err(_) => self.path_text.get_or_init(|| runes(&self.path)),
        }
    }

    /// Bytes as Go's regular expressions read them: each byte that is no UTF-8 is one U+FFFD.
    pub(super) fn text<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        match std::str::from_utf8(bytes) {
            Ok(_) => Cow::Borrowed(bytes),
            Err(_) => Cow::Owned(runes(bytes).into_bytes()),
        }
    }

    pub(super) fn query(&self, key: &str) -> impl Iterator<Item = &[u8]> {
        let encode = self.entrypoint.is_some_and(|entrypoint| entrypoint.encode_query_semicolons);
        self.query.get_or_init(|| Query::parse(self.request.query.unwrap_or_default(), encode)).values(key)
    }

    pub(super) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .get_or_init(|| forwarded::headers(&self.request, self.entrypoint))
            .iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_ref())
    }
}

fn runes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

/// requestdecorator.parseHost and types.CanonicalDomain (Traefik 3.6.12).
fn canonical_host(authority: &str) -> Cow<'_, str> {
    let host = split_port(authority).unwrap_or_else(|| {
        authority
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .filter(|_| authority.contains(':'))
            .unwrap_or(authority)
    });
    let host = host.trim();
    if host.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        Cow::Owned(host.to_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

/// The host of `net.SplitHostPort`; None where that is an error (no port, too many colons, stray brackets).
pub(super) fn split_port(authority: &str) -> Option<&str> {
    let colon = authority.rfind(':')?;
    let (host, port) = (authority.get(..colon)?, authority.get(colon + 1..)?);
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let stray = |text: &str| text.contains(['[', ']']);
    (!stray(host) && !stray(port)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_become_canonical() {
        for (authority, canonical, template) in [
            ("example.com", "example.com", "example.com"),
            ("Example.COM:8080", "example.com", "Example.COM"),
            ("example.com.", "example.com.", "example.com."),
            ("[::1]:80", "::1", "::1"),
            ("[2001:DB8::1]", "2001:db8::1", "[2001:DB8::1]"),
            ("::1", "::1", "::1"),
            ("a:b:c", "a:b:c", "a:b:c"),
            ("host:", "host", "host"),
            ("", "", ""),
            (":80", "", ""),
        ] {
            assert_eq!(canonical_host(authority), canonical, "{authority}");
            assert_eq!(split_port(authority).unwrap_or(authority), template, "{authority}");
        }
    }
}
