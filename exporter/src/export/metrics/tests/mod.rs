#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod traffic;

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;
use crate::readiness::{Missing, Traced};
use traffic::{exchange, hop, name, server, traffic};

fn metrics(limit: usize) -> (Metrics, Page, Arc<Counters>) {
    metrics_with(limit, false)
}

fn metrics_with(limit: usize, traefik_names: bool) -> (Metrics, Page, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    let readiness = Arc::new(Readiness::default());
    readiness.hook("sock_send_length");
    readiness.traced(
        7,
        Traced {
            probes: vec!["t_router".into()],
            missing: vec![Missing { name: "t_svc".into(), reason: "no such function".into() }],
            ..Traced::default()
        },
    );
    let settings = Settings { max_series: limit, traefik_names, ..Settings::default() };
    let (metrics, page) = Metrics::new(settings, Arc::clone(&counters), readiness);
    (metrics, page, counters)
}

/// The page without what differs from run to run.
fn stable(page: &Page, format: Format) -> String {
    let text = page.encode(format).unwrap();
    let version = format!("\"{}\"", env!("CARGO_PKG_VERSION"));
    let lines = text.lines().filter(|line| !line.starts_with("process_"));
    lines.map(|line| line.replace(&version, "\"VERSION\"") + "\n").collect()
}

/// The value of one series of the classic page; None where there is none.
fn value(page: &Page, series: &str) -> Option<f64> {
    let text = page.encode(Format::Classic).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

#[test]
fn pages() {
    let (mut metrics, page, counters) = metrics(100);
    for exchange in traffic() {
        metrics.observe(&exchange);
    }
    metrics.request_began(name("web").as_ref(), &Method::Get, false);
    metrics.request_began(name("web").as_ref(), &Method::Get, false);
    metrics.request_ended(name("web").as_ref(), &Method::Get, false);
    counters.drops.add(crate::counters::Cause::JoinedMidway, 3);
    for (format, file) in [(Format::OpenMetrics, "openmetrics"), (Format::Classic, "classic")] {
        check_golden(file, &stable(&page, format));
    }
}

#[track_caller]
fn check_golden(file: &str, found: &str) {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/export/metrics/golden").join(format!("{file}.txt"));
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(found == expected, "{file}.txt is stale, first at {differs:?}; UPDATE=1 rewrites it");
}

/// What comes on top where they are asked for; everything else stays as it is.
#[test]
fn names_of_traefik() {
    let (mut with, page, _) = metrics_with(100, true);
    let (mut without, plain, _) = metrics(100);
    for exchange in traffic() {
        with.observe(&exchange);
        without.observe(&exchange);
    }
    for (format, file) in [(Format::OpenMetrics, "traefik-openmetrics"), (Format::Classic, "traefik-classic")] {
        let (page, plain) = (stable(&page, format), stable(&plain, format));
        let of_traefik = |line: &str| {
            ["traefik_entrypoint_", "traefik_router_", "traefik_service_"].iter().any(|start| {
                let name = line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
                name.starts_with(start)
            })
        };
        let (theirs, ours): (Vec<&str>, Vec<&str>) = page.lines().partition(|line| of_traefik(line));
        let folded = "hoptap_metric_folded_total{hoptap_metric_family=\"traefik_router_requests_total\"} 0";
        let ours: Vec<&str> = ours.into_iter().filter(|line| *line != folded).collect();
        assert_eq!(ours, plain.lines().collect::<Vec<_>>());
        check_golden(file, &(theirs.join("\n") + "\n"));
    }
}

/// A weighted service is the router's, and the leaf below it the one that served.
#[test]
fn a_router_is_counted_with_its_own_service() {
    let (mut metrics, page, _) = metrics_with(10, true);
    let ask = |router: &str, own: &str, leaf: &str| {
        let names = ["web", router, leaf];
        Server { router_service: Some(own.into()), ..server(names, 0, hop("GET", "200 1ms 0>0")) }
    };
    for leaf in ["blue@file", "green@file", ""] {
        metrics.observe(&exchange(Some(ask("w@file", "weighted@file", leaf)), vec![]));
    }
    metrics.observe(&exchange(Some(ask("out@file -> in@file", "weighted@file", "blue@file")), vec![]));
    for (router, service, count) in
        [("w@file", "weighted@file", 3.0), ("out@file", "out@file-muxer", 1.0), ("in@file", "weighted@file", 1.0)]
    {
        let series = format!(
            "traefik_router_requests_total{{code=\"200\",method=\"GET\",protocol=\"http\",router=\"{router}\",service=\"{service}\"}}"
        );
        assert_eq!(value(&page, &series), Some(count), "{series}");
    }
}

#[test]
fn series_under_traefik_names_are_bounded() {
    let (mut metrics, page, _) = metrics_with(10, true);
    for router in 0..50 {
        let names = ["web", &format!("outer@file -> r{router}@file"), "s@file"];
        metrics.observe(&exchange(Some(server(names, 0, hop("GET", "200 1ms 0>0"))), vec![]));
    }
    let text = page.encode(Format::Classic).unwrap();
    let counts: Vec<&str> = text.lines().filter(|line| line.starts_with("traefik_router_requests_total{")).collect();
    assert_eq!(counts.len(), 11, "ten and the folded one: {counts:#?}");
    let outer = "traefik_router_requests_total{code=\"200\",method=\"GET\",protocol=\"http\",router=\"outer@file\",service=\"outer@file-muxer\"}";
    assert_eq!(value(&page, outer), Some(50.0));
    let folded = "hoptap_metric_folded_total{hoptap_metric_family=\"traefik_router_requests_total\"}";
    assert_eq!(value(&page, folded), Some(41.0));
}

#[test]
fn every_metric_of_the_registry_is_on_the_page() {
    let (mut metrics, page, _) = metrics(100);
    traffic().iter().for_each(|exchange| metrics.observe(exchange));
    metrics.request_began(None, &Method::Get, false);
    metrics.handshake_failed(None);
    let text = page.encode(Format::Classic).unwrap();
    for metric in metric::ALL {
        let declared = format!("# TYPE {} ", metric.prometheus);
        assert!(text.contains(&declared), "{} is missing", metric.prometheus);
    }
    let declared = text.lines().filter(|line| line.starts_with("# TYPE ")).count();
    assert_eq!(declared, metric::ALL.len(), "the page shows a metric that the registry does not name");
}

/// Each case: what is counted, after all of [`traffic`], under a series of the page.
#[test]
fn told_apart_traffic_is_counted_elsewhere() {
    let (mut metrics, page, _) = metrics(100);
    traffic().iter().for_each(|exchange| metrics.observe(exchange));
    for (series, expected) in [
        ("hoptap_exchanges_total{hoptap_traffic=\"health_check\"}", Some(1.0)),
        ("hoptap_links_total{hoptap_link=\"exact\"}", Some(5.0)),
        ("hoptap_links_total{hoptap_link=\"inferred\"}", Some(1.0)),
        // Three proxied requests of this router; none of the ones that Traefik answered by itself.
        ("traefik_proxy_overhead_seconds_count{traefik_router_name=\"users@docker\"}", Some(3.0)),
        ("traefik_proxy_overhead_seconds_count{traefik_router_name=\"api@internal\"}", None),
        ("traefik_proxy_overhead_seconds_count{}", None),
    ] {
        assert_eq!(value(&page, series), expected, "{series}");
    }
    let text = page.encode(Format::Classic).unwrap();
    assert!(!text.contains("hoptap_hop_role=\"health_check\""), "{text}");
}

#[test]
fn series_are_bounded_and_what_is_folded_is_counted() {
    let (mut metrics, page, _) = metrics(10);
    for round in 0..3 {
        for router in 0..50 {
            let router = format!("r{router}@file");
            let hop = hop("GET", "200 1ms 0>0");
            metrics.observe(&exchange(Some(server(["web", &router, "s@file"], 0, hop)), vec![]));
        }
        let text = page.encode(Format::Classic).unwrap();
        let counts = text.lines().filter(|line| line.starts_with("http_server_request_duration_seconds_count"));
        assert_eq!(counts.count(), 11, "ten and the folded one");
        let folded = "hoptap_metric_folded_total{hoptap_metric_family=\"http_server_request_duration_seconds\"}";
        assert_eq!(value(&page, folded), Some(f64::from(40 * (round + 1))));
        let text = text
            .lines()
            .find(|line| line.starts_with("http_server_request_duration_seconds_count") && line.contains("\"_OTHER\""));
        assert!(text.unwrap().ends_with(&format!(" {}", 40 * (round + 1))), "{text:?}");
    }
    assert!(metrics.servers.remembered() <= 21, "{}", metrics.servers.remembered());
}

/// Names are interned anew at each reload, and may come to lie where others lay: neither makes a new series, nor a
/// wrong one.
#[test]
fn names_are_told_apart_by_what_they_say() {
    let (mut metrics, page, _) = metrics(10);
    for turn in 0..210 {
        // Not in turns: freed names of the one must come back as names of the other.
        let router = ["a@file", "b@file"][turn / 7 % 2];
        let hop = hop("GET", "200 1ms 0>0");
        metrics.observe(&exchange(Some(server(["web", router, "s@file"], 0, hop)), vec![]));
    }
    for router in ["a@file", "b@file"] {
        let series = format!(
            "http_server_request_duration_seconds_count{{traefik_entrypoint_name=\"web\",traefik_router_name=\"{router}\",\
             traefik_service_name=\"s@file\",http_request_method=\"GET\",url_scheme=\"http\",http_response_status_code=\"200\"}}"
        );
        assert_eq!(value(&page, &series), Some(105.0), "{router}");
    }
}

/// Methods that no convention knows are one series, however many a client thinks of.
#[test]
fn methods_of_clients_are_folded() {
    let (mut metrics, page, _) = metrics(10);
    for number in 0..100 {
        let hop = hop(&format!("M{number}"), "404 1ms 0>0");
        metrics.observe(&exchange(Some(server(["web", "", ""], 0, hop)), vec![]));
    }
    let series = "http_server_request_duration_seconds_count{traefik_entrypoint_name=\"web\",http_request_method=\"_OTHER\",url_scheme=\"http\",http_response_status_code=\"404\"}";
    assert_eq!(value(&page, series), Some(100.0));
}

#[test]
fn promtool_accepts_the_page() {
    let (mut metrics, page, _) = metrics_with(100, true);
    traffic().iter().for_each(|exchange| metrics.observe(exchange));
    metrics.request_began(None, &Method::Get, false);
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut promtool = match promtool {
        Ok(promtool) => promtool,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            tracing::warn!("promtool is not installed: the classic page is checked against the golden file only");
            return;
        }
        Err(error) => panic!("promtool: {error}"),
    };
    let text = page.encode(Format::Classic).unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{text}");
}
