//! Which header lines and which query keys carry secrets: one list for recordings and for every output.
//!
//! It only answers the question. Outputs put [`REDACTED`] in the place of a secret; recordings overwrite each byte,
//! because lengths must stay.

use std::borrow::Cow;

/// What outputs show in the place of a secret; the word is OpenTelemetry's.
pub const REDACTED: &str = "REDACTED";

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

/// Longest key that is looked at, in bytes after percent-decoding: a listed key with room for what is around it.
const LONGEST_KEY: usize = 96;

/// Says whether the value of this header field is a secret; case does not matter.
pub fn is_secret_header(name: &str) -> bool {
    SECRET_HEADERS.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

/// Says whether the value of this query key is a secret. The key comes as it was sent, percent-encoded or not;
/// `user[password]` and `login.password` count as `password`.
pub fn is_secret_query_key(key: &str) -> bool {
    let mut decoded = [0_u8; LONGEST_KEY];
    let mut length = 0;
    let mut rest = key.as_bytes();
    while let Some((byte, after)) = percent_decode(rest) {
        let Some(slot) = decoded.get_mut(length) else {
            return false;
        };
        *slot = byte;
        length += 1;
        rest = after;
    }
    decoded
        .get(..length)
        .unwrap_or_default()
        .split(|byte| matches!(byte, b'[' | b']' | b'.'))
        .any(|part| SECRET_QUERY_KEYS.iter().any(|secret| letters(part).eq(letters(secret.as_bytes()))))
}

/// A URL without `user:password@`.
pub fn without_user(url: &str) -> Cow<'_, str> {
    let (scheme, user, rest) = around_user(url);
    if user.is_empty() { Cow::Borrowed(url) } else { Cow::Owned(format!("{scheme}{rest}")) }
}

/// Splits a URL or an authority around its `user:password@`, which may be empty.
pub fn around_user(url: &str) -> (&str, &str, &str) {
    let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, rest) = rest.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    (scheme, user, rest)
}

fn percent_decode(bytes: &[u8]) -> Option<(u8, &[u8])> {
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

fn letters(part: &[u8]) -> impl Iterator<Item = u8> {
    part.iter().filter(|byte| !matches!(byte, b'-' | b'_')).map(u8::to_ascii_lowercase)
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
        assert!(!is_secret_query_key(&format!("{}[token]", "x".repeat(LONGEST_KEY))));
    }

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
