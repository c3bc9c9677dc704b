//! A traced process: its probes, and what its binary says.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Instant;

use aya::programs::uprobe::{UProbeAttachLocation, UProbeLinkId, UProbeScope};
use aya::programs::{ProgramError, UProbe};
use hoptap_ebpf as abi;
use rustc_hash::FxHashMap;

use super::convert;
use super::permissions::Permissions;
use super::process::Found;
use super::programs::{Programs, refusal};
use super::target::{PROBES, ProbeSpec, Target};
use crate::event::{self, Role};
use crate::readiness::{self, Missing};
use crate::traefik::static_configuration::{StaticConfiguration, file_candidates};

/// One process and everything that is attached to it.
pub(super) struct Traced {
    pub(super) found: Found,
    pub(super) target: Rc<Target>,
    pub(super) bias: u64,
    pub(super) roles: FxHashMap<u64, Role>,
    pub(super) missing: Vec<Missing>,
    pub(super) configuration: StaticConfiguration,
    /// What the kernel side is to be told of it, as long as it was not.
    pub(super) waits: Option<abi::Target>,
    /// When something in a table of header compression was not known last.
    pub(super) tables: Instant,
    links: BTreeMap<&'static str, UProbeLinkId>,
}

impl Traced {
    pub(super) fn new(found: Found, target: Rc<Target>, bias: u64, kernel_side: abi::Target) -> Self {
        let roles = target.roles(bias);
        let configuration = configuration(&found);
        Self {
            found,
            target,
            bias,
            roles,
            missing: Vec::new(),
            configuration,
            waits: Some(kernel_side),
            tables: Instant::now(),
            links: BTreeMap::new(),
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
                Err(reason) => {
                    tracing::debug!(pid = self.found.pid, probe = spec.name, %reason, loss = spec.loss, "probe is not in place");
                    self.missing.push(Missing { name: spec.name.into(), reason: format!("{reason}; {}", spec.loss) });
                }
            }
        }
    }

    fn attach_one(&self, programs: &mut Programs, spec: &ProbeSpec) -> Result<UProbeLinkId, String> {
        let (name, function) = self
            .target
            .binary
            .first_function(spec.functions)
            .ok_or_else(|| format!("this Traefik has no function {}", spec.functions.join(" or ")))?;
        let site = match spec.after {
            None => function.probe,
            Some(callee) => self
                .target
                .binary
                .after_call(name)
                .ok_or_else(|| format!("this Traefik has no function {callee}"))?
                .map(|found| found.probe),
        };
        let site = site.map_err(|why| format!("{name}: {why}"))?;
        let program = uprobe(programs, spec.program()).ok_or("the build has no such program")?;
        let refused = |error: ProgramError| refusal(spec.name, &error, &Permissions::of_this_thread()).to_string();
        match program.load() {
            Ok(()) | Err(ProgramError::AlreadyLoaded) => {}
            Err(error) => return Err(refused(error)),
        }
        let scope = NonZeroU32::new(self.found.pid).map_or(UProbeScope::AllProcesses, UProbeScope::OneProcess);
        program.attach(UProbeAttachLocation::AbsoluteOffset(site.offset), &self.found.open, scope).map_err(refused)
    }

    /// Takes a probe away.
    pub(super) fn detach(&mut self, programs: &mut Programs, spec: &ProbeSpec) {
        if let Some(link) = self.links.remove(spec.name)
            && let Some(program) = uprobe(programs, spec.program())
            && let Err(error) = program.detach(link)
        {
            tracing::debug!(pid = self.found.pid, probe = spec.name, %error, "probe could not be taken away");
        }
    }

    pub(super) fn detach_all(&mut self, programs: &mut Programs) {
        for spec in PROBES {
            self.detach(programs, spec);
        }
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
