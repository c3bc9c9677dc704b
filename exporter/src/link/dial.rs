//! Dials: who asked for one, who dials, which sockets that makes, and how it ends.
//!
//! net/http dials on a goroutine of its own, which may begin after the request that asked got another connection and
//! was answered. What is dialled is known by the address of the `wantConn` that both have in hand.

use std::net::SocketAddr;

use rustc_hash::{FxHashMap, FxHashSet};

use super::emit;
use super::run::{Lane, Owner};
use super::{LIMIT, Linker, MOST_ATTEMPTS};
use crate::event::{ConnectionId, Goroutine, Open, Pid, Role as GoroutineRole, Time};
use crate::exchange::{Link, Role};

/// Addresses that one dial may try at the same time.
const SOCKETS: usize = 16;

/// A dial, over all the addresses that it tries.
#[derive(Debug, Default)]
pub(crate) struct Dial {
    /// Address of the `wantConn`, where it is known.
    want: Option<u64>,
    /// The goroutine that dials.
    dialer: Option<Lane>,
    sockets: Vec<ConnectionId>,
    pub(super) start: Time,
    pub(super) end: Time,
    pub(super) local: Option<SocketAddr>,
    pub(super) peer: Option<SocketAddr>,
    /// Last `sk_err` of a socket that did not connect.
    pub(super) error: i32,
    pub(super) failed: bool,
    pub(super) connected: bool,
}

/// Dials that are under way, found by what is seen of them.
#[derive(Debug, Default)]
pub(super) struct Dials {
    /// Processes with the probes that show what is dialled for whom.
    exact: FxHashSet<Pid>,
    /// The goroutine that asked, by the address of the `wantConn`.
    wanted: FxHashMap<(Pid, u64), Lane>,
    /// The same by the goroutine that dials.
    dialers: FxHashMap<Lane, Lane>,
    /// The same by the socket.
    sockets: FxHashMap<ConnectionId, Lane>,
}

impl Dials {
    pub(super) fn len(&self) -> usize {
        self.wanted.len() + self.dialers.len() + self.sockets.len()
    }

    pub(super) fn exit(&mut self, pid: Pid) {
        self.exact.remove(&pid);
        self.wanted.retain(|key, _| key.0 != pid);
        self.dialers.retain(|lane, _| lane.0 != pid);
        self.sockets.retain(|_, lane| lane.0 != pid);
    }

    /// What would have told which dial is whose may be among what was lost.
    pub(super) fn lost(&mut self) {
        self.wanted.clear();
        self.dialers.clear();
        self.sockets.clear();
    }
}

impl Linker {
    /// The probes of a process show what is dialled for whom.
    pub fn dials_are_exact(&mut self, pid: Pid) {
        self.dials.exact.insert(pid);
    }

    /// A request found no free connection and asks for one.
    pub(super) fn dial_queued(&mut self, time: Time, pid: Pid, goroutine: Goroutine, want: u64) {
        let lane = (pid, goroutine.id);
        if self.lane(pid, goroutine).is_none() {
            return;
        }
        let connected = self.lanes.get(&lane).and_then(|lane| lane.dial.as_ref()).is_some_and(|dial| dial.connected);
        if connected {
            // The peer would have nothing to do with HTTP/2 on what came of it: nothing was asked there.
            self.take_dial(lane);
        } else {
            self.close_dial(lane, time);
        }
        if self.dials.wanted.len() >= LIMIT {
            self.abandoned += 1;
            return;
        }
        self.dials.wanted.insert((pid, want), lane);
        if let Some(state) = self.lanes.get_mut(&lane) {
            state.dial = Some(Dial { want: Some(want), start: time, end: time, ..Dial::default() });
        }
    }

    /// A goroutine starts to dial.
    pub(super) fn dial_begins(&mut self, time: Time, pid: Pid, goroutine: Goroutine, want: Option<u64>) {
        let dialer = (pid, goroutine.id);
        if self.dials.dialers.contains_key(&dialer) {
            return;
        }
        let asker = if self.is_exact(pid, goroutine) {
            want.and_then(|want| self.dials.wanted.remove(&(pid, want)).filter(|lane| self.waits_for(*lane, want)))
        } else {
            self.likely_asker(time, pid, goroutine)
        };
        // Whoever asked has found another connection by now: what this one leads to is nobody's attempt.
        let Some(asker) = asker else { return };
        if let Some(dial) = self.lanes.get_mut(&asker).and_then(|lane| lane.dial.as_mut()) {
            dial.dialer = Some(dialer);
            self.dials.dialers.insert(dialer, asker);
        }
    }

    fn is_exact(&self, pid: Pid, goroutine: Goroutine) -> bool {
        goroutine.role == GoroutineRole::Dial && self.dials.exact.contains(&pid)
    }

    fn waits_for(&self, lane: Lane, want: u64) -> bool {
        let dial = self.lanes.get(&lane).and_then(|lane| lane.dial.as_ref());
        dial.is_some_and(|dial| dial.want == Some(want))
    }

    /// Whom a goroutine dials for, by its parent: whoever started it, if it still waits for a connection.
    fn likely_asker(&mut self, time: Time, pid: Pid, goroutine: Goroutine) -> Option<Lane> {
        let parent = (pid, goroutine.parent);
        if !self.lanes.contains_key(&parent) {
            // A router would have been entered before.
            if !self.nameless.contains(&pid) {
                return None;
            }
            self.lane(pid, Goroutine { id: goroutine.parent, parent: 0, role: GoroutineRole::Serve })?;
        }
        if !self.lanes.get(&parent)?.waits {
            return None;
        }
        self.close_dial(parent, time);
        self.lanes.get_mut(&parent)?.dial = Some(Dial { start: time, end: time, ..Dial::default() });
        Some(parent)
    }

    /// A socket is being dialled.
    pub fn dialled(&mut self, time: Time, pid: Pid, open: &Open) {
        let goroutine = open.goroutine;
        let dials = matches!(goroutine.role, GoroutineRole::Dial | GoroutineRole::FastDial | GoroutineRole::Http2Dial);
        if dials && !self.is_exact(pid, goroutine) {
            self.dial_begins(time, pid, goroutine, None);
        }
        // Addresses that are tried at the same time are dialled by children of the dialling goroutine.
        let dialers = &self.dials.dialers;
        let asker = dialers.get(&(pid, goroutine.id)).or_else(|| dialers.get(&(pid, goroutine.parent)));
        let Some(&asker) = asker else { return };
        if let Some(dial) = self.lanes.get_mut(&asker).and_then(|lane| lane.dial.as_mut())
            && dial.sockets.len() < SOCKETS
        {
            dial.peer = Some(open.peer);
            dial.local = Some(open.local);
            dial.sockets.push(open.connection);
            self.dials.sockets.insert(open.connection, asker);
        }
    }

    pub fn connected(&mut self, connection: ConnectionId) {
        if let Some(dial) = self.dial_of(connection) {
            dial.connected = true;
            dial.failed = false;
        }
    }

    /// A socket that was being dialled, or had been, is gone.
    pub fn gone(&mut self, time: Time, connection: ConnectionId, errno: i32) {
        if let Some(dial) = self.dial_of(connection) {
            dial.end = time;
            dial.failed = true;
            if errno != 0 {
                dial.error = errno;
            }
        }
        self.dials.sockets.remove(&connection);
    }

    fn dial_of(&mut self, connection: ConnectionId) -> Option<&mut Dial> {
        let lane = self.dials.sockets.get(&connection)?;
        self.lanes.get_mut(lane)?.dial.as_mut()
    }

    /// Takes the dial that a goroutine has asked for: what becomes of it is of no interest from here on.
    pub(super) fn take_dial(&mut self, lane: Lane) -> Option<Dial> {
        let dial = self.lanes.get_mut(&lane)?.dial.take()?;
        self.forget_dial(lane.0, &dial);
        Some(dial)
    }

    pub(super) fn forget_dial(&mut self, pid: Pid, dial: &Dial) {
        if let Some(want) = dial.want {
            self.dials.wanted.remove(&(pid, want));
        }
        if let Some(dialer) = dial.dialer {
            self.dials.dialers.remove(&dialer);
        }
        for socket in &dial.sockets {
            self.dials.sockets.remove(socket);
        }
    }

    /// A dial that led to no request is an attempt that failed.
    pub(super) fn close_dial(&mut self, lane: Lane, time: Time) {
        let Some(dial) = self.take_dial(lane) else { return };
        // One that is not known to be the request's own says something only where it failed: fastProxy, which leaves a
        // dial to itself when another connection becomes free, waits for one of both whatever its client does; and where
        // it connected, another request may have used it to its end.
        if dial.want.is_none() && (!dial.failed || dial.connected) {
            return;
        }
        let Some(state) = self.lanes.get(&lane) else { return };
        let owner = Owner {
            run: Some(state.run),
            role: if state.mirror { Role::Mirror } else { Role::Backend },
            before_service: state.service.is_none(),
            service: state.service.clone(),
            url: state.url.clone(),
            link: Link::Exact,
            dialled: Some(dial.start),
        };
        let id = state.run;
        if let Some(run) = self.runs.get_mut(&id).filter(|run| run.attempts.len() < MOST_ATTEMPTS) {
            run.keep(emit::failed_dial(owner, &dial, time, self.clock));
        }
    }
}
