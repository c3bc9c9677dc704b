//! `hoptap record FILE`: the event stream into a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::Context;

use super::{Error, seed, stop_on_signals, watch};
use crate::capture::{Command, Handler};
use crate::command::Record;
use crate::event::Event;
use crate::record::Writer;

pub(super) fn run(record: &Record) -> Result<(), Error> {
    let path = record.file.display().to_string();
    let file = File::create(&record.file)
        .map_err(|error| Error::Usage(format!("cannot write the recording {path}: {error}")))?;
    let to = BufWriter::new(file);
    let writer = if record.with_secrets { Writer::with_secrets(to, seed()) } else { Writer::new(to, seed()) };
    let writer = writer.with_context(|| format!("cannot write the recording {path}"))?;
    let stop = stop_on_signals()?;
    let mut tape = Tape { writer, written: 0, left_out: 0, failed: None, stop: Arc::clone(&stop) };
    watch::capture(&record.capture, record.serve.listen, record.names.into(), &mut tape, &stop)?;
    if let Some(error) = tape.failed {
        return Err(anyhow::Error::new(error).context(format!("the recording {path} is not complete")).into());
    }
    // Dropped, the buffer would keep to itself that its last bytes found no room.
    let written = tape.writer.finish().map_err(anyhow::Error::new).and_then(|mut to| Ok(to.flush()?));
    written.with_context(|| format!("the recording {path} is not complete"))?;
    tracing::info!(file = path, events = tape.written, left_out = tape.left_out, "recorded");
    Ok(())
}

struct Tape {
    writer: Writer<BufWriter<File>>,
    written: u64,
    /// Events longer than a record may be.
    left_out: u64,
    failed: Option<crate::record::Error>,
    /// Nothing is left to do after a failure.
    stop: Arc<AtomicBool>,
}

impl Handler for Tape {
    fn event(&mut self, event: &Event<'_>) {
        if self.failed.is_some() {
            return;
        }
        match self.writer.write(event) {
            Ok(()) => self.written += 1,
            Err(crate::record::Error::TooLong { .. }) => self.left_out += 1,
            Err(error) => {
                self.failed = Some(error);
                self.stop.store(true, Relaxed);
            }
        }
    }

    fn pause(&mut self) {}

    fn commands(&mut self) -> Vec<Command> {
        Vec::new()
    }
}
