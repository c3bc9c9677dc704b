//! The capture while it runs: follows processes as they come and go, reads the ring, keeps the kernel side told.

mod processes;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use aya::maps::{HashMap, MapData, PerCpuArray, RingBuf};
use hoptap_ebpf as abi;

use super::ask::Told;
use super::clock;
use super::containers::{self, Asking};
use super::convert::{self, Notice};
use super::detaching::Detaching;
use super::named::Named;
use super::pod::Pod;
use super::process::{self, Selection};
use super::programs::{Error, Hook, Programs};
use super::target::{PROBES, ProbeSpec, When};
use super::traced::Traced;
use crate::event::{ConnectionId, Direction, Ended, Event, Kind, Pid, Tally};
use crate::pipeline::NamesFrom;
use crate::readiness::Readiness;

/// What to attach to, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// None: the best that the kernel has.
    pub hook: Option<Hook>,
    pub selection: Selection,
    pub ring_bytes: u32,
    pub names: NamesFrom,
    /// Address of Traefik's API, where its static configuration does not tell.
    pub api: Option<SocketAddr>,
    /// Who is asked for the names of containers.
    pub containers: containers::Settings,
}

/// Takes the events.
pub trait Handler {
    fn event(&mut self, event: &Event<'_>);
    /// Called when the ring is read to its end, at least every few milliseconds.
    fn pause(&mut self);
    /// What the capture is to do; called after every pause.
    fn commands(&mut self) -> Vec<Command>;
}

/// What is learned from events and changes the capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Bytes of a direction up to a stream offset need not be copied.
    Skip(ConnectionId, Direction, u64),
    EntryPointKnown(Pid, SocketAddr),
    NeedsRequestWrite(Pid),
    NeedsHttp2Stream(Pid),
    /// Payloads of DATA on an HTTP/2 connection are wanted, or not.
    Data(ConnectionId, bool),
    /// Something in the table of header compression of a direction is not known: that of this number is wanted.
    Table(Pid, ConnectionId, Direction, u8),
}

/// How long the reader sleeps when the ring is empty. The kernel side wakes it earlier when much is waiting, so this
/// bounds only how late a single request is told. Each time it is awake it takes a processor and its caches from Traefik:
/// awake five times as often, its own work took it a third longer on two busy processors, and Traefik a fiftieth.
const NAP: Duration = Duration::from_millis(50);

/// Events between two looks at everything that is not the ring.
const BATCH: usize = 16_384;

const TALLY_EVERY: Duration = Duration::from_millis(250);
const PROCESSES_EVERY: Duration = Duration::from_secs(1);
/// Programs that start are announced; this finds what an announcement missed.
const SCAN_EVERY: Duration = Duration::from_secs(30);
const CLOCK_EVERY: Duration = Duration::from_secs(60);
/// How long the probes that tell of tables of header compression stay after something was not known: they fire for each
/// stream.
const TABLES_FOR: Duration = Duration::from_secs(10);

/// An attached capture. Dropping it leaves nothing behind.
pub struct Session {
    programs: Programs,
    ring: RingBuf<MapData>,
    processes: HashMap<MapData, u32, Pod<abi::Target>>,
    listeners: HashMap<MapData, u16, u8>,
    skips: HashMap<MapData, u64, Pod<abi::Skip>>,
    tally: PerCpuArray<MapData, Pod<abi::Tally>>,
    /// Sockets of which the end found no room in the ring.
    ended: HashMap<MapData, u64, Pod<abi::Ended>>,
    /// What the last record said of losses.
    lost: u32,
    /// Losses up to which `ended` was looked through.
    recovered: u64,
    settings: Settings,
    readiness: Arc<Readiness>,
    traced: BTreeMap<Pid, Traced>,
    detaching: Detaching,
    /// What handlers of the traced processes said of their names.
    handlers: Named,
    /// Listening ports of each process, and those whose entrypoint is known.
    ports: BTreeMap<Pid, Vec<SocketAddr>>,
    named: BTreeMap<Pid, Vec<u16>>,
    /// Processes that were looked at and are not to be traced, by start time.
    refused: BTreeMap<Pid, u64>,
    told: (Sender<Told>, Receiver<Told>),
    containers: Asking,
    asked: Instant,
    scans: Vec<Instant>,
    /// It was said that there is nothing to trace.
    waiting: bool,
    /// The processes that ran before were looked for: those that are found now have just been started.
    scanned: bool,
}

impl Session {
    /// Attaches to the kernel, and to the processes that run.
    ///
    /// # Errors
    /// The kernel side cannot be put in place, or none of the processes that were named is there.
    pub fn attach(mut settings: Settings, readiness: Arc<Readiness>) -> Result<Self, Error> {
        let pids = &settings.selection.pids;
        let proc = process::Proc::of_this_machine();
        // Who names processes does not wait for others; a Traefik that has yet to start has no id.
        if !pids.is_empty() && pids.iter().all(|pid| proc.start_time(*pid).is_none()) {
            return Err(Error::NoProcess(pids.clone()));
        }
        let told = channel();
        // Names are learned while the programs are loaded.
        let containers = Asking::start(&settings.containers, told.0.clone());
        settings.selection.names = containers.directory.clone();
        let mut programs = Programs::load(settings.hook, settings.ring_bytes)?;
        for (hook, reason) in &programs.refused {
            readiness.hook_refused(hook.as_str(), reason);
        }
        readiness.hook(programs.hook.as_str());
        tracing::info!(hook = programs.hook.as_str(), "attached to the kernel");
        Ok(Self {
            ring: programs.ring()?,
            processes: programs.processes()?,
            listeners: programs.listeners()?,
            skips: programs.skips()?,
            tally: programs.tally()?,
            ended: programs.ended()?,
            lost: 0,
            recovered: 0,
            programs,
            settings,
            readiness,
            traced: BTreeMap::new(),
            detaching: Detaching::default(),
            handlers: Named::default(),
            ports: BTreeMap::new(),
            named: BTreeMap::new(),
            refused: BTreeMap::new(),
            told,
            containers,
            asked: Instant::now(),
            scans: vec![Instant::now()],
            waiting: false,
            scanned: false,
        })
    }

    /// Feeds `handler` until `stop` is set; then reads what is left in the ring.
    pub fn run(&mut self, handler: &mut impl Handler, stop: &AtomicBool) {
        Self::tick(handler);
        let (mut tallied, mut looked, mut ticked, mut scanned) =
            (Instant::now(), Instant::now(), Instant::now(), Instant::now());
        loop {
            let stopping = stop.load(Relaxed);
            let now = Instant::now();
            if now - ticked > CLOCK_EVERY {
                ticked = now;
                Self::tick(handler);
            }
            if self.scans.iter().any(|due| *due <= now) || now - scanned > SCAN_EVERY {
                self.scans.retain(|due| *due > now);
                scanned = now;
                self.scan(handler);
            }
            if now - looked > PROCESSES_EVERY {
                looked = now;
                self.look_after_processes(handler);
                self.rest();
            }
            self.listen_to_askers(handler);
            // Taken before the ring is read to its end: see `Pipeline::tally`.
            let tally = (stopping || now - tallied > TALLY_EVERY).then(|| {
                tallied = now;
                self.tally()
            });
            let drained = self.drain(handler);
            if let Some(tally) = tally
                && drained
            {
                if tally.ring_full > self.recovered {
                    self.recovered = tally.ring_full;
                    self.recover(handler);
                }
                handler.event(&Event { time: clock::monotonic(), pid: 0, kind: Kind::Tally(tally) });
            }
            handler.pause();
            for command in handler.commands() {
                self.obey(command);
            }
            if stopping && drained {
                break;
            }
            if drained {
                self.nap();
            }
        }
        let pids: Vec<Pid> = self.traced.keys().copied().collect();
        for pid in pids {
            self.leave(pid);
        }
        // Nothing is left of hoptap in any of them when this is over.
        drop(std::mem::take(&mut self.detaching));
        self.readiness.detached();
    }

    fn tick(handler: &mut impl Handler) {
        handler.event(&Event { time: clock::monotonic(), pid: 0, kind: Kind::Clock { unix: clock::unix() } });
    }

    /// Reads the ring to its end, or for a batch: says whether the end was reached.
    fn drain(&mut self, handler: &mut impl Handler) -> bool {
        let mut notices = Vec::new();
        let mut drained = false;
        let (traced, containers, ports) = (&self.traced, &mut self.containers, &self.ports);
        let mut take = |event: &Event<'_>| {
            handler.event(event);
            if let Kind::Open(_) | Kind::State(_) = event.kind {
                let ports = ports.get(&event.pid).map(Vec::as_slice).unwrap_or_default();
                if let Some(kind) = containers.seen(event, ports) {
                    handler.event(&Event { kind, ..event.clone() });
                }
            }
        };
        for _ in 0..BATCH {
            let Some(item) = self.ring.next() else {
                drained = true;
                break;
            };
            let notice = convert::record(&item, |pid| traced.get(&pid), &mut self.lost, &mut self.handlers, &mut take);
            notices.extend(notice);
        }
        for notice in notices {
            match notice {
                Notice::Exec(pid) => self.started(pid),
                Notice::Listen(pid) => self.update_ports(pid, handler),
            }
        }
        drained
    }

    /// Tells of the sockets that went while there was no room to say so.
    fn recover(&mut self, handler: &mut impl Handler) {
        let time = clock::monotonic();
        // Nothing may have come since the loss that would have told of it.
        handler.event(&Event { time, pid: 0, kind: Kind::Lost });
        let ended: Vec<(u64, abi::Ended)> =
            self.ended.iter().filter_map(Result::ok).map(|(connection, Pod(ended))| (connection, ended)).collect();
        for (connection, ended) in ended {
            let _ = self.ended.remove(&connection);
            let kind = Kind::Ended(Ended {
                connection,
                error: ended.error,
                responses: ended.responses,
                sealed: ended.sealed != 0,
            });
            handler.event(&Event { time: ended.time, pid: ended.tgid, kind });
        }
    }

    #[expect(unsafe_code, reason = "there is no safe call for it in the standard library")]
    fn nap(&self) {
        let mut ring = libc::pollfd { fd: self.ring.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let nap = libc::c_int::try_from(NAP.as_millis()).unwrap_or(10);
        // SAFETY: one descriptor, which lives through the call. Interrupted or not, the loop goes on.
        unsafe {
            libc::poll(&raw mut ring, 1, nap);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Skip(connection, direction, until) => {
                let mut skip = self.skips.get(&connection, 0).map_or_else(|_| abi::Skip::default(), |Pod(skip)| skip);
                match direction {
                    Direction::Receive => skip.receive = until,
                    Direction::Send => skip.send = until,
                }
                // Without it the bytes are copied and thrown away.
                let _ = self.skips.insert(connection, Pod(skip), 0);
            }
            Command::EntryPointKnown(pid, local) => {
                self.named.entry(pid).or_default().push(local.port());
                self.learn(pid);
            }
            Command::NeedsRequestWrite(pid) => self.need(pid, When::OnDemand),
            Command::NeedsHttp2Stream(pid) => self.need(pid, When::StreamsUnknown),
            Command::Table(pid, connection, direction, number) => {
                let mut skip = self.skips.get(&connection, 0).map_or_else(|_| abi::Skip::default(), |Pod(skip)| skip);
                let [received, sent] = &mut skip.tables;
                let wanted = if direction == Direction::Send { sent } else { received };
                // The first is sent unasked where a connection was open before.
                if *wanted < number && number > 1 {
                    *wanted = number;
                    let _ = self.skips.insert(connection, Pod(skip), 0);
                }
                if let Some(traced) = self.traced.get_mut(&pid) {
                    traced.tables = Instant::now();
                }
                self.need(pid, When::TablesUnknown);
            }
            Command::Data(connection, wanted) => {
                let mut skip = self.skips.get(&connection, 0).map_or_else(|_| abi::Skip::default(), |Pod(skip)| skip);
                skip.data = if wanted { abi::data::COPY } else { abi::data::LEAVE };
                // Without it they are copied and thrown away.
                let _ = self.skips.insert(connection, Pod(skip), 0);
            }
        }
    }

    /// Takes away the probes that tell of tables where all has been known for a while.
    fn rest(&mut self) {
        let rested: Vec<Pid> = self
            .traced
            .values_mut()
            .filter(|traced| traced.tables.elapsed() > TABLES_FOR)
            .filter_map(|traced| {
                let unwanted = |spec: &ProbeSpec| spec.when == When::TablesUnknown;
                let attached = PROBES.iter().any(|spec| unwanted(spec) && traced.has(spec.name));
                self.detaching.add(traced.detach(&mut self.programs, unwanted));
                attached.then_some(traced.found.pid)
            })
            .collect();
        for pid in rested {
            self.publish(pid);
        }
    }

    /// Attaches probes for which there is a reason now, once.
    fn need(&mut self, pid: Pid, when: When) {
        let Some(traced) = self.traced.get_mut(&pid) else { return };
        let known = |name: &str| traced.has(name) || traced.missing.iter().any(|missing| missing.name == name);
        if PROBES.iter().filter(|spec| spec.when == when).all(|spec| known(spec.name)) {
            return;
        }
        traced.attach(&mut self.programs, |spec| spec.when == when);
        self.publish(pid);
    }

    fn tally(&self) -> Tally {
        let mut total = Tally::default();
        if let Ok(values) = self.tally.get(&0, 0) {
            for Pod(tally) in values.iter() {
                total.responses += tally.responses;
                total.ring_full += tally.ring_full;
                total.map_full += tally.map_full;
                total.unfollowed += tally.unfollowed;
                total.cut += tally.cut;
                total.faults += tally.faults;
            }
        }
        total
    }
}
