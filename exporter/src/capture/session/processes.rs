//! The processes that a session follows: found, traced, asked for their configuration, left.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Handler, Session};
use crate::capture::ask::{self, Told};
use crate::capture::clock;
use crate::capture::pod::Pod;
use crate::capture::process::{self, Found};
use crate::capture::target::{Target, When};
use crate::capture::traced::{Traced, Untraceable};
use crate::event::{Configuration, Event, Kind, Pid};
use crate::pipeline::NamesFrom;
use crate::readiness::Missing;

/// Where names come from the API a new router must be known soon.
const API_EVERY: Duration = Duration::from_secs(2);

impl Session {
    /// A program was started: looked at when it had time to become what it will be.
    pub(super) fn started(&mut self, pid: Pid) {
        self.containers.program_started(pid);
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let named = !self.settings.selection.executables.is_empty() || !self.settings.selection.pids.is_empty();
        if named || comm.starts_with("traefik") {
            let now = Instant::now();
            self.scans.extend([5, 50, 500].map(|after| now + Duration::from_millis(after)));
        }
    }

    pub(super) fn scan(&mut self, handler: &mut impl Handler) {
        let search = process::find(&self.settings.selection);
        for pid in &search.denied {
            if self.refused.insert(*pid, 0).is_none() {
                tracing::warn!(
                    pid,
                    "a process that looks like Traefik may not be looked at: CAP_SYS_PTRACE is missing"
                );
            }
        }
        for found in search.found {
            let known = self.traced.get(&found.pid).is_some_and(|traced| traced.found.start_time == found.start_time)
                || self.refused.get(&found.pid) == Some(&found.start_time);
            if !known {
                if self.traced.contains_key(&found.pid) {
                    self.gone(found.pid, handler);
                }
                self.trace(found, handler);
            }
        }
        self.scanned = true;
        if !self.traced.is_empty() {
            self.waiting = false;
        } else if !self.waiting {
            self.waiting = true;
            tracing::info!("no Traefik found yet: waiting for one");
        }
    }

    fn trace(&mut self, found: Found, handler: &mut impl Handler) {
        let pid = found.pid;
        let (executable, start_time) = (found.executable.clone(), found.start_time);
        let read = self.target(&found).map_err(Untraceable::from);
        let mut traced = match read.and_then(|target| Traced::new(found, target)) {
            Ok(traced) => traced,
            Err(error) => {
                tracing::warn!(pid, executable, %error, "cannot trace this process");
                self.refused.insert(pid, start_time);
                return;
            }
        };
        traced.attach_first(&mut self.programs, self.settings.names, self.scanned);
        let now = clock::monotonic();
        handler.event(&Event { time: now, pid, kind: Kind::Process(Box::new(traced.process())) });
        let entrypoints = traced.configuration.entrypoints.clone();
        handler.event(&Event {
            time: now,
            pid,
            kind: Kind::Configuration(Box::new(Configuration::Static(entrypoints))),
        });
        self.traced.insert(pid, traced);
        self.update_ports(pid, handler);
        // Names that come from the API only must be there before the first request that needs them.
        if !self.ask(pid) {
            self.begin(pid, handler);
        }
    }

    /// Everything is in place: lets the kernel side tell of the process.
    fn begin(&mut self, pid: Pid, handler: &mut impl Handler) {
        let Some(traced) = self.traced.get_mut(&pid) else { return };
        let Some(mut kernel_side) = traced.waits.take() else { return };
        kernel_side.since = clock::monotonic();
        kernel_side.tells_configurations = u32::from(traced.has("configuration"));
        let process = traced.process();
        if let Err(error) = self.processes.insert(pid, Pod(kernel_side), 0) {
            tracing::warn!(pid, %error, "cannot trace this process: the kernel side takes no more");
            self.gone(pid, handler);
            return;
        }
        tracing::info!(
            pid,
            executable = process.executable,
            version = process.version,
            container = self.containers.name(pid, process.container.as_deref()).or(process.container),
            probes = process.probes.len(),
            "tracing Traefik"
        );
        self.publish(pid);
    }

    /// Processes of one executable share what was read of it.
    fn target(&self, found: &Found) -> Result<Rc<Target>, crate::capture::binary::Error> {
        let same = |other: &&Traced| (other.found.device, other.found.inode) == (found.device, found.inode);
        match self.traced.values().find(same) {
            Some(other) => Ok(Rc::clone(&other.target)),
            None => Target::read(&found.open).map(Rc::new),
        }
    }

    pub(super) fn update_ports(&mut self, pid: Pid, handler: &mut impl Handler) {
        if !self.traced.contains_key(&pid) {
            return;
        }
        let ports = process::listening(pid);
        for port in &ports {
            if let Err(error) = self.listeners.insert(port.port(), 1, 0) {
                tracing::debug!(%error, "a listening port is not known to the kernel side");
            }
        }
        if self.ports.get(&pid) != Some(&ports) {
            handler.event(&Event { time: clock::monotonic(), pid, kind: Kind::Listening(ports.clone()) });
            self.ports.insert(pid, ports);
            self.learn(pid);
        }
    }

    /// The probe that tells entrypoints fires four times a request: it stays only while there is something to learn.
    pub(super) fn learn(&mut self, pid: Pid) {
        let Some(traced) = self.traced.get_mut(&pid) else { return };
        if self.settings.names == NamesFrom::Api {
            return;
        }
        let configured: Vec<u16> = traced
            .configuration
            .entrypoints
            .iter()
            .filter_map(|(name, address)| crate::traefik::EntryPoint::new(name, address))
            .map(|entrypoint| entrypoint.address.port)
            .collect();
        let named = self.named.entry(pid).or_default();
        let known = |port: &SocketAddr| named.contains(&port.port()) || configured.contains(&port.port());
        let all_known = self.ports.get(&pid).is_some_and(|ports| ports.iter().all(known));
        if all_known {
            self.detaching.add(traced.detach(&mut self.programs, |spec| spec.when == When::Learning));
        } else {
            traced.attach(&mut self.programs, |spec| spec.when == When::Learning);
        }
        self.publish(pid);
    }

    pub(super) fn publish(&self, pid: Pid) {
        if let Some(traced) = self.traced.get(&pid).filter(|traced| traced.waits.is_none()) {
            let mut readiness = traced.readiness();
            let named = self.containers.name(pid, readiness.container.as_deref());
            readiness.container = named.or(readiness.container);
            self.readiness.traced(pid, readiness);
        }
    }

    pub(super) fn look_after_processes(&mut self, handler: &mut impl Handler) {
        let alive = |traced: &Traced| {
            process::Proc::of_this_machine().start_time(traced.found.pid) == Some(traced.found.start_time)
        };
        let gone: Vec<Pid> = self.traced.values().filter(|it| !alive(it)).map(|it| it.found.pid).collect();
        for pid in gone {
            self.gone(pid, handler);
        }
        if self.asked.elapsed() > API_EVERY {
            self.asked = Instant::now();
            let wanting: Vec<Pid> =
                self.traced.values().filter(|it| it.wants_api(self.settings.names)).map(|it| it.found.pid).collect();
            for pid in wanting {
                self.ask(pid);
            }
        }
    }

    /// Asks the API of a process, if it is wanted and its address is known; says whether it did.
    fn ask(&mut self, pid: Pid) -> bool {
        let Some(traced) = self.traced.get(&pid) else { return false };
        if !traced.wants_api(self.settings.names) {
            return false;
        }
        let base_path = traced.api_base_path();
        if let Some(address) = traced.api_address(self.settings.api) {
            ask::ask(pid, address, base_path, self.told.0.clone());
            return true;
        }
        if !traced.missing.iter().any(|missing| missing.name == "api") {
            let reason =
                "Traefik's API is off, or its address is not known: switch it on, or name it with --api".into();
            let missing = Missing { name: "api".into(), reason };
            if let Some(traced) = self.traced.get_mut(&pid) {
                tracing::warn!(pid, reason = missing.reason, "names are not known");
                traced.missing.push(missing);
            }
            self.publish(pid);
        }
        false
    }

    pub(super) fn listen_to_askers(&mut self, handler: &mut impl Handler) {
        while let Ok(told) = self.told.1.try_recv() {
            let time = clock::monotonic();
            match told {
                Told::Configuration(pid, configuration) => {
                    handler.event(&Event { time, pid, kind: Kind::Configuration(Box::new(configuration)) });
                }
                Told::Own(pid, own, done) => {
                    // Of a process that is not told of yet, this connection will not be told of either.
                    if self.traced.get(&pid).is_some_and(|traced| traced.waits.is_none()) {
                        handler.event(&Event { time, pid, kind: Kind::Own(own) });
                    }
                    let _ = done.send(());
                }
                Told::Done(pid) => self.begin(pid, handler),
                Told::Peer(pid, peer) => {
                    self.containers.answered(pid, &peer);
                    if self.traced.contains_key(&pid) {
                        handler.event(&Event { time, pid, kind: Kind::Peer(peer) });
                    }
                }
                Told::Names => {
                    if !self.settings.selection.containers.is_empty() {
                        self.scans.push(Instant::now());
                    }
                    self.traced.keys().for_each(|pid| self.publish(*pid));
                }
            }
        }
    }

    /// A process ended, or is another one now.
    fn gone(&mut self, pid: Pid, handler: &mut impl Handler) {
        // What it did last may still be in the ring.
        self.drain(handler);
        handler.event(&Event { time: clock::monotonic(), pid, kind: Kind::Exit });
        tracing::info!(pid, "Traefik ended");
        self.leave(pid);
    }

    pub(super) fn leave(&mut self, pid: Pid) {
        let _ = self.processes.remove(&pid);
        if let Some(mut traced) = self.traced.remove(&pid) {
            self.detaching.add(traced.detach(&mut self.programs, |_| true));
        }
        self.ports.remove(&pid);
        self.named.remove(&pid);
        self.handlers.forget(pid);
        self.containers.forget(pid);
        self.readiness.gone(pid);
    }
}
