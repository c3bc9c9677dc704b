//! Every telemetry name that hoptap sends.
//!
//! The names are data: `registry/` defines ours and refers to OpenTelemetry's, in the format that Weaver reads.
//! `generated.rs` and `docs/telemetry.md` are made from it by `UPDATE=1 cargo test -p hoptap-semconv`; without
//! `UPDATE` the same test fails when they are stale.

#[rustfmt::skip]
mod generated;

pub mod traefik;

// A glob, so that the test which writes the file compiles when it is empty.
pub use generated::*;

/// One metric, as OpenTelemetry defines it and as Prometheus shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The name of the conventions, such as `http.server.request.duration`.
    pub name: &'static str,
    /// Its name on `/metrics`, by OpenTelemetry's translation: `http_server_request_duration_seconds`; counters end
    /// in `_total`.
    pub prometheus: &'static str,
    pub instrument: Instrument,
    /// UCUM: `s`, `By`, or what is counted in braces.
    pub unit: &'static str,
    pub brief: &'static str,
}

impl Metric {
    /// The name of the family in OpenMetrics: as on the page, but without the `_total` of counters.
    pub fn family(&self) -> &'static str {
        match self.instrument {
            Instrument::Counter => self.prometheus.strip_suffix("_total").unwrap_or(self.prometheus),
            _ => self.prometheus,
        }
    }
}

/// How a metric adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instrument {
    Counter,
    UpDownCounter,
    Gauge,
    Histogram,
}
