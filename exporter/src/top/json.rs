//! Tables for programs: one JSON object to a line, with all views.

use std::collections::BTreeMap;

use serde::Serialize;

use super::buckets::Quantile;
use super::history::Window;
use super::row::Row;
use super::sheet::Sheet;
use super::view::View;

/// Shares go from 0 to 1, times are in seconds, bytes and requests per second.
#[derive(Debug, Serialize)]
struct Table<'a> {
    hoptap: &'a str,
    from: &'a str,
    traefiks: f64,
    seconds: f64,
    requests_seen: f64,
    requests_not_told: BTreeMap<&'a str, f64>,
    probes_not_in_place: Vec<&'a str>,
    entrypoints: Vec<One>,
    routers: Vec<One>,
    services: Vec<One>,
    servers: Vec<One>,
}

#[derive(Debug, Serialize)]
struct One {
    name: String,
    requests: f64,
    rate: f64,
    errors: Option<f64>,
    refused: Option<f64>,
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overhead_p95: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<f64>,
    bytes_in: f64,
    bytes_out: f64,
}

impl From<Row> for One {
    fn from(row: Row) -> Self {
        let seconds = |quantile: Option<Quantile>| quantile.map(|quantile| quantile.seconds);
        Self {
            requests: row.requests,
            rate: row.rate,
            errors: row.failed,
            refused: row.refused,
            p50: seconds(row.p50),
            p95: seconds(row.p95),
            p99: seconds(row.p99),
            overhead_p95: seconds(row.overhead),
            active: row.active,
            bytes_in: row.request_bytes,
            bytes_out: row.response_bytes,
            name: row.name,
        }
    }
}

/// `rows` chooses and sorts those of a view.
///
/// # Errors
/// None of ours: what the encoder says.
pub fn line(window: &Window<'_>, from: &str, rows: impl Fn(View) -> Sheet) -> serde_json::Result<String> {
    let rows = |view| rows(view).rows.into_iter().map(One::from).collect();
    let table = Table {
        hoptap: window.to.version.as_deref().unwrap_or_default(),
        from,
        traefiks: window.to.processes(),
        seconds: window.seconds,
        requests_seen: window.seen(),
        requests_not_told: window.drops().into_iter().collect(),
        probes_not_in_place: window.to.missing().collect(),
        entrypoints: rows(View::Entrypoints),
        routers: rows(View::Routers),
        services: rows(View::Services),
        servers: rows(View::Servers),
    };
    Ok(serde_json::to_string(&table)? + "\n")
}
