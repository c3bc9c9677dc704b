//! `hoptap top`: chooses where the numbers come from, and where they go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::fanout::Fanout;
use super::note::Note;
use super::{Error, rules, seed, stop_on_signals, watch};
use crate::capture::{Command, Handler, Session};
use crate::command::{Format, Level, Tell, Top};
use crate::counters::Counters;
use crate::event::Event;
use crate::export::contents::{self, Contents, Outlets};
use crate::export::metrics::{self, Metrics};
use crate::pipeline::Pipeline;
use crate::readiness::Readiness;
use crate::top::{self, BatchError, Choice, Own, Remote, Screen, Sheet, Source};

/// What `--from` says for a capture of this process.
const HERE: &str = "here";

/// A Traefik that runs is found and its probes are in place within this, or there is none.
const FOUND: Duration = Duration::from_secs(5);

pub(super) fn run(top: &Top, note: Note) -> Result<(), Error> {
    let stop = stop_on_signals()?;
    let Origin { source, name, capture } = Origin::of(top, &stop)?;
    let done =
        if top.is_on_screen() { show(top, source, &name, &stop, note) } else { print(top, source, &name, &stop) };
    if let Some(capture) = capture {
        capture.end();
    }
    done
}

/// Where the numbers come from.
struct Origin {
    source: Box<dyn Source>,
    /// How it is called above the tables.
    name: String,
    /// To be ended afterwards.
    capture: Option<Capturing>,
}

impl Origin {
    fn of(top: &Top, stop: &AtomicBool) -> Result<Self, Error> {
        let mut remote = match top.from.as_deref() {
            Some(HERE) => return Self::here(top, stop),
            None if top.captures => return Self::here(top, stop),
            Some(_) if top.captures => {
                let text = "the flags of the capture are for --from here: leave them out, or leave out the URL";
                return Err(Error::Usage(text.to_owned()));
            }
            Some(url) => Remote::new(url)?,
            None => Remote::new(top::DEFAULT)?,
        };
        // Tried here, so that what is wrong with it is said before a screen is taken over.
        match remote.read() {
            Err(top::Error::Refused { .. }) if top.from.is_none() => return Self::here(top, stop),
            tried => drop(tried?),
        }
        Ok(Self { name: remote.url().to_owned(), source: Box::new(remote), capture: None })
    }

    fn here(top: &Top, stop: &AtomicBool) -> Result<Self, Error> {
        let (own, capture) = Capturing::start(top, stop)?;
        Ok(Self { source: Box::new(own), name: "watching from here".to_owned(), capture: Some(capture) })
    }
}

fn show(top: &Top, source: Box<dyn Source>, from: &str, stop: &AtomicBool, note: Note) -> Result<(), Error> {
    let choice = Choice { filter: top.filter.clone(), ..Choice::new(top.view, top.sort) };
    let screen = Screen::open().context("cannot take over the terminal; print tables with --once or --batch")?;
    let shown = screen.run(source, from, choice, window(top), stop, move || note.text());
    Ok(shown.context("the terminal does not answer")?)
}

fn print(top: &Top, mut source: Box<dyn Source>, from: &str, stop: &AtomicBool) -> Result<(), Error> {
    let count = if top.once { Some(1) } else { top.batch };
    let sort = Choice::new(top.view, top.sort).sort;
    let printed = top::batch(&mut *source, count, window(top), stop, |history| {
        let Some(window) = history.window() else { return Ok(String::new()) };
        match top.format {
            Some(Format::Json) => {
                let sheet = |view| Sheet::new(&window, view, Choice::new(view, top.sort).sort, false, &top.filter);
                Ok(top::json(&window, from, sheet)?)
            }
            _ => {
                let sheet = Sheet::new(&window, top.view, sort, false, &top.filter);
                Ok(top::table(history, &sheet, sort, from))
            }
        }
    });
    match printed {
        Ok(()) => Ok(()),
        Err(BatchError::Source(error)) => Err(error.into()),
        Err(error @ BatchError::Output(_)) => Err(Error::Other(error.into())),
    }
}

fn window(top: &Top) -> Duration {
    Duration::from_secs(top.window.into())
}

/// A capture that counts, and tells nobody but us.
struct Capturing {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Capturing {
    /// Attaches, and counts from then on. `asked`: whoever started this wants no more of it.
    fn start(top: &Top, asked: &AtomicBool) -> Result<(Own, Self), Error> {
        let (counters, readiness) = (Arc::new(Counters::default()), Arc::new(Readiness::default()));
        let tell = Tell { names: top.names, level: Level::Summary, format: None };
        let settings = rules::settings(&tell, None, false, seed());
        let (metrics, page) = Metrics::new(metrics::Settings::default(), Arc::clone(&counters), Arc::clone(&readiness));
        let contents = Contents::start(contents::Settings::default(), Outlets::default());
        let contents = contents.context("cannot start what counts")?;
        let fanout = Fanout::new(metrics, contents, Arc::clone(&settings.policy), Arc::clone(&counters));
        let mut counting = Counting { pipeline: Pipeline::new(settings, counters), fanout };
        let capture = watch::settings(&top.capture, top.names.into());
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let state = Arc::clone(&readiness);
        let (sender, attached) = channel();
        let thread = std::thread::Builder::new().name("capture".into()).spawn(move || {
            match Session::attach(capture, readiness) {
                Ok(mut session) => {
                    let _ = sender.send(Ok(()));
                    session.run(&mut counting, &ended);
                }
                Err(error) => drop(sender.send(Err(error))),
            }
        });
        let thread = thread.context("cannot start the capture")?;
        attached.recv().context("the capture ended before it was attached")??;
        // The first numbers would otherwise be of a time in which nothing was seen.
        let begun = Instant::now();
        while !state.state().is_ready() && begun.elapsed() < FOUND && !asked.load(Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok((Own(page), Self { stop, thread }))
    }

    fn end(self) {
        self.stop.store(true, Relaxed);
        // Whatever it panicked with stands on standard error.
        let _ = self.thread.join();
    }
}

struct Counting {
    pipeline: Pipeline,
    fanout: Fanout,
}

impl Handler for Counting {
    fn event(&mut self, event: &Event<'_>) {
        self.pipeline.event(event, &mut self.fanout);
    }

    fn pause(&mut self) {
        self.fanout.account();
    }

    fn commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.fanout.commands)
    }
}
