//! Every query of every dashboard and rule, asked of a real Prometheus that scrapes a real hoptap on live traffic: it must
//! answer, and agree with what was sent.

#[path = "dashboards/expected.rs"]
mod expected;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use expected::{EXPECTED, Is, N, RECORDED, WINDOW};
use hoptap_tests::dashboard::{self, filled};
use hoptap_tests::hoptap::lacking;
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::load::Load;
use hoptap_tests::prometheus::{self, Point, Prometheus};
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::traefik;

/// What Prometheus makes of a counter's growth within a window may be off by the two scrape intervals at its ends, out of
/// [`WINDOW`] seconds; and by a request or two where a series began within it.
const RELATIVE: f64 = 0.15;
const ABSOLUTE: f64 = 2.0;

/// Requests as they are sent in turn. `any` gets four of eight, the others one each.
const TEMPLATES: [&str; 8] = [
    "GET /x?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n",
    "POST /x?id={id} HTTP/1.1\r\nHost: any.test\r\nContent-Length: 500\r\n\r\n{body}",
    "GET /status/503?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n",
    "GET /x?id={id}&d=30ms HTTP/1.1\r\nHost: any.test\r\n\r\n",
    "GET /big?id={id}&n=5000 HTTP/1.1\r\nHost: w.test\r\n\r\n",
    "GET /x?id={id} HTTP/1.1\r\nHost: nope.test\r\n\r\n",
    "GET /x?id={id} HTTP/1.1\r\nHost: down.test\r\n\r\n",
    "GET /x?id={id} HTTP/1.1\r\nHost: retry.test\r\n\r\n",
];

fn main() -> ExitCode {
    let lacking = lacking().or_else(|| traefik::program().err().map(|error| format!("{error:#}"))).or_else(|| {
        prometheus::program().is_none().then(|| "expected a Prometheus on PATH: scripts/setup installs it".to_owned())
    });
    let suite = Suite::new(Plan { hoptap: Some(&[]), ..Plan::default() })
        .case("the files are whole", async |_: &Lab| whole())
        .case("promtool accepts the rules", async |_: &Lab| accepted())
        .case("every query agrees with the traffic", agrees);
    suite::run(vec![("dashboards", suite)], lacking.as_deref())
}

/// What a person needs of a panel: a title, a word on what it shows, a unit; what Grafana needs: ids of their own.
fn whole() -> Result<()> {
    let dashboards = dashboard::all()?;
    ensure!(dashboards.len() == 4, "expected four dashboards, found {dashboards:?}");
    for board in dashboards {
        let mut ids = std::collections::HashSet::new();
        for panel in board.json["panels"].as_array().into_iter().flatten() {
            ensure!(ids.insert(panel["id"].to_string()), "{}: two panels of one id: {panel}", board.file);
        }
        for panel in board.panels() {
            let has = |value: &serde_json::Value| value.as_str().is_some_and(|text| !text.is_empty());
            ensure!(has(&panel["title"]) && has(&panel["description"]), "{}: {panel}", board.file);
            ensure!(has(&panel["fieldConfig"]["defaults"]["unit"]), "{}: no unit: {panel}", board.file);
            ensure!(panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()), "{}: {panel}", board.file);
        }
    }
    Ok(())
}

fn accepted() -> Result<()> {
    for file in ["recording.yml", "alerts.yml"] {
        let output = Command::new("promtool").args(["check", "rules"]).arg(dashboard::folder().join(file)).output()?;
        ensure!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

async fn send(lab: &Lab, label: &str, rounds: usize) -> Result<()> {
    let body = "a".repeat(500);
    let templates = TEMPLATES.map(|template| template.replace("{body}", &body)).to_vec();
    let requests = rounds * templates.len();
    // One after another, so that the servers of a service take turns.
    let load = Load { to: lab.traefik.address("web")?, connections: 1, requests, templates, label: label.to_owned() };
    let outcomes = load.run().await?;
    for outcome in outcomes {
        let expected = [200, 200, 503, 200, 200, 404, 502, 200][outcome.template];
        ensure!(outcome.status == expected, "expected {expected}: {outcome:?}");
    }
    Ok(())
}

async fn agrees(lab: &Lab) -> Result<()> {
    let Some(hoptap) = &lab.hoptap else { bail!("expected a lab with hoptap") };
    let rules = ["recording.yml", "alerts.yml"].map(|file| dashboard::folder().join(file));
    let rules: Vec<_> = rules.iter().map(std::path::PathBuf::as_path).collect();
    let prometheus = Prometheus::start(hoptap.address(), &rules).await?;
    // Growth is counted from the first time that a series is seen.
    send(lab, "warm", 4).await?;
    // The first scrape comes some five seconds after the start.
    let waited = Instant::now();
    while prometheus.query("http_server_request_duration_seconds_count").await?.is_empty() {
        ensure!(waited.elapsed() < Duration::from_secs(30), "expected Prometheus to scrape hoptap");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let begun = Instant::now();
    send(lab, "main", N as usize).await?;
    tokio::time::sleep(Duration::from_secs(WINDOW - 1).saturating_sub(begun.elapsed())).await;

    let mut differences = Vec::new();
    for board in dashboard::all()? {
        let values = values(&board.uid);
        let mut asked = Vec::new();
        for query in board.queries() {
            asked.push((query.panel.clone(), prometheus.query(&filled(&query.expression, &values)).await, query));
        }
        for (panel, points, query) in asked {
            let name = format!("{}/{panel} {}", board.uid, query.letter);
            let mut expected = EXPECTED
                .iter()
                .filter(|one| {
                    one.board == board.uid
                        && one.panel == panel
                        && (one.letter.is_empty() || one.letter == query.letter)
                })
                .peekable();
            if expected.peek().is_none() {
                differences.push(format!("{name}: nothing is expected of it in expected.rs"));
            }
            match points {
                Err(error) => differences.push(format!("{name}: {error:#}")),
                Ok(points) => differences.extend(expected.filter_map(|one| {
                    let difference = check(&points, one.series, one.is)?;
                    Some(format!("{name}: {difference}"))
                })),
            }
        }
        for (name, selector, label) in board.variables() {
            let found = prometheus.label_values(&filled(&selector, &values), &label).await?;
            for expected in expected::variable(&name) {
                if !found.iter().any(|one| one == expected) {
                    differences.push(format!("{}: ${name} has no {expected}: {found:?}", board.uid));
                }
            }
            if found.is_empty() {
                differences.push(format!("{}: ${name} has no values", board.uid));
            }
        }
    }
    differences.extend(rules_answer(&prometheus).await?);
    differences.extend(exemplars(&prometheus).await?);
    ensure!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

/// What a person would have chosen.
fn values(uid: &str) -> Vec<(&'static str, &'static str)> {
    let (router, service) = match uid {
        "hoptap-router" => ("any@file", "be1@file"),
        "hoptap-canary" => ("weighted@file", ""),
        _ => (".*", ""),
    };
    vec![
        ("job", ".+"),
        ("instance", ".+"),
        // Traefik's own API is asked as well, on an entrypoint of its own.
        ("entrypoint", "web"),
        ("router", router),
        ("service", service),
        ("baseline", "be1@file"),
        ("canary", "be2@file"),
        ("__rate_interval", expected::WINDOW_TEXT),
    ]
}

/// What is wrong with the series that have `series` among the values of their labels, or with all of them.
fn check(points: &[Point], series: &str, is: Is) -> Option<String> {
    let chosen: Vec<&Point> =
        points.iter().filter(|point| series.is_empty() || point.labels.values().any(|value| value == series)).collect();
    if chosen.is_empty() {
        return Some(format!("expected {is:?} of {series:?}, found no such series in {points:?}"));
    }
    let window = WINDOW as f64;
    let near = |count: f64| (count * (1.0 - RELATIVE) - ABSOLUTE, count * (1.0 + RELATIVE) + ABSOLUTE);
    let (low, high) = match is {
        Is::Growth(count) => near(count),
        Is::Rate(count) => {
            let (low, high) = near(count);
            (low / window, high / window)
        }
        Is::Between(low, high) => (low, high),
    };
    let sum: f64 = chosen.iter().map(|point| point.value).sum();
    (!(low..=high).contains(&sum)).then(|| format!("expected {is:?} of {series:?}, found {sum} in {chosen:?}"))
}

/// Rules are evaluated without errors; recorded series are there and agree; what alerts compare is there, and those that
/// the traffic gives reason for wait for their time to pass.
async fn rules_answer(prometheus: &Prometheus) -> Result<Vec<String>> {
    let mut differences = Vec::new();
    let answer = prometheus.api("rules").await?;
    let rules = answer["groups"].as_array().into_iter().flatten();
    let rules: Vec<_> = rules.flat_map(|group| group["rules"].as_array().into_iter().flatten()).collect();
    ensure!(rules.len() > 15, "expected all rules, found {rules:?}");
    for rule in rules {
        let name = rule["name"].as_str().unwrap_or_default();
        let query = rule["query"].as_str().unwrap_or_default();
        if rule["health"] != "ok" {
            differences.push(format!("{name}: {}: {}", rule["health"], rule["lastError"]));
        }
        if rule["type"] == "recording" {
            let points = prometheus.query(name).await?;
            let expected: Vec<_> = RECORDED.iter().filter(|(of, ..)| *of == name).collect();
            if expected.is_empty() {
                differences.push(format!("{name}: nothing is expected of it in expected.rs"));
            }
            for (_, series, is) in expected {
                differences.extend(check(&points, series, *is).map(|difference| format!("{name}: {difference}")));
            }
            continue;
        }
        let Some((compared, _)) = query.rsplit_once([' ']).and_then(|(rest, _)| rest.rsplit_once(' ')) else {
            bail!("expected a comparison in {name}: {query}");
        };
        if prometheus.query(compared).await?.is_empty() {
            differences.push(format!("{name}: no data for {compared}"));
        }
        let state = rule["state"].as_str().unwrap_or_default();
        if (state != "inactive") != expected::ALERTS.contains(&name) {
            differences.push(format!("{name} is {state}: {}", rule["alerts"]));
        }
    }
    Ok(differences)
}

/// Exemplars name their trace as the data source is told.
async fn exemplars(prometheus: &Prometheus) -> Result<Vec<String>> {
    let end = hoptap_tests::load::unix_nanos() / 1_000_000_000;
    let query = prometheus::encoded("http_server_request_duration_seconds_bucket");
    let answer = prometheus.api(&format!("query_exemplars?query={query}&start={}&end={}", end - 60, end + 1)).await?;
    let found = answer.to_string();
    let provisioning = std::fs::read_to_string(dashboard::folder().join("provisioning/datasources.yml"))?;
    let whole = found.contains("\"trace_id\":\"") && provisioning.contains("- name: trace_id");
    Ok(if whole { Vec::new() } else { vec![format!("expected exemplars with a trace_id, found {found}")] })
}
