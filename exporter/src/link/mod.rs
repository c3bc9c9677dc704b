//! Which requests to backends belong to which client request.
//!
//! The thread through all of it is the goroutine: a client's connection is served by one, and what it hands to others
//! (requests, dials, mirrors) is known by an address that both have in hand. Nothing here is guessed from bytes; what
//! has no goroutine to go by is left to [`Linker::infer`].

mod dial;
mod emit;
mod ending;
mod mirror;
mod run;
mod trace;

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::connection::{Clock, Epoch, Sequence};
use crate::event::{ConnectionId, Goroutine, Pid, Probe, Role as GoroutineRole, Time};
use crate::exchange::{Exchange, Hop, Kept, Link, Role};
use crate::redact::without_user;
use crate::traefik::Names;

pub use emit::server;
pub use ending::Known;

use dial::Dials;
use mirror::Mirror;
use run::{Done, Lane, LaneState, MessageKey, Owner, Run, RunId};
pub use trace::Ids;

/// Attempts of one request that are kept: net/http may try every idle connection of a pool, but not without end.
const MOST_ATTEMPTS: usize = 4096;

/// Goroutines, dials and hand-overs that are remembered at once; past it the oldest knowledge is dropped and counted.
const LIMIT: usize = 262_144;

/// What is handed out.
#[derive(Debug)]
pub struct Emitted {
    pub exchange: Exchange,
    /// To say what became of it: see [`Linker::judged`].
    pub run: Option<RunId>,
    /// What was said of the part of it that was handed out before.
    pub before: Option<Kept>,
}

/// The runs of all processes.
#[derive(Debug)]
pub struct Linker {
    /// To the wall clock, for what has no message of its own.
    pub clock: Clock,
    ids: Ids,
    next: RunId,
    runs: FxHashMap<RunId, Run>,
    lanes: FxHashMap<Lane, LaneState>,
    /// Goroutines that serve streams, by the goroutine that serves the connection and the stream.
    streams: FxHashMap<(Pid, u64, u32), u64>,
    /// The last answered run of a goroutine: its mirrors may start after the answer.
    answered: FxHashMap<Lane, RunId>,
    /// Processes without the probes that show who works for a request: whoever dials there may.
    pub nameless: FxHashSet<Pid>,
    /// Processes with the probes that show for which request a goroutine sends to mirrors.
    pub exact_mirrors: FxHashSet<Pid>,
    /// Losses so far.
    epoch: Epoch,
    /// Goroutines that were started to send to mirrors and have not begun, by their closure.
    spawned: FxHashMap<(Pid, u64), RunId>,
    /// Goroutines that send to mirrors, or were started to, by the time at which they are looked at again.
    mirrors: VecDeque<(Time, Mirror)>,
    dials: Dials,
    /// The next request on a descriptor is this one's.
    expected: FxHashMap<(Pid, i32), Owner>,
    /// Same by `*http.Request`, where the descriptor could not be read.
    requests: FxHashMap<(Pid, u64), Owner>,
    /// Same by the goroutine that writes.
    writers: FxHashMap<Lane, Owner>,
    owners: FxHashMap<MessageKey, Owner>,
    /// Answered runs that wait, by deadline.
    waiting: VecDeque<(Time, RunId)>,
    /// Runs whose connection is gone, by the time at which they are forgotten.
    leaving: VecDeque<(Time, Lane)>,
    /// Complete exchanges, to be taken.
    pub out: Vec<Emitted>,
    /// Hand-overs and runs that led to nothing that could be told.
    pub abandoned: u64,
}

impl Linker {
    pub fn new(seed: u64) -> Self {
        Self {
            clock: Clock::default(),
            ids: Ids::new(seed),
            next: 0,
            runs: FxHashMap::default(),
            lanes: FxHashMap::default(),
            streams: FxHashMap::default(),
            answered: FxHashMap::default(),
            nameless: FxHashSet::default(),
            exact_mirrors: FxHashSet::default(),
            epoch: 0,
            spawned: FxHashMap::default(),
            mirrors: VecDeque::new(),
            dials: Dials::default(),
            expected: FxHashMap::default(),
            requests: FxHashMap::default(),
            writers: FxHashMap::default(),
            owners: FxHashMap::default(),
            waiting: VecDeque::new(),
            leaving: VecDeque::new(),
            out: Vec::new(),
            abandoned: 0,
        }
    }

    /// A uprobe fired.
    pub fn probe(&mut self, time: Time, pid: Pid, goroutine: Goroutine, probe: &Probe<'_>, names: &mut Names) {
        match probe {
            Probe::Router { router, rule, service, stream } => {
                self.serves_stream(pid, goroutine, *stream);
                let Some(lane) = self.lane(pid, goroutine) else { return };
                let (id, mirror, entered) = (lane.run, lane.mirror, lane.service.is_some());
                let waited = lane.stream.is_some_and(|(_, stream)| stream > 0);
                let acted = self.runs.get(&id).is_some_and(Run::has_acted_unrouted);
                if (entered || acted) && !mirror {
                    // A router after a service, or after what only a router leads to, is the next request: the end of
                    // the one before was not seen.
                    self.abandon((pid, goroutine.id));
                }
                let Some(run) = self.run_of(pid, goroutine) else { return };
                if waited {
                    run.begun.get_or_insert(time);
                }
                run.router = Some(match run.router.take() {
                    Some(parent) => names.intern(&format!("{parent} -> {router}")),
                    None => names.intern(router),
                });
                run.rule = Some(names.intern(rule));
                run.service = Some(names.intern(service));
            }
            Probe::Service { service, url } => {
                let (service, url) = (names.intern(service), url.map(|url| names.intern(&without_user(url))));
                self.close_dial((pid, goroutine.id), time);
                let Some(lane) = self.lane(pid, goroutine) else { return };
                lane.service = Some(service.clone());
                lane.waits = true;
                lane.url.clone_from(&url);
                if lane.mirror {
                    return;
                }
                let Some(run) = self.run_of(pid, goroutine) else { return };
                run.leaf = Some(service);
                run.url = url;
            }
            Probe::EntryPoint { name } => {
                let name = names.intern(name);
                if let Some(run) = self.run_of(pid, goroutine) {
                    run.entrypoint = Some(name);
                }
            }
            Probe::RoundTrip { fd, request } => {
                let owner = self.owner(time, pid, goroutine);
                if *fd >= 0 {
                    self.expect_on(pid, *fd, owner);
                } else if self.requests.len() < LIMIT {
                    self.requests.insert((pid, *request), owner);
                }
            }
            Probe::RequestWrite { request } => {
                if let Some(owner) = self.requests.remove(&(pid, *request)) {
                    self.writers.insert((pid, goroutine.id), owner);
                }
            }
            Probe::DialQueued { dial } => self.dial_queued(time, pid, goroutine, *dial),
            Probe::Dial { dial } => self.dial_begins(time, pid, goroutine, Some(*dial)),
            Probe::Spawn { closure } => self.spawn(time, pid, goroutine, *closure),
            Probe::Mirror { closure } => self.mirror(time, pid, goroutine, *closure),
            Probe::Stream { stream } => self.serves_stream(pid, goroutine, *stream),
            Probe::Status { .. }
            | Probe::Http3Begin { .. }
            | Probe::Http3Fields { .. }
            | Probe::Http3End { .. }
            | Probe::Http3Reset { .. } => {}
        }
    }

    fn expect_on(&mut self, pid: Pid, fd: i32, owner: Owner) {
        // What was expected and never written was given up before a byte of it left: the connection was found dead.
        if self.expected.insert((pid, fd), owner).is_some() {
            self.abandoned += 1;
        }
    }

    /// The lane of a goroutine that works for a client request; None for those that do not.
    fn lane(&mut self, pid: Pid, goroutine: Goroutine) -> Option<&mut LaneState> {
        let key = (pid, goroutine.id);
        if let Some(lane) = self.lanes.get(&key)
            && !lane.mirror
            && self.runs.get(&lane.run).is_none_or(|run| run.epoch != self.epoch)
        {
            // Where one request ended and the next began may have been lost.
            self.abandon(key);
        }
        if goroutine.role == GoroutineRole::Safe
            && self.nameless.contains(&pid)
            && let Some(taken) = self.lanes.get(&key).filter(|lane| !lane.mirror).map(|lane| lane.run)
        {
            // Its dial came first, and was taken for that of a request of its own.
            let run = self.mirrored_run((pid, goroutine.parent))?;
            self.runs.remove(&taken);
            let lane = self.lanes.get_mut(&key)?;
            (lane.run, lane.mirror) = (run, true);
            self.runs.get_mut(&run)?.lanes.push(key);
        }
        if !self.lanes.contains_key(&key) {
            let (run, mirror) = match goroutine.role {
                GoroutineRole::Serve => (self.start_run(pid), false),
                GoroutineRole::Safe if self.exact_mirrors.contains(&pid) => return None,
                GoroutineRole::Safe => (self.mirrored_run((pid, goroutine.parent))?, true),
                _ => return None,
            };
            if self.lanes.len() >= LIMIT {
                self.abandon_oldest();
            }
            self.lanes.insert(key, LaneState::new(run, mirror, 0));
            self.runs.get_mut(&run)?.lanes.push(key);
        }
        self.lanes.get_mut(&key)
    }

    fn run_of(&mut self, pid: Pid, goroutine: Goroutine) -> Option<&mut Run> {
        let run = self.lane(pid, goroutine)?.run;
        self.runs.get_mut(&run)
    }

    fn start_run(&mut self, pid: Pid) -> RunId {
        self.next += 1;
        self.runs.insert(self.next, Run::new(pid, self.epoch));
        self.next
    }

    /// Whose the next request of this goroutine to a backend is.
    fn owner(&mut self, time: Time, pid: Pid, goroutine: Goroutine) -> Owner {
        let none = |role| Owner {
            run: None,
            role,
            before_service: false,
            service: None,
            url: None,
            link: Link::Exact,
            dialled: None,
        };
        if goroutine.role == GoroutineRole::HealthCheck {
            return none(Role::HealthCheck);
        }
        let exact = self.exact_mirrors.contains(&pid);
        if self.lane(pid, goroutine).is_none() {
            return none(Role::Middleware);
        }
        // Taken whether or not its connection is used: another may have become free first.
        let dial = self.take_dial((pid, goroutine.id));
        let Some(lane) = self.lanes.get_mut(&(pid, goroutine.id)) else { return none(Role::Middleware) };
        lane.last = time;
        lane.waits = false;
        Owner {
            run: Some(lane.run),
            role: if lane.mirror { Role::Mirror } else { Role::Backend },
            before_service: lane.service.is_none(),
            service: lane.service.clone(),
            url: lane.url.clone(),
            // Without the probes the parent is known, not which of its requests it was.
            link: if lane.mirror && !exact { Link::Inferred } else { Link::Exact },
            dialled: dial.filter(|dial| dial.connected).map(|dial| dial.start),
        }
    }

    /// A handler of HTTP/2 serves this stream.
    fn serves_stream(&mut self, pid: Pid, goroutine: Goroutine, stream: u32) {
        let lane = (pid, goroutine.id);
        if stream == 0 || goroutine.role != GoroutineRole::Http2Handler || self.lanes.contains_key(&lane) {
            return;
        }
        if self.lanes.len() >= LIMIT {
            self.abandon_oldest();
        }
        let run = self.start_run(pid);
        let mut state = LaneState::new(run, false, 0);
        state.stream = Some((goroutine.parent, stream));
        self.lanes.insert(lane, state);
        self.streams.insert((pid, goroutine.parent, stream), goroutine.id);
        if let Some(run) = self.runs.get_mut(&run) {
            run.lanes.push(lane);
        }
    }

    /// A goroutine serves one request, from here on to its end.
    pub fn serves_one(&mut self, pid: Pid, goroutine: u64) {
        let lane = (pid, goroutine);
        if self.lanes.contains_key(&lane) {
            self.abandon(lane);
        }
        if self.lanes.len() >= LIMIT {
            self.abandon_oldest();
        }
        let run = self.start_run(pid);
        let mut state = LaneState::new(run, false, 0);
        state.stream = Some((goroutine, 0));
        self.lanes.insert(lane, state);
        self.streams.insert((pid, goroutine, 0), goroutine);
        if let Some(run) = self.runs.get_mut(&run) {
            run.lanes.push(lane);
        }
    }

    /// The goroutine that serves a stream, if it has told anything.
    pub fn handler(&self, pid: Pid, serve: u64, stream: u32) -> Option<u64> {
        self.streams.get(&(pid, serve, stream)).copied()
    }

    /// A goroutine has asked a backend for something that is not there yet.
    pub fn is_busy(&self, pid: Pid, goroutine: u64) -> bool {
        let Some(lane) = self.lanes.get(&(pid, goroutine)) else { return false };
        lane.dial.is_some() || self.runs.get(&lane.run).is_some_and(|run| run.open > 0)
    }

    /// The head of a request to a backend over HTTP/2, written by a goroutine that whoever asked has started: gives the
    /// time at which the attempt began, if that was earlier.
    pub fn begins_stream(&mut self, time: Time, pid: Pid, goroutine: Goroutine, key: MessageKey) -> Option<Time> {
        if goroutine.role != GoroutineRole::Http2Stream {
            return None;
        }
        let asker = (pid, goroutine.parent);
        if !self.lanes.contains_key(&asker) && self.nameless.contains(&pid) {
            // A router would have been entered before.
            self.lane(pid, Goroutine { id: goroutine.parent, parent: 0, role: GoroutineRole::Serve })?;
        }
        let asker = Goroutine { id: goroutine.parent, parent: 0, role: GoroutineRole::Other };
        let owner = self.owner(time, pid, asker);
        self.owned(owner, key)
    }

    fn owned(&mut self, owner: Owner, key: MessageKey) -> Option<Time> {
        if let Some(run) = owner.run.and_then(|run| self.runs.get_mut(&run)) {
            run.begins(owner.role);
        }
        let dialled = owner.dialled;
        self.owners.insert(key, owner);
        dialled
    }

    /// The first byte of a request to a backend: gives the time at which the attempt began, if that was earlier.
    pub fn begins(&mut self, time: Time, pid: Pid, fd: i32, goroutine: Goroutine, key: MessageKey) -> Option<Time> {
        let direct =
            matches!(goroutine.role, GoroutineRole::Serve | GoroutineRole::Http2Handler | GoroutineRole::Http3Handler)
                || goroutine.role == GoroutineRole::Safe && self.lanes.contains_key(&(pid, goroutine.id));
        let owner = if direct {
            // fastProxy: the handler itself writes.
            self.owner(time, pid, goroutine)
        } else {
            self.writers.remove(&(pid, goroutine.id)).or_else(|| self.expected.remove(&(pid, fd)))?
        };
        self.owned(owner, key)
    }

    /// Whether somebody owns a request to a backend.
    pub fn owns(&self, key: MessageKey) -> bool {
        self.owners.contains_key(&key)
    }

    /// The goroutine that serves the client request for which a request to a backend is under way.
    pub fn served_for(&self, key: MessageKey) -> Option<u64> {
        let run = self.runs.get(&self.owners.get(&key)?.run?)?;
        run.lanes.first().map(|lane| lane.1)
    }

    /// Gives a request without an owner one that fits.
    pub fn infer(&mut self, key: MessageKey, lane: Lane) {
        let Some(state) = self.lanes.get(&lane) else { return };
        let owner = Owner {
            run: Some(state.run),
            role: Role::Backend,
            before_service: false,
            service: None,
            url: None,
            link: Link::Inferred,
            dialled: None,
        };
        if let Some(run) = self.runs.get_mut(&state.run) {
            run.begins(owner.role);
        }
        self.owners.insert(key, owner);
    }

    /// A request to a backend is over.
    pub fn attempt(&mut self, pid: Pid, key: MessageKey, hop: Box<Hop>, given_up: bool) -> Option<Role> {
        let owner = self.owners.remove(&key)?;
        let role = owner.role;
        let Some(id) = owner.run else {
            if role == Role::HealthCheck {
                self.emit_alone(pid, owner, hop);
            }
            return Some(role);
        };
        let Some(run) = self.runs.get_mut(&id) else { return Some(role) };
        run.ends(role);
        run.keep(Done { owner, hop, given_up });
        if run.handed_out {
            self.emit_late(id);
        } else if run.server.is_some() && run.open == 0 {
            self.hand_out(id);
        } else if run.forgotten {
            self.forget(id);
        }
        Some(role)
    }

    /// How much of a request was told: what comes of it later is told likewise.
    pub fn judged(&mut self, run: RunId, kept: Kept) {
        if let Some(run) = self.runs.get_mut(&run) {
            run.kept = Some(kept);
        }
    }

    /// The run that a goroutine works for.
    pub fn run_at(&self, pid: Pid, goroutine: u64) -> Option<RunId> {
        self.lanes.get(&(pid, goroutine)).map(|lane| lane.run)
    }

    /// The run that a request to a backend is made for.
    pub fn run_for(&self, key: MessageKey) -> Option<RunId> {
        self.owners.get(&key)?.run
    }

    /// Requests to backends of a run: those that are over, and those that are under way.
    pub fn attempts_of(&self, run: RunId) -> (impl Iterator<Item = &Hop>, impl Iterator<Item = MessageKey>) {
        let done = self.runs.get(&run).into_iter().flat_map(|run| &run.attempts).map(|done| &*done.hop);
        let open = self.owners.iter().filter(move |(_, owner)| owner.run == Some(run)).map(|(key, _)| *key);
        (done, open)
    }

    /// The goroutines that serve the client of a run: each that of its connection, and its stream where it has one.
    pub fn servers_of(&self, run: RunId) -> impl Iterator<Item = (u64, Option<u32>)> {
        let lanes = self.runs.get(&run).into_iter().flat_map(|run| &run.lanes);
        lanes.filter_map(|lane| {
            let state = self.lanes.get(lane).filter(|state| !state.mirror)?;
            Some(state.stream.map_or((lane.1, None), |(serve, stream)| (serve, Some(stream))))
        })
    }

    /// Runs, goroutines and hand-overs in memory.
    pub fn size(&self) -> usize {
        self.runs.len() + self.lanes.len() + self.owners.len() + self.expected.len() + self.dials.len()
    }
}

pub type Key = (ConnectionId, Sequence);
