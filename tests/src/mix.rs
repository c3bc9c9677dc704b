//! Cases of every kind at once and in random order, some after others on one connection: what is right one by one must
//! be right in a crowd.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use hoptap::link::Ids;

use tokio::time::timeout;

use crate::case::{Case, Shot};
use crate::client::Connection;
use crate::lab::Lab;
use crate::load::unix_nanos;
use crate::oracle;
use crate::span::{Kind, Span};

/// One in so many of the cases that are drawn may move a megabyte.
const LARGE_ONE_IN: u64 = 20;

/// A connection is kept for the next case so many times in ten.
const KEPT_IN_TEN: u64 = 7;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(8);

/// How much of what.
#[derive(Debug, Clone)]
pub struct Mix {
    pub cases: Vec<Case>,
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
        let is_known = |id: Option<&str>| id.is_none_or(|id| !unanswered.contains(id));
        let logged = shots.iter().filter(|shot| shot.logged).count();
        let mut rows = lab.rows(before, logged).await?;
        rows.retain(|row| is_known(row.id.as_deref()));
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
        verdict.check()
    }

    /// What was sent, and the ids of what was never answered.
    async fn run(&self, lab: &Lab) -> Result<(Vec<Shot>, HashSet<String>)> {
        let next = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> = (0..self.at_once as u64)
            .map(|worker| {
                let (mix, next, doors) = (self.clone(), Arc::clone(&next), Arc::clone(&lab.doors));
                tokio::spawn(async move {
                    let mut random = Ids::new(mix.seed ^ worker.wrapping_mul(0x2545_f491_4f6c_dd1d));
                    let (mut shots, mut unanswered) = (Vec::new(), Vec::new());
                    let mut kept: Option<Connection> = None;
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= mix.shots {
                            return anyhow::Ok((shots, unanswered));
                        }
                        let case = draw(&mut random, &mix.cases);
                        let kept_now = kept.take().filter(|_| case.may_follow() && random.draw() % 10 < KEPT_IN_TEN);
                        let id = format!("mix-{}-{number}", mix.seed);
                        match timeout(PATIENCE, case.fire(&doors, &id, kept_now)).await {
                            Ok(shot) => {
                                let mut shot = shot?;
                                kept = shot.kept.take().filter(|_| case.may_follow());
                                shots.push(shot);
                            }
                            Err(_) if mix.unanswered => unanswered.push(id),
                            Err(_) => bail!("{id} was not answered: {}", case.name),
                        }
                    }
                })
            })
            .collect();
        let (mut shots, mut unanswered) = (Vec::with_capacity(self.shots), HashSet::new());
        for worker in workers {
            let (answered, others) = worker.await??;
            shots.extend(answered);
            unanswered.extend(others);
        }
        Ok((shots, unanswered))
    }
}

fn draw(random: &mut Ids, cases: &[Case]) -> Case {
    loop {
        let index = random.draw() % cases.len() as u64;
        let Some(case) = usize::try_from(index).ok().and_then(|index| cases.get(index)) else { continue };
        if !case.is_large() || random.draw().is_multiple_of(LARGE_ONE_IN) {
            return *case;
        }
    }
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
