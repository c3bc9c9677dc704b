//! What probes are for, as a person thinks of it: several together give one thing.

/// In the order in which a person asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gives {
    Links,
    Names,
    EntryPoints,
    Dials,
    Mirrors,
    TlsIn,
    TlsOut,
    Http2,
    /// Of HTTP/2 connections that were open before.
    Tables,
    Http3,
}

impl Gives {
    pub const ALL: [Self; 10] = [
        Self::Links,
        Self::Names,
        Self::EntryPoints,
        Self::Dials,
        Self::Mirrors,
        Self::TlsIn,
        Self::TlsOut,
        Self::Http2,
        Self::Tables,
        Self::Http3,
    ];

    /// Not wanted where names come from the API.
    pub fn is_names(self) -> bool {
        matches!(self, Self::Names | Self::EntryPoints)
    }

    /// As a person calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Links => "links",
            Self::Names => "names",
            Self::EntryPoints => "entrypoints",
            Self::Dials => "failed dials",
            Self::Mirrors => "mirrors",
            Self::TlsIn => "TLS in",
            Self::TlsOut => "TLS out",
            Self::Http2 => "HTTP/2",
            Self::Tables => "HTTP/2 of before",
            Self::Http3 => "HTTP/3",
        }
    }
}
