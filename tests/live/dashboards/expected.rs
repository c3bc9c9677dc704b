//! What the traffic of this test must look like on each panel.

/// Requests of each template in the window.
pub(crate) const N: u32 = 40;

/// Seconds.
pub(crate) const WINDOW: u64 = 20;
pub(crate) const WINDOW_TEXT: &str = "20s";

#[derive(Debug, Clone, Copy)]
pub(crate) enum Is {
    /// So much in the window, told per second.
    Rate(f64),
    /// So much in the window.
    Growth(f64),
    Between(f64, f64),
}

#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) board: &'static str,
    pub(crate) panel: &'static str,
    /// Empty: of each query.
    pub(crate) letter: &'static str,
    /// Value of a label; empty: of all series together.
    pub(crate) series: &'static str,
    pub(crate) is: Is,
}

const fn of(board: &'static str, panel: &'static str, letter: &'static str, series: &'static str, is: Is) -> Expected {
    Expected { board, panel, letter, series, is }
}

const EACH: f64 = N as f64;
const ALL: f64 = 8.0 * EACH;
const PROXIED: f64 = 7.0 * EACH;
/// `weighted` sends three of four to the first.
const FIRST: f64 = 4.75 * EACH;
/// Longer than anything took that a loaded machine may be slow at.
const TIME: Is = Is::Between(0.000_001, 5.0);
const NONE: Is = Is::Between(0.0, 0.0);
const FEW: Is = Is::Between(0.0, 2.0);
const O: &str = "hoptap-overview";
const R: &str = "hoptap-router";
const C: &str = "hoptap-canary";
const H: &str = "hoptap-health";

pub(crate) const EXPECTED: &[Expected] = &[
    of(O, "Requests", "", "", Is::Rate(ALL)),
    of(O, "Errors", "", "", Is::Between(0.2, 0.3)),
    of(O, "Duration, p95", "", "", TIME),
    of(O, "In flight", "", "", FEW),
    of(O, "Proxy overhead, p95", "", "", TIME),
    // Each request of `retry` meets the server that is down first.
    of(O, "Retries", "", "", Is::Rate(EACH)),
    of(O, "Requests by entrypoint", "", "web", Is::Rate(ALL)),
    of(O, "Errors by entrypoint", "", "web", Is::Between(0.2, 0.3)),
    of(O, "Duration by entrypoint", "", "web", TIME),
    of(O, "In flight by entrypoint", "", "web", FEW),
    of(O, "Responses by status", "", "200", Is::Rate(5.0 * EACH)),
    of(O, "Responses by status", "", "404", Is::Rate(EACH)),
    of(O, "Responses by status", "", "502", Is::Rate(EACH)),
    of(O, "Responses by status", "", "503", Is::Rate(EACH)),
    of(O, "Requests by router", "", "any@file", Is::Rate(4.0 * EACH)),
    of(O, "Requests by router", "", "weighted@file", Is::Rate(EACH)),
    of(O, "Requests by router", "", "down@file", Is::Rate(EACH)),
    of(O, "Requests by router", "", "", Is::Rate(ALL)),
    of(O, "Errors by router", "", "any@file", Is::Between(0.2, 0.3)),
    of(O, "Errors by router", "", "down@file", Is::Between(0.999, 1.001)),
    of(O, "Errors by router", "", "weighted@file", NONE),
    of(O, "Duration by router", "", "any@file", TIME),
    of(O, "Proxy overhead by router", "", "any@file", TIME),
    of(O, "Retries by router", "", "any@file", Is::Rate(0.0)),
    of(O, "Retries by router", "", "retry@file", Is::Rate(EACH)),
    of(O, "Requests by service", "", "be1@file", Is::Rate(FIRST)),
    of(O, "Requests by service", "", "be2@file", Is::Rate(EACH / 4.0)),
    of(O, "Requests by service", "", "down@file", Is::Rate(EACH)),
    of(O, "Requests by service", "", "retrysvc@file", Is::Rate(2.0 * EACH)),
    of(O, "Errors by service", "", "be2@file", NONE),
    of(O, "Errors by service", "", "down@file", Is::Between(0.999, 1.001)),
    of(O, "Duration by service", "", "be1@file", TIME),
    of(O, "Requests by server", "", "", Is::Rate(PROXIED + EACH)),
    // The server that is down alone: all of its requests. Of the first: one of its six kinds.
    of(O, "Errors by server", "", "", Is::Between(1.1, 1.4)),
    of(O, "Duration by server", "", "", Is::Between(0.000_001, 15.0)),
    of(O, "Request bodies by router", "", "any@file", Is::Rate(500.0 * EACH)),
    of(O, "Request body size, p95", "", "any@file", Is::Between(64.0, 512.0)),
    of(O, "Response bodies by router", "", "weighted@file", Is::Rate(5000.0 * EACH)),
    of(O, "Response body size, p95", "", "weighted@file", Is::Between(4096.0, 32_768.0)),
    of(R, "Requests by status", "", "200", Is::Rate(3.0 * EACH)),
    of(R, "Requests by status", "", "503", Is::Rate(EACH)),
    of(R, "Requests by method", "", "GET", Is::Rate(3.0 * EACH)),
    of(R, "Requests by method", "", "POST", Is::Rate(EACH)),
    of(R, "Errors", "A", "", Is::Between(0.2, 0.3)),
    of(R, "Errors", "B", "", NONE),
    of(R, "Duration", "", "", TIME),
    of(R, "Distribution of durations", "", "+Inf", Is::Growth(4.0 * EACH)),
    of(R, "Requests by server", "", "", Is::Rate(4.0 * EACH)),
    of(R, "Answers of backends", "", "503", Is::Rate(EACH)),
    of(R, "Duration of backends", "", "be1@file", TIME),
    of(R, "Where the time goes", "A", "", Is::Between(0.007, 1.0)),
    of(R, "Where the time goes", "B", "", TIME),
    of(R, "Tries for each request", "", "", Is::Between(0.99, 1.01)),
    of(R, "Request bodies", "", "", Is::Rate(500.0 * EACH)),
    of(R, "Response bodies", "", "", Is::Between(1.0, 1e6)),
    of(C, "Traffic of the canary", "", "", Is::Between(0.2, 0.3)),
    of(C, "Errors, difference", "", "", NONE),
    of(C, "Median, ratio", "", "", Is::Between(0.01, 100.0)),
    of(C, "95th percentile, ratio", "", "", Is::Between(0.01, 100.0)),
    of(C, "Requests", "", "be1@file", Is::Rate(EACH * 0.75)),
    of(C, "Requests", "", "be2@file", Is::Rate(EACH * 0.25)),
    of(C, "Share of traffic", "", "be1@file", Is::Between(0.7, 0.8)),
    of(C, "Share of traffic", "", "", Is::Between(0.999, 1.001)),
    of(C, "Errors", "", "", NONE),
    of(C, "Duration", "", "be2@file", TIME),
    of(C, "Answers", "", "200", Is::Rate(EACH)),
    of(C, "Size of responses", "", "be2@file", Is::Between(4999.0, 5001.0)),
    of(H, "Running", "", "", Is::Between(1.0, 1.0)),
    of(H, "Traefik processes", "", "", Is::Between(1.0, 1.0)),
    of(H, "Requests lost", "", "", NONE),
    of(H, "Memory", "", "", Is::Between(1e6, 268_435_456.0)),
    of(H, "CPU", "", "", Is::Between(0.0, 2.0)),
    of(H, "Running for", "", "", Is::Between(5.0, 600.0)),
    // Besides them: what is asked of Traefik's API.
    of(H, "Requests", "", "seen", Is::Between(ALL / 23.0, ALL / 10.0)),
    of(H, "Requests", "", "exported", Is::Between(ALL / 23.0, ALL / 10.0)),
    of(H, "Requests dropped", "", "", NONE),
    of(H, "Losses in the kernel", "", "", NONE),
    of(H, "Events", "", "", Is::Between(ALL / 20.0, 1e6)),
    of(H, "Bytes", "", "", Is::Between(1000.0, 1e8)),
    of(H, "Links", "", "exact", Is::Rate(PROXIED + EACH)),
    of(H, "Links", "", "inferred", NONE),
    of(H, "Probes", "", "", Is::Between(3.0, 100.0)),
    // Each second, of two servers.
    of(H, "Told apart", "", "health_check", Is::Between(1.0, 3.0)),
    of(H, "Queue fill", "", "spans", Is::Between(0.0, 0.5)),
    of(H, "Spans", "", "sent", Is::Between(ALL / 20.0, ALL)),
    of(H, "Log records", "", "failed", NONE),
    of(H, "Objects", "", "failed", NONE),
    of(H, "Observations folded", "", "", NONE),
    of(H, "CPU over time", "", "", Is::Between(0.0, 2.0)),
    of(H, "Memory over time", "", "", Is::Between(1e6, 268_435_456.0)),
];

/// Growth in five minutes of a series that is younger, told per second: the four rounds before may be in it or not.
const fn five_minutes(count: f64) -> Is {
    Is::Between(count * 0.9 / 300.0, (count * 1.15 + 40.0) / 300.0)
}

pub(crate) const RECORDED: &[(&str, &str, Is)] = &[
    ("traefik_entrypoint:http_server_requests:rate5m", "web", five_minutes(ALL)),
    ("traefik_router:http_server_requests:rate5m", "any@file", five_minutes(4.0 * EACH)),
    ("traefik_router:http_server_errors:ratio_rate5m", "any@file", Is::Between(0.2, 0.3)),
    ("traefik_router:http_server_errors:ratio_rate5m", "down@file", Is::Between(0.999, 1.001)),
    ("traefik_router:http_server_request_duration_seconds:p95_5m", "any@file", TIME),
    ("traefik_router:traefik_proxy_overhead_seconds:p95_5m", "any@file", TIME),
    ("traefik_service:http_client_requests:rate5m", "be1@file", five_minutes(FIRST)),
    ("traefik_service_server:http_client_failures:ratio_rate5m", "down@file", Is::Between(0.999, 1.001)),
    ("traefik_service_server:http_client_failures:ratio_rate5m", "be1@file", NONE),
    ("hoptap:drops:ratio_rate5m", "", NONE),
    ("hoptap:queue_fill:max", "spans", Is::Between(0.0, 0.5)),
];

/// Those that the traffic gives reason for.
pub(crate) const ALERTS: &[&str] = &["TraefikRouterErrors", "TraefikServerUnreachable"];

/// Values that a variable must offer.
pub(crate) fn variable(name: &str) -> &'static [&'static str] {
    match name {
        "entrypoint" => &["web"],
        "baseline" | "canary" => &["be1@file", "be2@file"],
        _ => &[],
    }
}
