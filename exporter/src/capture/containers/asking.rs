//! The session's side: which peers are new and have to be asked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use tokio::sync::mpsc;

use super::settings::Settings;
use super::{Directory, names, watch};
use crate::capture::ask::Told;
use crate::capture::process::Proc;
use crate::event::{Kind, Open, Origin, Owner, Peer, Pid};

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
    pub(super) peer: SocketAddr,
    /// Somebody waits for the answer.
    pub(super) waits: bool,
}

/// What became of a question.
#[derive(Debug, Clone, Copy)]
struct Asked {
    at: Instant,
    /// The stream has a name: another question only makes sure that it is still right.
    named: bool,
}

/// Asks, if it is wanted, and never waits for an answer.
pub(in crate::capture) struct Asking {
    questions: Option<mpsc::Sender<Question>>,
    asked: FxHashMap<(Pid, SocketAddr), Asked>,
    /// Programs that were started on this machine: a container may be among them.
    starts: Arc<AtomicU64>,
    pub(in crate::capture) directory: Directory,
}

impl Asking {
    /// Starts the thread that answers.
    pub(in crate::capture) fn start(settings: &Settings, told: Sender<Told>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        let (directory, starts) = (Directory::default(), Arc::default());
        let started = watch::start(settings, receiver, told, directory.clone(), Arc::clone(&starts));
        if let Err(error) = started {
            tracing::warn!(%error, "no thread to find containers: backends are called by their addresses");
        }
        let questions = settings.names.then_some(sender);
        Self { questions, asked: FxHashMap::default(), starts, directory }
    }

    /// A program was started.
    pub(in crate::capture) fn program_started(&self) {
        self.starts.fetch_add(1, Relaxed);
    }

    /// A socket appeared. Gives what the stream has to say of its peer, if that is asked for.
    pub(in crate::capture) fn opened(&mut self, pid: Pid, open: &Open, ports: &[SocketAddr]) -> Option<Kind<'static>> {
        let questions = self.questions.as_ref()?;
        let dialled = match open.origin {
            Origin::Dialled => true,
            Origin::Accepted => false,
            Origin::Found => ports.iter().all(|port| port.port() != open.local.port()),
        };
        if !dialled || open.peer.ip().is_unspecified() {
            return None;
        }
        let (key, now) = ((pid, open.peer), Instant::now());
        let before = self.asked.get(&key).copied();
        if before.is_some_and(|before| now - before.at < AGAIN) {
            return None;
        }
        if before.is_none() && self.asked.len() >= MOST {
            self.asked.retain(|_, asked| now - asked.at < IDLE);
            if self.asked.len() >= MOST {
                return None;
            }
        }
        let named = before.is_some_and(|before| before.named);
        questions.try_send(Question { pid, peer: open.peer, waits: !named }).ok()?;
        self.asked.insert(key, Asked { at: now, named });
        (!named).then_some(Kind::Peer(Peer { address: open.peer, owner: Owner::Asked }))
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
