//! URLs: who they are for, and the queries in them.

use std::borrow::Cow;

/// A URL without `user:password@`.
pub fn without_user(url: &str) -> Cow<'_, str> {
    let (scheme, user, rest) = around_user(url);
    if user.is_empty() { Cow::Borrowed(url) } else { Cow::Owned(format!("{scheme}{rest}")) }
}

/// Splits a URL or an authority around its `user:password@`, which may be empty; where it is, so may the scheme be.
pub fn around_user(url: &str) -> (&str, &str, &str) {
    // Most have none, and are not looked through for their parts.
    if memchr::memchr(b'@', url.as_bytes()).is_none() {
        return ("", "", url);
    }
    let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, rest) = rest.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    (scheme, user, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users() {
        for (url, expected) in [
            ("http://10.0.0.1:80", "http://10.0.0.1:80"),
            ("http://user:pass@10.0.0.1:80/x", "http://10.0.0.1:80/x"),
            ("http://user@h?q", "http://h?q"),
            ("http://u:p@ss@h/@home", "http://h/@home"),
            ("http://h/@home", "http://h/@home"),
            ("http://h?a@b", "http://h?a@b"),
            ("u:p@h", "h"),
            ("u:p@[::1]:80", "[::1]:80"),
            ("", ""),
        ] {
            assert_eq!(without_user(url), expected, "{url}");
        }
    }
}
