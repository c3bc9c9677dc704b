//! One run of a handler: what Traefik did for one client request, collected until the request is answered.

use super::dial::Dial;
use crate::connection::{Epoch, Sequence};
use crate::event::{ConnectionId, Name, Pid, Time};
use crate::exchange::{Context, Hop, Kept, Link, Role, Server};

pub(crate) type RunId = u64;

/// A goroutine that works for a request.
pub(crate) type Lane = (Pid, u64);

#[derive(Debug)]
pub(crate) struct Run {
    pub pid: Pid,
    /// Losses that there had been when it began.
    pub epoch: Epoch,
    /// When the first router was entered, of a stream of HTTP/2: it may have waited for its handler until then.
    pub begun: Option<Time>,
    pub context: Option<Context>,
    pub entrypoint: Option<Name>,
    /// Nested routers as Traefik's access log writes them: `parent@file -> child@file`.
    pub router: Option<Name>,
    pub rule: Option<Name>,
    /// Of the last router, as it is configured.
    pub service: Option<Name>,
    /// Of the last service that was entered.
    pub leaf: Option<Name>,
    pub url: Option<Name>,
    /// Attempts that are over.
    pub attempts: Vec<Done>,
    /// Attempts under way on the request's own goroutine.
    pub open: usize,
    /// Attempts under way for mirrors: the request does not wait for them.
    pub mirrors_open: usize,
    /// A goroutine for mirrors was seen.
    pub mirrored: bool,
    /// Goroutines that send to mirrors for it, or are about to begin.
    pub mirror_lanes: usize,
    /// Answered, and waiting for the attempts that are open.
    pub server: Option<Server>,
    /// Handed out: what comes now is late.
    pub handed_out: bool,
    /// Nobody asks for it any more: it goes with the last thing that holds it.
    pub forgotten: bool,
    pub lanes: Vec<Lane>,
    /// How much of it was told.
    pub kept: Option<Kept>,
}

impl Run {
    pub(crate) fn new(pid: Pid, epoch: Epoch) -> Self {
        Self {
            pid,
            epoch,
            begun: None,
            context: None,
            entrypoint: None,
            router: None,
            rule: None,
            service: None,
            leaf: None,
            url: None,
            attempts: Vec::new(),
            open: 0,
            mirrors_open: 0,
            mirrored: false,
            mirror_lanes: 0,
            server: None,
            handed_out: false,
            forgotten: false,
            lanes: Vec::new(),
            kept: None,
        }
    }

    /// An attempt of it begins.
    pub(crate) fn begins(&mut self, role: Role) {
        *self.under_way(role) += 1;
    }

    /// An attempt of it is over.
    pub(crate) fn ends(&mut self, role: Role) {
        let count = self.under_way(role);
        *count = count.saturating_sub(1);
    }

    /// An attempt is over.
    pub(crate) fn keep(&mut self, done: Done) {
        // Nearly always it stays the only one, and of itself a vector makes room for four: three kilobytes.
        if self.attempts.is_empty() {
            self.attempts.reserve_exact(1);
        }
        self.attempts.push(done);
    }

    fn under_way(&mut self, role: Role) -> &mut usize {
        if role == Role::Mirror { &mut self.mirrors_open } else { &mut self.open }
    }

    /// Something was done for it, and the router that must have come first was not seen.
    pub(crate) fn has_acted_unrouted(&self) -> bool {
        self.router.is_none() && (self.is_held() || !self.attempts.is_empty())
    }

    /// Attempts of it may still end, or begin.
    pub(crate) fn is_held(&self) -> bool {
        self.open + self.mirrors_open + self.mirror_lanes > 0
    }
}

/// What a goroutine is doing for its run.
#[derive(Debug)]
pub(crate) struct LaneState {
    pub run: RunId,
    /// It sends to mirrors.
    pub mirror: bool,
    /// It serves this stream of the connection that this goroutine serves.
    pub stream: Option<(u64, u32)>,
    pub service: Option<Name>,
    pub url: Option<Name>,
    /// A dial that was asked for, for the attempt that is next.
    pub dial: Option<Dial>,
    /// It may be waiting for a connection: nothing was sent to the service that it has entered.
    pub waits: bool,
    /// When it last did something for an attempt; of mirrors only.
    pub last: Time,
}

impl LaneState {
    pub(crate) fn new(run: RunId, mirror: bool, last: Time) -> Self {
        Self { run, mirror, stream: None, service: None, url: None, dial: None, waits: true, last }
    }
}

/// Whose a request to a backend is.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub run: Option<RunId>,
    pub role: Role,
    /// It was made before any service was entered.
    pub before_service: bool,
    pub service: Option<Name>,
    pub url: Option<Name>,
    pub link: Link,
    /// When the dial for it began, if it was the first on its connection.
    pub dialled: Option<Time>,
}

/// An attempt that is over.
#[derive(Debug)]
pub(crate) struct Done {
    pub owner: Owner,
    pub hop: Box<Hop>,
    /// It ended because Traefik closed the connection: why, the final status tells.
    pub given_up: bool,
}

pub(crate) type MessageKey = (ConnectionId, Sequence);
