//! The thread that finds the owners of addresses, and notices when they go.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
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
use crate::capture::ask::Told;
use crate::capture::clock;
use crate::capture::process::Proc;
use crate::event::{self, Peer, Pid, Time};

/// Containers whose end is waited for at once; each costs a descriptor. Beyond them addresses are told.
const MOST: usize = 512;

/// Peers that are told of at once.
const MOST_TOLD: usize = 16_384;

/// A census is taken anew after a program was started, and after so long in any case.
const STALE: Duration = Duration::from_secs(30);

/// What taking it may cost, at most: one part in so many.
const SHARE: u32 = 8;

/// A process, for good.
type Process = (Pid, u64);

pub(super) fn start(
    settings: &Settings,
    questions: mpsc::Receiver<Question>,
    told: Sender<Told>,
    directory: Directory,
    starts: Arc<AtomicU64>,
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
        starts,
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
    starts: Arc<AtomicU64>,
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
    /// Programs that had been started.
    starts: u64,
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

    async fn answer(&mut self, Question { pid, peer, waits }: Question) {
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
        let found = match self.find(pid, peer) {
            None if self.is_stale() => {
                self.take_census(waits).await;
                self.find(pid, peer)
            }
            found => found,
        };
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

    fn find(&self, pid: Pid, peer: SocketAddr) -> Option<Owner> {
        let found = owner::find(&self.proc, &self.census, pid, peer)?;
        // The census may be older than what the address says now.
        found.still_has(&self.proc, peer).then_some(found)
    }

    fn is_stale(&self) -> bool {
        let starts = self.starts.load(Relaxed);
        self.taken.is_none_or(|taken| taken.starts != starts || taken.at.elapsed() > STALE)
    }

    async fn take_census(&mut self, waits: bool) {
        if let Some(taken) = self.taken {
            let rest = (taken.cost * SHARE).saturating_sub(taken.at.elapsed());
            if !rest.is_zero() && !waits {
                return;
            }
            tokio::time::sleep(rest).await;
        }
        let (at, starts) = (Instant::now(), self.starts.load(Relaxed));
        self.census = Census::take(&self.proc);
        self.taken = Some(Taken { at, cost: at.elapsed(), starts });
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
