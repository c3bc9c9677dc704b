//! `hoptap`: capture, pipeline and outputs, until a signal.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::oneshot;

use super::fanout::Fanout;
use super::{Error, seed, stop_on_signals};
use crate::capture::process::Selection;
use crate::capture::{Handler, Session, Settings};
use crate::command::{Capture, Level, Listen, Tell, Watch};
use crate::config::Configuration;
use crate::counters::Counters;
use crate::event::Event;
use crate::export::metrics::{Metrics, Page};
use crate::export::otlp::{self, Otlp};
use crate::export::redact::Redaction;
use crate::export::stdout::Stdout;
use crate::export::{Output, metrics, stdout};
use crate::pipeline::{self, Pipeline};
use crate::readiness::Readiness;
use crate::serve::{Listener, Pages};

/// What the outputs get at the end to deliver what waits.
const LAST_WORDS: Duration = Duration::from_secs(5);

pub(super) fn run(watch: &Watch) -> Result<(), Error> {
    let otlp = spans(watch.configuration.as_ref())?;
    let counters = Arc::new(Counters::default());
    let readiness = Arc::new(Readiness::default());
    let stop = stop_on_signals()?;
    let traefik_names = watch.configuration.as_ref().is_some_and(|file| file.metrics.traefik_names);
    let (fanout, page) = outputs(&watch.tell, otlp, traefik_names, &counters, &readiness)?;
    let server = Server::start(watch.capture.listen, Some(page), &readiness)?;
    let mut session = Session::attach(settings(&watch.capture, watch.tell.names.into()), readiness)?;
    let seed = seed();
    let mut live = Live { pipeline: Pipeline::new(pipeline_settings(&watch.tell, seed), counters), fanout, last: 0 };
    session.run(&mut live, &stop);
    drop(session);
    live.pipeline.finish(live.last, &mut live.fanout);
    let last = live.fanout.finish(LAST_WORDS);
    for (output, counts) in last {
        if counts.lost() > 0 {
            tracing::warn!(
                output,
                lost = counts.lost(),
                delivered = counts.delivered,
                "not everything could be delivered"
            );
        }
    }
    server.stop();
    Ok(())
}

/// Events into the pipeline, as they come.
struct Live {
    pipeline: Pipeline,
    fanout: Fanout,
    last: u64,
}

impl Handler for Live {
    fn event(&mut self, event: &Event<'_>) {
        self.last = event.time;
        self.pipeline.event(event, &mut self.fanout);
    }

    fn pause(&mut self) {
        self.fanout.account();
    }

    fn commands(&mut self) -> Vec<crate::capture::Command> {
        std::mem::take(&mut self.fanout.commands)
    }
}

/// Where spans go, by the environment, and by the file where the environment has nothing.
pub(super) fn spans(file: Option<&Configuration>) -> Result<otlp::Settings, Error> {
    let environment = |name: &str| std::env::var(name).ok();
    let lookup = |name: &str| match file {
        Some(file) => file.variable(name, &environment),
        None => environment(name),
    };
    otlp::Settings::from_env(&lookup)
        .map_err(|problems| Error::Usage(format!("the environment cannot be used:\n{problems}")))
}

pub(super) fn pipeline_settings(tell: &Tell, seed: u64) -> pipeline::Settings {
    pipeline::Settings { seed, keep_headers: tell.level == Level::Details, names: tell.names.into() }
}

pub(super) fn settings(capture: &Capture, names: pipeline::NamesFrom) -> Settings {
    Settings {
        hook: capture.capture.into(),
        selection: Selection {
            pids: capture.pid.clone(),
            containers: capture.container.clone(),
            executables: capture.executable.clone(),
        },
        ring_bytes: capture.ring * 1024,
        names,
        api: capture.api,
    }
}

/// Builds what exchanges go to. Text goes to standard output if it is asked for, if somebody looks, or if nothing
/// else would tell.
pub(super) fn outputs(
    tell: &Tell,
    spans: otlp::Settings,
    traefik_names: bool,
    counters: &Arc<Counters>,
    readiness: &Arc<Readiness>,
) -> Result<(Fanout, Page), Error> {
    let sampler = spans.sampler;
    let mut outputs: Vec<Box<dyn Output>> = Vec::new();
    let otlp = Otlp::start(spans, Redaction::default()).context("cannot start the output of spans")?;
    let format = match tell.format {
        Some(format) => Some(format.into()),
        None if otlp.is_none() || std::io::stdout().is_terminal() => Some(stdout::Format::Text),
        None => None,
    };
    if let Some(otlp) = otlp {
        outputs.push(Box::new(otlp));
    }
    if let Some(format) = format {
        let stdout = Stdout::start(format, Redaction::default()).context("cannot start the output of text")?;
        outputs.push(Box::new(stdout));
    }
    let settings = metrics::Settings {
        traefik_names,
        sampled: Box::new(move |context| sampler.decide(context)),
        ..metrics::Settings::default()
    };
    let (metrics, page) = Metrics::new(settings, Arc::clone(counters), Arc::clone(readiness));
    Ok((Fanout::new(metrics, outputs, Arc::clone(counters)), page))
}

/// The pages, on a thread of their own.
pub(super) struct Server {
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Server {
    pub(super) fn start(listen: Listen, page: Option<Page>, readiness: &Arc<Readiness>) -> Result<Self, Error> {
        let (Listen::At(address), Some(page)) = (listen, page) else { return Ok(Self { running: None }) };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the pages")?;
        let listener = {
            let _guard = runtime.enter();
            Listener::bind(address).map_err(|error| Error::Usage(error.to_string()))?
        };
        let address = listener.address().unwrap_or(address);
        tracing::info!(%address, "serving /metrics, /healthz, /readyz");
        let pages = Pages::new(page, Arc::clone(readiness));
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("serve".into())
            .spawn(move || {
                let served = runtime.block_on(listener.serve(pages, async {
                    let _ = stopped.await;
                }));
                if let Err(error) = served {
                    tracing::warn!(%error, "the pages are no longer served");
                }
            })
            .context("cannot start the pages")?;
        Ok(Self { running: Some((stop, thread)) })
    }

    pub(super) fn stop(self) {
        if let Some((stop, thread)) = self.running {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

/// For `record`, which shares the capture but not the outputs.
pub(super) fn capture(
    capture: &Capture,
    names: pipeline::NamesFrom,
    handler: &mut impl Handler,
    stop: &AtomicBool,
) -> Result<(), Error> {
    let readiness = Arc::new(Readiness::default());
    let counters = Arc::new(Counters::default());
    let (_, page) = Metrics::new(metrics::Settings::default(), counters, Arc::clone(&readiness));
    let server = Server::start(capture.listen, Some(page), &readiness)?;
    let mut session = Session::attach(settings(capture, names), readiness)?;
    session.run(handler, stop);
    drop(session);
    server.stop();
    Ok(())
}
