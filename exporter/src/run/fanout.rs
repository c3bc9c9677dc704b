//! Hands what the pipeline makes to metrics and outputs, and keeps what it wants done for the capture.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::capture::Command;
use crate::counters::{Counters, Outcome, Queue};
use crate::event::{ConnectionId, Direction, Name, Pid};
use crate::exchange::{Exchange, Method};
use crate::export::metrics::Metrics;
use crate::export::{Counts, Output};
use crate::pipeline::Sink;

/// Units that may wait in an output while a replay goes on; every queue holds more.
const ROOM: u64 = 4096;

/// Where exchanges go.
pub struct Fanout {
    metrics: Metrics,
    outputs: Vec<(Box<dyn Output>, Counts)>,
    counters: Arc<Counters>,
    pub commands: Vec<Command>,
}

impl Fanout {
    pub fn new(metrics: Metrics, outputs: Vec<Box<dyn Output>>, counters: Arc<Counters>) -> Self {
        let outputs = outputs.into_iter().map(|output| (output, Counts::default())).collect();
        Self { metrics, outputs, counters, commands: Vec::new() }
    }

    /// Waits until the outputs have room: a replay comes faster than the world did, and nothing of it may be lost.
    pub fn make_room(&mut self) {
        self.commands.clear();
        let full = |output: &dyn Output| output.counts().waiting > ROOM;
        while self.outputs.iter().any(|(output, _)| full(output.as_ref())) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Takes over what the outputs counted since the last time.
    pub fn account(&mut self) {
        for (output, before) in &mut self.outputs {
            let now = output.counts();
            add(&self.counters, output.name(), before, &now);
            *before = now;
        }
    }

    /// Lets every output deliver what waits, at most for `within` each.
    pub fn finish(mut self, within: Duration) -> Vec<(&'static str, Counts)> {
        let mut last = Vec::new();
        for (output, before) in std::mem::take(&mut self.outputs) {
            let name = output.name();
            let counts = output.finish(within);
            add(&self.counters, name, &before, &counts);
            last.push((name, counts));
        }
        last
    }
}

fn add(counters: &Counters, name: &str, before: &Counts, now: &Counts) {
    let queue = if name == hoptap_semconv::value::hoptap_queue_name::SPANS { Queue::Spans } else { Queue::Text };
    counters.queue_length.set(queue, now.waiting);
    let outcomes = if queue == Queue::Spans { &counters.spans } else { &counters.records };
    outcomes.add(Outcome::Sent, now.delivered - before.delivered);
    outcomes.add(Outcome::Failed, now.lost() - before.lost() - (now.refused - before.refused));
    outcomes.add(Outcome::Refused, now.refused - before.refused);
}

impl Sink for Fanout {
    fn exchange(&mut self, exchange: Exchange) {
        self.metrics.observe(&exchange);
        if self.outputs.is_empty() {
            return;
        }
        let exchange = Arc::new(exchange);
        for (output, _) in &self.outputs {
            output.offer(&exchange);
        }
    }

    fn began(&mut self, entrypoint: Option<&Name>, method: &Method, tls: bool) {
        self.metrics.request_began(entrypoint, method, tls);
    }

    fn ended(&mut self, entrypoint: Option<&Name>, method: &Method, tls: bool) {
        self.metrics.request_ended(entrypoint, method, tls);
    }

    fn skip(&mut self, connection: ConnectionId, direction: Direction, until: u64) {
        self.commands.push(Command::Skip(connection, direction, until));
    }

    fn entrypoint_known(&mut self, pid: Pid, local: SocketAddr) {
        self.commands.push(Command::EntryPointKnown(pid, local));
    }

    fn needs_request_write(&mut self, pid: Pid) {
        self.commands.push(Command::NeedsRequestWrite(pid));
    }

    fn needs_http2_stream(&mut self, pid: Pid) {
        self.commands.push(Command::NeedsHttp2Stream(pid));
    }

    fn needs_table(&mut self, pid: Pid, connection: ConnectionId, direction: Direction, number: u8) {
        self.commands.push(Command::Table(pid, connection, direction, number));
    }

    fn handshake_failed(&mut self, entrypoint: Option<&Name>) {
        self.metrics.handshake_failed(entrypoint);
    }

    fn data(&mut self, connection: ConnectionId, wanted: bool) {
        self.commands.push(Command::Data(connection, wanted));
    }
}
