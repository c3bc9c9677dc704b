//! Goroutines that send to mirrors: each works for one request, and begins when that may be answered already.

use super::run::{Lane, LaneState, RunId};
use super::{LIMIT, Linker};
use crate::event::{Goroutine, Pid, Time};

/// How long a goroutine that sends to mirrors may do nothing before it is taken to have ended: it goes from one to the
/// next at once.
const MIRROR_PATIENCE: Time = 1_000_000_000;

/// A goroutine that sends to mirrors, or was started to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mirror {
    Spawned((Pid, u64), RunId),
    Begun(Lane),
}

impl Linker {
    /// A goroutine that serves a request starts another one: for the mirrors of that request.
    pub(super) fn spawn(&mut self, time: Time, pid: Pid, goroutine: Goroutine, closure: u64) {
        // Others that are started this way (providers, checks) are not started by who serves a client.
        let Some(run) = self.lane(pid, goroutine).filter(|lane| !lane.mirror).map(|lane| lane.run) else { return };
        if self.spawned.len() >= LIMIT {
            self.abandoned += 1;
            return;
        }
        self.spawned.insert((pid, closure), run);
        if let Some(run) = self.runs.get_mut(&run) {
            run.mirror_lanes += 1;
        }
        self.mirrors.push_back((time + MIRROR_PATIENCE, Mirror::Spawned((pid, closure), run)));
    }

    /// That goroutine begins.
    pub(super) fn mirror(&mut self, time: Time, pid: Pid, goroutine: Goroutine, closure: u64) {
        let Some(id) = self.spawned.remove(&(pid, closure)) else { return };
        let lane = (pid, goroutine.id);
        self.lanes.insert(lane, LaneState::new(id, true, time));
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.lanes.push(lane);
        run.mirror_lanes += 1;
        self.mirrors.push_back((time + MIRROR_PATIENCE, Mirror::Begun(lane)));
    }

    /// Lets go of the run of a goroutine that has done nothing for long.
    pub(super) fn mirror_ends(&mut self, now: Time, mirror: Mirror) {
        match mirror {
            Mirror::Spawned(key, run) => {
                if self.spawned.get(&key) == Some(&run) {
                    self.spawned.remove(&key);
                }
                self.let_go(run);
            }
            Mirror::Begun(lane) => {
                let Some(state) = self.lanes.get(&lane) else { return };
                let sends = self.runs.get(&state.run).is_some_and(|run| run.mirrors_open > 0);
                if sends || state.dial.is_some() || state.last + MIRROR_PATIENCE > now {
                    self.mirrors.push_back((now + MIRROR_PATIENCE, mirror));
                    return;
                }
                self.leave_mirrors(lane);
            }
        }
    }

    /// What goroutines do for mirrors from here on is nobody's: where they are was lost.
    pub(super) fn lose_mirrors(&mut self) {
        self.spawned.clear();
        for (_, mirror) in std::mem::take(&mut self.mirrors) {
            match mirror {
                Mirror::Spawned(_, run) => self.let_go(run),
                Mirror::Begun(lane) => self.leave_mirrors(lane),
            }
        }
    }

    fn leave_mirrors(&mut self, lane: Lane) {
        if let Some(state) = self.remove_lane(&lane) {
            self.let_go(state.run);
        }
    }

    fn let_go(&mut self, id: RunId) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.mirror_lanes = run.mirror_lanes.saturating_sub(1);
        self.release(id);
    }

    /// The same without those probes, by what is likely: the request for which a goroutine started by `parent` sends to
    /// mirrors. They are sent to after the answer of the main service is there
    /// (pkg/server/service/loadbalancer/mirror/mirror.go), perhaps when the client's next request has begun already.
    pub(super) fn mirrored_run(&mut self, parent: Lane) -> Option<RunId> {
        let current = self.lanes.get(&parent).map(|lane| lane.run);
        let before = self.answered.get(&parent).copied();
        let served = |run: &&RunId| {
            self.runs.get(run).is_some_and(|run| !run.mirrored && run.open == 0 && !run.attempts.is_empty())
        };
        let fresh = |run: &&RunId| self.runs.get(run).is_some_and(|run| !run.mirrored);
        let run = before
            .as_ref()
            .filter(fresh)
            .filter(|_| current.as_ref().filter(served).is_none())
            .or(current.as_ref())
            .or(before.as_ref())
            .copied()?;
        self.runs.get_mut(&run)?.mirrored = true;
        Some(run)
    }
}
