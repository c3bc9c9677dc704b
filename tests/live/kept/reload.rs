//! SIGHUP in the middle of a load: every exchange is told once, by the rules of before or of after.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hoptap_tests::hoptap::Hoptap;
use hoptap_tests::process::{Scratch, signal};
use serde_json::Value;

use super::{Place, counter, load, until};

fn file(level: &str) -> String {
    format!(
        "version: 2\nservices: {{object_stores: [{{type: stdout}}]}}\nstacks: {{s: {{plugins: [{{type: http_capture, \
         config: {{level: {level}, format: json}}}}]}}}}\ntap: {{http: {{stack: s}}}}\n"
    )
}

pub(crate) async fn check() -> Result<()> {
    let place = Place::start().await?;
    let scratch = Scratch::new("reload")?;
    let path = scratch.path().join("hoptap.yaml");
    let out = scratch.path().join("out");
    std::fs::write(&path, file("summary"))?;
    let pid = place.traefik.pid().to_string();
    let arguments = ["--config", &path.display().to_string(), "--pid", &pid];
    let mut hoptap = Hoptap::start_to(&arguments, &[], std::fs::File::create(&out)?).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let sending = tokio::spawn(load(place.traefik.address("web")?, Duration::from_millis(10), Arc::clone(&stop)));

    let reloads = |outcome: &'static str, count: f64| {
        move |samples: &[_]| counter(samples, "hoptap_config_reloads_total", outcome) >= count
    };
    for (round, level) in (1_u8..).zip(["full", "summary", "details", "full"]) {
        tokio::time::sleep(Duration::from_millis(700)).await;
        std::fs::write(&path, file(level))?;
        signal(hoptap.pid(), libc::SIGHUP);
        until(&hoptap, Duration::from_secs(20), reloads("applied", round.into())).await?;
    }
    // A mistake changes nothing.
    std::fs::write(&path, file("everything"))?;
    signal(hoptap.pid(), libc::SIGHUP);
    until(&hoptap, Duration::from_secs(20), reloads("refused", 1.0)).await?;
    ensure!(hoptap.output().contains("everything"), "the log does not say what is wrong: {}", hoptap.output());
    let begun = std::fs::read_to_string(&out)?.lines().count();
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Relaxed);
    let sent = sending.await??;
    tokio::time::sleep(Duration::from_millis(500)).await;
    ensure!(hoptap.stop()?.success(), "{}", hoptap.output());

    let told = std::fs::read_to_string(&out)?;
    let mut by_id: HashMap<String, Vec<Value>> = HashMap::new();
    let mut last = None;
    for (number, line) in told.lines().enumerate() {
        let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let query = line["ingress"]["url.query"].as_str().context("no query")?.to_owned();
        if number > begun + 50 {
            last = Some(line["ingress"]["request.body"].is_object());
        }
        by_id.entry(query.trim_start_matches("id=").to_owned()).or_default().push(line);
    }
    ensure!(last == Some(true), "after the file with a mistake the rules before it hold");
    let mut levels = [0; 3];
    for exchange in &sent {
        let lines = by_id.remove(&exchange.id).unwrap_or_default();
        let [line] = lines.as_slice() else { anyhow::bail!("{} was told {} times", exchange.id, lines.len()) };
        let ingress = &line["ingress"];
        let has_headers = ingress["http.request.header.host"].is_array();
        let level = match ingress["request.body"].is_object() {
            true => 2,
            false => usize::from(has_headers),
        };
        ensure!(line["egress"].as_array().is_some_and(|egress| egress.len() == 1), "{line:#}");
        levels[level] += 1;
    }
    ensure!(by_id.is_empty(), "what nobody sent: {:?}", by_id.keys());
    ensure!(levels.iter().all(|count| *count > 10), "not each of the rules was in force: {levels:?}");
    Ok(())
}
