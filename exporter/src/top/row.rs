//! One row of a table: what was counted within a window, as rates, shares and quantiles.

use super::buckets::Quantile;
use super::history::Window;
use super::totals::Totals;
use super::view::View;

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub name: String,
    /// Within the window.
    pub requests: f64,
    /// Each second, as are the bytes.
    pub rate: f64,
    /// Shares of the requests whose outcome is known: 5xx or no whole response, and 4xx.
    pub failed: Option<f64>,
    pub refused: Option<f64>,
    pub p50: Option<Quantile>,
    pub p95: Option<Quantile>,
    pub p99: Option<Quantile>,
    /// The 95th percentile of the time that Traefik itself took.
    pub overhead: Option<Quantile>,
    pub active: Option<f64>,
    pub request_bytes: f64,
    pub response_bytes: f64,
}

impl Row {
    fn new(name: &str, counted: &Totals, seconds: f64) -> Self {
        let share = |part: f64| (counted.judged > 0.0).then(|| part / counted.judged);
        Self {
            name: name.to_owned(),
            requests: counted.requests,
            rate: counted.requests / seconds,
            failed: share(counted.failed),
            refused: share(counted.refused),
            p50: counted.duration.quantile(0.5),
            p95: counted.duration.quantile(0.95),
            p99: counted.duration.quantile(0.99),
            overhead: counted.overhead.quantile(0.95),
            active: counted.active,
            request_bytes: counted.request_bytes / seconds,
            response_bytes: counted.response_bytes / seconds,
        }
    }
}

impl Window<'_> {
    /// In the order of their names. What is no longer on the page is no row any more; what is new has counted from
    /// nothing.
    pub fn rows(&self, view: View) -> Vec<Row> {
        let nothing = Totals::default();
        let before = self.from.rows(view);
        let now = self.to.rows(view).iter();
        now.map(|(name, totals)| Row::new(name, &totals.since(before.get(name).unwrap_or(&nothing)), self.seconds))
            .collect()
    }

    /// Requests of clients each second, over all entrypoints.
    pub fn rate(&self) -> f64 {
        self.rows(View::Entrypoints).iter().map(|row| row.rate).sum()
    }

    /// Requests that were not told within the window, by cause.
    pub fn drops(&self) -> Vec<(&str, f64)> {
        let before = |cause: &str| self.from.drops.get(cause).copied().unwrap_or_default();
        let drops = self.to.drops.iter().map(|(cause, count)| (cause.as_str(), count - before(cause)));
        drops.filter(|(_, count)| *count > 0.0).collect()
    }

    /// Requests that hoptap saw within the window.
    pub fn seen(&self) -> f64 {
        (self.to.seen - self.from.seen).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::super::reading::Reading;
    use super::*;

    fn reading(page: &str) -> Reading {
        let mut reading = Reading::default();
        page.lines().for_each(|line| reading.line(line.trim()));
        reading
    }

    fn page(series: &[(&str, u32)]) -> Reading {
        let mut page = String::new();
        for (labels, count) in series {
            for (part, number) in [("_count", ""), ("_bucket", "le=\"0.5\","), ("_bucket", "le=\"+Inf\",")] {
                page += &format!("http_server_request_duration_seconds{part}{{{number}{labels}}} {count}\n");
            }
        }
        reading(&page)
    }

    /// Rows of routers as `name requests rate failed% refused%`, a window of two seconds after nothing was there.
    #[track_caller]
    fn check(before: &[(&str, u32)], now: &[(&str, u32)], expected: &[&str]) {
        let (from, to) = (page(before), page(now));
        let window = Window { from: &from, to: &to, seconds: 2.0 };
        let share = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.1}", share * 100.0));
        let row = |row: &Row| {
            format!("{} {} {} {} {}", row.name, row.requests, row.rate, share(row.failed), share(row.refused))
        };
        assert_eq!(window.rows(View::Routers).iter().map(row).collect::<Vec<_>>(), expected);
    }

    const OK: &str = "traefik_router_name=\"a@file\",http_request_method=\"GET\",http_response_status_code=\"200\"";
    const POST: &str = "traefik_router_name=\"a@file\",http_request_method=\"POST\",http_response_status_code=\"201\"";
    const BAD: &str = "traefik_router_name=\"a@file\",http_response_status_code=\"502\",error_type=\"502\"";
    const BROKEN: &str = "traefik_router_name=\"a@file\",http_response_status_code=\"200\",error_type=\"timeout\"";
    const LEFT: &str = "traefik_router_name=\"a@file\",http_response_status_code=\"499\",error_type=\"cancelled\"";
    const NONE: &str = "http_response_status_code=\"404\"";
    const FOLDED: &str = "traefik_router_name=\"_OTHER\",url_scheme=\"_OTHER\",error_type=\"_OTHER\"";

    #[test]
    fn rates_and_shares() {
        check(&[], &[(OK, 3), (POST, 1)], &["a@file 4 2 0.0 0.0"]);
        check(&[(OK, 3)], &[(OK, 3)], &["a@file 0 0 - -"]);
        check(&[(OK, 3)], &[(OK, 5), (BAD, 2)], &["a@file 4 2 50.0 0.0"]);
        check(&[], &[(OK, 2), (BROKEN, 1), (LEFT, 1)], &["a@file 4 2 25.0 25.0"]);
        check(&[], &[(NONE, 2), (FOLDED, 4)], &["(no router) 2 1 0.0 100.0", "_OTHER 4 2 - -"]);
    }

    #[test]
    fn series_that_come_and_go() {
        check(&[(NONE, 9)], &[(OK, 2)], &["a@file 2 1 0.0 0.0"]);
        // A sum that fell within one run: nothing was counted that could be told.
        check(&[(OK, 9)], &[(OK, 2)], &["a@file 0 0 - -"]);
    }

    #[test]
    fn rows_are_bounded() {
        let mut reading = Reading::default();
        for router in 0..5_000 {
            reading.line(&format!("http_server_request_duration_seconds_count{{traefik_router_name=\"r{router}\"}} 2"));
            reading.line(&format!("hoptap_drops_total{{hoptap_drop_cause=\"c{router}\"}} 1"));
        }
        assert_eq!(reading.rows(View::Routers).len(), 1001);
        assert_eq!(reading.rows(View::Routers).get("_OTHER").unwrap().requests, 8_000.0);
        assert_eq!(reading.rows(View::Entrypoints).len(), 1);
        assert_eq!(reading.drops.len(), 64);
    }

    /// The page that `export` is tested with.
    #[test]
    fn a_whole_page() {
        let to = reading(include_str!("../export/metrics/golden/classic.txt"));
        let from = Reading::default();
        let window = Window { from: &from, to: &to, seconds: 2.0 };
        let names = |view| window.rows(view).into_iter().map(|row| row.name).collect::<Vec<_>>();
        assert_eq!(names(View::Entrypoints), ["traefik", "web"]);
        assert_eq!(names(View::Routers), ["(no router)", "api@internal", "auth@file -> deny@file", "users@docker"]);
        assert_eq!(names(View::Services), ["(forward_auth)", "shadow@file", "users@docker"]);
        let rows = window.rows(View::Routers);
        let users = rows.iter().find(|row| row.name == "users@docker").unwrap();
        assert_eq!((users.requests, users.rate, users.failed), (3.0, 1.5, Some(1.0 / 3.0)));
        assert_eq!((users.request_bytes, users.response_bytes), (17.0, (151.0 + 2000.0 + 15.0) / 2.0));
        // Two of three within 100µs, so the 95th percentile is in the bucket up to 5ms: 2.5 + 2.5 * 0.85.
        assert!((users.overhead.unwrap().seconds - 0.004_625).abs() < 1e-9);
        assert_eq!(window.drops(), [("joined_midway", 3.0)]);
    }
}
