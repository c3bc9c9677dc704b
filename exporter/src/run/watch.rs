//! `hoptap`: capture, pipeline and outputs, until a signal.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::oneshot;

use super::fanout::Fanout;
use super::outputs::{contents, outputs};
use super::reload::Reload;
use super::{Error, rules, seed, stop_on_signals};
use crate::capture::containers::{self, Directory};
use crate::capture::process::Selection;
use crate::capture::{Handler, Session, Settings};
use crate::command::{Capture, Listen, Watch};
use crate::counters::{Counters, Reload as Counted};
use crate::event::Event;
use crate::export::metrics::{self, Metrics, Page};
use crate::pipeline::{self, Pipeline};
use crate::readiness::Readiness;
use crate::serve::{Listener, Pages};

/// All bodies come in bursts of megabytes, which summaries never do. A ring costs by its size: each byte of it is a byte
/// that the caches have to make room for.
const RING_WITH_BODIES: u32 = 32 << 20;

/// What the outputs get at the end to deliver what waits.
const LAST_WORDS: Duration = Duration::from_secs(5);

pub(super) fn run(watch: Watch) -> Result<(), Error> {
    let (reload, watch) = Reload::new(watch)?;
    let watch = &watch;
    let counters = Arc::new(Counters::default());
    let readiness = Arc::new(Readiness::default());
    let stop = stop_on_signals()?;
    let settings = rules::of(watch, seed());
    let (fanout, page) = outputs(&watch.tell, watch.configuration.as_ref(), &settings.policy, &counters, &readiness)?;
    let server = Server::start(watch.serve.listen, Some(page), &readiness)?;
    let mut session = Session::attach(capture_settings(watch), readiness)?;
    let pipeline = Pipeline::new(settings, Arc::clone(&counters));
    let mut live = Live { pipeline, fanout, last: 0, reload, counters };
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
    reload: Reload,
    counters: Arc<Counters>,
}

impl Live {
    /// Takes what the file says now, or keeps what it said.
    fn reconfigure(&mut self) {
        let done = self.reload.read().and_then(|watch| {
            let (contents, sampler) = contents(&watch.tell, watch.configuration.as_ref())?;
            let settings = rules::of(&watch, 0);
            self.fanout.replace(contents, sampler, Arc::clone(&settings.policy));
            self.pipeline.reconfigure(settings);
            Ok(())
        });
        match done {
            Ok(()) => {
                self.counters.reloads.add(Counted::Applied, 1);
                tracing::info!("the configuration is read again and in force");
            }
            Err(error) => {
                self.counters.reloads.add(Counted::Refused, 1);
                tracing::error!("the configuration stays as it was, for the file has mistakes now:\n{error}");
            }
        }
    }
}

impl Handler for Live {
    fn event(&mut self, event: &Event<'_>) {
        self.last = event.time;
        self.pipeline.event(event, &mut self.fanout);
    }

    fn pause(&mut self) {
        if self.reload.is_asked_for() {
            self.reconfigure();
        }
        self.fanout.account();
    }

    fn commands(&mut self) -> Vec<crate::capture::Command> {
        std::mem::take(&mut self.fanout.commands)
    }
}

/// What is captured, and what the file leaves alone.
pub(super) fn capture_settings(watch: &Watch) -> Settings {
    let mut settings = settings(&watch.capture, watch.tell.names.into());
    if let Some(file) = &watch.configuration {
        settings.selection.excluded.clone_from(&file.tap.filters);
        settings.containers.podman.clone_from(&file.containers.podman);
        settings.containers.names = file.containers.names;
    }
    if rules::of(watch, 0).policy.is_full() && !watch.said.contains("ring") {
        settings.ring_bytes = RING_WITH_BODIES;
    }
    settings
}

pub(super) fn settings(capture: &Capture, names: pipeline::NamesFrom) -> Settings {
    Settings {
        hook: capture.capture.into(),
        selection: Selection {
            pids: capture.pid.clone(),
            containers: capture.container.clone(),
            executables: capture.executable.clone(),
            excluded: Vec::new(),
            names: Directory::default(),
        },
        ring_bytes: capture.ring * 1024,
        names,
        api: capture.api,
        containers: containers::Settings { docker: capture.docker.clone(), ..containers::Settings::default() },
    }
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
    listen: Listen,
    names: pipeline::NamesFrom,
    handler: &mut impl Handler,
    stop: &AtomicBool,
) -> Result<(), Error> {
    let readiness = Arc::new(Readiness::default());
    let counters = Arc::new(Counters::default());
    let (_, page) = Metrics::new(metrics::Settings::default(), counters, Arc::clone(&readiness));
    let server = Server::start(listen, Some(page), &readiness)?;
    let mut session = Session::attach(settings(capture, names), readiness)?;
    session.run(handler, stop);
    drop(session);
    server.stop();
    Ok(())
}
