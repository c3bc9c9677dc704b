//! The session's side: which peers are new and have to be asked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use tokio::sync::mpsc;

use super::settings::Settings;
use super::started::Started;
use super::{Directory, names, watch};
use crate::capture::ask::Told;
use crate::capture::process::Proc;
use crate::event::{Change, ConnectionId, Event, Kind, Origin, Owner, Peer, Pid, State};

/// Peers that are known at once: beyond them addresses are told.
const MOST: usize = 8192;

/// Questions that may wait.
const WAITING: usize = 1024;

/// A peer is asked for again when another connection goes there, but not more often than this.
const AGAIN: Duration = Duration::from_secs(1);

/// One that nobody dialled for so long is forgotten where there is no room.
const IDLE: Duration = Duration::from_secs(60);

/// Whose the peer of a process is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) pid: Pid,
    /// Both ends, as the process has them.
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    /// Somebody waits for the answer.
    pub(super) waits: bool,
    /// How often it was asked without an answer.
    pub(super) tries: u32,
}

/// What became of a question.
#[derive(Debug, Clone, Copy)]
struct Asked {
    at: Instant,
    /// Programs that had been started.
    starts: u64,
    /// The stream has a name: another question only makes sure that it is still right.
    named: bool,
}

/// Asks, if it is wanted, and never waits for an answer.
pub(in crate::capture) struct Asking {
    questions: Option<mpsc::Sender<Question>>,
    asked: FxHashMap<(Pid, SocketAddr), Asked>,
    /// Where sockets are going that are not connected yet.
    dialled: FxHashMap<ConnectionId, SocketAddr>,
    started: Arc<Started>,
    pub(in crate::capture) directory: Directory,
}

impl Asking {
    /// Starts the thread that answers.
    pub(in crate::capture) fn start(settings: &Settings, told: Sender<Told>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        let (directory, started) = (Directory::default(), Arc::default());
        if let Err(error) = watch::start(settings, &sender, receiver, told, directory.clone(), Arc::clone(&started)) {
            tracing::warn!(%error, "no thread to find containers: backends are called by their addresses");
        }
        let questions = settings.names.then_some(sender);
        Self { questions, asked: FxHashMap::default(), dialled: FxHashMap::default(), started, directory }
    }

    /// A program was started.
    pub(in crate::capture) fn program_started(&self, pid: Pid) {
        self.started.note(pid);
    }

    /// Something happened to a socket. Gives what the stream has to say of its peer, if that is asked for now: there is
    /// nothing to be found before two ends are connected.
    pub(in crate::capture) fn seen(&mut self, event: &Event<'_>, ports: &[SocketAddr]) -> Option<Kind<'static>> {
        match &event.kind {
            Kind::Open(open) => match open.origin {
                Origin::Dialled if self.questions.is_some() => {
                    if self.dialled.len() >= MOST {
                        // Ends of sockets were lost.
                        self.dialled.clear();
                    }
                    self.dialled.insert(open.connection, open.peer);
                    None
                }
                Origin::Found if ports.iter().all(|port| port.port() != open.local.port()) => {
                    self.ask(event.pid, open.local, open.peer)
                }
                _ => None,
            },
            Kind::State(State { connection, change, .. }) => {
                let peer = self.dialled.remove(connection)?;
                let Change::Established { local } = change else { return None };
                self.ask(event.pid, *local, peer)
            }
            _ => None,
        }
    }

    fn ask(&mut self, pid: Pid, local: SocketAddr, peer: SocketAddr) -> Option<Kind<'static>> {
        let questions = self.questions.as_ref()?;
        let (key, now) = ((pid, peer), Instant::now());
        let before = self.asked.get(&key).copied();
        let starts = self.started.count();
        // One that nobody had may be that of a container that has just been started.
        let settled = |before: Asked| now - before.at < AGAIN && (before.named || before.starts == starts);
        if before.is_some_and(settled) {
            return None;
        }
        if before.is_none() && self.asked.len() >= MOST {
            self.asked.retain(|_, asked| now - asked.at < IDLE);
            if self.asked.len() >= MOST {
                return None;
            }
        }
        let named = before.is_some_and(|before| before.named);
        questions.try_send(Question { pid, local, peer, waits: !named, tries: 0 }).ok()?;
        self.asked.insert(key, Asked { at: now, starts, named });
        (!named).then_some(Kind::Peer(Peer { address: peer, owner: Owner::Asked }))
    }

    /// What the thread says of a peer.
    pub(in crate::capture) fn answered(&mut self, pid: Pid, peer: &Peer) {
        let key = (pid, peer.address);
        match peer.owner {
            // Whoever comes next is somebody else.
            Owner::Gone => drop(self.asked.remove(&key)),
            Owner::Container { .. } => {
                self.asked.entry(key).and_modify(|asked| asked.named = true);
            }
            Owner::Asked | Owner::Unknown => {}
        }
    }

    /// A process ended.
    pub(in crate::capture) fn forget(&mut self, pid: Pid) {
        self.asked.retain(|(of, _), _| *of != pid);
    }

    /// What people call the container of a process, as far as it is known now.
    pub(in crate::capture) fn name(&self, pid: Pid, short_id: Option<&str>) -> Option<String> {
        let id = short_id?;
        let pod = || names::pod_of(&Proc::of_this_machine(), pid);
        self.directory.name(id).map(|name| (*name).to_owned()).or_else(pod)
    }
}
