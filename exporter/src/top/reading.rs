//! One page of hoptap's metrics, as what its rows have counted since hoptap started.

use std::collections::BTreeMap;

use hoptap_semconv::{Metric, label, metric, value};

use super::exposition::Sample;
use super::totals::Totals;
use super::view::View;

/// Rows of one view: what comes beyond is counted as one. hoptap folds before that.
const ROWS: usize = 1000;
/// Characters of a name.
const NAME: usize = 200;
/// Causes of drops, probes, and the like.
const KINDS: usize = 64;
/// What everything beyond is counted as; hoptap's own word for it.
const OTHER: &str = "_OTHER";

pub(super) type Rows = BTreeMap<String, Totals>;

/// Everything that is taken from a page.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Seconds since hoptap started. None: the page does not say, and is none of hoptap's.
    pub uptime: Option<f64>,
    pub version: Option<String>,
    rows: [Rows; 4],
    /// Probes, with the number of Traefik processes in which each is in place.
    attached: BTreeMap<String, f64>,
    /// Requests that hoptap saw, and those of them that it could not tell, by cause.
    pub seen: f64,
    pub drops: BTreeMap<String, f64>,
    /// Observations whose names are not told, for a family had too many series.
    pub folded: f64,
}

impl Reading {
    /// What a hoptap has counted at its start.
    pub fn nothing() -> Self {
        Self { uptime: Some(0.0), ..Self::default() }
    }

    pub fn rows(&self, view: View) -> &Rows {
        &self.rows[view.index()]
    }

    /// Traefik processes that are watched.
    pub fn processes(&self) -> f64 {
        // The kernel's hook is in place for each of them, and no probe for more.
        self.attached.values().copied().fold(0.0, f64::max)
    }

    /// Probes that are wanted and not in place.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.attached.iter().filter(|(_, processes)| **processes == 0.0).map(|(probe, _)| probe.as_str())
    }

    /// Takes one line of the page.
    pub fn line(&mut self, line: &str) {
        // Most of a page are comments and histograms of sizes: they are not looked into.
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        let Some((metric, part)) = METRICS.iter().find_map(|metric| Some((*metric, Part::of(metric, name)?))) else {
            return;
        };
        if part == Part::Bucket && !DURATIONS.contains(&metric) {
            return;
        }
        if let Some(sample) = Sample::parse(line).filter(|sample| sample.value.is_finite()) {
            self.sample(metric, part, &sample);
        }
    }

    fn sample(&mut self, metric: Metric, part: Part, sample: &Sample<'_>) {
        let named = |key: &str| clean(sample.label(key).unwrap_or_default());
        match metric {
            metric::PROCESS_UPTIME => self.uptime = Some(sample.value),
            metric::HOPTAP_BUILD_INFO => self.version = Some(named(label::SERVICE_VERSION)),
            metric::HOPTAP_REQUESTS => {
                if sample.label(label::HOPTAP_REQUEST_STATE) == Some(value::hoptap_request_state::SEEN) {
                    self.seen = sample.value;
                }
            }
            metric::HOPTAP_DROPS => put(&mut self.drops, named(label::HOPTAP_DROP_CAUSE), sample.value),
            metric::HOPTAP_ATTACHED => put(&mut self.attached, named(label::HOPTAP_PROBE), sample.value),
            metric::HOPTAP_METRIC_FOLDED => self.folded += sample.value,
            _ => {
                for (view, name) in places(metric, sample) {
                    count(self.row(view, name), metric, part, sample);
                }
            }
        }
    }

    fn row(&mut self, view: View, name: String) -> &mut Totals {
        let rows = &mut self.rows[view.index()];
        let name = if rows.len() < ROWS || rows.contains_key(&name) { name } else { OTHER.to_owned() };
        rows.entry(name).or_default()
    }
}

/// What is read of a page.
const METRICS: [Metric; 14] = [
    metric::HTTP_SERVER_REQUEST_DURATION,
    metric::HTTP_SERVER_REQUEST_BODY_SIZE,
    metric::HTTP_SERVER_RESPONSE_BODY_SIZE,
    metric::HTTP_CLIENT_REQUEST_DURATION,
    metric::HTTP_CLIENT_REQUEST_BODY_SIZE,
    metric::HTTP_CLIENT_RESPONSE_BODY_SIZE,
    metric::HTTP_SERVER_ACTIVE_REQUESTS,
    metric::TRAEFIK_PROXY_OVERHEAD,
    metric::HOPTAP_REQUESTS,
    metric::HOPTAP_DROPS,
    metric::HOPTAP_ATTACHED,
    metric::HOPTAP_METRIC_FOLDED,
    metric::HOPTAP_BUILD_INFO,
    metric::PROCESS_UPTIME,
];

const DURATIONS: [Metric; 3] =
    [metric::HTTP_SERVER_REQUEST_DURATION, metric::HTTP_CLIENT_REQUEST_DURATION, metric::TRAEFIK_PROXY_OVERHEAD];

/// What a line says of its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Value,
    Bucket,
    Sum,
    Count,
}

impl Part {
    fn of(metric: &Metric, name: &str) -> Option<Self> {
        match name.strip_prefix(metric.prometheus)? {
            "" => Some(Self::Value),
            "_bucket" => Some(Self::Bucket),
            "_sum" => Some(Self::Sum),
            "_count" => Some(Self::Count),
            _ => None,
        }
    }
}

/// The rows that a series belongs to.
fn places(metric: Metric, sample: &Sample<'_>) -> impl Iterator<Item = (View, String)> {
    let entrypoint = || named(sample, label::TRAEFIK_ENTRYPOINT_NAME, "(unknown)");
    let router = || named(sample, label::TRAEFIK_ROUTER_NAME, "(no router)");
    let role = || format!("({})", sample.label(label::HOPTAP_HOP_ROLE).unwrap_or("no service"));
    let [first, second] = match metric {
        metric::HTTP_SERVER_ACTIVE_REQUESTS => [Some((View::Entrypoints, entrypoint())), None],
        metric::TRAEFIK_PROXY_OVERHEAD => [Some((View::Routers, router())), None],
        metric::HTTP_SERVER_REQUEST_DURATION
        | metric::HTTP_SERVER_REQUEST_BODY_SIZE
        | metric::HTTP_SERVER_RESPONSE_BODY_SIZE => {
            [Some((View::Entrypoints, entrypoint())), Some((View::Routers, router()))]
        }
        // Who has no service is named after what it was asked for: a ForwardAuth server.
        _ => [
            Some((View::Services, named(sample, label::TRAEFIK_SERVICE_NAME, &role()))),
            Some((View::Servers, server(sample))),
        ],
    };
    [first, second].into_iter().flatten()
}

fn named(sample: &Sample<'_>, key: &str, otherwise: &str) -> String {
    clean(sample.label(key).filter(|name| !name.is_empty()).unwrap_or(otherwise))
}

fn server(sample: &Sample<'_>) -> String {
    let port = sample.label(label::SERVER_PORT).unwrap_or_default();
    match sample.label(label::SERVER_ADDRESS) {
        None | Some("") => "(unknown)".to_owned(),
        Some(address) if port.is_empty() => clean(address),
        Some(address) if address.contains(':') => clean(&format!("[{address}]:{port}")),
        Some(address) => clean(&format!("{address}:{port}")),
    }
}

fn count(row: &mut Totals, metric: Metric, part: Part, sample: &Sample<'_>) {
    let number = sample.value;
    let bound = || sample.label("le").and_then(|bound| bound.parse().ok()).unwrap_or(f64::NAN);
    match (metric, part) {
        (metric::HTTP_SERVER_REQUEST_DURATION | metric::HTTP_CLIENT_REQUEST_DURATION, Part::Bucket) => {
            row.duration.add(bound(), number);
        }
        (metric::HTTP_SERVER_REQUEST_DURATION | metric::HTTP_CLIENT_REQUEST_DURATION, Part::Count) => {
            row.requests += number;
            let (judged, failed, refused) = judge(sample);
            row.judged += if judged { number } else { 0.0 };
            row.failed += if failed { number } else { 0.0 };
            row.refused += if refused { number } else { 0.0 };
        }
        (metric::HTTP_SERVER_REQUEST_BODY_SIZE | metric::HTTP_CLIENT_REQUEST_BODY_SIZE, Part::Sum) => {
            row.request_bytes += number;
        }
        (metric::HTTP_SERVER_RESPONSE_BODY_SIZE | metric::HTTP_CLIENT_RESPONSE_BODY_SIZE, Part::Sum) => {
            row.response_bytes += number;
        }
        (metric::TRAEFIK_PROXY_OVERHEAD, Part::Bucket) => row.overhead.add(bound(), number),
        (metric::HTTP_SERVER_ACTIVE_REQUESTS, Part::Value) => *row.active.get_or_insert(0.0) += number,
        _ => {}
    }
}

/// Whether the outcome is known, a failure, or a refusal (4xx). What the client gave up is not its server's failure.
fn judge(sample: &Sample<'_>) -> (bool, bool, bool) {
    let folded = [label::URL_SCHEME, label::HOPTAP_HOP_ROLE].iter().any(|key| sample.label(key) == Some(OTHER));
    let status: Option<u16> = sample.label(label::HTTP_RESPONSE_STATUS_CODE).and_then(|status| status.parse().ok());
    let kind = sample.label(label::ERROR_TYPE).filter(|kind| kind.parse::<u16>().is_err());
    let broken = kind.is_some_and(|kind| kind != crate::exchange::ErrorKind::Cancelled.as_str());
    let failed = broken || status.is_some_and(|status| status >= 500);
    let refused = !failed && status.is_some_and(|status| (400..500).contains(&status));
    (!folded, failed && !folded, refused)
}

fn put(kinds: &mut BTreeMap<String, f64>, name: String, number: f64) {
    if kinds.len() < KINDS || kinds.contains_key(&name) {
        kinds.insert(name, number);
    }
}

/// A name that does a terminal no harm, whoever wrote the page.
fn clean(name: &str) -> String {
    name.chars().take(NAME).map(|one| if one.is_control() { '?' } else { one }).collect()
}
