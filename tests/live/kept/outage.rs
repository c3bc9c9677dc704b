//! Under load, with the store away for a while: every body arrives, byte for byte.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hoptap_tests::hoptap::Hoptap;
use hoptap_tests::process::{Scratch, Stdout};
use hoptap_tests::s3::{ACCESS_KEY, S3, SECRET_KEY};
use serde_json::Value;

use super::{Exchange, Place, counter, load, until};

const BUCKET: &str = "bodies";

/// What comes in ten seconds fits the memory that stores have.
const PAUSE: Duration = Duration::from_millis(60);

/// Of each exchange: two bodies on two hops, and the document.
const OBJECTS: usize = 5;

pub(crate) async fn check() -> Result<()> {
    let place = Place::start().await?;
    let mut s3 = S3::start(&[BUCKET]).await?;
    let scratch = Scratch::new("outage")?;
    let file = scratch.path().join("hoptap.yaml");
    let text = format!(
        "version: 2\nservices:\n  event_stores: [{{type: disabled}}]\n  object_stores:\n    - {{type: s3, endpoint: \
         '127.0.0.1:{}', bucket: {BUCKET}, path_style: true, insecure: true, access_key: {{type: env, value: KEY}}, \
         secret_key: {{type: env, value: SECRET}}}}\nstacks: {{s: {{plugins: [{{type: http_capture, config: {{level: \
         full}}}}]}}}}\ntap: {{http: {{stack: s}}}}\n",
        s3.port
    );
    std::fs::write(&file, text)?;
    let pid = place.traefik.pid().to_string();
    let arguments = ["--config", &file.display().to_string(), "--pid", &pid];
    let mut hoptap = Hoptap::start(&arguments, &[("KEY", ACCESS_KEY), ("SECRET", SECRET_KEY)], Stdout::Log).await?;

    let stop = Arc::new(AtomicBool::new(false));
    let sending = tokio::spawn(load(place.traefik.address("web")?, PAUSE, Arc::clone(&stop)));
    tokio::time::sleep(Duration::from_secs(3)).await;
    s3.kill();
    tokio::time::sleep(Duration::from_secs(10)).await;
    s3.go_on().await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.store(true, Relaxed);
    let sent = sending.await??;
    ensure!(sent.len() > 500, "only {} requests: the outage shows nothing", sent.len());

    let expected = sent.len() * OBJECTS;
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let all = expected as f64;
    until(&hoptap, Duration::from_secs(60), |samples| counter(samples, "hoptap_export_objects_total", "sent") >= all)
        .await?;
    let samples = hoptap.metrics().await?;
    for outcome in ["failed", "refused", "dropped"] {
        let lost = counter(&samples, "hoptap_export_objects_total", outcome);
        ensure!(lost == 0.0, "{lost} objects {outcome}");
    }
    let whole = counter(&samples, "hoptap_bodies_total", "whole");
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let bodies = (sent.len() * 4) as f64;
    ensure!(whole == bodies, "{whole} whole bodies of {bodies}");
    ensure!(hoptap.stop()?.success(), "{}", hoptap.output());
    arrived(&sent, &s3.objects(BUCKET)?)
}

/// Every body lies where its document says.
fn arrived(sent: &[Exchange], objects: &[(String, Vec<u8>)]) -> Result<()> {
    ensure!(objects.len() == sent.len() * OBJECTS, "{} objects of {}", objects.len(), sent.len() * OBJECTS);
    let by_key: HashMap<&str, &[u8]> = objects.iter().map(|(key, bytes)| (key.as_str(), bytes.as_slice())).collect();
    let mut documents = HashMap::new();
    for (key, bytes) in objects.iter().filter(|(key, _)| key.ends_with("/exchange.json")) {
        let document: Value = serde_json::from_slice(bytes).with_context(|| key.clone())?;
        let query = document["ingress"]["url.query"].as_str().context("no query")?;
        documents.insert(query.trim_start_matches("id=").to_owned(), document);
    }
    for exchange in sent {
        let document = documents.get(&exchange.id).with_context(|| format!("no document of {}", exchange.id))?;
        let bodies = document["objects"].as_array().context("no list of objects")?;
        ensure!(bodies.len() == 4, "{document:#}");
        for body in bodies {
            let key = body["key"].as_str().context("no key")?;
            let found = by_key.get(key).with_context(|| format!("{key} is not there"))?;
            let expected = if body["part"] == "request" { &exchange.request } else { &exchange.response };
            ensure!(*found == expected.as_slice(), "{key} is not what went by: {} bytes", found.len());
        }
    }
    Ok(())
}
