//! Hands what the pipeline makes to metrics and outputs, and keeps what it wants done for the capture.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hoptap_semconv::value::hoptap_queue_name::{CONTENTS, OBJECTS, SPANS};

use crate::capture::Command;
use crate::counters::{Counters, Kind, Outcome, Queue};
use crate::event::{ConnectionId, Direction, Name, Pid};
use crate::exchange::{Exchange, Level, Method};
use crate::export::Counts;
use crate::export::contents::{Contents, Told};
use crate::export::metrics::Metrics;
use crate::export::otlp::Sampler;
use crate::pipeline::Sink;
use crate::policy::Policy;

/// Units that may wait in an output while a replay goes on; every queue holds more.
const ROOM: u64 = 4096;

/// Where exchanges go.
pub struct Fanout {
    metrics: Metrics,
    contents: Contents,
    /// What was taken over already, of each that tells.
    before: Vec<Counts>,
    withheld: u64,
    counters: Arc<Counters>,
    /// Which hops are told.
    pub policy: Arc<Policy>,
    /// What was replaced, and still delivers what waits.
    leaving: Vec<JoinHandle<()>>,
    pub commands: Vec<Command>,
}

impl Fanout {
    pub fn new(metrics: Metrics, contents: Contents, policy: Arc<Policy>, counters: Arc<Counters>) -> Self {
        Self {
            metrics,
            contents,
            before: Vec::new(),
            withheld: 0,
            counters,
            policy,
            leaving: Vec::new(),
            commands: Vec::new(),
        }
    }

    /// Hands what comes from now on to others. Those that were there deliver what waits, in the background.
    pub fn replace(&mut self, contents: Contents, sampler: Sampler, policy: Arc<Policy>) {
        self.account();
        self.policy = policy;
        self.metrics.sample_by(Box::new(move |exchange| sampler.takes(exchange)));
        let old = std::mem::replace(&mut self.contents, contents);
        let (before, withheld) = (std::mem::take(&mut self.before), std::mem::take(&mut self.withheld));
        let counters = Arc::clone(&self.counters);
        let deliver = move || deliver(old, PATIENCE, before, withheld, &counters);
        self.leaving.retain(|thread| !thread.is_finished());
        // It does not refuse where it did not refuse before; if it does, what waits is told of as lost.
        self.leaving.extend(std::thread::Builder::new().name("leaving".into()).spawn(move || drop(deliver())));
    }

    /// Waits until the outputs have room: a replay comes faster than the world did, and nothing of it may be lost.
    pub fn make_room(&mut self) {
        self.commands.clear();
        // A store that is away would hold up a replay for good: what it cannot take it drops and counts.
        let full = |told: &Told| told.name != OBJECTS && told.counts.waiting > ROOM;
        while self.contents.is_half_full() || self.contents.told().iter().any(full) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Takes over what the outputs counted since the last time.
    pub fn account(&mut self) {
        add(&self.counters, &self.contents.told(), &mut self.before);
        count(&self.counters, self.contents.withheld(), &mut self.withheld);
    }

    /// Lets every output deliver what waits, at most for `within` each.
    pub fn finish(self, within: Duration) -> Vec<(&'static str, Counts)> {
        let Self { contents, before, withheld, counters, leaving, .. } = self;
        let until = Instant::now() + within;
        let last = deliver(contents, within, before, withheld, &counters);
        while leaving.iter().any(|thread| !thread.is_finished()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        if leaving.iter().any(|thread| !thread.is_finished()) {
            tracing::warn!("outputs of an earlier configuration could not deliver everything");
        }
        last
    }
}

/// What outputs that were replaced have to deliver what waits.
const PATIENCE: Duration = Duration::from_secs(60);

fn deliver(
    contents: Contents,
    within: Duration,
    mut before: Vec<Counts>,
    mut withheld: u64,
    counters: &Counters,
) -> Vec<(&'static str, Counts)> {
    let (last, bodies) = contents.finish(within);
    add(counters, &last, &mut before);
    count(counters, bodies, &mut withheld);
    last.into_iter().map(|told| (told.name, told.counts)).collect()
}

/// Takes over what is new since `before`.
fn add(counters: &Counters, told: &[Told], before: &mut Vec<Counts>) {
    before.resize(told.len(), Counts::default());
    // Several outlets may share a name.
    for queue in Queue::ALL {
        let of = || told.iter().filter(|told| told.name == queue.as_str());
        counters.queue_length.set(*queue, of().map(|told| told.counts.waiting).sum());
        counters.queue_capacity.set(*queue, of().map(|told| told.capacity as u64).sum());
        counters.queue_bytes.set(*queue, of().map(|told| told.bytes as u64).sum());
    }
    for (told, before) in told.iter().zip(before) {
        let now = told.counts;
        let outcomes = match told.name {
            SPANS => &counters.spans,
            OBJECTS => &counters.objects,
            CONTENTS => &counters.contents,
            _ => &counters.records,
        };
        outcomes.add(Outcome::Sent, now.delivered - before.delivered);
        outcomes.add(Outcome::Failed, now.export_failed - before.export_failed);
        outcomes.add(Outcome::Refused, now.refused - before.refused);
        let dropped = |counts: &Counts| counts.queue_full + counts.shutdown;
        outcomes.add(Outcome::Dropped, dropped(&now) - dropped(before));
        *before = now;
    }
}

fn count(counters: &Counters, withheld: u64, before: &mut u64) {
    counters.withheld.fetch_add(withheld - *before, Relaxed);
    *before = withheld;
}

impl Sink for Fanout {
    fn exchange(&mut self, mut exchange: Exchange) {
        self.metrics.observe(&exchange);
        self.policy.narrow(&mut exchange);
        if exchange.kept.level > Level::None && !self.contents.is_idle() {
            self.contents.offer(exchange);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::export::contents::{Outlets, Settings};
    use crate::export::metrics;
    use crate::export::{Output, sample};

    /// Counts what it is offered.
    #[derive(Default)]
    struct Counted(Arc<AtomicU64>);

    impl Output for Counted {
        fn name(&self) -> &'static str {
            SPANS
        }

        fn offer(&self, _: &Arc<Exchange>) {
            self.0.fetch_add(1, Relaxed);
        }

        fn counts(&self) -> Counts {
            Counts { delivered: self.0.load(Relaxed), ..Counts::default() }
        }

        fn capacity(&self) -> usize {
            0
        }

        fn finish(self: Box<Self>, _: Duration) -> Counts {
            self.counts()
        }
    }

    #[test]
    fn what_no_rule_wants_is_counted_and_not_told() {
        let counters = Arc::new(Counters::default());
        let (metrics, page) = Metrics::new(metrics::Settings::default(), Arc::clone(&counters), Arc::default());
        let outlets = Outlets { outputs: vec![Box::new(Counted::default())], ..Outlets::default() };
        let contents = Contents::start(Settings::default(), outlets).unwrap();
        let policy = Arc::new(Policy::uniform(Level::Full));
        let mut fanout = Fanout::new(metrics, contents, policy, Arc::clone(&counters));
        for level in [Level::None, Level::Summary, Level::None, Level::Full] {
            let mut exchange = sample::full();
            exchange.kept.level = level;
            fanout.exchange(exchange);
        }
        fanout.account();
        let last = fanout.finish(Duration::from_secs(10));
        assert_eq!(
            last.iter().map(|(name, counts)| (*name, counts.delivered)).collect::<Vec<_>>(),
            [(CONTENTS, 2), (SPANS, 2)]
        );
        assert_eq!((counters.spans.get(Outcome::Sent), counters.contents.get(Outcome::Sent)), (2, 2));
        let page = page.encode(metrics::Format::Classic).unwrap();
        let line = page.lines().find(|line| line.starts_with("http_server_request_duration_seconds_count")).unwrap();
        assert!(line.ends_with(" 4"), "{line}");
    }

    #[test]
    fn outlets_that_share_a_name_are_counted_together() {
        let counters = Counters::default();
        let mut before = Vec::new();
        let told = |name, delivered, queue_full, waiting| {
            let counts = Counts { delivered, queue_full, waiting, ..Counts::default() };
            Told { name, counts, capacity: 100, bytes: usize::try_from(waiting).unwrap_or(0) }
        };
        let mut check = |all: &[Told], spans: [u64; 4], objects: [u64; 4]| {
            add(&counters, all, &mut before);
            for (queue, outcomes, expected) in
                [(Queue::Spans, &counters.spans, spans), (Queue::Objects, &counters.objects, objects)]
            {
                let waiting = (counters.queue_length.get(queue), counters.queue_bytes.get(queue));
                let (sent, dropped) = (outcomes.get(Outcome::Sent), outcomes.get(Outcome::Dropped));
                assert_eq!([sent, dropped, waiting.0, waiting.1], expected, "{queue:?}");
            }
        };
        check(&[told(SPANS, 5, 1, 2), told(OBJECTS, 3, 0, 4), told(SPANS, 7, 0, 1)], [12, 1, 3, 3], [3, 0, 4, 4]);
        check(&[told(SPANS, 6, 1, 1), told(OBJECTS, 3, 2, 2), told(SPANS, 7, 4, 0)], [13, 5, 1, 1], [3, 2, 2, 2]);
        assert_eq!(counters.records.sum() + counters.contents.sum(), 0);
        let capacity = |queue| counters.queue_capacity.get(queue);
        assert_eq!([Queue::Spans, Queue::Objects, Queue::Records].map(capacity), [200, 100, 0]);
    }
}
