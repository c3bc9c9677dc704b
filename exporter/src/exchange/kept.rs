//! How much of an exchange is told, and what was captured of its bodies.

use crate::body::Captured;
use crate::redact;

/// How much of an exchange is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only metrics count it.
    None,
    /// Method, URL, status, sizes, timing, names.
    #[default]
    Summary,
    /// Header lines as well.
    Details,
    /// Bodies as well.
    Full,
}

/// How standard output shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Blocks for a person.
    #[default]
    Text,
    /// One object per line.
    Json,
}

/// What the rules say of an exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    pub level: Level,
    pub format: Format,
}

/// What was captured of the bodies of one hop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// None where there was no body.
    pub request: Option<Content>,
    pub response: Option<Content>,
}

/// Why not all of a body was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It was longer than what is kept of one.
    Limit,
    /// A part of it was not seen.
    Unseen,
    /// All that is kept took too much memory.
    Memory,
    /// No rule could want it as it looked then.
    Unwanted,
}

/// What was captured of one body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    pub captured: Captured,
    pub cut: Option<Cut>,
    /// It cannot be shown: what is secret in it could not be found. `captured.bytes` is empty then.
    pub withheld: Option<redact::Failed>,
    /// Where stores have it, or will have it.
    pub urls: Vec<Box<str>>,
}
