//! What is a secret, in headers, queries, cookies and bodies, and how outputs show it: one place for all of them.
//!
//! [`Settings`] are compiled once into a [`Redaction`]. Outputs put [`REDACTED`] in the place of a secret, and leave
//! every other byte as it was; recordings overwrite each byte of it, because lengths must stay, and know the built-in
//! names only.

mod names;
mod url;
mod settings;
mod compiled;
mod edits;
mod pairs;
mod cookies;
mod json;
mod events;
mod parts;
mod pattern;
mod search;
mod body;
#[cfg(test)]
mod tests;

pub use body::{Failed, Redacted, redact_body};
pub use compiled::Redaction;
pub use names::{SECRET_HEADERS, SECRET_QUERY_KEYS, is_secret_header, is_secret_query_key};
pub use pairs::in_query;
pub use settings::{Cookies, Fault, Settings};
pub use url::{around_user, without_user};

/// What outputs show in the place of a secret; the word is OpenTelemetry's.
pub const REDACTED: &str = "REDACTED";
