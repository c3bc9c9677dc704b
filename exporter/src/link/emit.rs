//! From a run to an exchange: roles, resends, what Traefik itself added.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::dial::Dial;
use super::run::{Done, Owner, RunId};
use super::{Emitted, Known, Linker};
use crate::connection::Clock;
use crate::event::{Name, Pid, Process, Time};
use crate::exchange::{Attempt, ErrorKind, Exchange, Hop, Kept, Method, Role, Server, Version};

impl Linker {
    /// Hands out an answered run with the attempts that are over.
    pub(super) fn hand_out(&mut self, id: RunId) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let (Some(mut server), Some(context)) = (run.server.take(), run.context.clone()) else { return };
        run.handed_out = true;
        let pid = run.pid;
        let mut done = std::mem::take(&mut run.attempts);
        for done in &mut done {
            // Where it is not known who asked for a dial it may be an older one, whose connection was taken over.
            done.hop.start = done.hop.start.max(server.hop.start);
            done.hop.end = done.hop.end.max(done.hop.start);
        }
        if server.hop.version == Version::Http2
            && matches!(server.hop.error, Some(ErrorKind::Cancelled | ErrorKind::ConnectionClosed))
        {
            // That a stream was left is seen at once; that Traefik gave it up only by what it gave up for it.
            let of_handler = done.iter().filter(|done| done.owner.role != Role::Mirror);
            server.hop.end = of_handler.map(|done| done.hop.end).fold(server.hop.end, u64::max);
        }
        done.sort_by_key(|done| done.hop.start);
        server.overhead = overhead(&server.hop, &done);
        let labels = (server.router.clone(), server.entrypoint.clone());
        let left = matches!(server.hop.error, Some(ErrorKind::Cancelled | ErrorKind::ConnectionClosed));
        let asked = Asked { status: server.hop.status, method: &server.hop.method.clone(), left };
        let mut attempts: Vec<Attempt> = Vec::with_capacity(done.len());
        for done in done {
            let context = self.ids.child(&context);
            let attempt = attempt(context, done, &attempts, labels.clone(), &asked);
            attempts.push(attempt);
        }
        // Over HTTP/1 gRPC-Web has its status in its body, where it need not have been seen.
        if let Some(call) = server.hop.rpc.as_mut().filter(|call| call.status.is_none()) {
            let served = attempts.iter().rev().find(|attempt| attempt.role == Role::Backend);
            call.status = served.and_then(|attempt| attempt.hop.rpc?.status);
        }
        let finished = self.runs.get(&id).is_some_and(|run| !run.is_held());
        let mut exchange =
            Exchange { process: Arc::default(), pid, server: Some(server), attempts, kept: Kept::default() };
        exchange.count_resends();
        self.out.push(Emitted { exchange, run: Some(id), before: None });
        if finished && !self.is_last_of_a_goroutine(id) {
            self.runs.remove(&id);
        }
    }

    /// Hands out attempts that ended after their request was.
    pub(super) fn emit_late(&mut self, id: RunId) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let Some(parent) = run.context.clone() else { return };
        let pid = run.pid;
        let labels = (run.router.clone(), run.entrypoint.clone());
        let done = std::mem::take(&mut run.attempts);
        let (over, before) = (!run.is_held(), run.kept);
        let mut attempts = Vec::with_capacity(done.len());
        for done in done {
            let context = self.ids.child(&parent);
            attempts.push(attempt(context, done, &[], labels.clone(), &Asked::NOTHING));
        }
        let exchange = Exchange { process: Arc::default(), pid, server: None, attempts, kept: Kept::default() };
        self.out.push(Emitted { exchange, run: None, before });
        if over && !self.is_last_of_a_goroutine(id) {
            self.runs.remove(&id);
        }
    }

    /// Hands out a request that no client made.
    pub(super) fn emit_alone(&mut self, pid: Pid, owner: Owner, hop: Box<Hop>) {
        let context = self.ids.server(None, None);
        let done = Done { owner, hop, given_up: false };
        let attempts = vec![attempt(context, done, &[], (None, None), &Asked::NOTHING)];
        let exchange =
            Exchange { process: Arc::<Process>::default(), pid, server: None, attempts, kept: Kept::default() };
        self.out.push(Emitted { exchange, run: None, before: None });
    }

    pub(super) fn is_last_of_a_goroutine(&self, id: RunId) -> bool {
        self.runs.get(&id).is_some_and(|run| run.lanes.iter().any(|lane| self.answered.get(lane) == Some(&id)))
    }
}

/// An attempt for which nothing was ever sent.
pub(super) fn failed_dial(owner: Owner, dial: &Dial, now: Time, clock: Clock) -> Done {
    let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let encrypts = owner.url.as_ref().is_some_and(|url| url.starts_with("https:"));
    let error = match (dial.failed, dial.peer) {
        (_, None) => ErrorKind::NotDialled,
        // It was there, and nothing was asked on it.
        (true, _) if dial.connected && dial.error == 0 && encrypts => ErrorKind::TlsHandshake,
        (true, _) if dial.error != 0 => crate::connection::error_of(dial.error, false),
        _ => ErrorKind::Other,
    };
    Done {
        given_up: error == ErrorKind::Other,
        owner,
        hop: Box::new(Hop {
            start: clock.unix(dial.start),
            end: clock.unix(if dial.failed { dial.end } else { now }),
            error: Some(error),
            ..Hop::between(dial.local.unwrap_or(nowhere), dial.peer.unwrap_or(nowhere))
        }),
    }
}

/// What is known of the client's request when an attempt is told.
struct Asked<'a> {
    status: Option<u16>,
    method: &'a Method,
    /// The client went away.
    left: bool,
}

impl Asked<'_> {
    const NOTHING: Self = Self { status: None, method: &Method::Unknown, left: false };
}

fn attempt(
    context: crate::exchange::Context,
    done: Done,
    before: &[Attempt],
    (router, entrypoint): (Option<Name>, Option<Name>),
    asked: &Asked<'_>,
) -> Attempt {
    let Done { owner, mut hop, given_up } = done;
    if given_up && hop.error.is_none_or(|error| error == ErrorKind::Other) {
        // Traefik hung up: on its client's account, or because its patience ended (ComputeStatusCode,
        // pkg/proxy/httputil/proxy.go).
        hop.error = Some(match asked.status {
            Some(499) => ErrorKind::Cancelled,
            Some(504) => ErrorKind::Timeout,
            _ if asked.left => ErrorKind::Cancelled,
            _ => ErrorKind::Other,
        });
    }
    let backend = |other: &&Attempt| other.role == Role::Backend;
    let role = match owner.role {
        Role::Backend if owner.before_service => Role::ForwardAuth,
        // The errors middleware asks its own service for a page, once the first has answered.
        Role::Backend
            if before.iter().filter(backend).any(|other| !other.hop.asks_as(&hop) && other.hop.status.is_some()) =>
        {
            Role::ErrorPage
        }
        role => role,
    };
    if role == Role::Backend && hop.method == Method::Unknown {
        // Nothing was sent; it would have been this.
        hop.method = asked.method.clone();
    }
    Attempt {
        context,
        hop,
        role,
        resend_count: 0,
        service: owner.service,
        server_url: owner.url,
        container: None,
        link: owner.run.map(|_| owner.link),
        router,
        entrypoint,
    }
}

/// Time of the request during which it waited for no backend.
fn overhead(server: &Hop, attempts: &[Done]) -> u64 {
    let mut waited = 0;
    let mut until = server.start;
    // In order of their start: time that two share is counted once.
    for done in attempts.iter().filter(|done| done.owner.role != Role::Mirror) {
        let start = done.hop.start.clamp(until, server.end.max(until));
        let end = done.hop.end.clamp(start, server.end.max(start));
        waited += end - start;
        until = end;
    }
    server.duration().saturating_sub(waited)
}

/// A SERVER from what the bytes and the goroutine say.
pub fn server(context: crate::exchange::Context, hop: Box<Hop>, known: Known) -> Server {
    let router = known.router;
    let internal = [&router, &known.service, &known.leaf].into_iter().flatten().any(|name| name.ends_with("@internal"));
    Server {
        context,
        hop,
        entrypoint: known.entrypoint,
        names: if router.is_some() { crate::exchange::NameSource::Probes } else { crate::exchange::NameSource::None },
        router,
        rule: known.rule,
        router_service: known.service,
        service: known.leaf,
        server_url: known.url,
        unrouted: false,
        internal,
        overhead: 0,
        announced_client: None,
    }
}
