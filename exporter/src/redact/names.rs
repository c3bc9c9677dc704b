//! Which header lines and which query keys carry secrets, whatever the configuration says; and how names are compared.

use std::sync::LazyLock;

use rustc_hash::FxHashSet;

/// Header fields whose values let someone else act as the client or as the server.
pub const SECRET_HEADERS: [&str; 10] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "x-auth-token",
    "x-csrf-token",
    "x-amz-security-token",
    "x-vault-token",
    // Traefik's passTLSClientCert: no key, but it names a person.
    "x-forwarded-tls-client-cert",
];

/// Query keys whose values are secrets, compared without regard to case, `-` and `_`.
///
/// What is not here on purpose: `key`, `code`, `state`, `id` and `auth` name too many harmless things.
pub const SECRET_QUERY_KEYS: [&str; 35] = [
    // What the semantic conventions list for `url.query` (v1.45): presigned URLs of AWS, Azure and Google.
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    // The rest of what presigned URLs of version 4 carry: the signature, and the session that it was made with.
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Goog-Credential",
    "Security-Token",
    // OAuth 2.0 (RFC 6749, 6750, 7521, 7523) and OpenID Connect.
    "access_token",
    "refresh_token",
    "id_token",
    "client_secret",
    "client_assertion",
    "assertion",
    "id_token_hint",
    // SAML 2.0 (redirect binding), and tickets of CAS.
    "SAMLResponse",
    "ticket",
    // What APIs call their keys; `private_token` and `job_token` are GitLab's.
    "token",
    "auth_token",
    "private_token",
    "job_token",
    "csrf_token",
    "bearer",
    "jwt",
    "api_key",
    "x_api_key",
    "app_key",
    "secret",
    "secret_key",
    "session_id",
    "password",
    "passwd",
    "pwd",
    "passphrase",
];

/// [`SECRET_QUERY_KEYS`] in the form in which they are compared.
static SECRET_PARTS: LazyLock<FxHashSet<Box<[u8]>>> =
    LazyLock::new(|| SECRET_QUERY_KEYS.iter().map(|key| letters(key).collect()).collect());

/// Says whether the value of this header field is a secret; case does not matter.
pub fn is_secret_header(name: &str) -> bool {
    SECRET_HEADERS.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

/// Says whether the value of this query key is a secret. The key comes as it was sent, percent-encoded or not;
/// `user[password]` and `login.password` count as `password`.
pub fn is_secret_query_key(key: &str) -> bool {
    is_built_in_key(key.as_bytes())
}

pub(super) fn is_built_in_key(key: &[u8]) -> bool {
    any_part(key, |part| SECRET_PARTS.contains(part))
}

/// Longest name that is looked for, in bytes without `-` and `_`: a part of a key that is longer is none of them.
pub(super) const LONGEST_NAME: usize = 96;

/// Whether `matches` holds for a part of a key: of `user[pass%57ord]`, `user` and `password`. It gets the letters of
/// the part, as [`letters`] makes them of a name.
pub(super) fn any_part(key: &[u8], matches: impl Fn(&[u8]) -> bool) -> bool {
    let mut part = [0_u8; LONGEST_NAME];
    let mut length = 0;
    let mut rest = key;
    loop {
        let next = percent_decode(rest);
        match next {
            Some((b'-' | b'_', _)) => {}
            // Some frameworks cut the spaces around a key off, and a name that is told has none around it.
            Some((b'+' | b' ' | b'\t' | b'\r' | b'\n', _)) => {}
            Some((byte, _)) if !matches!(byte, b'[' | b']' | b'.') => {
                if let Some(slot) = part.get_mut(length) {
                    *slot = byte.to_ascii_lowercase();
                }
                length += 1;
            }
            _ => {
                if length > 0 && part.get(..length).is_some_and(&matches) {
                    return true;
                }
                length = 0;
            }
        }
        let Some((_, after)) = next else { return false };
        rest = after;
    }
}

/// A name in small letters and without what is not compared.
pub(super) fn letters(name: &str) -> impl Iterator<Item = u8> {
    let skipped = |byte: &u8| matches!(byte, b'-' | b'_' | b'+' | b' ');
    name.bytes().filter(move |byte| !skipped(byte)).map(|byte| byte.to_ascii_lowercase())
}

/// Names that a configuration lists, each in full or as `prefix*`.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    exact: Vec<Box<[u8]>>,
    prefixes: Vec<Box<[u8]>>,
}

impl Names {
    /// `normal`: in the form in which it is compared, with its `*`.
    pub(super) fn add(&mut self, normal: &[u8]) {
        match normal.strip_suffix(b"*") {
            Some(prefix) => self.prefixes.push(prefix.into()),
            None => self.exact.push(normal.into()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty()
    }

    /// By the normal form.
    pub(super) fn contains(&self, normal: &[u8]) -> bool {
        self.exact.iter().any(|name| **name == *normal) || self.prefixes.iter().any(|name| normal.starts_with(name))
    }

    /// In any case; the names must have been added in small letters.
    pub(super) fn contains_in_any_case(&self, name: &[u8]) -> bool {
        let begins = |prefix: &[u8]| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        self.exact.iter().any(|exact| exact.eq_ignore_ascii_case(name)) || self.prefixes.iter().any(|some| begins(some))
    }
}

/// The first byte that percent-encoding stands for, and the rest.
pub(super) fn percent_decode(bytes: &[u8]) -> Option<(u8, &[u8])> {
    if let [b'%', high, low, rest @ ..] = bytes
        && let (Some(high), Some(low)) = (hex(*high), hex(*low))
    {
        return Some((high << 4 | low, rest));
    }
    bytes.split_first().map(|(byte, rest)| (*byte, rest))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        for (name, secret) in [
            ("authorization", true),
            ("Proxy-Authorization", true),
            ("COOKIE", true),
            ("Set-Cookie", true),
            ("X-Api-Key", true),
            ("X-Forwarded-Tls-Client-Cert", true),
            ("cookie2", false),
            ("www-authenticate", false),
            ("", false),
        ] {
            assert_eq!(is_secret_header(name), secret, "{name}");
        }
    }

    #[test]
    fn query_keys() {
        for (key, secret) in [
            ("AWSAccessKeyId", true),
            ("signature", true),
            ("sig", true),
            ("X-Goog-Signature", true),
            ("accessToken", true),
            ("access-token", true),
            ("api_key", true),
            ("apikey", true),
            ("api%5Fkey", true),
            ("%74oken", true),
            ("user[password]", true),
            ("user%5Bpassword%5D", true),
            ("login.password", true),
            ("sign", false),
            ("tokens", false),
            ("key", false),
            ("%", false),
            ("%zz", false),
            ("", false),
            ("-_", false),
        ] {
            assert_eq!(is_secret_query_key(key), secret, "{key}");
        }
        assert!(is_secret_query_key(&format!("{}[token]", "x".repeat(1000))));
        assert!(!is_secret_query_key(&"x".repeat(1000)));
    }
}
