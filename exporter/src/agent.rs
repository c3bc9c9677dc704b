//! How hoptap calls itself where it asks others: what it sends through a Traefik that it watches is told apart by that.

use std::sync::LazyLock;

/// The User-Agent of this run. The number in it is nobody else's: who sends `hoptap/…` cannot hide by it.
pub(crate) fn agent() -> &'static str {
    static AGENT: LazyLock<String> = LazyLock::new(|| {
        use std::hash::{BuildHasher, Hasher};
        let number = std::hash::RandomState::new().build_hasher().finish();
        format!("hoptap/{} ({number:016x})", env!("CARGO_PKG_VERSION"))
    });
    &AGENT
}
