//! The four ways to look at the traffic.

/// What the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum View {
    Entrypoints,
    Routers,
    Services,
    Servers,
}

impl View {
    pub const ALL: [Self; 4] = [Self::Entrypoints, Self::Routers, Self::Services, Self::Servers];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entrypoints => "entrypoints",
            Self::Routers => "routers",
            Self::Services => "services",
            Self::Servers => "servers",
        }
    }

    pub fn index(self) -> usize {
        self as usize
    }

    /// The next one; after the last the first.
    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL[(self.index() + 1) % Self::ALL.len()]
    }
}
