//! Puts the stages together: what is built here from the command line runs until a signal ends it.

mod eval;
mod check;
mod doctor;
mod fanout;
mod manual;
mod outputs;
mod record;
mod reload;
mod replay;
mod rules;
mod note;
mod top;
mod watch;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::command::{Action, Command, Encoding, Log};

use note::Note;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

pub use fanout::Fanout;

/// Bad usage or configuration.
const USAGE: u8 = 64;
/// Nothing to attach to, or not permitted.
const UNAVAILABLE: u8 = 69;

/// Why the program ends with an error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Usage(String),
    /// What is wrong with a configuration file, shown as it is.
    #[error("{0}")]
    Configuration(Box<crate::config::Report>),
    #[error(transparent)]
    Capture(#[from] crate::capture::Error),
    /// Where `top` takes its numbers from.
    #[error(transparent)]
    Source(#[from] crate::top::Error),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Error {
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Configuration(_) => USAGE,
            Self::Source(error) if error.is_usage() => USAGE,
            Self::Capture(_) | Self::Source(_) => UNAVAILABLE,
            Self::Other(_) => 1,
        }
    }
}

/// Does what the command line says.
pub fn run(command: Command) -> ExitCode {
    let note = Note::default();
    let on_screen = matches!(&command.action, Some(Action::Top(top)) if top.is_on_screen());
    if let Err(problem) = log(&command.log, on_screen.then_some(&note)) {
        // There is no log to say it in.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("hoptap: {problem}\n").as_bytes());
        return ExitCode::from(USAGE);
    }
    let done = match command.action {
        None => watch::run(command.watch),
        Some(Action::Check(check)) => check::run(&check),
        Some(Action::Record(record)) => record::run(&record),
        Some(Action::Replay(replay)) => replay::run(&replay),
        Some(Action::Top(top)) => top::run(&top, note),
        Some(Action::Eval(eval)) => eval::run(&eval),
        Some(Action::Doctor(doctor)) => return doctor::run(doctor, command.watch.said),
        Some(Action::Man(man)) => manual::page(&man),
        Some(Action::Completions(completions)) => manual::completions(completions.shell),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = match &error {
                Error::Other(error) => format!("hoptap: {error:#}\n"),
                Error::Configuration(report) => report.to_string(),
                error => format!("hoptap: {error}\n"),
            };
            let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
            ExitCode::from(error.code())
        }
    }
}

/// `note`: what stands in for standard error while a screen is drawn on the same terminal.
fn log(settings: &Log, note: Option<&Note>) -> Result<(), String> {
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log_level)
        .map_err(|error| format!("--log-level {}: {error}", settings.log_level))?;
    let is_terminal = std::io::stderr().is_terminal();
    let note = note.filter(|_| is_terminal);
    let writer = match note {
        Some(note) => BoxMakeWriter::new(note.clone()),
        None => BoxMakeWriter::new(std::io::stderr),
    };
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(is_terminal && note.is_none());
    match settings.log_encoding {
        Encoding::Console => log.with_target(false).init(),
        Encoding::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

/// Set by SIGINT and SIGTERM.
fn stop_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let (ready, started) = std::sync::mpsc::channel();
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            let _ = ready.send(());
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            flag.store(true, Relaxed);
        });
    })?;
    // A signal that comes before this must still end the program in its own way, which is the default one.
    let _ = started.recv();
    Ok(stop)
}

/// A number that makes the ids of this run its own.
fn seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}
