//! The guide's scenarios, with requests as it sends them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use hoptap_tests::dashboard::{self, filled};
use hoptap_tests::exposition::sum;
use hoptap_tests::jaeger::{self, Span};
use hoptap_tests::prometheus::encoded;
use hoptap_tests::stack::Stack;
use serde_json::Value;

/// Path, body of a POST, status; what the trace must say: router and service at the provider `docker`, the container that
/// served, the path that it saw.
type Case = (&'static str, Option<&'static str>, u16, &'static str, &'static str, &'static str);

const GUIDE: &[Case] = &[
    ("/api/service-a/", None, 200, "service-a", "service-a", "/"),
    ("/api/service-b/", None, 200, "service-b", "service-b", "/"),
    ("/api/service-a/users", Some(r#"{"name": "Alice", "role": "admin"}"#), 200, "service-a", "service-a", "/users"),
    ("/api/httpbin/get", None, 200, "httpbin", "httpbin", "/get"),
    ("/api/httpbin/post", Some(r#"{"test": "data"}"#), 200, "httpbin", "httpbin", "/post"),
    ("/api/httpbin/status/503", None, 503, "httpbin", "httpbin", "/status/503"),
];

pub(super) async fn guide(stack: &Stack) -> Result<()> {
    for (number, (path, body, status, router, container, upstream)) in GUIDE.iter().enumerate() {
        let id = format!("guide-{number}");
        let response = stack.ask(&format!("{path}?id={id}"), *body).await?;
        ensure!(response.status == *status, "{path}: expected {status}, found {response:?}");
        let (server, client) = trace(stack, &id).await.with_context(|| (*path).to_owned())?;
        let name = format!("{router}@docker");
        for (span, key, expected) in [
            (&server, "span.kind", "server"),
            (&server, "url.path", path),
            (&server, "http.response.status_code", &status.to_string()),
            (&server, "traefik.entrypoint.name", "web"),
            (&server, "traefik.router.name", &name),
            (&server, "traefik.service.name", &name),
            (&client, "span.kind", "client"),
            (&client, "http.response.status_code", &status.to_string()),
            (&client, "traefik.service.name", &name),
            (&client, "server.address", &format!("hoptap-{container}-1")),
            (&client, "hoptap.link", "exact"),
        ] {
            let found = span.tag(key);
            ensure!(found == expected, "{path}: expected {key}={expected:?}, found {found:?} in {span:?}");
        }
        let url = client.tag("url.full");
        ensure!(url.contains(&format!("{upstream}?id={id}")), "{path}: the server saw {upstream}, the span says {url}");
    }
    Ok(())
}

/// The one trace of a request: its SERVER span, and the CLIENT span that is its child.
async fn trace(stack: &Stack, id: &str) -> Result<(Span, Span)> {
    let query = format!("id={id}");
    let mut found = Vec::new();
    stack
        .until("Jaeger has the trace", async || {
            found = jaeger::traces(stack, "url.query", &query).await?;
            Ok(found.iter().any(|(_, spans)| spans.len() > 1))
        })
        .await?;
    let [(_, spans)] = found.as_slice() else {
        anyhow::bail!("expected one trace of {id}, found {found:?}");
    };
    let server = spans.iter().find(|span| span.parent.is_none()).context("expected a span without parent")?;
    let [client] = spans.iter().filter(|span| span.parent.is_some()).collect::<Vec<_>>()[..] else {
        anyhow::bail!("expected one child, found {spans:?}");
    };
    ensure!(client.parent.as_ref() == Some(&server.id), "{client:?} is no child of {server:?}");
    Ok((server.clone(), client.clone()))
}

/// How often each service answered, as it says itself in its body.
async fn answers(stack: &Stack, path: &str, count: usize) -> Result<BTreeMap<String, f64>> {
    let mut answers = BTreeMap::new();
    for _ in 0..count {
        let response = stack.ask(path, None).await?;
        let body: Value = serde_json::from_slice(&response.body).with_context(|| format!("{response:?}"))?;
        *answers.entry(body["service"].as_str().unwrap_or_default().to_owned()).or_default() += 1.0;
    }
    Ok(answers)
}

/// How often each service was asked, by hoptap's metrics.
async fn counted(stack: &Stack, services: &[&str]) -> Result<BTreeMap<String, f64>> {
    let metrics = stack.metrics().await?;
    let of = |service: &str| {
        let labels = [("traefik_service_name", &*format!("{service}@docker"))];
        sum(&metrics, "http_client_request_duration_seconds_count", &labels)
    };
    Ok(services.iter().map(|service| ((*service).to_owned(), of(service))).collect())
}

pub(super) async fn canary(stack: &Stack) -> Result<()> {
    const SERVICES: [&str; 2] = ["canary-v1", "canary-v2"];
    let before = counted(stack, &SERVICES).await?;
    let answers = answers(stack, "/api/canary/", 200).await?;
    ensure!(
        answers == BTreeMap::from([("canary-v1".to_owned(), 180.0), ("canary-v2".to_owned(), 20.0)]),
        "{answers:?}"
    );
    stack
        .until("hoptap counts what the services answered", async || {
            let after = counted(stack, &SERVICES).await?;
            Ok(SERVICES.iter().all(|service| after[*service] - before[*service] == answers[*service]))
        })
        .await
}

pub(super) async fn tenants(stack: &Stack) -> Result<()> {
    for tenant in ["tenant-a", "tenant-b"] {
        let id = format!("of-{tenant}");
        let response = stack.ask_host(&format!("{tenant}.example.com"), &format!("/?id={id}"), None).await?;
        ensure!(response.status == 200, "{tenant}: {response:?}");
        let (server, client) = trace(stack, &id).await?;
        let found = [server.tag("traefik.router.name"), server.tag("server.address"), client.tag("server.address")];
        let expected = [format!("{tenant}@docker"), format!("{tenant}.example.com"), format!("hoptap-{tenant}-1")];
        ensure!(found == expected, "expected {expected:?}, found {found:?}");
    }
    Ok(())
}

/// Nothing is restarted, and its very first request is told.
pub(super) async fn discovered(stack: &Stack) -> Result<()> {
    let response = stack.ask("/api/service-c/", None).await?;
    ensure!(response.status == 404, "{response:?}");
    stack.compose(&["up", "--detach", "service-c"])?;
    let mut tried = 0;
    stack
        .until("Traefik routes to service-c", async || {
            tried += 1;
            Ok(stack.ask(&format!("/api/service-c/?id=later-{tried}"), None).await?.status == 200)
        })
        .await?;
    let (server, client) = trace(stack, &format!("later-{tried}")).await?;
    ensure!(server.tag("traefik.router.name") == "service-c@docker", "{server:?}");
    ensure!(client.tag("server.address") == "hoptap-service-c-1", "{client:?}");
    stack.compose(&["rm", "--stop", "--force", "service-c"])?;
    stack.until("it is gone", async || Ok(stack.ask("/api/service-c/", None).await?.status == 404)).await
}

/// `docker compose logs hoptap`, as the guide shows it.
pub(super) async fn printed(stack: &Stack) -> Result<()> {
    let body = r#"{"order": "fails"}"#;
    let response = stack.ask("/api/httpbin/status/500?id=printed", Some(body)).await?;
    ensure!(response.status == 500, "{response:?}");
    let mut text = String::new();
    stack
        .until("it is printed", async || {
            text = stack.compose(&["logs", "--no-log-prefix", "hoptap"])?;
            Ok(text.contains("id=printed"))
        })
        .await?;
    let blocks: Vec<&str> =
        text.split("=== HTTP Transaction ===").filter(|block| block.contains("id=printed")).collect();
    ensure!(blocks.len() == 2, "expected both hops, found {blocks:?}");
    for (block, parts) in blocks.iter().zip([
        [
            "Direction: INGRESS ← (client to traefik)",
            "Router: httpbin@docker",
            "Source Process: traefik",
            "--- Request Headers ---",
        ],
        ["Direction: EGRESS → (traefik to backend)", "Service: httpbin@docker", "X-Forwarded-For: ", "Server: http://"],
    ]) {
        for part in parts.into_iter().chain([body, "Status: 500"]) {
            ensure!(block.contains(part), "expected {part:?} in:\n{block}");
        }
    }
    Ok(())
}

/// With the traffic of `traffic.py`, as on the first five minutes of someone who has just started it.
pub(super) async fn dashboards(stack: &mut Stack) -> Result<()> {
    stack.set("TRAFFIC", "50");
    stack.compose(&["up", "--detach", "traffic"])?;
    let mut empty = Vec::new();
    let boards = dashboard::all()?;
    let outcome = stack
        .until("every panel has data", async || {
            empty.clear();
            for board in &boards {
                for query in board.queries() {
                    let values = [
                        ("job", "hoptap"),
                        ("instance", ".+"),
                        ("entrypoint", "web"),
                        ("router", if board.uid == "hoptap-canary" { "canary@file" } else { ".*" }),
                        ("service", ".*"),
                        ("baseline", "canary-v1@docker"),
                        ("canary", "canary-v2@docker"),
                        ("__rate_interval", "30s"),
                    ];
                    let expression = filled(&query.expression, &values);
                    let answer = ask(stack, &expression).await?;
                    if answer.is_empty() {
                        empty.push(format!("{}/{} {}: {expression}", board.file, query.panel, query.letter));
                    }
                }
            }
            Ok(empty.is_empty())
        })
        .await;
    outcome.with_context(|| format!("without data:\n{}", empty.join("\n")))?;
    // Totals agree with hoptap's own page, whatever Prometheus made of them.
    let scraped =
        ask(stack, "sum(http_server_request_duration_seconds_count{traefik_router_name=\"canary@file\"})").await?;
    let value: f64 = scraped[0]["value"][1].as_str().unwrap_or_default().parse()?;
    let labels = [("traefik_router_name", "canary@file")];
    let now = sum(&stack.metrics().await?, "http_server_request_duration_seconds_count", &labels);
    ensure!(value >= 200.0 && value <= now && now - value < 50.0 * 10.0, "Prometheus has {value}, hoptap {now}");
    stack.set("TRAFFIC", "0");
    stack.compose(&["up", "--detach", "traffic"])?;
    Ok(())
}

async fn ask(stack: &Stack, query: &str) -> Result<Vec<Value>> {
    let answer = stack.json("PROMETHEUS_PORT", &format!("/api/v1/query?query={}", encoded(query))).await?;
    Ok(answer["data"]["result"].as_array().cloned().unwrap_or_default())
}
