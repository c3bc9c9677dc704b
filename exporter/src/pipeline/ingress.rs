//! What happens to client requests.

use super::{Key, Pipeline, Sink};
use crate::connection::{Connection, Fact, Message, Sequence, Side};
use crate::counters::Cause;
use crate::event::{ConnectionId, Direction, Origin, Time};
use crate::exchange::{ErrorKind, Method};
use crate::link;

/// What Traefik answers for a client that went away (pkg/proxy/httputil/proxy.go, `StatusClientClosedRequest`).
const CLIENT_CLOSED_REQUEST: u16 = 499;

impl Pipeline {
    pub(super) fn ingress_facts(&mut self, time: Time, id: ConnectionId, sink: &mut impl Sink) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.book.facts.is_empty() {
            return;
        }
        let mut facts = std::mem::take(&mut connection.book.facts);
        for fact in facts.drain(..) {
            match fact {
                Fact::Begun(_) => {}
                Fact::Head(sequence) => self.began((id, sequence), sink),
                Fact::Answered(sequence) => self.answered(time, (id, sequence), sink),
                Fact::Orphan => {
                    let found = self.connections.get(&id).is_some_and(|it| it.origin == Origin::Found);
                    let cause = if found { Cause::JoinedMidway } else { Cause::Gap };
                    self.counters.drops.add(cause, 1);
                }
                Fact::RequestsLost(_) => {}
                Fact::ResponsesLost(_) => self.responses_lost(time, id, sink),
                Fact::Http2 => {
                    if let Some(connection) = self.connections.get_mut(&id) {
                        connection.side = Side::Own;
                    }
                }
            }
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            // Its capacity is kept.
            connection.book.facts = facts;
        }
    }

    fn began(&mut self, (id, sequence): Key, sink: &mut impl Sink) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let entrypoint = self.sources.entrypoint(connection.pid, connection.local);
        let Some(head) = connection.book.get(sequence).and_then(|message| message.request.as_ref()) else { return };
        let method = match &head.method {
            Method::Other(_) => Method::Unknown,
            known => known.clone(),
        };
        sink.began(entrypoint.as_ref(), &method);
        connection.active.push_back((sequence, entrypoint, method));
    }

    fn ended(connection: &mut Connection, sequence: Sequence, sink: &mut impl Sink) {
        while connection.active.front().is_some_and(|(begun, ..)| *begun <= sequence) {
            if let Some((_, entrypoint, method)) = connection.active.pop_front() {
                sink.ended(entrypoint.as_ref(), &method);
            }
        }
    }

    fn answered(&mut self, time: Time, (id, sequence): Key, sink: &mut impl Sink) {
        while let Some((oldest, message)) = self.connections.get_mut(&id).and_then(|it| it.book.take()) {
            let end = message.last;
            self.complete(time, (id, oldest), message, end, None, sink);
            if oldest >= sequence {
                break;
            }
        }
    }

    /// A client request is over.
    fn complete(
        &mut self,
        time: Time,
        (id, sequence): Key,
        message: Message,
        end: Time,
        error: Option<ErrorKind>,
        sink: &mut impl Sink,
    ) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        Self::ended(connection, sequence, sink);
        let (pid, local, peer) = (connection.pid, connection.local, connection.peer);
        let serve = connection.serve.or(connection.hint.filter(|hint| self.linker.serves(pid, *hint)));
        let announced = connection.book.announced;
        if message.response.is_none() {
            self.unanswered += 1;
        }
        let unrouted = message.refused.is_some() || message.request.as_ref().is_some_and(|head| &*head.path == "*");
        let traceparent = message.request.as_ref().and_then(|head| head.traceparent.clone());
        let tracestate = message.request.as_ref().and_then(|head| head.tracestate.clone());
        let mut hop = message.into_hop(self.clock, end, local, peer);
        hop.error = error;
        self.linker.answered(time, pid, serve, (traceparent.as_deref(), tracestate.as_deref()), |known, context| {
            let handled = known.attempted || known.router.is_some();
            if handled && hop.status.is_none() {
                hop.status = Some(CLIENT_CLOSED_REQUEST);
            }
            let mut server = link::server(context, hop, known);
            server.announced_client = announced;
            server.unrouted = unrouted;
            server
        });
    }

    /// The place in the stream of responses is lost: the one that was under way is told as far as it went, and what
    /// waits is dropped; the kernel's count says how many.
    fn responses_lost(&mut self, time: Time, id: ConnectionId, sink: &mut impl Sink) {
        while let Some((sequence, mut message)) = self.connections.get_mut(&id).and_then(|it| it.book.take()) {
            if message.response.is_some() {
                message.response_body.incomplete = true;
                self.complete(time, (id, sequence), message, time, None, sink);
            } else if let Some(connection) = self.connections.get_mut(&id) {
                Self::ended(connection, sequence, sink);
            }
        }
    }

    /// Traefik closed a client's connection, or it is gone.
    pub(super) fn ingress_closed(&mut self, time: Time, id: ConnectionId, gone: bool, sink: &mut impl Sink) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.end(time, Direction::Send);
        if gone {
            connection.end(time, Direction::Receive);
        }
        self.ingress_facts(time, id, sink);
        loop {
            let Some(connection) = self.connections.get_mut(&id) else { return };
            let Some((_, message)) = connection.book.oldest() else { return };
            // One side of a tunnel may be closed before the other.
            if message.tunnel.is_some() && !gone && !connection.peer_closed {
                return;
            }
            let error = if message.tunnel.is_some() {
                None
            } else if connection.peer_closed || connection.error != 0 {
                Some(ErrorKind::ConnectionClosed)
            } else {
                Some(ErrorKind::Other)
            };
            let Some((sequence, mut message)) = connection.book.take() else { return };
            if message.request.is_none() && message.response.is_none() {
                // Not a request: the client opened a connection, or left in the middle of a head.
                Self::ended(connection, sequence, sink);
                continue;
            }
            message.response_body.incomplete |= message.response.is_some() && message.tunnel.is_none();
            self.complete(time, (id, sequence), message, time, error, sink);
        }
    }
}
