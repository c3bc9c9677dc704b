//! A traced process: its probes, and what its binary says.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Instant;

use aya::programs::uprobe::{UProbeAttachLocation, UProbeLink, UProbeLinkId, UProbeScope};
use aya::programs::{ProgramError, UProbe};
use hoptap_ebpf as abi;
use rustc_hash::FxHashMap;

use super::convert;
use super::permissions::Permissions;
use super::process::{self, Found};
use super::programs::{Error, Programs, refusal};
use super::target::{PROBES, ProbeSpec, Target, When};
use crate::event::{self, Role};
use crate::pipeline::NamesFrom;
use crate::readiness::{self, Missing};
use crate::traefik::EntryPoint;
use crate::traefik::static_configuration::{StaticConfiguration, file_candidates};

/// One process and everything that is attached to it.
pub(super) struct Traced {
    pub(super) found: Found,
    pub(super) target: Rc<Target>,
    pub(super) bias: u64,
    pub(super) roles: FxHashMap<u64, Role>,
    pub(super) missing: Vec<Missing>,
    pub(super) unplaced: Vec<(&'static ProbeSpec, NotPlaced)>,
    pub(super) configuration: StaticConfiguration,
    /// What the kernel side is to be told of it, as long as it was not.
    pub(super) waits: Option<abi::Target>,
    /// When something in a table of header compression was not known last.
    pub(super) tables: Instant,
    links: BTreeMap<&'static str, UProbeLinkId>,
}

/// Why a process cannot be traced.
#[derive(Debug, thiserror::Error)]
pub enum Untraceable {
    #[error(transparent)]
    Binary(#[from] super::binary::Error),
    #[error("its binary does not say where Go keeps a goroutine's id")]
    NoGoroutines,
}

/// Why a probe is not in place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPlaced {
    #[error("this Traefik has no function {0}")]
    NoFunction(String),
    #[error("{0}")]
    NoPlace(String),
    #[error("the kernel refused it: {0}")]
    Refused(String),
}

impl Traced {
    /// What its binary and its configuration say; nothing is attached yet.
    ///
    /// # Errors
    /// Where the binary does not say enough.
    pub(super) fn new(found: Found, target: Rc<Target>) -> Result<Self, Untraceable> {
        let bias = process::load_bias(found.pid, target.binary.lowest_address()).unwrap_or(0);
        let kernel_side = target.kernel_side(bias).ok_or(Untraceable::NoGoroutines)?;
        let roles = target.roles(bias);
        let configuration = configuration(&found);
        Ok(Self {
            found,
            target,
            bias,
            roles,
            missing: Vec::new(),
            unplaced: Vec::new(),
            configuration,
            waits: Some(kernel_side),
            tables: Instant::now(),
            links: BTreeMap::new(),
        })
    }

    /// Attaches what a run attaches to a process that it finds. `new`: it has just been started, so that it has no
    /// connections yet.
    pub(super) fn attach_first(&mut self, programs: &mut Programs, names: NamesFrom, new: bool) {
        self.attach(programs, |spec| match spec.when {
            When::Always | When::Learning => names != NamesFrom::Api || !spec.gives.is_names(),
            // Who was there before may have connections.
            When::TablesUnknown => !new,
            When::OnDemand | When::StreamsUnknown => false,
        });
        if !self.has("router") {
            self.attach(programs, |spec| spec.when == When::StreamsUnknown);
        }
    }

    /// Attaches the probes for which it is time; what cannot be attached is listed with the reason.
    pub(super) fn attach(&mut self, programs: &mut Programs, wanted: impl Fn(&ProbeSpec) -> bool) {
        for spec in PROBES.iter().filter(|spec| wanted(spec)) {
            if self.links.contains_key(spec.name) || self.missing.iter().any(|missing| missing.name == spec.name) {
                continue;
            }
            match self.attach_one(programs, spec) {
                Ok(link) => {
                    self.links.insert(spec.name, link);
                }
                Err(why) => {
                    tracing::debug!(pid = self.found.pid, probe = spec.name, %why, loss = spec.loss, "probe is not in place");
                    self.missing.push(Missing { name: spec.name.into(), reason: format!("{why}; {}", spec.loss) });
                    self.unplaced.push((spec, why));
                }
            }
        }
    }

    fn attach_one(&self, programs: &mut Programs, spec: &ProbeSpec) -> Result<UProbeLinkId, NotPlaced> {
        let (name, function) = self
            .target
            .binary
            .first_function(spec.functions)
            .ok_or_else(|| NotPlaced::NoFunction(spec.functions.join(" or ")))?;
        let site = match spec.after {
            None => function.probe,
            Some(callee) => self
                .target
                .binary
                .after_call(name)
                .ok_or_else(|| NotPlaced::NoFunction(callee.into()))?
                .map(|found| found.probe),
        };
        let site = site.map_err(|why| NotPlaced::NoPlace(format!("{name}: {why}")))?;
        let program = uprobe(programs, spec.program())
            .ok_or_else(|| NotPlaced::Refused("the build has no such program".into()))?;
        let refused = |error: ProgramError| {
            NotPlaced::Refused(match refusal(spec.name, &error, &Permissions::of_this_thread()) {
                Error::Refused { reason, .. } => reason,
                other => other.to_string(),
            })
        };
        match program.load() {
            Ok(()) | Err(ProgramError::AlreadyLoaded) => {}
            Err(error) => return Err(refused(error)),
        }
        let scope = NonZeroU32::new(self.found.pid).map_or(UProbeScope::AllProcesses, UProbeScope::OneProcess);
        program.attach(UProbeAttachLocation::AbsoluteOffset(site.offset), &self.found.open, scope).map_err(refused)
    }

    /// Takes probes away: they are gone when what this gives is dropped, for which the kernel takes its time.
    #[must_use = "dropping it waits for the kernel: see `Detaching`"]
    pub(super) fn detach(&mut self, programs: &mut Programs, unwanted: impl Fn(&ProbeSpec) -> bool) -> Vec<UProbeLink> {
        let mut links = Vec::new();
        for spec in PROBES.iter().filter(|spec| unwanted(spec)) {
            let Some(link) = self.links.remove(spec.name) else { continue };
            let Some(program) = uprobe(programs, spec.program()) else { continue };
            match program.take_link(link) {
                Ok(link) => links.push(link),
                Err(error) => {
                    tracing::debug!(pid = self.found.pid, probe = spec.name, %error, "probe could not be taken away");
                }
            }
        }
        links
    }

    /// Names come from the API, all or some.
    pub(super) fn wants_api(&self, names: NamesFrom) -> bool {
        match names {
            NamesFrom::Probes => false,
            NamesFrom::Api => true,
            NamesFrom::Auto => !self.has("router") || !self.has("service"),
        }
    }

    /// Where to ask its API: `given`, or where its configuration says that it serves one.
    pub(super) fn api_address(&self, given: Option<SocketAddr>) -> Option<SocketAddr> {
        given.or_else(|| {
            let api = self.configuration.api.as_ref()?;
            let entrypoint = EntryPoint::new("traefik", api.address.as_ref()?)?;
            let ip = entrypoint.address.ip.unwrap_or(Ipv4Addr::LOCALHOST.into());
            let ip = if ip.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { ip };
            Some(SocketAddr::new(ip, entrypoint.address.port))
        })
    }

    /// What stands before `/api` in its paths.
    pub(super) fn api_base_path(&self) -> &str {
        self.configuration.api.as_ref().map_or("", |api| api.base_path.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.links.contains_key(name)
    }

    pub(super) fn probes(&self) -> Vec<String> {
        self.links.keys().map(|name| (*name).to_owned()).collect()
    }

    /// As the stream tells it.
    pub(super) fn process(&self) -> event::Process {
        event::Process {
            executable: self.found.executable.clone(),
            version: self.target.binary.traefik_version.clone(),
            go_version: self.target.binary.go_version.clone(),
            container: self.found.container.clone(),
            probes: self.probes(),
        }
    }

    /// As `/readyz` tells it.
    pub(super) fn readiness(&self) -> readiness::Traced {
        readiness::Traced {
            executable: self.found.executable.clone(),
            version: self.target.binary.traefik_version.clone(),
            container: self.found.container.clone(),
            probes: self.probes(),
            missing: self.missing.clone(),
        }
    }
}

impl convert::Process for Traced {
    fn role(&self, start: u64) -> Role {
        self.roles.get(&start).copied().unwrap_or_default()
    }

    fn text(&self, address: u64, length: usize) -> Option<String> {
        let bytes = self.target.binary.text(&self.target.file, address.checked_sub(self.bias)?, length).ok()??;
        String::from_utf8(bytes).ok()
    }
}

fn uprobe<'p>(programs: &'p mut Programs, name: &str) -> Option<&'p mut UProbe> {
    programs.program(name)?.try_into().ok()
}

/// What the process was told at its start: the file as it is now, which may have changed since.
fn configuration(found: &Found) -> StaticConfiguration {
    let environment: Vec<(String, String)> =
        found.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let file = file_candidates(&found.arguments, &environment).into_iter().find_map(|path| {
        let absolute = std::path::Path::new(&found.working_directory).join(&path);
        let inside = found.root.join(absolute.strip_prefix("/").unwrap_or(&absolute));
        fs::read_to_string(inside).ok().map(|text| (path, text))
    });
    let file = file.as_ref().map(|(path, text)| (path.as_str(), text.as_str()));
    match StaticConfiguration::new(&found.arguments, &environment, file) {
        Ok(configuration) => configuration,
        Err(error) => {
            tracing::debug!(pid = found.pid, %error, "the static configuration was not understood");
            StaticConfiguration::default()
        }
    }
}
