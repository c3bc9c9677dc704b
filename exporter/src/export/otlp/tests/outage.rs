//! A collector that is down, busy, hanging or rude costs spans at most, and each of them is counted.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::super::super::sample;
use super::super::worker::Worker;
use super::super::{Encoder, Otlp, Output, Protocol};
use super::collector::{Collector, Reply};
use super::delivery::{LONG, PROTOCOLS, offer, settings};
use crate::export::counts::{Counts, Ledger};
use crate::export::queue::bounded;

/// 20 exchanges in batches of 10 spans, to a collector with this script, each batch given up after `patience` ms: delivered, failed, and all accounted for.
#[track_caller]
fn check(
    what: &str,
    protocol: (Protocol, &str),
    patience: &str,
    script: impl Fn(usize) -> Reply + Send + Sync + 'static,
    delivered: u64,
    export_failed: u64,
) {
    let (protocol, name) = protocol;
    let collector = Collector::start(protocol, script);
    let variables = [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", name),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "150"),
        ("OTEL_BSP_EXPORT_TIMEOUT", patience),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    let counts = offer(settings(collector.address.port(), &variables), 20, LONG);
    let expected = Counts { delivered, export_failed, ..Counts::default() };
    assert_eq!(counts, expected, "{what} over {name}");
    assert_eq!(collector.stop().spans(), delivered, "{what} over {name}: received");
}

#[test]
fn a_moment_of_trouble_loses_nothing() {
    for protocol in PROTOCOLS {
        let busy = if protocol.0 == Protocol::Grpc { 14 } else { 503 };
        check(
            "busy",
            protocol,
            "5000",
            move |request| {
                if request < 2 { Reply::Refuse(busy) } else { Reply::Take }
            },
            40,
            0,
        );
        check(
            "hangs once",
            protocol,
            "5000",
            |request| {
                if request == 1 { Reply::Hang } else { Reply::Take }
            },
            40,
            0,
        );
        check(
            "hangs up",
            protocol,
            "5000",
            |request| {
                if request % 2 == 0 { Reply::HangUp } else { Reply::Take }
            },
            40,
            0,
        );
    }
}

#[test]
fn a_refusal_costs_one_batch() {
    for protocol in PROTOCOLS {
        let wrong = if protocol.0 == Protocol::Grpc { 3 } else { 400 };
        check(
            "refuses",
            protocol,
            "5000",
            move |request| {
                if request == 1 { Reply::Refuse(wrong) } else { Reply::Take }
            },
            30,
            10,
        );
        check("refuses all", protocol, "5000", move |_| Reply::Refuse(wrong), 0, 40);
    }
}

#[test]
fn a_collector_that_hangs_costs_its_time_and_no_more() {
    for protocol in PROTOCOLS {
        check("hangs", protocol, "400", |_| Reply::Hang, 0, 40);
    }
}

#[test]
fn a_collector_that_comes_back_finds_what_waited() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let variables = [("OTEL_BSP_SCHEDULE_DELAY", "10")];
    let output = Otlp::start(settings(address.port(), &variables), Arc::default()).unwrap().unwrap();
    let exchange = Arc::new(sample::exchange());
    (0..1000).for_each(|_| output.offer(&exchange));
    std::thread::sleep(Duration::from_millis(500));
    let counts = output.counts();
    assert_eq!((counts.waiting, counts.delivered), (2000, 0));
    let collector = Collector::on(TcpListener::bind(address).unwrap(), Protocol::HttpProtobuf, |_| Reply::Take);
    let counts = Box::new(output).finish(LONG);
    assert_eq!(counts, Counts { delivered: 2000, ..Counts::default() });
    assert_eq!(collector.stop().spans(), 2000);
}

#[test]
fn a_dead_collector_holds_up_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let variables = [("OTEL_BSP_MAX_QUEUE_SIZE", "100"), ("OTEL_BSP_SCHEDULE_DELAY", "10")];
    let started = Instant::now();
    let counts = offer(settings(port, &variables), 10_000, Duration::from_millis(300));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert_eq!(counts.lost(), 20_000);
    assert!(counts.queue_full > 19_000 && counts.shutdown >= 100, "{counts:?}");
}

#[test]
fn the_end_does_not_wait_for_a_collector_that_hangs() {
    let collector = Collector::start(Protocol::Grpc, |_| Reply::Hang);
    let variables = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    let started = Instant::now();
    let counts = offer(settings(collector.address.port(), &variables), 10, Duration::from_millis(200));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert_eq!(counts, Counts { shutdown: 20, ..Counts::default() });
    collector.stop();
}

/// Gathers what is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_log_says_it_once() {
    let script = |request| {
        if request % 10 < 5 { Reply::Refuse(400) } else { Reply::Take }
    };
    let collector = Collector::start(Protocol::HttpProtobuf, script);
    let variables = [("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2")];
    let (sender, receiver) = bounded(1000);
    let ledger = Arc::new(Ledger::new(Arc::clone(sender.level())));
    for _ in 0..20 {
        assert!(sender.push(Arc::new(sample::exchange()), 2));
    }
    drop(sender);
    let (_deadline, until) = watch::channel(None);
    let settings = settings(collector.address.port(), &variables);
    let encoder = Encoder::new(&settings, Arc::default());
    let worker = Worker::new(settings, encoder, receiver, ledger, until).unwrap();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || runtime.block_on(worker.run()));
    assert_eq!(collector.stop().spans(), 20);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    let about: Vec<bool> = lines.iter().map(|line| line.contains("delivered again lost=10")).collect();
    assert_eq!(about, [false, true, false, true], "two outages, two lines for each:\n{log}");
}
