//! How runs end: answered, given up, left behind by something that was not seen.

use super::run::{Lane, LaneState, MessageKey, Run, RunId};
use super::{LIMIT, Linker};
use crate::connection::Epoch;
use crate::event::{Name, Pid, Time};
use crate::exchange::Server;

/// How long an answered request waits for attempts that are still open (an upload that goes on, a backend that is
/// being hung up on) before it is handed out without them.
const PATIENCE: Time = 500_000_000;

/// How long a run is kept after its connection is gone, for mirrors that start late.
const AFTERLIFE: Time = 10_000_000_000;

impl Linker {
    /// A client request was answered, or given up, by the goroutine `serve`; at its first byte there had been `epoch`
    /// losses. `server` has all that its bytes say; names and attempts are added here.
    pub fn answered(
        &mut self,
        time: Time,
        (pid, serve, epoch): (Pid, Option<u64>, Epoch),
        traceparent: (Option<&str>, Option<&str>),
        make: impl FnOnce(Known, crate::exchange::Context) -> Server,
    ) {
        let lane = serve.map(|goroutine| (pid, goroutine));
        if let Some(lane) = lane {
            self.close_dial(lane, time);
        }
        let taken = lane.and_then(|lane| self.remove_lane(&lane));
        let handler = taken.as_ref().is_some_and(|lane| lane.stream.is_some());
        let taken = taken.map(|lane| lane.run);
        let stale = |run: &RunId| self.runs.get(run).is_none_or(|run| run.epoch != epoch);
        let id = match taken {
            // Left by a request of which the end was lost.
            Some(run) if stale(&run) => {
                self.forget(run);
                self.start_run(pid)
            }
            Some(run) => run,
            None => self.start_run(pid),
        };
        // A goroutine that serves one stream ends with it; without the probes that tell for whom mirrors are sent to it
        // is remembered for a while.
        let kept = lane.filter(|_| !handler || !self.exact_mirrors.contains(&pid));
        if let Some(lane) = kept
            && let Some(before) = self.answered.insert(lane, id)
        {
            self.forget(before);
        }
        if let Some((_, goroutine)) = kept.filter(|_| handler) {
            self.leave(time, pid, goroutine);
        }
        let context = self.ids.server(traceparent.0, traceparent.1);
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.context = Some(context.clone());
        run.server = Some(make(Known::of(run), context));
        if run.open == 0 {
            self.hand_out(id);
        } else {
            self.waiting.push_back((time + PATIENCE, id));
        }
        if kept.is_none() {
            self.forget(id);
        }
    }

    /// The client's connection is gone: what its goroutine left is forgotten after a while.
    pub fn leave(&mut self, time: Time, pid: Pid, serve: u64) {
        self.leaving.push_back((time + AFTERLIFE, (pid, serve)));
    }

    /// Something was lost, and with it perhaps what would have told apart what comes from what was.
    pub fn lost(&mut self, epoch: Epoch) {
        self.epoch = epoch;
        self.expected.clear();
        self.requests.clear();
        self.writers.clear();
        self.lose_mirrors();
        self.dials.lost();
        // Of streams that are under way nothing will be told.
        let handlers: Vec<Lane> = self.streams.iter().map(|((pid, ..), handler)| (*pid, *handler)).collect();
        for lane in handlers {
            self.abandon(lane);
        }
    }

    /// A client request is not told: what its goroutine said of it is of no use.
    pub fn discard(&mut self, pid: Pid, serve: Option<u64>) {
        let Some(state) = serve.and_then(|serve| self.remove_lane(&(pid, serve))) else { return };
        self.forget(state.run);
    }

    /// A request to a backend is over, and what is known of it may be wrong.
    pub fn attempt_lost(&mut self, key: MessageKey) {
        let Some(owner) = self.owners.remove(&key) else { return };
        let Some((id, run)) = owner.run.and_then(|id| Some((id, self.runs.get_mut(&id)?))) else { return };
        run.ends(owner.role);
        if run.server.is_some() && run.open == 0 {
            self.hand_out(id);
        } else {
            self.release(id);
        }
    }

    /// Hands out what has waited long enough.
    pub fn pass(&mut self, now: Time) {
        while let Some(&(deadline, id)) = self.waiting.front() {
            if deadline > now {
                break;
            }
            self.waiting.pop_front();
            if self.runs.get(&id).is_some_and(|run| run.server.is_some()) {
                self.hand_out(id);
            }
        }
        while let Some(&(deadline, mirror)) = self.mirrors.front() {
            if deadline > now {
                break;
            }
            self.mirrors.pop_front();
            self.mirror_ends(now, mirror);
        }
        while let Some(&(deadline, lane)) = self.leaving.front() {
            if deadline > now {
                break;
            }
            self.leaving.pop_front();
            if let Some(run) = self.answered.remove(&lane) {
                self.forget(run);
            }
            self.abandon(lane);
        }
    }

    /// Hands out everything that was answered.
    pub fn finish(&mut self) {
        while let Some((_, id)) = self.waiting.pop_front() {
            if self.runs.get(&id).is_some_and(|run| run.server.is_some()) {
                self.hand_out(id);
            }
        }
    }

    /// A goroutine has told something about the request that it serves.
    pub fn serves(&self, pid: Pid, goroutine: u64) -> bool {
        self.lanes.contains_key(&(pid, goroutine))
    }

    /// A process ended: nothing of it will be heard again.
    pub fn exit(&mut self, pid: Pid) {
        self.lanes.retain(|lane, _| lane.0 != pid);
        self.streams.retain(|key, _| key.0 != pid);
        self.nameless.remove(&pid);
        self.exact_mirrors.remove(&pid);
        self.spawned.retain(|key, _| key.0 != pid);
        self.answered.retain(|lane, _| lane.0 != pid);
        self.dials.exit(pid);
        self.expected.retain(|key, _| key.0 != pid);
        self.requests.retain(|key, _| key.0 != pid);
        self.writers.retain(|lane, _| lane.0 != pid);
        self.runs.retain(|_, run| run.pid != pid || run.server.is_some());
    }

    /// A goroutine works for its run no longer.
    pub(super) fn remove_lane(&mut self, lane: &Lane) -> Option<LaneState> {
        let state = self.lanes.remove(lane)?;
        if let Some((serve, stream)) = state.stream {
            self.streams.remove(&(lane.0, serve, stream));
        }
        if let Some(dial) = &state.dial {
            self.forget_dial(lane.0, dial);
        }
        Some(state)
    }

    /// Makes room: the older half of what goroutines do for requests.
    pub(super) fn abandon_oldest(&mut self) {
        let oldest = self.next.saturating_sub(LIMIT as RunId / 2);
        let lanes: Vec<Lane> = self.lanes.iter().filter(|(_, lane)| lane.run < oldest).map(|(lane, _)| *lane).collect();
        for lane in lanes {
            self.abandon(lane);
        }
    }

    /// A run of which the end was not seen.
    pub(super) fn abandon(&mut self, lane: Lane) {
        if let Some(state) = self.remove_lane(&lane) {
            self.abandoned += 1;
            self.forget(state.run);
        }
    }

    /// Something that held a run is over: the run goes with it, unless more is to come.
    pub(super) fn release(&mut self, id: RunId) {
        let Some(run) = self.runs.get(&id) else { return };
        if run.forgotten || run.handed_out && !self.is_last_of_a_goroutine(id) {
            self.forget(id);
        }
    }

    pub(super) fn forget(&mut self, id: RunId) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.forgotten = true;
        if run.is_held() || run.server.is_some() {
            // Its last attempt removes it.
            return;
        }
        if let Some(run) = self.runs.remove(&id) {
            for lane in run.lanes {
                if self.lanes.get(&lane).is_some_and(|state| state.run == id) {
                    self.remove_lane(&lane);
                }
            }
        }
    }
}

/// What the goroutine of a request told about it.
#[derive(Debug, Default)]
pub struct Known {
    pub entrypoint: Option<Name>,
    pub router: Option<Name>,
    pub rule: Option<Name>,
    pub service: Option<Name>,
    pub leaf: Option<Name>,
    pub url: Option<Name>,
    /// It asked a backend.
    pub attempted: bool,
    /// When its handler began, where that was later than the request came.
    pub begun: Option<Time>,
}

impl Known {
    fn of(run: &Run) -> Self {
        Self {
            entrypoint: run.entrypoint.clone(),
            router: run.router.clone(),
            rule: run.rule.clone(),
            service: run.service.clone(),
            leaf: run.leaf.clone(),
            url: run.url.clone(),
            attempted: run.open > 0 || !run.attempts.is_empty(),
            begun: run.begun,
        }
    }
}
