//! Prints what the whole way to a collector costs: time of the reader and CPU time of the worker for
//! each span, and what became of them.
//!
//! `cargo run --release -p hoptap --example export_cost -- http://127.0.0.1:4318 10000 5`: endpoint, exchanges in a
//! second, seconds. The collector has to be another process; its work is not counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hoptap::event::Process;
use hoptap::exchange::Exchange;
use hoptap::export::Output;
use hoptap::export::otlp::{Otlp, Settings};

#[path = "exchange/mod.rs"]
mod exchange;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let endpoint = arguments.next().unwrap_or_default();
    let mut number = |default| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (rate, seconds): (u32, u32) = (number(10_000), number(5));
    let settings = Settings::from_env(&|name| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(endpoint.clone()),
        "OTEL_EXPORTER_OTLP_PROTOCOL" => Some("http/protobuf".into()),
        name => std::env::var(name).ok(),
    })
    .map_err(io::Error::other)?;
    let like = exchange::exchange(Arc::new(Process::default()));
    let Some(otlp) = Otlp::start(settings, Arc::default())? else {
        return Err(io::Error::other("expected an endpoint"));
    };
    let spans = f64::from(rate / 1000 * 1000) * f64::from(seconds) * 2.0;
    let offering = offer(&otlp, &like, rate, seconds).as_secs_f64() * 1e9 / spans;
    let sending = worker()? / spans;
    let counts = Box::new(otlp).finish(Duration::from_secs(5));
    writeln!(io::stdout().lock(), "reader {offering:.0} ns/span, worker {sending:.0} ns/span\n{counts:?}")
}

/// Offers exchanges at this rate; the time that the reader spent with it, two readings of the clock for each included.
fn offer(otlp: &Otlp, like: &Exchange, rate: u32, seconds: u32) -> Duration {
    let (begin, mut spent) = (Instant::now(), Duration::ZERO);
    for tick in 0..seconds * 1000 {
        let tick = begin + Duration::from_millis(tick.into());
        // Not all in one burst: traffic does not come so, and a burst would hide what each costs.
        for part in 0..rate / 1000 {
            let due = tick + Duration::from_millis(1) * part / (rate / 1000);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let exchange = Arc::new(like.clone());
            let start = Instant::now();
            otlp.offer(&exchange);
            drop(exchange);
            spent += start.elapsed();
        }
    }
    spent
}

/// Nanoseconds of CPU time that the worker's thread took, by the scheduler's own count.
fn worker() -> io::Result<f64> {
    for thread in std::fs::read_dir("/proc/self/task")? {
        let thread = thread?.path();
        if std::fs::read_to_string(thread.join("comm"))?.trim() == "otlp" {
            let text = std::fs::read_to_string(thread.join("schedstat"))?;
            let ran = text.split(' ').next().and_then(|text| text.parse().ok());
            return ran.ok_or_else(|| io::Error::other("expected a number in schedstat"));
        }
    }
    Err(io::Error::other("expected a thread of the name otlp"))
}
