//! `hoptap check`, and `--config` before anything starts.

use std::io::Write;
use std::path::Path;

use super::Error;
use crate::command::{Check, Watch};
use crate::config::{self, Configuration};

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub(super) fn run(check: &Check) -> Result<(), Error> {
    let loaded = config::load(&check.file, &environment).map_err(Error::Configuration)?;
    // A closed pipe is not worth a message.
    let _ = std::io::stderr().write_all(loaded.warnings.to_string().as_bytes());
    let text = format!("{}: ok\n{}", check.file.display(), loaded.configuration);
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

/// Reads the file that `--config` names, if it names one.
pub(super) fn load(mut watch: Watch) -> Result<Watch, Error> {
    let Some(path) = &watch.config else { return Ok(watch) };
    watch.take(configuration(path)?);
    Ok(watch)
}

/// Reads a file that is about to be used, and says what it may not mean.
pub(super) fn configuration(path: &Path) -> Result<Configuration, Error> {
    let loaded = config::load(path, &environment).map_err(Error::Configuration)?;
    for problem in loaded.warnings.problems() {
        let line = loaded.warnings.line(problem).unwrap_or_default();
        let help = problem.help.as_deref().unwrap_or_default();
        tracing::warn!(file = loaded.warnings.file(), line, help, "{}", problem.what);
    }
    Ok(loaded.configuration)
}
