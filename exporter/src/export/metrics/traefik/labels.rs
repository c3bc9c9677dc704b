//! Label sets as Traefik writes them: every label is there, without a value where the value is not known.

use hoptap_semconv::traefik::{Place, label};

use super::super::series::Labels;
use crate::event::Name;

/// What everything beyond the cap is folded into.
const OTHER: &str = "_OTHER";

/// Up to two names: of an entrypoint, of a router and its service, of a service and its server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Names {
    pub(super) first: Option<Name>,
    pub(super) second: Option<Name>,
}

impl Names {
    pub(super) fn one(first: Option<&Name>) -> Self {
        Self::two(first, None)
    }

    pub(super) fn two(first: Option<&Name>, second: Option<&Name>) -> Self {
        Self { first: first.cloned(), second: second.cloned() }
    }

    /// With the labels that say what they name.
    pub(super) fn pairs<'a>(&'a self, labels: &[&'static str]) -> Vec<(&'static str, &'a str)> {
        let names = [&self.first, &self.second].map(|name| name.as_deref().unwrap_or_default());
        labels.iter().copied().zip(names).collect()
    }
}

impl Labels for Names {
    fn folded() -> Self {
        Self { first: Some(OTHER.into()), second: Some(OTHER.into()) }
    }
}

/// Labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Request {
    pub(super) names: Names,
    /// None: folded.
    pub(super) code: Option<u16>,
    pub(super) method: &'static str,
    pub(super) protocol: &'static str,
}

impl Request {
    /// In the order of their names, as Traefik has them.
    pub(super) fn pairs<'a>(&'a self, place: &Place, code: &'a str) -> Vec<(&'static str, &'a str)> {
        let mut pairs = self.names.pairs(place.labels);
        let code = if self.code.is_some() { code } else { OTHER };
        pairs.extend([(label::CODE, code), (label::METHOD, self.method), (label::PROTOCOL, self.protocol)]);
        pairs.sort_unstable_by_key(|(name, _)| *name);
        pairs
    }
}

impl Labels for Request {
    fn folded() -> Self {
        Self { names: Names::folded(), code: None, method: OTHER, protocol: OTHER }
    }
}

/// Labels of a request over TLS.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Session {
    pub(super) names: Names,
    pub(super) version: &'static str,
    pub(super) cipher: &'static str,
}

impl Session {
    pub(super) fn pairs(&self, place: &Place) -> Vec<(&'static str, &str)> {
        let mut pairs = self.names.pairs(place.labels);
        pairs.extend([(label::TLS_CIPHER, self.cipher), (label::TLS_VERSION, self.version)]);
        pairs.sort_unstable_by_key(|(name, _)| *name);
        pairs
    }
}

impl Labels for Session {
    fn folded() -> Self {
        Self { names: Names::folded(), version: OTHER, cipher: OTHER }
    }
}
