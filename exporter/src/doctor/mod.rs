//! Can this machine and this Traefik be captured? Each check is made for real, and says what is lost and what to do.
//!
//! `examine` makes the checks, one file per family; a `Report` is a plain value, and shows itself. Nothing of what is
//! attached, asked or written stays.

mod finding;
mod report;
mod advice;
mod machine;
mod permissions;
mod mounts;
mod clock;
mod hooks;
mod traefik;
mod probes;
mod api;
mod question;
mod configuration;
mod pages;
mod outputs;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use finding::{Ends, Finding, Outcome};
pub use report::{Report, Section};

use crate::capture::permissions::Permissions;
use crate::capture::{self, Trial};
use crate::config;
use crate::export::{objects, otlp};

/// For one question to the network. All are asked at once.
const PATIENCE: Duration = Duration::from_secs(3);

/// The run that is judged.
#[derive(Debug)]
pub struct Subject {
    /// The file of `--config`, and what it holds: its warnings, or its mistakes.
    pub file: Option<(PathBuf, Result<config::Report, Box<config::Report>>)>,
    pub capture: capture::Settings,
    pub listen: Option<SocketAddr>,
    pub outputs: Result<Outputs, String>,
}

/// Where exchanges go, to be tried.
#[derive(Debug, Default)]
pub struct Outputs {
    pub collectors: Vec<otlp::Trial>,
    pub stores: Vec<objects::Trial>,
}

/// Makes all checks. It takes as long as the kernel takes to load the programs, and a few seconds at most where nobody
/// answers.
pub fn examine(subject: Subject) -> Report {
    let environment = configuration::environment(&subject.outputs);
    let questions = outputs::ask(subject.outputs.unwrap_or_default());
    let permissions = Permissions::of_this_thread();
    let mut trial = Trial::new(&subject.capture);
    let mut machine = machine::check(&permissions);
    machine.extend(permissions::check(&permissions, &trial));
    machine.extend(mounts::check(&permissions));
    machine.push(clock::check());
    let mut sections = vec![
        Section::new("This machine", machine),
        Section::new("How bytes are seen", hooks::check(&trial, subject.capture.hook.is_some())),
    ];
    sections.extend(traefik::check(&mut trial, &subject.capture, &permissions));
    // What is attached has no reason to wait for the network.
    drop(trial);
    let mut run = vec![configuration::file(subject.file), environment];
    run.extend(pages::check(subject.listen));
    run.extend(questions.into_iter().map(question::Question::wait));
    sections.push(Section::new("What a run with these flags needs", run));
    Report { sections }
}
