//! A real Prometheus that scrapes one target every second.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::client::Connection;
use crate::process::{Process, Scratch, Stdout, free_port, on_path};

/// Stopped when dropped.
#[derive(Debug)]
pub struct Prometheus {
    _process: Process,
    address: SocketAddr,
    _scratch: Scratch,
}

/// One series of the answer to a query.
#[derive(Debug, Clone)]
pub struct Point {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Prometheus {
    /// # Errors
    /// Where it cannot be started, or refuses the rules: with what it logged.
    pub async fn start(target: SocketAddr, rules: &[&Path]) -> Result<Self> {
        let scratch = Scratch::new("prometheus")?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let rules: Vec<String> = rules.iter().map(|path| format!("{:?}", path.display().to_string())).collect();
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\nrule_files: [{}]\n\
             scrape_configs:\n- {{job_name: hoptap, static_configs: [{{targets: ['{target}']}}]}}\n",
            rules.join(", ")
        );
        let file = scratch.path().join("prometheus.yml");
        std::fs::write(&file, config)?;
        let mut command = Command::new(program().context("expected a Prometheus on PATH")?);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", scratch.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--enable-feature=exemplar-storage");
        let mut process = Process::start(command, &scratch.path().join("prometheus.log"), Stdout::Log)?;
        process
            .wait_until("was ready", Duration::from_secs(20), async || {
                get(address, "/-/ready").await.is_ok_and(|(status, _)| status == 200)
            })
            .await?;
        Ok(Self { _process: process, address, _scratch: scratch })
    }

    /// # Errors
    /// Where the query is refused, or its answer is no vector.
    pub async fn query(&self, query: &str) -> Result<Vec<Point>> {
        let data = self.api(&format!("query?query={}", encoded(query))).await.with_context(|| query.to_owned())?;
        let result = data["result"].as_array().with_context(|| format!("expected a vector of {query}: {data}"))?;
        result
            .iter()
            .map(|one| {
                let value = one["value"][1].as_str().and_then(|text| text.parse().ok());
                let labels = one["metric"].as_object().into_iter().flatten();
                let labels = labels.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()));
                Ok(Point { labels: labels.collect(), value: value.with_context(|| format!("{query}: {one}"))? })
            })
            .collect()
    }

    /// What Grafana asks for `label_values(SELECTOR, LABEL)`.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn label_values(&self, selector: &str, label: &str) -> Result<Vec<String>> {
        let data = self.api(&format!("label/{label}/values?match[]={}", encoded(selector))).await?;
        Ok(data.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// The `data` that a path below `/api/v1/` answers with.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn api(&self, path: &str) -> Result<Value> {
        let (_, body) = get(self.address, &format!("/api/v1/{path}")).await?;
        let mut answer: Value = serde_json::from_slice(&body)?;
        ensure!(answer["status"] == "success", "{path}: {answer}");
        Ok(answer["data"].take())
    }
}

pub fn program() -> Option<PathBuf> {
    on_path("prometheus")
}

/// Text as part of a query in a URL.
pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => write!(out, "{}", char::from(byte)),
            _ => write!(out, "%{byte:02X}"),
        };
        out
    })
}

async fn get(address: SocketAddr, path: &str) -> Result<(u16, Vec<u8>)> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let response = Connection::open(address).await?.exchange(request.as_bytes()).await?;
    Ok((response.status, response.body))
}
