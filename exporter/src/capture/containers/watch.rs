//! The thread that finds the owners of addresses, and notices when they go.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::{Notify, mpsc};

use super::Directory;
use super::asking::Question;
use super::census::{Census, Unit};
use super::end::End;
use super::engine::{self, Engine};
use super::names::Names;
use super::owner::{self, Owner};
use super::settings::Settings;
use super::started::Started;
use crate::capture::ask::Told;
use crate::capture::clock;
use crate::capture::process::Proc;
use crate::event::{self, Peer, Pid, Time};

/// Containers whose end is waited for at once; each costs a descriptor. Beyond them addresses are told.
const MOST: usize = 512;

/// Peers that are told of at once.
const MOST_TOLD: usize = 16_384;

/// What taking a census may cost, at most: one part in so many.
const SHARE: u32 = 8;

/// What is started is taken in by itself: the whole is for what was missed.
const AT_MOST_EVERY: Duration = Duration::from_secs(5);

/// How often a question is put again, and how long after the first time.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);

/// A process, for good.
type Process = (Pid, u64);

pub(super) fn start(
    settings: &Settings,
    asking: &mpsc::Sender<Question>,
    questions: mpsc::Receiver<Question>,
    told: Sender<Told>,
    directory: Directory,
    started: Arc<Started>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let changed = Arc::new(Notify::new());
    let docker = Engine::new("docker", &settings.docker, engine::docker(), &directory, &changed);
    let podman = Engine::new("podman", &settings.podman, engine::podman(), &directory, &changed);
    let engines: Vec<Arc<Engine>> = docker.into_iter().chain(podman).map(Arc::new).collect();
    let (exits, exited) = mpsc::channel(MOST);
    let watch = Watch {
        proc: Proc::of_this_machine(),
        names: Names { engines, directory },
        census: Census::default(),
        taken: None,
        started,
        again: asking.downgrade(),
        told: FxHashMap::default(),
        waited_for: FxHashSet::default(),
        exits,
        out: told,
    };
    std::thread::Builder::new().name("containers".into()).spawn(move || {
        runtime.block_on(watch.run(questions, exited, &changed));
    })?;
    Ok(())
}

struct Watch {
    proc: Proc,
    names: Names,
    census: Census,
    taken: Option<Taken>,
    started: Arc<Started>,
    /// Where a question is put again.
    again: mpsc::WeakSender<Question>,
    /// What the stream was told.
    told: FxHashMap<(Pid, SocketAddr), (Owner, String)>,
    waited_for: FxHashSet<Process>,
    exits: mpsc::Sender<Process>,
    out: Sender<Told>,
}

/// When the census was taken.
#[derive(Clone, Copy)]
struct Taken {
    at: Instant,
    cost: Duration,
}

impl Watch {
    async fn run(
        mut self,
        mut questions: mpsc::Receiver<Question>,
        mut exited: mpsc::Receiver<Process>,
        changed: &Notify,
    ) {
        for engine in &self.names.engines {
            tokio::spawn(Arc::clone(engine).follow());
        }
        loop {
            tokio::select! {
                biased;
                Some(process) = exited.recv() => self.gone(process),
                () = changed.notified() => self.renamed(),
                question = questions.recv() => match question {
                    Some(question) => self.answer(question).await,
                    // The session is over.
                    None if self.out.send(Told::Names).is_err() => return,
                    // Backends are not to be named, but processes are.
                    None => changed.notified().await,
                },
            }
        }
    }

    async fn answer(&mut self, question: Question) {
        let Question { pid, local, peer, waits, .. } = question;
        let key = (pid, peer);
        if let Some((owner, name)) = self.told.get(&key) {
            if owner.still_has(&self.proc, peer) {
                if waits {
                    let since = self.begun(owner);
                    self.tell(key, event::Owner::Container { name: name.clone(), since });
                }
                return;
            }
            self.told.remove(&key);
            self.tell(key, event::Owner::Gone);
        }
        self.take_in_what_started();
        let mut found = self.find(pid, (local, peer));
        if found.is_none() {
            self.census.refresh(&self.proc);
            found = self.find(pid, (local, peer));
        }
        if found.is_none() && self.may_count() {
            self.count();
            found = self.find(pid, (local, peer));
        }
        let watched =
            found.filter(|owner| self.has_room() && self.wait_for((owner.member.pid, owner.member.start_time)));
        let named = match watched {
            Some(owner) => self.names.of(&self.proc, &owner.member).await.map(|name| (owner, name)),
            None => None,
        };
        let Some((owner, name)) = named else {
            if waits {
                self.tell(key, event::Owner::Unknown);
            }
            self.ask_again(question);
            return;
        };
        let since = self.begun(&owner);
        self.tell(key, event::Owner::Container { name: name.clone(), since });
        self.told.insert(key, (owner, name));
    }

    fn has_room(&mut self) -> bool {
        if self.told.len() >= MOST_TOLD {
            let proc = &self.proc;
            self.told.retain(|(asker, _), _| proc.start_time(*asker).is_some());
        }
        self.told.len() < MOST_TOLD
    }

    fn find(&self, pid: Pid, ends: (SocketAddr, SocketAddr)) -> Option<Owner> {
        let found = owner::find(&self.proc, &self.census, pid, ends)?;
        // The census may be older than what the address says now.
        found.still_has(&self.proc, ends.1).then_some(found)
    }

    fn take_in_what_started(&mut self) {
        match self.started.take() {
            Some(pids) if self.taken.is_some() => pids.into_iter().for_each(|pid| self.census.add(&self.proc, pid)),
            _ => self.count(),
        }
    }

    fn may_count(&self) -> bool {
        self.taken.is_none_or(|taken| taken.at.elapsed() > (taken.cost * SHARE).max(AT_MOST_EVERY))
    }

    fn count(&mut self) {
        let at = Instant::now();
        self.census = Census::take(&self.proc);
        self.taken = Some(Taken { at, cost: at.elapsed() });
    }

    /// A container that is just being started, or a table that changed while it was read: an address that containers
    /// have is looked at again, for its connection may stay for long.
    fn ask_again(&self, question: Question) {
        if question.tries >= TRIES || self.census.with(question.peer.ip()).next().is_none() {
            return;
        }
        let again = self.again.clone();
        tokio::spawn(async move {
            tokio::time::sleep(PAUSE * 4u32.pow(question.tries)).await;
            if let Some(again) = again.upgrade() {
                let _ = again.try_send(Question { waits: false, tries: question.tries + 1, ..question });
            }
        });
    }

    /// When the owner's process was started, on the clock of the stream.
    fn begun(&self, owner: &Owner) -> Time {
        let age = clock::boot().saturating_sub(nanoseconds(owner.member.start_time));
        clock::monotonic().saturating_sub(age)
    }

    /// Has the end of a process told; says whether it will be.
    fn wait_for(&mut self, process: Process) -> bool {
        if self.waited_for.contains(&process) {
            return true;
        }
        let (pid, start_time) = process;
        let Some(end) = (self.waited_for.len() < MOST).then(|| End::of(pid)).and_then(Result::ok) else {
            return false;
        };
        // The number may have gone to another process before it was opened.
        if self.proc.start_time(pid) != Some(start_time) {
            return false;
        }
        self.waited_for.insert(process);
        let exits = self.exits.clone();
        tokio::spawn(async move {
            end.wait().await;
            let _ = exits.send(process).await;
        });
        true
    }

    fn gone(&mut self, process: Process) {
        self.waited_for.remove(&process);
        let of = |owner: &Owner| (owner.member.pid, owner.member.start_time) == process;
        let keys: Vec<_> = self.told.iter().filter(|(_, (owner, _))| of(owner)).map(|(key, _)| *key).collect();
        for key in keys {
            self.told.remove(&key);
            self.tell(key, event::Owner::Gone);
        }
    }

    /// An engine has other names than before.
    fn renamed(&mut self) {
        let time = clock::monotonic();
        let mut renamed = Vec::new();
        for (key, (owner, name)) in &mut self.told {
            if let Unit::Container(id) = &owner.member.unit
                && let Some(now) = self.names.directory.name(id).filter(|now| **now != **name)
            {
                *name = (*now).to_owned();
                renamed.push((*key, name.clone()));
            }
        }
        for (key, name) in renamed {
            self.tell(key, event::Owner::Container { name, since: time });
        }
        let _ = self.out.send(Told::Names);
    }

    fn tell(&self, (pid, address): (Pid, SocketAddr), owner: event::Owner) {
        let _ = self.out.send(Told::Peer(pid, Peer { address, owner }));
    }
}

/// Clock ticks as nanoseconds.
fn nanoseconds(ticks: u64) -> u64 {
    #[expect(unsafe_code, reason = "the standard library does not tell")]
    // SAFETY: sysconf takes a number and touches no memory of ours.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    let per_second = u64::try_from(per_second).ok().filter(|ticks| *ticks > 0).unwrap_or(100);
    ticks * (1_000_000_000 / per_second)
}
