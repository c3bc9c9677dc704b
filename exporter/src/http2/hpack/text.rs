//! The name or value of a field: borrowed if it is of the static table, else shared with the dynamic table.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Bytes of a name or value, cheap to clone.
#[derive(Clone)]
pub enum Text {
    /// Of the static table.
    Static(&'static [u8]),
    /// Sent as a literal.
    Shared(Arc<[u8]>),
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Static(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        if bytes.is_empty() { Self::Static(&[]) } else { Self::Shared(bytes.into()) }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}
