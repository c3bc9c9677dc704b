//! From events to exchanges: a pure function of the stream.
//!
//! No clock, no IO, no thread; a replay of a recorded stream gives the same exchanges, ids included.

mod account;
mod bodies;
mod egress;
mod http3;
mod ingress;
mod names;
mod peers;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::connection::{Budget, Clock, Connection, Epoch, Keep, Sequence, Side, serves};
use crate::counters::{Cause, Counters, Traffic};
use crate::event::{
    Change, ConnectionId, Direction, Ended, Event, Goroutine, Kind, Name, Open, Origin, Own, Pid, Probe, Process, Role,
    State, Table, Tally, Time, Tls, Transfer,
};
use crate::exchange::{self, Cut, Exchange, Hop, Level, Method};
use crate::link::{Emitted, Linker};
use crate::policy::Policy;
use crate::traefik::Names;
use bodies::{count_bodies, kept};
use ingress::Lingering;
use names::Sources;
use peers::Peers;

/// Names that are held at once; Traefik's configuration bounds them, this bounds Traefik.
const MAX_NAMES: usize = 65_536;

/// Sockets that are followed at once; the kernel side holds as many.
const MAX_CONNECTIONS: usize = 131_072;

/// Bytes that must still come before it is worth a system call to tell the kernel side to leave them out.
const WORTH_TELLING: u64 = 64 * 1024;

/// What the pipeline is told at start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Makes the ids of a stream its own.
    pub seed: u64,
    pub names: NamesFrom,
    pub policy: Arc<Policy>,
    /// Of each body, so many bytes are kept at most.
    pub body_bytes: usize,
    /// Of all bodies that are under way together.
    pub body_memory: usize,
    /// User-Agent of what hoptap itself sends: nothing is told of that.
    pub own_agent: Option<&'static str>,
}

impl Settings {
    /// The same level for everything.
    pub fn uniform(seed: u64, level: Level, names: NamesFrom) -> Self {
        let policy = Arc::new(Policy::uniform(level));
        Self { seed, names, policy, body_bytes: BODY_BYTES, body_memory: BODY_MEMORY, own_agent: None }
    }
}

/// As the configuration has it by default.
const BODY_BYTES: usize = 1 << 20;
const BODY_MEMORY: usize = 64 << 20;

/// Where the Traefik names of requests are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamesFrom {
    /// Probes where they are in place, else the API.
    Auto,
    Probes,
    Api,
}

/// Takes what the pipeline makes.
pub trait Sink {
    fn exchange(&mut self, exchange: Exchange);
    /// A client request began; [`Sink::ended`] takes it back with the same values.
    fn began(&mut self, entrypoint: Option<&Name>, method: &Method, tls: bool);
    fn ended(&mut self, entrypoint: Option<&Name>, method: &Method, tls: bool);
    /// Bytes of a direction up to a stream offset need not be copied.
    fn skip(&mut self, connection: ConnectionId, direction: Direction, until: u64);
    /// The entrypoint of a listening port is known.
    fn entrypoint_known(&mut self, pid: Pid, local: SocketAddr);
    /// A round trip's connection could not be read: the slower probe is needed.
    fn needs_request_write(&mut self, pid: Pid);
    /// A handler's stream could not be read: the probe that tells is needed.
    fn needs_http2_stream(&mut self, _pid: Pid) {}
    /// Something in the table of header compression of a direction is not known: that of this number is wanted.
    fn needs_table(&mut self, _pid: Pid, _connection: ConnectionId, _direction: Direction, _number: u8) {}
    /// No TLS session came about on a connection to this entrypoint.
    fn handshake_failed(&mut self, _entrypoint: Option<&Name>) {}
    /// Payloads of DATA on an HTTP/2 connection are wanted, or not.
    fn data(&mut self, _connection: ConnectionId, _wanted: bool) {}
}

/// The pipeline.
#[derive(Debug)]
pub struct Pipeline {
    settings: Settings,
    /// Heads keep their header lines: for outputs, or for rules.
    keep_headers: bool,
    /// What is kept of bodies; None: no rule can want any.
    keep: Option<Keep>,
    /// Client connections by the goroutine that serves each, where bodies are kept.
    serving: FxHashMap<(Pid, u64), ConnectionId>,
    clock: Clock,
    processes: FxHashMap<Pid, Arc<Process>>,
    listening: FxHashMap<Pid, Vec<SocketAddr>>,
    connections: FxHashMap<ConnectionId, Connection>,
    linker: Linker,
    /// Connections to backends by the goroutine of fastProxy that reads them, or that dialled them and started it.
    readers: FxHashMap<(Pid, u64), ConnectionId>,
    names: Names,
    sources: Sources,
    /// Requests of HTTP/3 clients, by the goroutine that serves each.
    http3: FxHashMap<(Pid, u64), http3::Request>,
    /// Requests whose streams were reset by their clients, by the time at which they are told: Traefik may not have
    /// given them up yet.
    lingering: VecDeque<Lingering>,
    /// Connections on which hoptap itself asks Traefik.
    own: FxHashSet<Own>,
    /// Connections to backends with streams of which more may become known.
    held: FxHashSet<ConnectionId>,
    counters: Arc<Counters>,
    /// Client requests that ended without a response on the wire: the kernel cannot count them.
    unanswered: u64,
    /// Final response heads that were read, or are known to have been missed.
    heads: u64,
    /// Those among them that were booked as lost by a tally, and that no connection has told of since.
    booked: u64,
    /// Those among them that answered hoptap itself.
    own_heads: u64,
    tally: Tally,
    /// Losses so far.
    epoch: Epoch,
    peers: Peers,
    /// Time of the last event.
    now: Time,
}

impl Pipeline {
    pub fn new(settings: Settings, counters: Arc<Counters>) -> Self {
        let (keep_headers, keep) = kept(&settings, None);
        Self {
            keep_headers,
            keep,
            serving: FxHashMap::default(),
            linker: Linker::new(settings.seed),
            settings,
            clock: Clock::default(),
            processes: FxHashMap::default(),
            listening: FxHashMap::default(),
            connections: FxHashMap::default(),
            readers: FxHashMap::default(),
            names: Names::new(MAX_NAMES),
            sources: Sources::default(),
            http3: FxHashMap::default(),
            lingering: VecDeque::new(),
            own: FxHashSet::default(),
            held: FxHashSet::default(),
            counters,
            unanswered: 0,
            heads: 0,
            booked: 0,
            own_heads: 0,
            tally: Tally::default(),
            epoch: 0,
            peers: Peers::default(),
            now: 0,
        }
    }

    /// Takes other rules for what comes from now on. What is under way may have nothing of what they ask for.
    pub fn reconfigure(&mut self, settings: Settings) {
        let (keep_headers, keep) = kept(&settings, self.keep.as_ref());
        self.settings = Settings { seed: self.settings.seed, ..settings };
        self.keep_headers = keep_headers;
        self.keep = keep;
        let headers: Vec<bool> =
            self.connections.values().map(|connection| keep_headers || self.needs_headers(connection.pid)).collect();
        for (connection, headers) in self.connections.values_mut().zip(headers) {
            connection.keep(headers, self.keep.as_ref());
        }
    }

    /// Takes the next event.
    pub fn event(&mut self, event: &Event<'_>, sink: &mut impl Sink) {
        tracing::trace!(?event);
        let Event { time, pid, kind } = event;
        let (time, pid) = (*time, *pid);
        self.now = time;
        self.counters.events.fetch_add(1, Relaxed);
        match kind {
            Kind::Clock { unix } => {
                self.clock = Clock::new(time, *unix);
                self.linker.clock = self.clock;
            }
            Kind::Process(process) => {
                self.processes.insert(pid, Arc::new((**process).clone()));
                if !process.has_probe("router") {
                    self.linker.nameless.insert(pid);
                }
                if process.has_probe("dial_queued") && process.has_probe("dial") {
                    self.linker.dials_are_exact(pid);
                }
                if process.has_probe("spawn") && process.has_probe("mirror") {
                    self.linker.exact_mirrors.insert(pid);
                }
            }
            Kind::Exit => self.exit(time, pid, sink),
            Kind::Listening(ports) => {
                self.listening.insert(pid, ports.clone());
            }
            Kind::Configuration(configuration) => self.sources.configure(pid, configuration),
            Kind::Own(own) => {
                self.own.insert(*own);
                // It may have been announced already: Traefik tries to read before there is something to read.
                for connection in self.connections.values_mut().filter(|connection| connection.is(*own)) {
                    connection.side = Side::Own;
                }
            }
            Kind::Open(open) => self.open(time, pid, open),
            Kind::Transfer(transfer) => self.transfer(time, transfer, sink),
            Kind::State(state) => self.state(time, pid, state, sink),
            Kind::Probe { goroutine, probe } => self.probe(time, pid, *goroutine, probe, sink),
            Kind::Tally(tally) => {
                self.release(time);
                self.tally(tally);
            }
            Kind::Lost => {
                self.epoch = self.epoch.wrapping_add(1);
                self.linker.lost(self.epoch);
                self.http3_lost(self.epoch, sink);
            }
            Kind::Ended(ended) => self.gone(time, pid, ended, sink),
            Kind::Tls(tls) => self.tls(tls),
            Kind::Table(table) => self.table(time, table, sink),
            Kind::Peer(peer) => self.peer(time, pid, peer),
        }
        self.tell_lingering(time);
        self.linker.pass(time);
        self.drain(sink);
        self.tell_named(time, sink);
    }

    /// The end of the stream: hands out what is complete, and counts what is not.
    pub fn finish(&mut self, time: Time, sink: &mut impl Sink) {
        self.tell_lingering(Time::MAX);
        self.http3_left(None, sink);
        let ids: Vec<ConnectionId> = self.connections.keys().copied().collect();
        for id in ids {
            self.bind(time, id);
            if let Some(mut connection) = self.connections.remove(&id)
                && connection.side == Side::Ingress
            {
                let left = connection.book.iter().filter(|(_, message)| message.request.is_some()).count() as u64;
                let streams = connection.streams.as_ref().map_or(0, |streams| streams.iter().count()) as u64;
                self.counters.drops.add(Cause::Shutdown, left + streams);
                self.unanswered += connection
                    .book
                    .iter()
                    .filter(|(_, message)| message.request.is_some() && message.response.is_none())
                    .count() as u64;
                let tls = connection.tls.is_some();
                while let Some((_, entrypoint, method)) = connection.active.pop_front() {
                    sink.ended(entrypoint.as_ref(), &method, tls);
                }
            }
        }
        self.linker.finish();
        self.linker.pass(time);
        self.drain(sink);
        self.tell_named(Time::MAX, sink);
        self.seen();
    }

    fn drain(&mut self, sink: &mut impl Sink) {
        if self.linker.out.is_empty() {
            return;
        }
        let mut out = std::mem::take(&mut self.linker.out);
        for Emitted { mut exchange, run, before } in out.drain(..) {
            if let Some(process) = self.processes.get(&exchange.pid) {
                exchange.process = Arc::clone(process);
            }
            if exchange.server.is_some() {
                self.counters.requests_exported.fetch_add(1, Relaxed);
            }
            if self.is_own(&exchange) {
                self.counters.told_apart.add(Traffic::Telemetry, 1);
                continue;
            }
            self.sources.name(&mut exchange, self.settings.names, &mut self.names);
            if let Some(port) = self.sources.learned(exchange.pid) {
                sink.entrypoint_known(exchange.pid, port);
            }
            exchange.kept = self.settings.policy.judge(&exchange, before);
            if let Some(run) = run.filter(|_| self.settings.policy.has_rules()) {
                self.linker.judged(run, exchange.kept);
            }
            exchange.forget_beyond();
            if exchange.kept.level == Level::Full {
                exchange.hops_mut().for_each(Hop::describe_contents);
                count_bodies(&exchange, &self.counters);
            }
            self.hand_out(self.now, exchange, sink);
        }
        // Its capacity is kept.
        self.linker.out = out;
    }

    /// hoptap itself asked: what it tells goes through a Traefik that it watches. To tell of that would never end.
    fn is_own(&self, exchange: &Exchange) -> bool {
        let Some(own) = self.settings.own_agent else { return false };
        let asked = exchange.server.as_ref().map(|server| &server.hop);
        let asked = asked.or(exchange.attempts.first().map(|attempt| &attempt.hop));
        asked.is_some_and(|hop| hop.user_agent.as_deref().is_some_and(|agent| agent == own))
    }

    fn probe(&mut self, time: Time, pid: Pid, goroutine: Goroutine, probe: &Probe<'_>, sink: &mut impl Sink) {
        match probe {
            Probe::RoundTrip { fd: -1, .. } => sink.needs_request_write(pid),
            Probe::Router { stream: 0, .. } if goroutine.role == Role::Http2Handler => sink.needs_http2_stream(pid),
            _ => {}
        }
        self.http3(time, pid, goroutine, probe, sink);
        self.linker.probe(time, pid, goroutine, probe, &mut self.names);
    }

    fn tls(&mut self, tls: &Tls<'_>) {
        let Some(connection) = self.connections.get_mut(&tls.connection) else { return };
        let named = |text: &str| (!text.is_empty()).then(|| text.into());
        connection.sealed = true;
        connection.begin_tls(exchange::Tls {
            version: tls.version,
            cipher: tls.cipher,
            resumed: tls.resumed,
            server_name: named(tls.server_name),
            protocol: named(tls.protocol),
        });
    }

    fn table(&mut self, time: Time, table: &Table<'_>, sink: &mut impl Sink) {
        let Some(connection) = self.connections.get_mut(&table.connection) else { return };
        connection.table(table);
        match connection.side {
            Side::Ingress => self.ingress_facts(time, table.connection, sink),
            Side::Egress => self.egress_facts(time, table.connection, Goroutine::default()),
            Side::Unknown | Side::Own => {}
        }
    }

    /// Tells of streams to backends whose tables did not come.
    fn release(&mut self, time: Time) {
        for id in std::mem::take(&mut self.held) {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.release();
                self.egress_facts(time, id, Goroutine::default());
            }
        }
    }

    fn open(&mut self, time: Time, pid: Pid, open: &Open) {
        if open.origin == Origin::Dialled {
            self.linker.dialled(time, pid, open);
        }
        if self.connections.len() >= MAX_CONNECTIONS {
            self.counters.losses.add(Cause::MapFull, 1);
            return;
        }
        let side = self.side(pid, open);
        let keep_headers = self.keep_headers || self.needs_headers(pid);
        let connection = Connection::new(pid, open, side, time, keep_headers, self.keep.clone());
        self.connections.insert(open.connection, connection);
        if open.origin == Origin::Dialled {
            self.note_reader(pid, open.goroutine, open.connection);
        }
    }

    /// Rules ask for headers, and so does inference.
    fn needs_headers(&self, pid: Pid) -> bool {
        let Some(process) = self.processes.get(&pid) else { return false };
        self.settings.names == NamesFrom::Api || !process.has_probe("router") || !process.has_probe("round_trip")
    }

    fn side(&self, pid: Pid, open: &Open) -> Side {
        if open.origin == Origin::Dialled {
            return Side::Egress;
        }
        if self.own.contains(&Own { from: open.peer, to: open.local.port() }) {
            return Side::Own;
        }
        let listens = |ports: &Vec<SocketAddr>| {
            ports.iter().any(|port| {
                port.port() == open.local.port() && (port.ip().is_unspecified() || port.ip() == open.local.ip())
            })
        };
        match self.listening.get(&pid) {
            _ if open.origin == Origin::Accepted => Side::Ingress,
            Some(ports) if listens(ports) => Side::Ingress,
            _ => Side::Unknown,
        }
    }

    fn transfer(&mut self, time: Time, transfer: &Transfer<'_>, sink: &mut impl Sink) {
        self.counters.captured_bytes.fetch_add(transfer.bytes.len() as u64, Relaxed);
        let Some(connection) = self.connections.get_mut(&transfer.connection) else {
            // Its opening was lost: counted as such where the ring was full, and its responses by the kernel.
            return;
        };
        let goroutine = transfer.goroutine;
        if connection.side == Side::Ingress {
            if let Some(serve) = serves(&goroutine) {
                let pid = connection.pid;
                if connection.serve.replace(serve).is_none() {
                    self.bind(time, transfer.connection);
                }
                if self.keep.is_some() {
                    self.serving.insert((pid, serve), transfer.connection);
                }
            } else if goroutine.role == Role::BackgroundRead {
                connection.hint = Some(goroutine.parent);
            } else if goroutine.role == Role::FastRead && connection.serve.is_none() {
                let pid = connection.pid;
                self.served_by_reader(time, pid, goroutine, transfer.connection);
            }
        } else if goroutine.role == Role::FastRead && connection.side == Side::Egress {
            let pid = connection.pid;
            self.note_reader(pid, goroutine, transfer.connection);
        }
        if transfer.result == -i64::from(libc::EAGAIN) || transfer.result == -i64::from(libc::EINTR) {
            return;
        }
        let Some(connection) = self.connections.get_mut(&transfer.connection) else { return };
        let counted = connection.counted();
        connection.transfer(time, transfer, self.epoch);
        let id = connection.id;
        if connection.side == Side::Ingress {
            self.heads += u64::from(connection.counted() - counted);
        }
        match connection.side {
            Side::Ingress => self.ingress_facts(time, id, sink),
            Side::Egress => self.egress_facts(time, id, goroutine),
            Side::Unknown | Side::Own => {}
        }
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let missed = connection.missed(transfer.responses, false);
        self.missed(id, missed, sink);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if let Some(streams) = connection.streams.as_ref().filter(|streams| streams.walked)
            && streams.opened > 0
        {
            // A connection carries what nobody wants, too; what comes next on it would be missed otherwise.
            let wanted = streams.wants_data || self.keep.is_some();
            if connection.data_wanted != Some(wanted) {
                connection.data_wanted = Some(wanted);
                sink.data(id, wanted);
            }
        }
        for (direction, number) in connection.wanted_tables().into_iter().flatten() {
            sink.needs_table(connection.pid, id, direction, number);
        }
        if connection.holds() {
            self.held.insert(id);
        }
        let until = connection.skippable_until(transfer.direction);
        let told = &mut connection.told[usize::from(transfer.direction == Direction::Send)];
        if until > *told && until.saturating_sub(transfer.offset) > WORTH_TELLING {
            *told = until;
            sink.skip(id, transfer.direction, until);
        }
    }

    fn state(&mut self, time: Time, pid: Pid, state: &State, sink: &mut impl Sink) {
        let id = state.connection;
        match state.change {
            Change::Established { local } => {
                self.linker.connected(id);
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.established = true;
                    connection.local = local;
                }
            }
            Change::ClosedThere => {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.peer_closed = true;
                }
            }
            Change::ClosedHere => {
                let Some(connection) = self.connections.get_mut(&id) else { return };
                connection.closed_here = true;
                if let Some(serve) = serves(&state.goroutine) {
                    connection.serve.get_or_insert(serve);
                    self.bind(time, id);
                }
                self.missed_at_end(id, state.responses, sink);
                self.closed(time, pid, id, false, sink);
            }
            Change::Gone => {
                if let Some(connection) = self.connections.get_mut(&id)
                    && connection.serve.is_none()
                    && !connection.closed_here
                {
                    connection.serve = serves(&state.goroutine);
                }
                let ended =
                    Ended { connection: id, error: state.error, responses: state.responses, sealed: state.sealed };
                self.gone(time, pid, &ended, sink);
            }
        }
    }

    fn gone(&mut self, time: Time, pid: Pid, ended: &Ended, sink: &mut impl Sink) {
        let id = ended.connection;
        self.linker.gone(time, id, ended.error);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if ended.error != 0 {
            connection.error = ended.error;
        }
        connection.sealed |= ended.sealed;
        if connection.sealed && connection.tls.is_none() && connection.origin != Origin::Found {
            self.handshake_failed(id, sink);
        }
        self.missed_at_end(id, ended.responses, sink);
        self.closed(time, pid, id, true, sink);
        self.bind(time, id);
        if let Some(connection) = self.connections.remove(&id) {
            self.forget_reader(&connection);
            self.forget_serving(&connection);
            self.own.remove(&Own { from: connection.peer, to: connection.local.port() });
            if let Some(serve) = connection.serve {
                self.linker.leave(time, pid, serve);
            }
        }
    }

    fn closed(&mut self, time: Time, pid: Pid, id: ConnectionId, gone: bool, sink: &mut impl Sink) {
        match self.connections.get(&id).map(|connection| connection.side) {
            Some(Side::Ingress) => self.ingress_closed(time, id, gone, sink),
            Some(Side::Egress) => self.egress_closed(time, pid, id, gone),
            _ => {}
        }
    }

    fn exit(&mut self, time: Time, pid: Pid, sink: &mut impl Sink) {
        let ids: Vec<ConnectionId> = self
            .connections
            .values()
            .filter(|connection| connection.pid == pid)
            .map(|connection| connection.id)
            .collect();
        for id in ids {
            self.closed(time, pid, id, true, sink);
            self.bind(time, id);
            if let Some(connection) = self.connections.remove(&id) {
                self.forget_reader(&connection);
                self.forget_serving(&connection);
            }
        }
        self.tell_lingering(Time::MAX);
        self.http3_left(Some(pid), sink);
        self.linker.exit(pid);
        self.listening.remove(&pid);
        self.sources.forget(pid);
        // The process itself stays until its last exchange is handed out.
        self.linker.finish();
        self.drain(sink);
        self.tell_named(Time::MAX, sink);
        self.forget_peers(pid);
        self.processes.remove(&pid);
    }

    /// Connections, runs, goroutines and hand-overs in memory.
    pub fn size(&self) -> usize {
        let streams: usize =
            self.connections.values().filter_map(|it| it.streams.as_ref()).map(|it| it.iter().count()).sum();
        self.connections.len()
            + self.linker.size()
            + self.lingering.len()
            + self.http3.len()
            + self.peers.len()
            + streams
    }
}

/// A message of a connection.
type Key = (ConnectionId, Sequence);
