//! Tables one after another on standard output, each of what came since the one before.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::history::History;
use super::source::{self, Source};

/// How late a signal may be heeded.
const NAP: Duration = Duration::from_millis(50);

/// Why there are no more tables.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

/// Prints `count` tables, or as many as there is time for; each is made by `table`.
///
/// # Errors
/// The source does not answer, or the output takes no more.
pub fn run(
    source: &mut dyn Source,
    count: Option<u32>,
    every: Duration,
    stop: &AtomicBool,
    mut table: impl FnMut(&History) -> io::Result<String>,
) -> Result<(), Error> {
    // What lies between two readings.
    let mut history = History::new(Duration::ZERO);
    let (reading, times) = source.read()?;
    history.push(reading, times);
    let mut due = Instant::now() + every;
    let mut printed = 0;
    while count.is_none_or(|count| printed < count) {
        while Instant::now() < due {
            if stop.load(Relaxed) {
                return Ok(());
            }
            std::thread::sleep(NAP.min(due.saturating_duration_since(Instant::now())));
        }
        due += every;
        let (reading, times) = source.read()?;
        history.push(reading, times);
        // Another hoptap than before: it takes one more reading to say anything of it.
        if history.window().is_none() {
            continue;
        }
        let mut out = io::stdout().lock();
        match out.write_all(table(&history)?.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => printed += 1,
            // Whoever read has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
