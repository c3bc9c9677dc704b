//! What hoptap holds on to while a million requests of HTTP/2 go by: resident memory after each part of them. Clients
//! come and go, some reset their streams, and every request has a query of its own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use hoptap_tests::collector::Collector;
use hoptap_tests::cpu;
use hoptap_tests::hoptap::{self, Hoptap};
use hoptap_tests::process::{Scratch, Stdout};
use hoptap_tests::streams::Streams;
use hoptap_tests::traefik::{Setup, Traefik};

use crate::say;
use crate::scenario::Ground;

const REQUESTS: usize = 1_000_000;
const PARTS: usize = 20;
const RESET_ONE_IN: usize = 50;

/// HOPTAP_REQUESTS: how many.
pub(crate) async fn run(arguments: &[String]) -> Result<()> {
    let requests = std::env::var("HOPTAP_REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(REQUESTS);
    let scratch = Scratch::new("memory")?;
    let ground = Ground::new(&scratch).await?;
    let collector = Collector::start_counting("127.0.0.1:0").await?;
    let traefik = Traefik::start(&Setup {
        entrypoints: &[("web", ""), ("websecure", "")],
        dynamic: &ground.dynamic,
        no_access_log: true,
        ..Setup::default()
    })
    .await?;
    let doors = ground.doors(&traefik);
    let mut attached = None;
    match hoptap::lacking() {
        Some(reason) => say(&format!("without hoptap: {reason}")),
        None => {
            let pid = traefik.pid().to_string();
            let mut all = vec!["--pid", pid.as_str()];
            all.extend(arguments.iter().map(String::as_str));
            let endpoint = collector.endpoint();
            let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
            attached = Some(Hoptap::start(&all, &environment, Stdout::Nowhere).await?);
        }
    }
    let hoptap = attached.as_ref().map(Hoptap::pid);
    report(0, hoptap, &traefik, &collector)?;
    for part in 1..=PARTS {
        Streams {
            doors: Arc::clone(&doors),
            connections: 10,
            at_once: 20,
            requests: requests / PARTS,
            hosts: vec!["any.test", "h2c.test"],
            reset_one_in: RESET_ONE_IN,
        }
        .run()
        .await?;
        report(part * (requests / PARTS), hoptap, &traefik, &collector)?;
    }
    // What is waited for only must be let go of, and exported, by then.
    tokio::time::sleep(Duration::from_secs(30)).await;
    report(requests, hoptap, &traefik, &collector)
}

fn report(sent: usize, hoptap: Option<u32>, traefik: &Traefik, collector: &Collector) -> Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
    let mebibytes = |bytes: u64| bytes as f64 / 1_048_576.0;
    let own = match hoptap {
        Some(pid) => {
            let (now, most) = cpu::resident(pid)?;
            format!("hoptap {:.1} MiB, {:.1} at most, ", mebibytes(now), mebibytes(most))
        }
        None => String::new(),
    };
    let (now, _) = cpu::resident(traefik.pid())?;
    say(&format!("{sent:>8} requests: {own}Traefik {:.1} MiB, {} spans", mebibytes(now), collector.count()));
    Ok(())
}
