//! The rules by which exchanges are told: those of the file, or one level for all.

use std::sync::Arc;

use crate::command::{Level, Tell, Watch};
use crate::config::Limits;
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

/// What the pipeline does with a configuration file.
pub(super) fn settings(watch: &Watch, seed: u64) -> Settings {
    let plain = without_file(&watch.tell, seed);
    let Some(file) = &watch.configuration else { return plain };
    let level = watch.said.contains("level").then(|| watch.tell.level.into());
    Settings {
        policy: Arc::new(Policy::of(file, level)),
        body_bytes: usize::try_from(file.limits.body_bytes).unwrap_or(usize::MAX),
        body_memory: body_memory(&file.limits),
        ..plain
    }
}

/// The same level for everything.
pub(super) fn without_file(tell: &Tell, seed: u64) -> Settings {
    Settings::uniform(seed, tell.level.into(), tell.names.into())
}
