//! What must not leave: every output asks here before it shows a header or a query.
//!
//! Which names are secret is said in [`crate::redact`], where recordings ask as well.

use std::borrow::Cow;

pub use crate::redact::REDACTED;
use crate::redact::{in_query, is_secret_header, is_secret_query_key};

/// Which values are replaced by [`REDACTED`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Redaction {
    #[default]
    Secrets,
    Nothing,
}

impl Redaction {
    /// A header's value, or [`REDACTED`].
    pub fn header<'a>(self, name: &str, value: Cow<'a, str>) -> Cow<'a, str> {
        if self == Self::Secrets && is_secret_header(name) { Cow::Borrowed(REDACTED) } else { value }
    }

    /// A query with the values of secret keys replaced; borrowed where there are none.
    pub fn query(self, query: &str) -> Cow<'_, str> {
        if self == Self::Nothing {
            return Cow::Borrowed(query);
        }
        in_query(query, is_secret_query_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::SECRET_QUERY_KEYS;

    #[test]
    fn queries() {
        let check = |query: &str, expected: &str| {
            assert_eq!(Redaction::Secrets.query(query), expected, "{query:?}");
        };
        check("", "");
        check("q=otel", "q=otel");
        check("q=otel&sig=abc", "q=otel&sig=REDACTED");
        check("sig=abc&q=otel", "sig=REDACTED&q=otel");
        check("sig=abc;q=otel&a=1", "sig=REDACTED&a=1");
        check("q=otel;sig=abc", "q=otel;sig=REDACTED");
        check("a=1&&sig=x&", "a=1&&sig=REDACTED&");
        check("Signature=a=b=c", "Signature=REDACTED");
        check("s%69g=abc", "s%69g=REDACTED");
        check("SIG=abc", "SIG=REDACTED");
        check("user[password]=abc", "user[password]=REDACTED");
        check("%=1&%4=2&%zz=3", "%=1&%4=2&%zz=3");
        check("sig", "sig");
        check("sig=", "sig=REDACTED");
        check("design=abc", "design=abc");
        check("%F0%9F=é&sig=é", "%F0%9F=é&sig=REDACTED");
        for key in SECRET_QUERY_KEYS {
            check(&format!("{key}=secret"), &format!("{key}=REDACTED"));
        }
    }

    #[test]
    fn headers() {
        let check = |name: &str, expected: &str| {
            let got = Redaction::Secrets.header(name, "v".into()).into_owned();
            assert_eq!(got, expected, "{name}");
        };
        check("Authorization", "REDACTED");
        check("authorization", "REDACTED");
        check("X-API-Key", "REDACTED");
        check("Set-Cookie", "REDACTED");
        check("Content-Type", "v");
        check("Cookies", "v");
    }

    #[test]
    fn nothing_is_hidden_when_told_so() {
        assert_eq!(Redaction::Nothing.query("sig=abc"), "sig=abc");
        assert_eq!(Redaction::Nothing.header("cookie", "a=b".into()), "a=b");
    }
}
