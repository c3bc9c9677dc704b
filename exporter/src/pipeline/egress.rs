//! What happens to requests to backends, and to everything else that a traced process dials.

use super::{Key, Pipeline};
use crate::connection::{Connection, Fact, Message, Side, error_of, error_of_reset};
use crate::counters::Traffic;
use crate::event::{ConnectionId, Direction, Goroutine, Pid, Time};
use crate::exchange::{End, ErrorKind, Reset, Role};
use crate::http1::Loss;

impl Pipeline {
    pub(super) fn egress_facts(&mut self, time: Time, id: ConnectionId, goroutine: Goroutine) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.book.facts.is_empty() {
            return;
        }
        let (pid, fd, http2) = (connection.pid, connection.fd, connection.streams.is_some());
        let mut facts = std::mem::take(&mut connection.book.facts);
        for fact in facts.drain(..) {
            match fact {
                Fact::Begun(sequence) => {
                    let key = (id, sequence);
                    let dialled = if http2 {
                        self.linker.begins_stream(time, pid, goroutine, key)
                    } else {
                        self.forget_unanswered(key);
                        self.linker.begins(time, pid, fd, goroutine, key)
                    };
                    if let Some(dialled) = dialled
                        && let Some(connection) = self.connections.get_mut(&id)
                    {
                        connection.began_at(sequence, dialled);
                    }
                }
                Fact::Head(sequence) => self.infer((id, sequence)),
                Fact::Answered(sequence) | Fact::Reset(sequence) if http2 => self.stream_over(pid, (id, sequence)),
                Fact::Answered(sequence) => {
                    while let Some((oldest, message)) = self.connections.get_mut(&id).and_then(|it| it.book.take()) {
                        let end = message.last;
                        let cut = message.response_body.incomplete.then_some(ErrorKind::ConnectionClosed);
                        self.attempt(pid, (id, oldest), message, end, cut);
                        if oldest >= sequence {
                            break;
                        }
                    }
                }
                Fact::Large(sequence) => self.large((id, sequence)),
                Fact::Orphan | Fact::RequestsLost(_) | Fact::Reset(_) => {}
                Fact::ResponsesLost(_) if http2 => {}
                Fact::ResponsesLost(loss) => {
                    let malformed = matches!(loss, Loss::NoMessage | Loss::HeadTooLong);
                    let error = malformed.then_some(ErrorKind::MalformedResponse);
                    while let Some((sequence, mut message)) =
                        self.connections.get_mut(&id).and_then(|it| it.book.take())
                    {
                        message.response_body.incomplete = true;
                        self.attempt(pid, (id, sequence), message, time, error);
                    }
                }
            }
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.book.facts = facts;
        }
    }

    /// Traefik sends a request to a backend once the one before is answered: where the end of an answer was not seen it
    /// was lost.
    fn forget_unanswered(&mut self, (id, sequence): Key) {
        let mut forgot = false;
        while let Some(connection) = self.connections.get_mut(&id)
            && connection.book.oldest().is_some_and(|(oldest, _)| oldest < sequence)
            && let Some((oldest, _)) = connection.book.take()
        {
            self.linker.attempt_lost((id, oldest));
            forgot = true;
        }
        // The answer of a request that was missed is over as well: how long it was its request would have told.
        if let Some(connection) = self.connections.get_mut(&id)
            && (forgot || connection.answers_nothing())
        {
            connection.resume_responses();
        }
    }

    /// fastProxy reads each connection on a goroutine of its own, which who dialled it has started.
    pub(super) fn note_reader(&mut self, pid: Pid, goroutine: Goroutine, id: ConnectionId) {
        use crate::event::Role as GoroutineRole;
        let reader = match goroutine.role {
            GoroutineRole::FastDial | GoroutineRole::FastRead => goroutine.id,
            // One of several addresses that are tried at once.
            GoroutineRole::Other => goroutine.parent,
            _ => return,
        };
        self.readers.insert((pid, reader), id);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.reader = Some(reader);
        }
    }

    pub(super) fn forget_reader(&mut self, connection: &Connection) {
        if let Some(reader) = connection.reader
            && self.readers.get(&(connection.pid, reader)) == Some(&connection.id)
        {
            self.readers.remove(&(connection.pid, reader));
        }
    }

    /// That goroutine writes the response to the client as well. Of a client whose connection becomes a tunnel nothing
    /// else may ever tell who serves it.
    pub(super) fn served_by_reader(&mut self, time: Time, pid: Pid, reader: Goroutine, id: ConnectionId) {
        let backend = self.readers.get(&(pid, reader.id)).or_else(|| self.readers.get(&(pid, reader.parent))).copied();
        let Some(backend) = backend else { return };
        let oldest = self.connections.get(&backend).and_then(|connection| connection.book.oldest());
        let Some((sequence, _)) = oldest else { return };
        let Some(serve) = self.linker.served_for((backend, sequence)) else { return };
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.serve = Some(serve);
            self.bind(time, id);
        }
    }

    /// A stream to a backend is over.
    fn stream_over(&mut self, pid: Pid, (id, sequence): Key) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(message) = connection.streams.as_mut().and_then(|streams| streams.take(sequence)) else { return };
        let end = message.last;
        let error = match message.reset {
            // On whose account Traefik gave it up, the request that it was made for tells.
            Some(Reset { by: End::Client, .. }) => Some(ErrorKind::Other),
            Some(reset) => Some(error_of_reset(reset)),
            None => message.response_body.incomplete.then_some(ErrorKind::ConnectionClosed),
        };
        self.attempt(pid, (id, sequence), message, end, error);
    }

    /// A request to a backend is over.
    fn attempt(&mut self, pid: Pid, key: Key, mut message: Message, end: Time, error: Option<ErrorKind>) {
        message.doubt_tunnel(self.epoch);
        let Some(connection) = self.connections.get(&key.0) else { return };
        if message.in_doubt(self.epoch) {
            // So is the request that it was made for, unless that was told before.
            self.linker.attempt_lost(key);
            return;
        }
        let by_traefik = message.reset.is_some_and(|reset| reset.by == End::Client);
        let mut hop = message.into_hop(self.clock, end, connection.ends());
        hop.error = error;
        let closed_by_traefik = connection.closed_here && !connection.peer_closed && connection.error == 0;
        let given_up = error.is_some() && (by_traefik || hop.reset.is_none() && closed_by_traefik);
        match self.linker.attempt(pid, key, hop, given_up) {
            // Health checks are counted where they are handed out.
            Some(Role::Middleware) | None => self.counters.told_apart.add(Traffic::Other, 1),
            Some(_) => {}
        }
    }

    pub(super) fn egress_closed(&mut self, time: Time, pid: Pid, id: ConnectionId, gone: bool) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.release();
        if gone || connection.closed_here {
            connection.end(time, Direction::Receive);
            connection.end(time, Direction::Send);
        }
        self.egress_facts(time, id, Goroutine::default());
        self.streams_closed(time, pid, id, gone);
        loop {
            let Some(connection) = self.connections.get_mut(&id) else { return };
            let Some((_, message)) = connection.book.oldest() else { return };
            if message.tunnel.is_some() && !gone && !connection.peer_closed {
                return;
            }
            let error = match message.tunnel {
                Some(_) => None,
                None => Some(error_of(connection.error, connection.peer_closed)),
            };
            let Some((sequence, mut message)) = connection.book.take() else { return };
            message.response_body.incomplete |= message.response.is_some() && message.tunnel.is_none();
            self.attempt(pid, (id, sequence), message, time, error);
        }
    }

    /// The connection under streams that are open is closed.
    fn streams_closed(&mut self, time: Time, pid: Pid, id: ConnectionId, gone: bool) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if !gone && !connection.closed_here {
            return;
        }
        let error = error_of(connection.error, connection.peer_closed);
        let Some(streams) = &mut connection.streams else { return };
        for sequence in streams.numbers() {
            let taken = self.connections.get_mut(&id).and_then(|it| it.streams.as_mut()?.take(sequence));
            let Some(mut message) = taken else { continue };
            message.response_body.incomplete |= message.response.is_some();
            self.attempt(pid, (id, sequence), message, time, Some(error));
        }
    }

    /// A request without an owner, where the probe that names owners is missing: the oldest client request that is
    /// under way, came with the same method and has no attempt yet. Traefik's forwarded headers narrow it further
    /// where header lines are kept.
    fn infer(&mut self, key: Key) {
        if self.linker.owns(key) {
            return;
        }
        let Some(connection) = self.connections.get(&key.0) else { return };
        let pid = connection.pid;
        let exact = self.processes.get(&pid).is_some_and(|process| process.has_probe("round_trip"));
        if exact {
            return;
        }
        let Some(head) = connection.message(key.1).and_then(|message| message.request.as_ref()) else { return };
        let forwarded_host = head.headers.get("x-forwarded-host");
        let candidate = self
            .connections
            .values()
            .filter(|ingress| ingress.pid == pid && ingress.side == Side::Ingress)
            .filter_map(|ingress| {
                let (_, message) = ingress.book.oldest()?;
                let client = message.request.as_ref()?;
                let serve = ingress.serve.or(ingress.hint)?;
                let host_fits = match (&forwarded_host, &client.host) {
                    (Some(forwarded), Some(host)) => **host == **forwarded,
                    _ => true,
                };
                (client.method == head.method && host_fits && message.response.is_none())
                    .then_some((message.start, serve))
            })
            .min();
        if let Some((_, serve)) = candidate {
            self.linker.infer(key, (pid, serve));
        }
    }
}
