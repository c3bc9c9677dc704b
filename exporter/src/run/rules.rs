//! The rules by which exchanges are told: those of the file, or one level for all.

use std::sync::Arc;

use crate::agent::agent;
use crate::command::{Level, Tell, Watch};
use crate::config::{Configuration, Limits};
use crate::exchange;
use crate::pipeline::Settings;
use crate::policy::Policy;

impl From<Level> for exchange::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Summary => Self::Summary,
            Level::Details => Self::Details,
            Level::Full => Self::Full,
        }
    }
}

/// Of bodies that are under way, a share of all that may wait: the queues have the rest.
fn body_memory(limits: &Limits) -> usize {
    usize::try_from(limits.memory / 4).unwrap_or(usize::MAX)
}

/// What the pipeline does with a configuration file, or without one. `said`: the level stands on the command line, and
/// is what exchanges get that no rule matches.
pub(super) fn settings(tell: &Tell, file: Option<&Configuration>, said: bool, seed: u64) -> Settings {
    let level = tell.level.into();
    let plain = Settings { own_agent: Some(agent()), ..Settings::uniform(seed, level, tell.names.into()) };
    let Some(file) = file else { return plain };
    Settings {
        policy: Arc::new(Policy::of(file, said.then_some(level))),
        body_bytes: usize::try_from(file.limits.body_bytes).unwrap_or(usize::MAX),
        body_memory: body_memory(&file.limits),
        ..plain
    }
}

/// The same of a whole command line.
pub(super) fn of(watch: &Watch, seed: u64) -> Settings {
    settings(&watch.tell, watch.configuration.as_ref(), watch.said.contains("level"), seed)
}
