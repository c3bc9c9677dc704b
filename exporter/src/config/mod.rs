//! The configuration file: one typed definition, from which loading, checking and `docs/configuration.md` come.
//!
//! A file becomes a tree with places (`node`), the definition (`configuration` and what it names) reads the tree by
//! `keys` and `kind`, and everything that is wrong is reported at once, each with its line. Reads a file and the
//! environment; starts nothing.

mod node;
mod syntax;
mod scalar;
mod mask;
mod excerpt;
mod problem;
mod near;
mod reader;
mod keys;
mod kind;
mod values;
mod secret;
mod services;
mod stacks;
mod tap;
mod own;
mod redact;
mod configuration;
mod notes;
mod warnings;
mod summary;
mod variables;
mod file;
mod page;

#[cfg(test)]
mod tests;

pub use configuration::Configuration;
pub use file::load;
pub use kind::Named;
pub use own::{Bodies, Limits, Metrics, NamesFrom, Sample, Spans, Traefik};
pub use page::page;
pub use problem::{Problem, Report, Severity};
pub use reader::Lookup;
pub use secret::Secret;
pub use services::{EventStore, EventTarget, ObjectStore, ObjectTarget, Otlp, Protocol, S3, S3Keys, Services, Tls};
pub use stacks::{Format, HttpCapture, Level, Macro, Rule, Stack};
pub use tap::{Direction, Endpoint, Filter, Group, Tap, Through};

use keys::Keys;
use mask::Mask;
use reader::Reader;

/// A file that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub configuration: Configuration,
    /// What works and does not do what its author thinks.
    pub warnings: Report,
}

/// Reads the text of a file that is called `name` in messages.
///
/// # Errors
/// Everything that is wrong with it; where it is no YAML, the first thing only.
pub fn read(name: &str, text: &str, environment: Lookup<'_>) -> Result<Loaded, Box<Report>> {
    // Editors on Windows begin files with a mark that says nothing.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let report = |problems, mask| {
        let mut report = Report { file: name.to_owned(), source: text.to_owned(), problems, mask };
        report.sort();
        report
    };
    let root = match node::parse(text) {
        Ok(Some(root)) if !root.is_null() => root,
        Ok(_) => return Err(Box::new(report(vec![file::empty()], Mask::default()))),
        Err(failure) => {
            let problem = Problem {
                severity: Severity::Error,
                at: Some(failure.at),
                what: failure.what,
                expected: failure.expected,
                help: failure.help,
            };
            return Err(Box::new(report(vec![problem], Mask::of_text(text))));
        }
    };
    let mut reader = Reader::new(text, environment, Mask::of(&root));
    let configuration = Keys::read(&mut reader, Some(&root), "", configuration::configuration);
    let failed = reader.has_errors();
    if !failed {
        // Of half a file they would be wrong.
        warnings::warn(&mut reader);
    }
    let report = report(reader.problems, reader.mask);
    match configuration {
        Some(configuration) if !failed => Ok(Loaded { configuration, warnings: report }),
        _ => Err(Box::new(report)),
    }
}
