//! Prints what it costs to turn exchanges into bytes to send, and to count them: nanoseconds and bytes for each span, in
//! each output.
//!
//! `cargo run --release -p hoptap --example span_cost`

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use hoptap::counters::Counters;
use hoptap::event::Process;
use hoptap::exchange::Exchange;
use hoptap::export::metrics::{self, Metrics};
use hoptap::export::otlp::{Encoder, Settings};
use hoptap::export::{json, text};
use hoptap::readiness::Readiness;
use hoptap::redact::Redaction;

#[path = "exchange/mod.rs"]
mod exchange;

/// Exchanges in one request: 512 spans, the default batch.
const BATCH: usize = 256;
const ROUNDS: u32 = 400;

fn main() -> io::Result<()> {
    let exchange = exchange::exchange(Arc::new(Process::default()));
    let mut out = io::stdout().lock();
    for (name, protocol, compression) in [
        ("otlp http/protobuf", "http/protobuf", "none"),
        ("otlp http/protobuf gzip", "http/protobuf", "gzip"),
        ("otlp grpc", "grpc", "none"),
        ("otlp http/json", "http/json", "none"),
    ] {
        let settings = Settings::from_env(&|name| match name {
            "OTEL_EXPORTER_OTLP_PROTOCOL" => Some(protocol.into()),
            "OTEL_EXPORTER_OTLP_COMPRESSION" => Some(compression.into()),
            _ => None,
        })
        .map_err(io::Error::other)?;
        let mut encoder = Encoder::new(&settings, Arc::default());
        measure(&mut out, name, || {
            for _ in 0..BATCH {
                encoder.add(black_box(&exchange));
            }
            encoder.finish().map_or(0, |body| body.len())
        })?;
    }
    let mut line = String::new();
    for (name, write) in [("text", text::write as fn(&Exchange, &Redaction, &mut String)), ("json", json::write)] {
        let redaction = Redaction::default();
        measure(&mut out, name, || {
            line.clear();
            for _ in 0..BATCH {
                write(black_box(&exchange), &redaction, &mut line);
            }
            line.len()
        })?;
    }
    let (mut metrics, _page) =
        Metrics::new(metrics::Settings::default(), Arc::<Counters>::default(), Arc::<Readiness>::default());
    measure(&mut out, "metrics", || {
        for _ in 0..BATCH {
            metrics.observe(black_box(&exchange));
        }
        0
    })
}

/// The best of several runs: the others were disturbed.
fn measure(out: &mut impl Write, name: &str, mut run: impl FnMut() -> usize) -> io::Result<()> {
    let spans = BATCH as u32 * 2;
    let mut best = f64::MAX;
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        bytes = black_box(run());
        best = best.min(start.elapsed().as_secs_f64());
    }
    let nanos = best * 1e9 / f64::from(spans);
    writeln!(out, "{name:24} {nanos:6.0} ns/span {:5} bytes/span", bytes as u32 / spans)
}
