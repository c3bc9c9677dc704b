//! Gets the text of the file.

use std::io::{ErrorKind, Read};
use std::path::Path;

use super::problem::{Problem, Report, Severity};
use super::{Loaded, Lookup, read};

/// The longest configuration is a few kilobytes; what is larger was not meant.
const MAX_BYTES: u64 = 1 << 20;

/// Reads the file at `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path, environment: Lookup<'_>) -> Result<Loaded, Box<Report>> {
    let name = path.display().to_string();
    match text(path) {
        Ok(text) => read(&name, &text, environment),
        Err(problem) => Err(Box::new(Report { file: name, problems: vec![problem], ..Report::default() })),
    }
}

fn text(path: &Path) -> Result<String, Problem> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => {
            problem("there is no such file", "the path of a configuration", "check the path; with Docker, the mount")
        }
        ErrorKind::PermissionDenied => {
            problem("the file may not be read", "a file that hoptap may read", "chmod +r, or run hoptap as its owner")
        }
        _ => problem(&format!("the file cannot be read: {error}"), "a file that can be read", "check the path"),
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(problem(
            "this is a directory",
            "a file",
            "name the file in it; Docker makes a directory where the file that it shall mount is missing",
        ));
    }
    let mut bytes = Vec::new();
    // A pipe has no length to look at before.
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(problem("the file is too large", "at most 1 MiB", "is it a configuration of hoptap?"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(valid).filter(|byte| **byte == b'\n').count() + 1;
        problem(&format!("line {line} is not UTF-8"), "text in UTF-8", "save the file as UTF-8")
    })
}

/// Of a file that says nothing.
pub(super) fn empty() -> Problem {
    problem("the file is empty", "a configuration", "begin with `version: 2`; docs/configuration.md has an example")
}

fn problem(what: &str, expected: &str, help: &str) -> Problem {
    Problem {
        severity: Severity::Error,
        at: None,
        what: what.into(),
        expected: expected.into(),
        help: Some(help.into()),
    }
}
