//! What a configuration adds to the names that are redacted anyway, and what may be wrong with it.

use std::ops::Range;

/// On top of [`super::SECRET_HEADERS`] and [`super::SECRET_QUERY_KEYS`], which always hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Names of header fields, or `prefix*`; case does not matter.
    pub headers: Vec<String>,
    /// Keys of queries, or `prefix*`; case, `-` and `_` do not matter.
    pub query: Vec<String>,
    pub cookies: Cookies,
    /// Paths to values in JSON bodies: `$.a.b`, `a[*].b`, `a[0]`, `**.password`. ASCII case does not matter.
    pub json: Vec<String>,
    /// Fields of forms, urlencoded and multipart; compared as the keys of queries.
    pub form: Vec<String>,
    /// Regular expressions over text bodies. Of a match, the group named `secret` is the secret, else the first group,
    /// else all of it.
    pub patterns: Vec<String>,
}

/// How the Cookie and Set-Cookie headers are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cookies {
    /// Not at all: their values are secrets as a whole.
    #[default]
    Hidden,
    /// With the values of these cookies replaced, each a name or `prefix*`; the others are shown. `*`: names only.
    Named(Vec<String>),
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field of [`Settings`].
    pub list: &'static str,
    /// Which of its entries.
    pub index: usize,
    /// Which bytes of the entry.
    pub range: Range<usize>,
    pub message: String,
    /// What to write instead.
    pub help: String,
}
