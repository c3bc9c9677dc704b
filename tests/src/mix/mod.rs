//! Cases of every kind at once and in random order, some after others on one connection: what is right one by one must
//! be right in a crowd.

mod agree;
mod pool;
mod worker;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use anyhow::{Result, ensure};
use hoptap::link::Ids;

use crate::case::{Case, Shot};
use crate::lab::Lab;
use crate::load::unix_nanos;
use crate::oracle::{self, Verdict};
use crate::span::{Kind, Span};
use crate::stream_case::StreamCase;
use pool::Pool;
use worker::{Sent, Worker};

/// How much of what.
#[derive(Debug, Clone)]
pub struct Mix {
    pub cases: Vec<Case>,
    /// For labs that speak more than HTTP/1 without TLS.
    pub streams: Vec<StreamCase>,
    /// Traefik may fail to answer: its fastProxy does, without hoptap as with it, where a backend closes a connection that
    /// it had kept (3.6.12, pkg/proxy/fast/connpool.go). Nothing is known of such a request, then.
    pub unanswered: bool,
    pub shots: usize,
    /// Under way at the same time.
    pub at_once: usize,
    /// Draws the same cases in the same order; when they meet is up to the machine.
    pub seed: u64,
}

impl Mix {
    /// Sends all of it and compares all that is known.
    ///
    /// # Errors
    /// What differs.
    pub async fn check(&self, lab: &Lab) -> Result<()> {
        let before = lab.begin()?;
        let (shots, unanswered) = self.run(lab).await?;
        compare(lab, before, &shots, &unanswered).await
    }

    /// What was sent, and the ids of what was never answered.
    async fn run(&self, lab: &Lab) -> Result<(Vec<Shot>, HashSet<String>)> {
        let mut early = lab.take_all_early();
        let (next, pool) = (Arc::new(AtomicUsize::new(0)), Arc::new(Pool::new(&mut early)));
        let workers: Vec<_> = (0..self.at_once as u64)
            .map(|number| {
                let worker = Worker {
                    mix: self.clone(),
                    next: Arc::clone(&next),
                    doors: Arc::clone(&lab.doors),
                    pool: Arc::clone(&pool),
                    random: Ids::new(self.seed ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d)),
                    kept: [early.plain.pop().into_iter().collect(), early.tls.pop().into_iter().collect()],
                };
                tokio::spawn(worker.run())
            })
            .collect();
        let (mut shots, mut without) = (Vec::with_capacity(self.shots), HashSet::new());
        for worker in workers {
            let Sent { shots: answered, unanswered } = worker.await??;
            shots.extend(answered);
            without.extend(unanswered);
        }
        Ok((shots, without))
    }
}

/// Compares what was sent with all that is known of it; nothing is known of the `unanswered`. `before` rows were in the
/// access log when it began.
///
/// # Errors
/// What differs.
pub async fn compare(lab: &Lab, before: usize, shots: &[Shot], unanswered: &HashSet<String>) -> Result<()> {
    let is_known = |id: Option<&str>| id.is_none_or(|id| !unanswered.contains(id));
    let logged = shots.iter().filter(|shot| shot.logged).count();
    let mut rows = lab.rows(before, logged).await?;
    rows.retain(|row| is_known(row.id.as_deref()));
    if lab.hoptap.is_none() {
        let differences = agree::differences(shots, &rows, &lab.backends.received());
        return Verdict { rows: rows.len(), differences, ..Verdict::default() }.check();
    }
    let arrived = lab.backends.received().iter().filter(|one| one.id.is_some()).count();
    let mut spans = lab.spans(shots.len(), arrived).await;
    // Mirrors are sent to after the answer: what they got is asked for when all spans are there.
    let mut received = lab.backends.received();
    received.retain(|one| is_known(one.id.as_deref()));
    spans.retain(|span| span.kind != Kind::Server || is_known(oracle::span_id(span).as_deref()));
    let mut differences = Vec::new();
    for shot in shots.iter().filter(|shot| !shot.logged) {
        if let Err(difference) = take(&mut spans, shot) {
            differences.push(difference);
        }
    }
    let mut verdict = oracle::compare(&rows, &spans, &received);
    verdict.differences.extend(differences);
    if let (false, Some(hoptap)) = (verdict.differences.is_empty(), &lab.hoptap) {
        let told = ["hoptap_requests_total", "hoptap_drops_total"];
        let samples = hoptap.metrics().await?;
        let samples = samples.iter().filter(|sample| told.contains(&sample.name.as_str()) && sample.value > 0.0);
        verdict.differences.extend(samples.map(|sample| format!("hoptap counts {sample:?}")));
    }
    verdict.check()
}

/// Takes the SERVER span of a request out that Traefik does not log: by its id where it could be read, else by the
/// client's port and the time.
fn take(spans: &mut Vec<Span>, shot: &Shot) -> Result<(), String> {
    let is_it = |span: &Span| {
        let by_port = span.number("client.port") == Some(shot.port.into())
            && span.text("traefik.router.name").is_none()
            // Clocks of different threads, and a head that came in one read.
            && span.start + 1_000_000 >= shot.begun
            && span.start <= unix_nanos();
        span.kind == Kind::Server && oracle::span_id(span).map_or(by_port, |id| id == shot.id)
    };
    let found = spans.iter().enumerate().filter(|(_, span)| is_it(span)).min_by_key(|(_, span)| span.start);
    let Some((index, span)) = found else {
        return Err(format!("no SERVER span for {shot:?}"));
    };
    let status = span.number("http.response.status_code");
    let expected = shot.status.map(i64::from);
    if status != expected && expected.is_some() {
        return Err(format!("expected {expected:?}, found {status:?} in {span:?}"));
    }
    spans.remove(index);
    Ok(())
}

/// HOPTAP_SEED, or always the same.
///
/// # Errors
/// Where it is no number.
pub fn seed() -> Result<u64> {
    match std::env::var("HOPTAP_SEED") {
        Ok(text) => {
            let seed = text.parse();
            ensure!(seed.is_ok(), "expected a number in HOPTAP_SEED, found {text:?}");
            Ok(seed?)
        }
        Err(_) => Ok(1),
    }
}
