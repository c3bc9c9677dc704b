//! The processes that a session follows: found, traced, asked for their configuration, left.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Handler, Session};
use crate::capture::ask::{self, Told};
use crate::capture::clock;
use crate::capture::pod::Pod;
use crate::capture::process::{self, Found};
use crate::capture::target::{PROBES, Target, When};
use crate::capture::traced::Traced;
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
        let target = match self.target(&found) {
            Ok(target) => target,
            Err(error) => {
                tracing::warn!(pid, executable = found.executable, %error, "cannot trace this process");
                self.refused.insert(pid, found.start_time);
                return;
            }
        };
        let lowest = target.binary.lowest_address();
        let bias = process::load_bias(pid, lowest).unwrap_or(0);
        let Some(kernel_side) = target.kernel_side(bias) else {
            tracing::warn!(
                pid,
                executable = found.executable,
                "cannot trace this process: its binary does not say where Go keeps a goroutine's id"
            );
            self.refused.insert(pid, found.start_time);
            return;
        };
        let mut traced = Traced::new(found, target, bias, kernel_side);
        let by_probes = self.settings.names != NamesFrom::Api;
        traced.attach(&mut self.programs, |spec| match spec.when {
            When::Always | When::Learning => by_probes || !spec.names,
            // Who was there before may have connections.
            When::TablesUnknown => !self.scanned,
            When::OnDemand | When::StreamsUnknown => false,
        });
        if !traced.has("router") {
            traced.attach(&mut self.programs, |spec| spec.when == When::StreamsUnknown);
        }
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
            for spec in PROBES.iter().filter(|spec| spec.when == When::Learning) {
                traced.detach(&mut self.programs, spec);
            }
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
                self.traced.values().filter(|it| self.wants_api(it)).map(|it| it.found.pid).collect();
            for pid in wanting {
                self.ask(pid);
            }
        }
    }

    fn wants_api(&self, traced: &Traced) -> bool {
        match self.settings.names {
            NamesFrom::Probes => false,
            NamesFrom::Api => true,
            NamesFrom::Auto => !traced.has("router") || !traced.has("service"),
        }
    }

    /// Asks the API of a process, if it is wanted and its address is known; says whether it did.
    fn ask(&mut self, pid: Pid) -> bool {
        let Some(traced) = self.traced.get(&pid) else { return false };
        if !self.wants_api(traced) {
            return false;
        }
        let api = traced.configuration.api.as_ref();
        let address = self.settings.api.or_else(|| {
            let entrypoint = crate::traefik::EntryPoint::new("traefik", api?.address.as_ref()?)?;
            let ip = entrypoint.address.ip.unwrap_or(std::net::Ipv4Addr::LOCALHOST.into());
            let ip = if ip.is_unspecified() { std::net::Ipv4Addr::LOCALHOST.into() } else { ip };
            Some(SocketAddr::new(ip, entrypoint.address.port))
        });
        let base_path = api.map_or("", |api| api.base_path.as_str());
        if let Some(address) = address {
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
            traced.detach_all(&mut self.programs);
        }
        self.ports.remove(&pid);
        self.named.remove(&pid);
        self.containers.forget(pid);
        self.readiness.gone(pid);
    }
}
