//! What happens to client requests.

use std::net::SocketAddr;

use hoptap_semconv::attribute;

use super::{Key, Pipeline, Sink};
use crate::connection::{Connection, Ends, Fact, Over, Sequence, Side, error_of_reset};
use crate::counters::Cause;
use crate::event::{ConnectionId, Direction, Origin, Pid, Time};
use crate::exchange::{End, ErrorKind, Method};
use crate::link::{self, Linker};

/// What Traefik answers for a client that went away (pkg/proxy/httputil/proxy.go, `StatusClientClosedRequest`).
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// How long after its client left a request Traefik may still work for it unseen.
const GRACE: Time = 100_000_000;

/// The same while it is seen to work.
const PATIENCE: Time = 5_000_000_000;

/// Where a client request came from.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) pid: Pid,
    pub(super) ends: Ends,
    pub(super) announced: Option<SocketAddr>,
}

impl Client {
    fn of(connection: &Connection) -> Self {
        Self { pid: connection.pid, ends: connection.ends(), announced: connection.book.announced }
    }
}

/// A request that was left by its client.
#[derive(Debug)]
pub(super) struct Lingering {
    since: Time,
    until: Time,
    client: Client,
    /// Who serves its connection.
    serve: Option<u64>,
    stream: u32,
    over: Over,
}

impl Pipeline {
    pub(super) fn ingress_facts(&mut self, time: Time, id: ConnectionId, sink: &mut impl Sink) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.book.facts.is_empty() {
            return;
        }
        let http2 = connection.streams.is_some();
        let mut facts = std::mem::take(&mut connection.book.facts);
        for fact in facts.drain(..) {
            match fact {
                Fact::Begun(_) => {}
                Fact::Head(sequence) => self.began((id, sequence), sink),
                Fact::Answered(sequence) | Fact::Reset(sequence) if http2 => {
                    self.client_stream_over(time, (id, sequence), sink);
                }
                Fact::Answered(sequence) => self.answered(time, (id, sequence), sink),
                Fact::Orphan => self.orphaned(id),
                Fact::Large(sequence) => self.large((id, sequence)),
                Fact::RequestsLost(_) | Fact::Reset(_) => {}
                Fact::ResponsesLost(_) if http2 => {}
                Fact::ResponsesLost(_) => self.responses_lost(time, id, sink),
            }
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            // Its capacity is kept.
            connection.book.facts = facts;
        }
    }

    /// A request was answered of which only the end was seen: what its goroutine said of it is not the next one's.
    fn orphaned(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(&id) else { return };
        let cause = if connection.origin == Origin::Found { Cause::JoinedMidway } else { Cause::Gap };
        self.counters.drops.add(cause, 1);
        if connection.streams.is_some() {
            // Its stream was opened before the kernel side counted.
            self.unanswered += 1;
            return;
        }
        self.linker.discard(connection.pid, connection.serve.or(connection.hint));
    }

    fn began(&mut self, (id, sequence): Key, sink: &mut impl Sink) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let entrypoint = self.sources.entrypoint(connection.pid, connection.local);
        let Some(message) = connection.message(sequence) else { return };
        let Some(head) = &message.request else { return };
        let again = message.hidden.is_some();
        let method = match &head.method {
            Method::Other(_) => Method::Unknown,
            known => known.clone(),
        };
        let tls = connection.tls.is_some();
        // Told before, of a stream of which more has become known.
        if again
            && let Some(at) = connection.active.iter().position(|(begun, ..)| *begun == sequence)
            && let Some((_, entrypoint, method)) = connection.active.remove(at)
        {
            sink.ended(entrypoint.as_ref(), &method, tls);
        }
        sink.began(entrypoint.as_ref(), &method, tls);
        connection.active.push_back((sequence, entrypoint, method));
    }

    fn ended(connection: &mut Connection, sequence: Sequence, sink: &mut impl Sink) {
        let tls = connection.tls.is_some();
        if connection.streams.is_some() {
            let at = connection.active.iter().position(|(begun, ..)| *begun == sequence);
            if let Some((_, entrypoint, method)) = at.and_then(|at| connection.active.remove(at)) {
                sink.ended(entrypoint.as_ref(), &method, tls);
            }
            return;
        }
        while connection.active.front().is_some_and(|(begun, ..)| *begun <= sequence) {
            if let Some((_, entrypoint, method)) = connection.active.pop_front() {
                sink.ended(entrypoint.as_ref(), &method, tls);
            }
        }
    }

    fn answered(&mut self, time: Time, (id, sequence): Key, sink: &mut impl Sink) {
        while let Some((oldest, message)) = self.connections.get_mut(&id).and_then(|it| it.book.take()) {
            let end = message.last;
            self.complete(time, (id, oldest), Over { message, end, error: None }, sink);
            if oldest >= sequence {
                break;
            }
        }
    }

    /// A client request is over.
    fn complete(&mut self, time: Time, (id, sequence): Key, mut over: Over, sink: &mut impl Sink) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        over.message.doubt_tunnel(self.epoch);
        Self::ended(connection, sequence, sink);
        if over.message.response.is_none() {
            self.unanswered += 1;
        }
        if over.message.in_doubt(self.epoch) {
            self.counters.drops.add(Cause::RingFull, 1);
            self.linker.discard(connection.pid, connection.serve);
            return;
        }
        // Its bytes may all have been moved by others: by who reads ahead, by a timer, by the reader of the backend's
        // response. Who served it then waits for the next request, and says so.
        if over.message.refused.is_none() && served_by(connection, &self.linker).is_none() {
            connection.unbound.push_back(over);
        } else {
            self.bind(time, id);
            self.tell(time, id, over);
        }
    }

    /// Who serves a connection is known now, or will never be: what waits for that is told.
    pub(super) fn bind(&mut self, time: Time, id: ConnectionId) {
        while let Some(over) = self.connections.get_mut(&id).and_then(|connection| connection.unbound.pop_front()) {
            self.tell(time, id, over);
        }
    }

    fn tell(&mut self, time: Time, id: ConnectionId, over: Over) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let serve = served_by(connection, &self.linker);
        let client = Client::of(connection);
        self.tell_of(time, &client, serve, over);
    }

    /// A client request is over, and this goroutine served it.
    pub(super) fn tell_of(
        &mut self,
        time: Time,
        client: &Client,
        serve: Option<u64>,
        Over { message, end, error }: Over,
    ) {
        let (pid, announced) = (client.pid, client.announced);
        let unrouted = message.refused.is_some() || message.request.as_ref().is_some_and(|head| &*head.path == "*");
        let traceparent = message.request.as_ref().and_then(|head| head.traceparent.clone());
        let tracestate = message.request.as_ref().and_then(|head| head.tracestate.clone());
        let epoch = message.epoch;
        let mut hop = message.into_hop(self.clock, end, client.ends.clone());
        hop.error = error;
        let trace = (traceparent.as_deref(), tracestate.as_deref());
        let clock = self.clock;
        self.linker.answered(time, (pid, serve, epoch), trace, |known, context| {
            // Of a hundred streams that come at once each waits for its turn: Traefik counts from there on, and so does
            // its access log.
            if let Some(begun) = known.begun {
                hop.start = hop.start.max(clock.unix(begun)).min(hop.end);
            }
            let handled = known.attempted || known.router.is_some();
            let unknown = hop.missing.contains(&attribute::HTTP_RESPONSE_STATUS_CODE);
            if handled && hop.status.is_none() && !unknown {
                hop.status = Some(CLIENT_CLOSED_REQUEST);
            }
            let mut server = link::server(context, hop, known);
            server.announced_client = announced;
            server.unrouted = unrouted;
            server
        });
    }

    /// A stream of a client is over.
    fn client_stream_over(&mut self, time: Time, (id, sequence): Key, sink: &mut impl Sink) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(message) = connection.streams.as_mut().and_then(|streams| streams.take(sequence)) else { return };
        let (end, reset) = (message.last, message.reset);
        let error = reset.map(error_of_reset);
        self.stream_ended(time, (id, sequence), Over { message, end, error }, sink);
    }

    /// A client went away with streams open.
    fn streams_left(&mut self, time: Time, id: ConnectionId, gone: bool, sink: &mut impl Sink) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if !gone && !connection.closed_here {
            return;
        }
        let Some(streams) = &connection.streams else { return };
        for sequence in streams.numbers() {
            let Some(connection) = self.connections.get_mut(&id) else { return };
            let Some(mut message) = connection.streams.as_mut().and_then(|streams| streams.take(sequence)) else {
                continue;
            };
            message.response_body.incomplete |= message.response.is_some();
            let error = Some(ErrorKind::ConnectionClosed);
            self.stream_ended(time, (id, sequence), Over { message, end: time, error }, sink);
        }
    }

    fn stream_ended(&mut self, time: Time, (id, sequence): Key, over: Over, sink: &mut impl Sink) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        Self::ended(connection, sequence, sink);
        let (client, walked) = (Client::of(connection), connection.streams.as_ref().is_some_and(|it| it.walked));
        let serve = connection.serve.or(connection.hint);
        let stream = u32::try_from(sequence).unwrap_or(0);
        if !walked {
            self.unanswered += 1;
        }
        if over.message.request.is_none() {
            return;
        }
        if over.message.in_doubt(self.epoch) {
            self.counters.drops.add(Cause::RingFull, 1);
            let handler = serve.and_then(|serve| self.linker.handler(client.pid, serve, stream));
            self.linker.discard(client.pid, handler);
            return;
        }
        let lingering = Lingering { since: time, until: time + GRACE, client, serve, stream, over };
        // Of an answer that is complete, or that it broke off itself, Traefik has done all there was to do.
        let by_server = lingering.over.message.reset.is_none_or(|reset| reset.by == End::Server);
        if by_server && lingering.over.error != Some(ErrorKind::ConnectionClosed) {
            self.tell_stream(time, lingering);
        } else {
            self.lingering.push_back(lingering);
        }
    }

    fn tell_stream(&mut self, time: Time, Lingering { client, serve, stream, over, .. }: Lingering) {
        let handler = serve.and_then(|serve| self.linker.handler(client.pid, serve, stream));
        self.tell_of(time, &client, handler, over);
    }

    /// Tells of requests that were left by their clients and that Traefik has had time to give up.
    pub(super) fn tell_lingering(&mut self, now: Time) {
        while self.lingering.front().is_some_and(|lingering| lingering.until <= now) {
            let Some(mut lingering) = self.lingering.pop_front() else { return };
            let handler =
                lingering.serve.and_then(|serve| self.linker.handler(lingering.client.pid, serve, lingering.stream));
            let busy = handler.is_some_and(|handler| self.linker.is_busy(lingering.client.pid, handler));
            if busy && now != Time::MAX && now < lingering.since + PATIENCE {
                lingering.until = now + GRACE;
                self.lingering.push_back(lingering);
                continue;
            }
            let at = lingering.until;
            self.tell_stream(at, lingering);
        }
    }

    /// No TLS session came about on a client's connection.
    pub(super) fn handshake_failed(&mut self, id: ConnectionId, sink: &mut impl Sink) {
        let Some(connection) = self.connections.get(&id) else { return };
        if connection.side != Side::Ingress {
            return;
        }
        let entrypoint = self.sources.entrypoint(connection.pid, connection.local);
        tracing::debug!(
            entrypoint = entrypoint.as_deref(),
            client = %connection.peer,
            "a client's TLS handshake did not succeed"
        );
        sink.handshake_failed(entrypoint.as_ref());
    }

    /// The place in the stream of responses is lost: the one that was under way is told as far as it went, and what
    /// waits is dropped; the kernel's count says how many.
    fn responses_lost(&mut self, time: Time, id: ConnectionId, sink: &mut impl Sink) {
        while let Some((sequence, mut message)) = self.connections.get_mut(&id).and_then(|it| it.book.take()) {
            if message.response.is_some() {
                message.response_body.incomplete = true;
                self.complete(time, (id, sequence), Over { message, end: time, error: None }, sink);
            } else if let Some(connection) = self.connections.get_mut(&id) {
                Self::ended(connection, sequence, sink);
            }
        }
    }

    /// Final responses of a connection were sent and not seen: nothing more can be told of the requests that they
    /// answered.
    pub(super) fn forget_answered(&mut self, id: ConnectionId, missed: u32, sink: &mut impl Sink) {
        for _ in 0..missed {
            let Some(connection) = self.connections.get_mut(&id) else { return };
            let Some((sequence, _)) = connection.book.take_unanswered() else { break };
            Self::ended(connection, sequence, sink);
            self.linker.discard(connection.pid, connection.serve);
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.resume_responses();
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
        self.streams_left(time, id, gone, sink);
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
            self.complete(time, (id, sequence), Over { message, end: time, error }, sink);
        }
    }
}

/// The goroutine that serves a connection. A hint counts if that goroutine is known to serve some request.
fn served_by(connection: &Connection, linker: &Linker) -> Option<u64> {
    connection.serve.or(connection.hint.filter(|hint| linker.serves(connection.pid, *hint)))
}
