//! Grafana dashboards as they are checked in, and what Grafana would ask of Prometheus for them.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

/// One dashboard.
#[derive(Debug)]
pub struct Dashboard {
    pub file: String,
    pub uid: String,
    pub json: Value,
}

/// One query of a panel.
#[derive(Debug)]
pub struct Query {
    pub panel: String,
    pub letter: String,
    pub expression: String,
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../dashboards")
}

/// # Errors
/// Where one cannot be read.
pub fn all() -> Result<Vec<Dashboard>> {
    let mut dashboards = Vec::new();
    for entry in std::fs::read_dir(folder())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let json: Value = serde_json::from_slice(&std::fs::read(&path)?)
                .with_context(|| format!("{} is no JSON", path.display()))?;
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let uid = json["uid"].as_str().unwrap_or_default().to_owned();
            dashboards.push(Dashboard { file, uid, json });
        }
    }
    dashboards.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(dashboards)
}

impl Dashboard {
    /// Those that show something: no rows.
    pub fn panels(&self) -> impl Iterator<Item = &Value> {
        self.json["panels"].as_array().into_iter().flatten().filter(|panel| panel["type"] != "row")
    }

    pub fn queries(&self) -> Vec<Query> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.panels()
            .flat_map(|panel| {
                panel["targets"].as_array().into_iter().flatten().map(|target| Query {
                    panel: text(&panel["title"]),
                    letter: text(&target["refId"]),
                    expression: text(&target["expr"]),
                })
            })
            .collect()
    }

    /// Name, selector and label of each variable that asks Prometheus.
    pub fn variables(&self) -> Vec<(String, String, String)> {
        let list = self.json["templating"]["list"].as_array().into_iter().flatten();
        list.filter_map(|variable| {
            let definition = variable["definition"].as_str()?;
            let (selector, label) = definition.strip_prefix("label_values(")?.strip_suffix(')')?.rsplit_once(',')?;
            Some((variable["name"].as_str()?.to_owned(), selector.to_owned(), label.trim().to_owned()))
        })
        .collect()
    }
}

/// A query with values for its variables.
pub fn filled(expression: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(expression.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
}
