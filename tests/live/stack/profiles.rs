//! Other places for what hoptap sees.

use anyhow::{Result, ensure};
use hoptap_tests::exposition::sum;
use hoptap_tests::jaeger;
use hoptap_tests::prometheus::encoded;
use hoptap_tests::stack::{Stack, folder};

const BODY: &str = r#"{"order": "fails"}"#;

/// Starts the services of a profile, and hoptap with its configuration.
async fn switch(stack: &mut Stack, profile: &str) -> Result<()> {
    stack.set("COMPOSE_PROFILES", profile);
    stack.set("HOPTAP_CONFIG", "");
    stack.up().await
}

/// A request that fails, with a body; the id of its trace, once Jaeger has it.
async fn fail(stack: &Stack, id: &str) -> Result<String> {
    let response = stack.ask(&format!("/api/httpbin/status/500?id={id}"), Some(BODY)).await?;
    ensure!(response.status == 500, "{response:?}");
    let mut traces = Vec::new();
    stack
        .until("Jaeger has the trace", async || {
            traces = jaeger::traces(stack, "url.query", &format!("id={id}")).await?;
            Ok(!traces.is_empty())
        })
        .await?;
    ensure!(traces.len() == 1 && traces[0].1.len() == 2, "{traces:?}");
    Ok(traces[0].0.clone())
}

/// Those that need nothing that this stack lacks: a bucket at Amazon's is not there.
pub(super) async fn configurations(stack: &mut Stack) -> Result<()> {
    let mut files: Vec<_> = std::fs::read_dir(folder().join("configurations"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    files.sort();
    ensure!(files.len() == 8, "{files:?}");
    for file in files {
        if std::fs::read_to_string(folder().join("configurations").join(&file))?.contains("s3.amazonaws.com") {
            continue;
        }
        stack.set("HOPTAP_CONFIG", &format!("./configurations/{file}"));
        stack.up().await?;
        // Which of them are told is the business of `rules`; that hoptap sees them all, of this.
        let response = stack.ask(&format!("/api/service-a/?id={file}"), None).await?;
        ensure!(response.status == 200, "{file}: {response:?}");
        let labels = [("traefik_router_name", "service-a@docker")];
        stack
            .until("hoptap has seen it", async || {
                let seen = sum(&stack.metrics().await?, "http_server_request_duration_seconds_count", &labels);
                Ok(seen >= 1.0)
            })
            .await?;
    }
    Ok(())
}

pub(super) async fn s3(stack: &mut Stack) -> Result<()> {
    switch(stack, "s3").await?;
    let trace = fail(stack, "to-s3").await?;
    let list = ["run", "--rm", "--no-deps", "s3-bucket", "ls", "--recursive", "store/traefik"];
    let mut listed = String::new();
    stack
        .until("the bodies are in the bucket", async || {
            listed = stack.compose(&list)?;
            Ok(listed.contains("egress-request"))
        })
        .await?;
    let line = listed.lines().find(|line| line.contains(&trace) && line.ends_with("/ingress-request"));
    let Some(key) = line.and_then(|line| line.split_whitespace().last()) else {
        anyhow::bail!("expected the request's body of {trace} in:\n{listed}");
    };
    let body = stack.compose(&["run", "--rm", "--no-deps", "s3-bucket", "cat", &format!("store/traefik/{key}")])?;
    ensure!(body == BODY, "expected {BODY:?}, found {body:?}");
    Ok(())
}

/// It passes traces on to Jaeger, prints the bodies, and has nothing to complain about.
pub(super) async fn collector(stack: &mut Stack) -> Result<()> {
    switch(stack, "collector").await?;
    fail(stack, "by-collector").await?;
    let mut log = String::new();
    stack
        .until("the Collector has the body", async || {
            log = stack.compose(&["logs", "--no-log-prefix", "collector"])?;
            Ok(log.contains("fails"))
        })
        .await?;
    for line in log.lines() {
        ensure!(!line.contains("\twarn\t") && !line.contains("\terror\t"), "the Collector says: {line}");
    }
    Ok(())
}

pub(super) async fn tempo(stack: &mut Stack) -> Result<()> {
    switch(stack, "tempo").await?;
    stack.until("Tempo is ready", async || Ok(stack.get("TEMPO_PORT", "/ready").await?.status == 200)).await?;
    stack.until("Loki is ready", async || Ok(stack.get("LOKI_PORT", "/ready").await?.status == 200)).await?;
    let trace = fail(stack, "to-tempo").await?;
    stack
        .until("Tempo has both hops", async || {
            let answer = stack.json("TEMPO_PORT", &format!("/api/traces/{trace}")).await?.to_string();
            Ok(answer.contains("SPAN_KIND_SERVER") && answer.contains("SPAN_KIND_CLIENT"))
        })
        .await?;
    let query = encoded(r#"{service_name="traefik"} |= "fails""#);
    stack
        .until("Loki has the bodies", async || {
            let answer = stack.json("LOKI_PORT", &format!("/loki/api/v1/query_range?query={query}")).await?;
            Ok(answer["data"]["result"].as_array().is_some_and(|streams| !streams.is_empty()))
        })
        .await
}
