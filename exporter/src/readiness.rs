//! What hoptap is attached to, and what is missing: written by `capture`, shown by `serve`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::event::Pid;

/// Shared between the stage that attaches and the ones that tell about it.
#[derive(Debug, Default)]
pub struct Readiness {
    state: Mutex<State>,
}

/// One moment of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct State {
    /// The kernel hook in use; None where none could be attached.
    pub hook: Option<String>,
    /// Hooks that were tried first and why they are not in use.
    pub refused_hooks: Vec<Missing>,
    pub processes: BTreeMap<Pid, Traced>,
}

/// A Traefik process that is traced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Traced {
    pub executable: String,
    pub version: Option<String>,
    pub container: Option<String>,
    /// Probes in place.
    pub probes: Vec<String>,
    /// Probes that are wanted and not in place: names or links become less exact, capture goes on.
    pub missing: Vec<Missing>,
}

/// Something that is not in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    pub name: String,
    pub reason: String,
}

impl Readiness {
    /// `name` is in use from now on.
    pub fn hook(&self, name: impl Into<String>) {
        self.lock().hook = Some(name.into());
    }

    /// A hook could not be attached.
    pub fn hook_refused(&self, name: impl Into<String>, reason: impl Into<String>) {
        let missing = Missing { name: name.into(), reason: reason.into() };
        self.lock().refused_hooks.push(missing);
    }

    /// Nothing is attached any more.
    pub fn detached(&self) {
        *self.lock() = State::default();
    }

    /// Process `pid` is traced; replaces what was said of it before.
    pub fn traced(&self, pid: Pid, process: Traced) {
        self.lock().processes.insert(pid, process);
    }

    /// Process `pid` ended or is left alone.
    pub fn gone(&self, pid: Pid) {
        self.lock().processes.remove(&pid);
    }

    pub fn state(&self) -> State {
        self.lock().clone()
    }

    // What is guarded is replaced whole: a panic elsewhere cannot leave half of it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Traffic can be seen: a hook is in use and there is a process to see it of.
    pub fn is_ready(&self) -> bool {
        self.hook.is_some() && !self.processes.is_empty()
    }

    /// What keeps it from being ready, as sentences for a person.
    pub fn waits_for(&self) -> Vec<String> {
        let mut list = Vec::new();
        if self.hook.is_none() {
            list.push("no kernel hook is attached yet".to_owned());
        }
        if self.processes.is_empty() {
            list.push("no Traefik process is traced; start Traefik or name it with --pid".to_owned());
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps: `h` a hook is attached, `+N`/`-N` process N comes or goes, `d` everything is detached.
    fn check(steps: &str, ready: bool, waits: usize) {
        let readiness = Readiness::default();
        for step in steps.split_whitespace() {
            match step.split_at(1) {
                ("h", _) => readiness.hook("sock_send_length"),
                ("d", _) => readiness.detached(),
                ("+", pid) => readiness.traced(pid.parse().unwrap_or(0), Traced::default()),
                (_, pid) => readiness.gone(pid.parse().unwrap_or(0)),
            }
        }
        let state = readiness.state();
        assert_eq!(state.is_ready(), ready, "{steps}");
        assert_eq!(state.waits_for().len(), waits, "{steps}");
    }

    #[test]
    fn ready_means_a_hook_and_a_process() {
        check("", false, 2);
        check("h", false, 1);
        check("+7", false, 1);
        check("h +7", true, 0);
        check("h +7 -7", false, 1);
        check("h +7 +8 -7", true, 0);
        check("h +7 +7 -7", false, 1);
        check("h +7 d", false, 2);
    }
}
