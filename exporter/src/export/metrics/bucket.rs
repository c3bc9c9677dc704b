//! Upper bounds of the histograms.

/// Seconds. The fourteen bounds that OpenTelemetry advises for HTTP durations, so that its dashboards work, and two
/// below: a hop to a backend on the same host takes one to three milliseconds, and all of those would be one bucket.
pub(super) const DURATION: [f64; 16] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Seconds. What a proxy adds is tens of microseconds when it only forwards; more than a tenth of a second is a
/// middleware that waits.
pub(super) const OVERHEAD: [f64; 12] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

/// Bytes: empty, then powers of eight from 64 to 128 MiB. The conventions advise none; each bound costs a line for
/// every series, and sizes are read as orders of magnitude.
pub(super) const SIZE: [f64; 9] =
    [0.0, 64.0, 512.0, 4_096.0, 32_768.0, 262_144.0, 2_097_152.0, 16_777_216.0, 134_217_728.0];
