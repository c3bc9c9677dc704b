//! Exchanges on standard output, written by a thread of its own.
//!
//! A slow reader of the pipe costs lines, which are counted; a closed pipe ends this output and nothing else.

use std::io::{self, Write};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::counts::{Counts, Ledger, add};
use super::queue::{Receiver, Sender, bounded_by};
use super::{Output, events, json, text};
use crate::exchange::{Exchange, kept};
use crate::redact::Redaction;

/// How exchanges are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Blocks for a person.
    #[default]
    Text,
    /// One object per line.
    Json,
    /// One or the other, as the rules say of each exchange.
    Kept,
    /// One anonymised object per line, for each hop.
    Events,
}

/// What may wait for the reader of the pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub exchanges: usize,
    /// Of their bodies.
    pub bytes: usize,
}

impl Default for Room {
    /// About a second of a busy proxy, a few MiB; and an eighth of what hoptap may take.
    fn default() -> Self {
        Self { exchanges: 8192, bytes: 32 << 20 }
    }
}

/// Bytes that are gathered while more exchanges wait; one write call for each exchange would cost more than its text.
const CHUNK: usize = 64 * 1024;

/// Writes what it is offered to one stream. The unit it counts is the exchange.
#[derive(Debug)]
pub struct Stdout {
    sender: Sender<Arc<Exchange>>,
    ledger: Arc<Ledger>,
    /// Only the end waits for it.
    ended: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl Stdout {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system refuses another thread.
    pub fn start(format: Format, redaction: Arc<Redaction>, room: Room) -> io::Result<Self> {
        Self::to(io::stdout(), format, redaction, room)
    }

    fn to(
        stream: impl Write + Send + 'static,
        format: Format,
        redaction: Arc<Redaction>,
        room: Room,
    ) -> io::Result<Self> {
        let (sender, receiver) = bounded_by(room.exchanges, room.bytes);
        let ledger = Arc::new(Ledger::new(Arc::clone(sender.level())));
        let (end, ended) = sync_channel(1);
        let writer = Writer { receiver, ledger: Arc::clone(&ledger), format, redaction };
        std::thread::Builder::new().name("stdout".into()).spawn(move || writer.run(stream, &end))?;
        Ok(Self { sender, ledger, ended: Mutex::new(ended) })
    }
}

impl Output for Stdout {
    fn name(&self) -> &'static str {
        hoptap_semconv::value::hoptap_queue_name::TEXT
    }

    fn offer(&self, exchange: &Arc<Exchange>) {
        self.sender.push_heavy(Arc::clone(exchange), 1, exchange.content_bytes());
    }

    fn counts(&self) -> Counts {
        self.ledger.counts()
    }

    fn capacity(&self) -> usize {
        self.sender.level().capacity()
    }

    fn bytes_waiting(&self) -> usize {
        self.sender.level().bytes()
    }

    fn finish(self: Box<Self>, within: Duration) -> Counts {
        let Self { sender, ledger, ended } = *self;
        let ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        drop(sender);
        // A thread that hangs in a write cannot be ended: it is left to the end of the process.
        if let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(within) {
            tracing::warn!(lost = ledger.counts().waiting, "standard output is stuck");
        }
        ledger.close()
    }
}

struct Writer {
    receiver: Receiver<Arc<Exchange>>,
    ledger: Arc<Ledger>,
    format: Format,
    redaction: Arc<Redaction>,
}

impl Writer {
    /// Writes until the queue ends or the stream does. `_ended` tells by being dropped.
    fn run(mut self, mut stream: impl Write, _ended: &SyncSender<()>) {
        let mut chunk = String::with_capacity(CHUNK);
        while let Some(exchange) = self.receiver.wait() {
            chunk.clear();
            self.append(&exchange, &mut chunk);
            let mut units = 1;
            while chunk.len() < CHUNK
                && let Ok(exchange) = self.receiver.poll()
            {
                self.append(&exchange, &mut chunk);
                units += 1;
            }
            let written = stream.write_all(chunk.as_bytes()).and_then(|()| stream.flush());
            if let Err(error) = written {
                // Never again: a stream that broke in the middle of a line does not come back whole.
                tracing::warn!(%error, "standard output is closed; nothing more is written to it");
                add(&self.ledger.export_failed, units);
                break;
            }
            add(&self.ledger.delivered, units);
        }
        while self.receiver.poll().is_ok() {
            add(&self.ledger.export_failed, 1);
        }
    }

    fn append(&self, exchange: &Exchange, out: &mut String) {
        match self.format {
            Format::Events => events::write(exchange, out),
            Format::Json => json::write(exchange, &self.redaction, out),
            Format::Kept if exchange.kept.format == kept::Format::Json => json::write(exchange, &self.redaction, out),
            Format::Text | Format::Kept => text::write(exchange, &self.redaction, out),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use std::io::{BufRead, BufReader, pipe};

    use super::super::sample;
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn room(exchanges: usize) -> Room {
        Room { exchanges, ..Room::default() }
    }

    fn offer(output: &Stdout, count: usize) {
        let exchange = Arc::new(sample::exchange());
        (0..count).for_each(|_| output.offer(&exchange));
    }

    #[test]
    fn what_is_offered_is_written() {
        let check = |format: Format, mark: &str| {
            let (reader, writer) = pipe().unwrap();
            let output = Stdout::to(writer, format, Arc::default(), room(1000)).unwrap();
            let lines =
                std::thread::spawn(move || BufReader::new(reader).lines().map(Result::unwrap).collect::<Vec<_>>());
            offer(&output, 500);
            let counts = Box::new(output).finish(SOON);
            assert_eq!(counts, Counts { delivered: 500, ..Counts::default() });
            let lines = lines.join().unwrap();
            assert_eq!(lines.iter().filter(|line| line.contains(mark)).count(), 500);
        };
        check(Format::Text, "INGRESS ←");
        check(Format::Json, "\"ingress\":");
        check(Format::Kept, "INGRESS ←");
        check(Format::Events, "\"egress\"");
    }

    #[test]
    fn each_exchange_is_written_as_its_rules_say() {
        let (reader, writer) = pipe().unwrap();
        let output = Stdout::to(writer, Format::Kept, Arc::default(), room(10)).unwrap();
        for format in [kept::Format::Json, kept::Format::Text] {
            let mut exchange = sample::exchange();
            exchange.kept.format = format;
            output.offer(&Arc::new(exchange));
        }
        Box::new(output).finish(SOON);
        let lines: Vec<String> = BufReader::new(reader).lines().map(Result::unwrap).collect();
        assert!(lines[0].starts_with("{\"timestamp\""), "{lines:?}");
        assert_eq!(lines[1], "=== HTTP Transaction ===");
    }

    #[test]
    fn a_closed_pipe_ends_the_output_only() {
        let (reader, writer) = pipe().unwrap();
        let output = Stdout::to(writer, Format::Text, Arc::default(), room(1000)).unwrap();
        drop(reader);
        offer(&output, 10);
        while output.counts().export_failed == 0 {
            std::thread::yield_now();
        }
        offer(&output, 10);
        let counts = Box::new(output).finish(SOON);
        assert_eq!(counts.delivered, 0);
        assert_eq!(counts.lost(), 20, "{counts:?}");
    }

    #[test]
    fn a_pipe_that_nobody_reads_drops_and_counts() {
        let (reader, writer) = pipe().unwrap();
        let output = Stdout::to(writer, Format::Text, Arc::default(), room(16)).unwrap();
        offer(&output, 5000);
        assert!(output.counts().queue_full > 0, "{:?}", output.counts());
        let counts = Box::new(output).finish(Duration::from_millis(50));
        assert_eq!((counts.offered(), counts.waiting), (5000, 0), "{counts:?}");
        drop(reader);
    }
}
