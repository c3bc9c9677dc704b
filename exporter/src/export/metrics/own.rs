//! hoptap's own numbers, read when the page is asked for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use hoptap_semconv::{Instrument, Metric, label, metric, value::hoptap_request_state as state};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::process;
use crate::counters::{Cause, Counters, Kind, PerKind};
use crate::readiness::Readiness;

/// Observations that went into `_OTHER`, by the table that was full.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) servers: Count,
    pub(super) clients: Count,
    pub(super) overheads: Count,
}

#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, folded: bool) {
        if folded {
            self.0.fetch_add(1, Relaxed);
        }
    }
}

#[derive(Debug)]
pub(super) struct Own {
    counters: Arc<Counters>,
    readiness: Arc<Readiness>,
    folded: Arc<Folded>,
    started: Instant,
}

impl Own {
    pub(super) fn new(counters: Arc<Counters>, readiness: Arc<Readiness>, folded: Arc<Folded>) -> Self {
        Self { counters, readiness, folded, started: Instant::now() }
    }

    /// Probes by name, with the number of processes in which they are in place.
    fn attached(&self) -> Vec<(String, u64)> {
        let state = self.readiness.state();
        let mut places = std::collections::BTreeMap::new();
        let processes = state.processes.len() as u64;
        places.extend(state.hook.map(|hook| (hook, processes)));
        for process in state.processes.into_values() {
            for probe in process.probes {
                *places.entry(probe).or_insert(0) += 1;
            }
            for missing in process.missing {
                places.entry(missing.name).or_insert(0);
            }
        }
        places.into_iter().collect()
    }
}

impl Collector for Own {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let page = &mut Writer(&mut encoder);
        let counters = &self.counters;
        page.labelled(
            metric::HOPTAP_REQUESTS,
            label::HOPTAP_REQUEST_STATE,
            [
                (state::SEEN, counters.requests_seen.load(Relaxed)),
                (state::EXPORTED, counters.requests_exported.load(Relaxed)),
            ],
        )?;
        page.kinds(metric::HOPTAP_CONFIG_RELOADS, label::HOPTAP_CONFIG_OUTCOME, &counters.reloads)?;
        page.kinds(metric::HOPTAP_BODIES, label::HOPTAP_BODY_OUTCOME, &counters.bodies)?;
        page.kinds(metric::HOPTAP_DROPS, label::HOPTAP_DROP_CAUSE, &counters.drops)?;
        page.labelled(
            metric::HOPTAP_CAPTURE_LOSSES,
            label::HOPTAP_DROP_CAUSE,
            Cause::CAPTURE.map(|cause| (cause.as_str(), counters.losses.get(cause))),
        )?;
        page.single(metric::HOPTAP_EVENTS, counters.events.load(Relaxed))?;
        page.single(metric::HOPTAP_CAPTURED_BYTES, counters.captured_bytes.load(Relaxed))?;
        page.kinds(metric::HOPTAP_LINKS, label::HOPTAP_LINK, &counters.links)?;
        page.kinds(metric::HOPTAP_EXCHANGES, label::HOPTAP_TRAFFIC, &counters.told_apart)?;
        page.kinds(metric::HOPTAP_QUEUE_LENGTH, label::HOPTAP_QUEUE_NAME, &counters.queue_length)?;
        page.kinds(metric::HOPTAP_QUEUE_CAPACITY, label::HOPTAP_QUEUE_NAME, &counters.queue_capacity)?;
        page.kinds(metric::HOPTAP_QUEUE_BYTES, label::HOPTAP_QUEUE_NAME, &counters.queue_bytes)?;
        page.kinds(metric::HOPTAP_EXPORT_SPANS, label::HOPTAP_EXPORT_OUTCOME, &counters.spans)?;
        page.kinds(metric::HOPTAP_EXPORT_RECORDS, label::HOPTAP_EXPORT_OUTCOME, &counters.records)?;
        page.kinds(metric::HOPTAP_EXPORT_OBJECTS, label::HOPTAP_EXPORT_OUTCOME, &counters.objects)?;
        page.kinds(metric::HOPTAP_EXPORT_CONTENTS, label::HOPTAP_EXPORT_OUTCOME, &counters.contents)?;
        page.single(metric::HOPTAP_BODIES_WITHHELD, counters.withheld.load(Relaxed))?;
        page.labelled(metric::HOPTAP_ATTACHED, label::HOPTAP_PROBE, self.attached())?;
        page.labelled(
            metric::HOPTAP_METRIC_FOLDED,
            label::HOPTAP_METRIC_FAMILY,
            [
                (metric::HTTP_SERVER_REQUEST_DURATION, &self.folded.servers),
                (metric::HTTP_CLIENT_REQUEST_DURATION, &self.folded.clients),
                (metric::TRAEFIK_PROXY_OVERHEAD, &self.folded.overheads),
            ]
            .map(|(metric, count)| (metric.prometheus, count.0.load(Relaxed))),
        )?;
        page.labelled(metric::HOPTAP_BUILD_INFO, label::SERVICE_VERSION, [(env!("CARGO_PKG_VERSION"), 1)])?;
        page.fraction(metric::PROCESS_UPTIME, Some(self.started.elapsed().as_secs_f64()))?;
        page.fraction(metric::PROCESS_CPU_TIME, process::cpu_seconds())?;
        page.fraction(metric::PROCESS_MEMORY_USAGE, process::memory_bytes())
    }
}

/// Writes whole families.
struct Writer<'e, 'p>(&'e mut DescriptorEncoder<'p>);

impl Writer<'_, '_> {
    fn begin(&mut self, metric: Metric) -> Result<MetricEncoder<'_>, fmt::Error> {
        let kind = match metric.instrument {
            Instrument::Counter => MetricType::Counter,
            _ => MetricType::Gauge,
        };
        self.0.encode_descriptor(metric.family(), metric.brief, None, kind)
    }

    fn single(&mut self, metric: Metric, number: u64) -> Result<(), fmt::Error> {
        put(metric, number, self.begin(metric)?)
    }

    fn labelled<V: AsRef<str>>(
        &mut self,
        metric: Metric,
        key: &'static str,
        numbers: impl IntoIterator<Item = (V, u64)>,
    ) -> Result<(), fmt::Error> {
        let mut encoder = self.begin(metric)?;
        for (value, number) in numbers {
            put(metric, number, encoder.encode_family(&[(key, value.as_ref())])?)?;
        }
        Ok(())
    }

    fn kinds<K: Kind>(&mut self, metric: Metric, key: &'static str, numbers: &PerKind<K>) -> Result<(), fmt::Error> {
        self.labelled(metric, key, numbers.iter().map(|(kind, number)| (kind.as_str(), number)))
    }

    /// Nothing is written where the number is not known.
    fn fraction(&mut self, metric: Metric, number: Option<f64>) -> Result<(), fmt::Error> {
        let Some(number) = number else { return Ok(()) };
        let encoder = self.begin(metric)?;
        match metric.instrument {
            Instrument::Counter => ConstCounter::new(number).encode(encoder),
            _ => ConstGauge::new(number).encode(encoder),
        }
    }
}

fn put(metric: Metric, number: u64, encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
    match metric.instrument {
        Instrument::Counter => ConstCounter::new(number).encode(encoder),
        _ => ConstGauge::new(number).encode(encoder),
    }
}
