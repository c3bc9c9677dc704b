//! One of those who send a mix.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use hoptap::link::Ids;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Mix;
use super::pool::Pool;
use crate::case::{Case, Shot};
use crate::client::Connection;
use crate::doors::Doors;
use crate::stream_case::StreamCase;

/// One in so many of the cases that are drawn may move a megabyte.
const LARGE_ONE_IN: u64 = 20;

/// A connection is kept for the next case so many times in ten.
const KEPT_IN_TEN: u64 = 7;

/// So many connections of each kind does a worker keep.
const KEPT: usize = 2;

/// One in so many cases that may share a connection comes with others, at the same moment on the same one.
const BURST_ONE_IN: u64 = 8;

/// At most so many.
const BURST: u64 = 20;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(8);

#[derive(Debug, Clone, Copy)]
enum Drawn {
    One(Case),
    Stream(StreamCase),
}

/// What was sent, and the ids of what was never answered.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) shots: Vec<Shot>,
    pub(super) unanswered: Vec<String>,
}

pub(super) struct Worker {
    pub(super) mix: Mix,
    pub(super) next: Arc<AtomicUsize>,
    pub(super) doors: Arc<Doors>,
    pub(super) pool: Arc<Pool>,
    pub(super) random: Ids,
    /// Without and with TLS.
    pub(super) kept: [Vec<Connection>; 2],
}

impl Worker {
    pub(super) async fn run(mut self) -> Result<Sent> {
        let mut sent = Sent::default();
        // Connections that this mix has used. The first that is seen on an older one must be a request that can be told
        // from what was under way before.
        let mut used = HashSet::new();
        while let Some(id) = self.next_id() {
            let drawn = self.draw();
            if let Drawn::Stream(case) = drawn
                && case.may_share()
            {
                self.share(case, id, &mut sent).await?;
                continue;
            }
            let (follows, tls, logged) = match &drawn {
                Drawn::One(case) => (case.may_follow(), case.is_tls(), case.is_logged()),
                Drawn::Stream(case) => (case.may_follow(), case.over.is_tls(), case.is_logged()),
            };
            let kept = &mut self.kept[usize::from(tls)];
            let may_be = |connection: &mut Connection| logged || used.contains(&connection.local.port());
            let kept = if follows && self.random.draw() % 10 < KEPT_IN_TEN { kept.pop_if(may_be) } else { None };
            let fired = async {
                match drawn {
                    Drawn::One(case) => case.fire(&self.doors, &id, kept).await,
                    Drawn::Stream(case) => case.fire(&self.doors, &id, kept).await.map(|(shot, _)| shot),
                }
            };
            match timeout(PATIENCE, fired).await {
                Ok(shot) => {
                    let mut shot = shot?;
                    used.insert(shot.port);
                    let kept = &mut self.kept[usize::from(tls)];
                    kept.extend(shot.kept.take().filter(|_| follows));
                    kept.truncate(KEPT.max(1));
                    sent.shots.push(shot);
                }
                Err(_) if self.mix.unanswered => sent.unanswered.push(id),
                Err(_) => bail!("{id} was not answered: {drawn:?}"),
            }
        }
        Ok(sent)
    }

    /// On a connection that others use, too; some with company.
    async fn share(&mut self, case: StreamCase, id: String, sent: &mut Sent) -> Result<()> {
        let connection = self.pool.draw(&case, &self.doors, &mut self.random).await?;
        let mut burst = vec![(case, id)];
        if self.random.draw().is_multiple_of(BURST_ONE_IN) {
            let company = self.random.draw() % BURST;
            let alike: Vec<_> =
                self.mix.streams.iter().filter(|one| one.over == case.over && one.may_share()).copied().collect();
            for _ in 0..company {
                let index = usize::try_from(self.random.draw() % alike.len() as u64)?;
                let Some(one) = alike.get(index).filter(|one| !one.is_large()) else { continue };
                let Some(id) = self.next_id() else { break };
                burst.push((*one, id));
            }
        }
        let mut under_way = JoinSet::new();
        for (case, id) in burst {
            let connection = Arc::clone(&connection);
            under_way.spawn(async move {
                let outcome = timeout(PATIENCE, case.fire_on(&connection, &id)).await;
                (case, id, outcome)
            });
        }
        while let Some(joined) = under_way.join_next().await {
            match joined? {
                (_, _, Ok(shot)) => sent.shots.push(shot?.0),
                (_, id, Err(_)) if self.mix.unanswered => sent.unanswered.push(id),
                (case, id, Err(_)) => bail!("{id} was not answered: {case:?}"),
            }
        }
        Ok(())
    }

    fn next_id(&self) -> Option<String> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.mix.shots).then(|| format!("mix-{}-{number}", self.mix.seed))
    }

    fn draw(&mut self) -> Drawn {
        let mix = &self.mix;
        loop {
            let count = mix.cases.len() + mix.streams.len();
            let Ok(index) = usize::try_from(self.random.draw() % count as u64) else { continue };
            let (drawn, large) = match (mix.cases.get(index), mix.streams.get(index.wrapping_sub(mix.cases.len()))) {
                (Some(case), _) => (Drawn::One(*case), case.is_large()),
                (None, Some(case)) => (Drawn::Stream(*case), case.is_large()),
                (None, None) => continue,
            };
            if !large || self.random.draw().is_multiple_of(LARGE_ONE_IN) {
                return drawn;
            }
        }
    }
}
