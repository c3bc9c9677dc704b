//! Which of the two hops of an exchange is meant.

use hoptap_semconv::value::hoptap_hop_direction as value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to Traefik.
    Ingress,
    /// From Traefik to a backend.
    Egress,
}

impl Direction {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => value::INGRESS,
            Self::Egress => value::EGRESS,
        }
    }
}
