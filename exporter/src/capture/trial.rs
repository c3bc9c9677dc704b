//! What a run would attach, attached for a moment: each hook, and the probes of each process.
//!
//! Of no process anything is asked to be told, so that the programs that fire meanwhile do nothing.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use super::ask::{self, Asked};
use super::binary::Linking;
use super::gives::Gives;
use super::process::Found;
use super::programs::{Error, Hook, Programs};
use super::session::Settings;
use super::target::{PROBES, Target, When};
use super::traced::{NotPlaced, Traced, Untraceable};

/// Hooks and probes to be tried with the settings of a run.
pub struct Trial<'a> {
    settings: &'a Settings,
    programs: Option<Programs>,
    /// Each hook that can be asked for, and whether the kernel takes it.
    pub hooks: Vec<(Hook, Result<(), Error>)>,
}

/// What was found out about a process.
#[derive(Debug)]
pub struct Examined {
    pub version: Option<String>,
    pub go_version: Option<String>,
    pub linking: Linking,
    /// Empty where no hook can be used: a probe needs what is loaded with it.
    pub probes: Vec<Probe>,
    pub api: Api,
}

/// A probe that was tried.
#[derive(Debug)]
pub struct Probe {
    pub name: &'static str,
    pub gives: Gives,
    /// What is lost without it.
    pub loss: &'static str,
    pub placed: Result<(), NotPlaced>,
}

/// A Traefik's own API.
#[derive(Debug)]
pub struct Api {
    /// Names come from it.
    pub wanted: bool,
    /// Where it is, and its answer; None where nothing says where it is.
    pub asked: Option<(SocketAddr, Asked)>,
}

/// A ring that takes no room.
const SMALLEST: u32 = 64 << 10;

impl<'a> Trial<'a> {
    /// Tries the hooks. What stays attached goes with the value.
    pub fn new(settings: &'a Settings) -> Self {
        let mut trial = Self { settings, programs: None, hooks: Vec::new() };
        for hook in [Hook::Socket, Hook::Syscall] {
            if settings.hook.is_some_and(|asked| asked != hook) {
                continue;
            }
            // The first is the one that a run takes; for another one there may be no room beside it.
            let ring_bytes = if trial.programs.is_none() { settings.ring_bytes } else { SMALLEST };
            let tried = Programs::only(hook, ring_bytes).map(|programs| {
                trial.programs.get_or_insert(programs);
            });
            trial.hooks.push((hook, tried));
        }
        trial
    }

    /// Looks into the binary of a process, puts the probes in place, those too that a run would need later only, and
    /// takes them away. Its API is asked meanwhile.
    ///
    /// # Errors
    /// Why a run would not trace it.
    pub fn examine(&mut self, found: &Found, within: Duration) -> Result<Examined, Untraceable> {
        let target = Rc::new(Target::read(&found.open)?);
        let mut traced = Traced::new(found.clone(), target)?;
        let names = self.settings.names;
        if let Some(programs) = &mut self.programs {
            traced.attach_first(programs, names, false);
        }
        let wanted = traced.wants_api(names) || self.programs.is_none();
        let asked = traced
            .api_address(self.settings.api)
            .map(|address| (address, ask::version(found.pid, address, traced.api_base_path(), within)));
        if let Some(programs) = &mut self.programs {
            traced.attach(programs, |spec| matches!(spec.when, When::OnDemand | When::StreamsUnknown));
        }
        let examined = Examined {
            version: traced.target.binary.traefik_version.clone(),
            go_version: traced.target.binary.go_version.clone(),
            linking: traced.target.binary.linking,
            probes: probes(&traced),
            api: Api { wanted, asked },
        };
        if let Some(programs) = &mut self.programs {
            // It is as it was when this says so.
            drop(traced.detach(programs, |_| true));
        }
        Ok(examined)
    }
}

/// Those that were tried.
fn probes(traced: &Traced) -> Vec<Probe> {
    let of = |name: &str| {
        let missing = traced.unplaced.iter().find(|(spec, _)| spec.name == name);
        missing.map_or(Ok(()), |(_, why)| Err(why.clone()))
    };
    let tried = PROBES.iter().filter(|spec| traced.has(spec.name) || of(spec.name).is_err());
    tried.map(|spec| Probe { name: spec.name, gives: spec.gives, loss: spec.loss, placed: of(spec.name) }).collect()
}
