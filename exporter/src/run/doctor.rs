//! `hoptap doctor`: what a run with these flags would do, judged without running.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use super::outputs::Plan;
use super::{UNAVAILABLE, USAGE, watch};
use crate::command::{Doctor, Format, Listen};
use crate::config;
use crate::doctor::{self, Ends, Subject};

pub(super) fn run(command: Doctor, said: BTreeSet<String>) -> ExitCode {
    let format = command.format;
    let report = doctor::examine(subject(command, said));
    let text = match format {
        Format::Text => report.to_string(),
        Format::Json => report.json().unwrap_or_default(),
    };
    // A closed pipe is not worth a message.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(match report.ends() {
        None => 0,
        Some(Ends::Usage) => USAGE,
        Some(Ends::Unavailable) => UNAVAILABLE,
    })
}

/// A file with mistakes counts as none, so that all else is looked at as well.
fn subject(command: Doctor, said: BTreeSet<String>) -> Subject {
    let environment = |name: &str| std::env::var(name).ok();
    let mut watch = command.watch(said);
    let file = watch.config.clone().map(|path| {
        let read = config::load(&path, &environment).map(|loaded| {
            watch.take(loaded.configuration);
            loaded.warnings
        });
        (path, read)
    });
    let plan = Plan::new(&watch.tell, watch.configuration.as_ref(), &environment, std::io::stdout().is_terminal());
    Subject {
        file,
        capture: watch::capture_settings(&watch),
        listen: match watch.serve.listen {
            Listen::Off => None,
            Listen::At(address) => Some(address),
        },
        outputs: plan.map(Plan::trials).map_err(|error| error.to_string()),
    }
}
