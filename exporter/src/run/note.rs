//! The last warning of the log, for a screen that has no room for more.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Bytes of it.
const LENGTH: usize = 400;

#[derive(Debug, Clone, Default)]
pub(super) struct Note(Arc<Mutex<Option<String>>>);

impl Note {
    pub(super) fn text(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One line on its way.
pub(super) struct Line {
    note: Note,
    is_warning: bool,
}

impl<'a> MakeWriter<'a> for Note {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { note: self.clone(), is_warning: false }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line {
        Line { note: self.clone(), is_warning: *meta.level() <= Level::WARN }
    }
}

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_warning {
            let text = String::from_utf8_lossy(bytes.get(..LENGTH).unwrap_or(bytes)).trim().to_owned();
            *self.note.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
