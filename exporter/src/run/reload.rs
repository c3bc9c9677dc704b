//! SIGHUP: the configuration file is read again. One with a mistake changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::{Error, check};
use crate::command::Watch;
use crate::config::Configuration;

/// The command line, to be read with the file again.
#[derive(Debug)]
pub(super) struct Reload {
    asked: Arc<AtomicBool>,
    /// As it was given: the file fills what it leaves open, each time anew.
    line: Watch,
    /// What needs a start to change, as it is in force.
    fixed: Option<Configuration>,
}

impl Reload {
    /// Reads the file for the first time, if one is named, and listens to the signal from now on.
    ///
    /// # Errors
    /// Mistakes in the file; no thread.
    pub(super) fn new(line: Watch) -> Result<(Self, Watch), Error> {
        let watch = check::load(line.clone())?;
        let asked = Arc::new(AtomicBool::new(false));
        listen(&asked)?;
        Ok((Self { asked, line, fixed: watch.configuration.clone() }, watch))
    }

    /// The signal came; says so once.
    pub(super) fn is_asked_for(&self) -> bool {
        self.asked.load(Relaxed) && self.asked.swap(false, Relaxed)
    }

    /// # Errors
    /// Mistakes in the file.
    pub(super) fn read(&self) -> Result<Watch, Error> {
        if self.line.config.is_none() {
            return Err(Error::Usage("there is no file to read: hoptap was started without --config".into()));
        }
        let watch = check::load(self.line.clone())?;
        if let (Some(before), Some(now)) = (&self.fixed, &watch.configuration) {
            for section in before.needs_a_start(now) {
                tracing::warn!(section, "what the file says there now holds from the next start on");
            }
        }
        Ok(watch)
    }
}

fn listen(asked: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let flag = Arc::clone(asked);
    let (ready, started) = std::sync::mpsc::channel();
    std::thread::Builder::new().name("hangup".into()).spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
            let _ = ready.send(());
            while hangup.recv().await.is_some() {
                flag.store(true, Relaxed);
            }
        });
    })?;
    // A signal that comes before this ends the program: nobody can have meant that.
    let _ = started.recv();
    Ok(())
}
