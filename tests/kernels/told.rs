//! What `--format json` told of the mixed load, line by line: every request once, with its names and its attempt.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::Kernel;
use crate::guest::{MIX, MIXED, mixed_id};

/// A request of the mix: what to send, and what is told of it.
pub(crate) struct Sent {
    pub(crate) request: &'static str,
    status: i64,
    router: Option<&'static str>,
    /// The service that it was sent to, and the status that came back.
    attempt: Option<(&'static str, Option<i64>)>,
}

impl Sent {
    pub(crate) const fn new(
        request: &'static str,
        status: i64,
        router: Option<&'static str>,
        attempt: Option<(&'static str, Option<i64>)>,
    ) -> Self {
        Self { request, status, router, attempt }
    }
}

pub(crate) fn check(_: &Kernel, found: &str) -> Result<()> {
    let lines: Vec<Value> = found
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}")))
        .collect::<Result<_>>()?;
    for number in 0..MIXED {
        let id = mixed_id(number);
        let query = format!("id={id}");
        let mine: Vec<_> = lines.iter().filter(|line| text(&line["ingress"], "url.query") == Some(&query)).collect();
        let [line] = mine.as_slice() else {
            anyhow::bail!("{id}: expected one line, found {mine:#?}");
        };
        same(&MIX[number % MIX.len()], line).with_context(|| format!("{id}: {line:#}"))?;
    }
    Ok(())
}

fn same(sent: &Sent, line: &Value) -> Result<()> {
    let ingress = &line["ingress"];
    let told = (status(ingress), text(ingress, "traefik.router.name"), text(ingress, "traefik.service.name"));
    let service = sent.attempt.map(|(service, _)| service);
    let expected = (Some(sent.status), sent.router, service);
    ensure!(told == expected, "expected {expected:?}, found {told:?}");
    let attempts: Vec<_> = line["egress"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|egress| (text(egress, "traefik.service.name"), status(egress)))
        .collect();
    let expected: Vec<_> = sent.attempt.iter().map(|(service, status)| (Some(*service), *status)).collect();
    ensure!(attempts == expected, "expected the attempts {expected:?}, found {attempts:?}");
    let children = line["egress"].as_array().into_iter().flatten();
    for child in children {
        ensure!(child["parent_span_id"] == ingress["span_id"], "expected the attempt below the request");
    }
    Ok(())
}

fn status(hop: &Value) -> Option<i64> {
    hop["http.response.status_code"].as_i64()
}

fn text<'a>(hop: &'a Value, key: &str) -> Option<&'a str> {
    hop[key].as_str()
}
