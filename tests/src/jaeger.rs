//! What a real Jaeger says of traces.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::prometheus::encoded;
use crate::stack::Stack;

/// One span of its answer.
#[derive(Debug, Clone)]
pub struct Span {
    pub name: String,
    pub id: String,
    /// The span that it is a child of.
    pub parent: Option<String>,
    json: Value,
}

impl Span {
    /// An attribute as text; empty where there is none.
    pub fn tag(&self, key: &str) -> String {
        let tags = self.json["tags"].as_array().into_iter().flatten();
        let value = tags.filter(|tag| tag["key"] == key).map(|tag| &tag["value"]).next();
        value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default()
    }
}

/// Every trace that has a span with this attribute, each with its id.
///
/// # Errors
/// Where it does not answer.
pub async fn traces(stack: &Stack, key: &str, value: &str) -> Result<Vec<(String, Vec<Span>)>> {
    let tags = encoded(&serde_json::json!({ key: value }).to_string());
    let answer = stack.json("JAEGER_PORT", &format!("/api/traces?service=traefik&limit=100&tags={tags}")).await?;
    let traces = answer["data"].as_array().with_context(|| format!("expected a list: {answer}"))?;
    Ok(traces.iter().map(|trace| (text(&trace["traceID"]), spans(trace))).collect())
}

fn spans(trace: &Value) -> Vec<Span> {
    let spans = trace["spans"].as_array().into_iter().flatten();
    spans
        .map(|span| Span {
            name: text(&span["operationName"]),
            id: text(&span["spanID"]),
            parent: span["references"]
                .as_array()
                .and_then(|references| references.iter().find(|one| one["refType"] == "CHILD_OF"))
                .map(|reference| text(&reference["spanID"])),
            json: span.clone(),
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
