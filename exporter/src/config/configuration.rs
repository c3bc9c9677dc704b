//! The whole of it: the root of the definition.

use std::sync::Arc;

use super::keys::{Key, Keys, key};
use super::kind::{Parsed, Section};
use super::own::{Limits, Metrics, Spans, Traefik, containers, limits, metrics, spans, traefik};
use super::redact::redact;
use super::services::{EventTarget, ObjectTarget, Otlp, Services, services};
use super::stacks::{HttpCapture, Level, Macro, Stack, rulekit, stacks};
use super::tap::{Tap, Through, tap};
use crate::capture::containers::Settings as Containers;
use crate::redact::Redaction;

/// What a file says, with every default filled in.
#[derive(Debug, Clone)]
pub struct Configuration {
    pub services: Services,
    pub macros: Vec<Macro>,
    /// In the order of the file.
    pub stacks: Vec<Stack>,
    pub tap: Tap,
    pub traefik: Traefik,
    pub containers: Containers,
    pub metrics: Metrics,
    pub spans: Spans,
    pub redact: Arc<Redaction>,
    pub limits: Limits,
}

/// The one that there is.
const VERSION: Parsed<u64> = Parsed {
    expected: "`2`",
    parse: |text| match text {
        "2" => Ok(2),
        _ => Err("hoptap reads version 2 only".into()),
    },
    show: ToString::to_string,
};

pub(super) fn configuration(keys: &mut Keys<'_, '_>) -> Option<Configuration> {
    const fn section(name: &'static str, example: &'static str, meaning: &'static str) -> Key {
        key(name, example, meaning)
    }
    keys.required(key("version", "2", "The format of this file."), &VERSION);
    // Macros go before the rules that call them, and stacks before the tap that names them, wherever they stand.
    let services = keys.section(
        section("services", "{event_stores: [{type: stdout}]}", "Where what is seen goes."),
        &Section(services),
    );
    let macros = keys.section(
        section("rulekit", "{macros: [{name: is_error, expr: http.res.status >= 400}]}", "What rules can call."),
        &Section(rulekit),
    );
    let stacks = stacks(keys);
    let tap = keys.section(
        section("tap", "{direction: all, http: {stack: errors}}", "What is looked at, and what is done with it."),
        &Section(tap),
    );
    let traefik = keys.section(
        section("traefik", "{names: api}", "Which Traefiks are watched. Left out: all that run, now and later."),
        &Section(traefik),
    );
    let containers = keys.section(
        section("containers", "{docker: 'off'}", "How containers get their names. None of it is needed."),
        &Section(containers),
    );
    let metrics =
        keys.section(section("metrics", "{listen: '127.0.0.1:9464'}", "What Prometheus scrapes."), &Section(metrics));
    let spans = keys.section(section("spans", "{sample: {rest: 0.05}}", "What traces hold."), &Section(spans));
    let redact = keys.section(
        section("redact", "{headers: [x-session]}", "What is hidden in every output, besides what always is."),
        &Section(redact),
    );
    let limits = keys.section(section("limits", "{memory: 128MiB}", "What hoptap may use, at most."), &Section(limits));
    Some(Configuration {
        services: services?,
        macros: macros?,
        stacks: stacks?,
        tap: tap?,
        traefik: traefik?,
        containers: containers?,
        metrics: metrics?,
        spans: spans?,
        redact: redact?,
        limits: limits?,
    })
}

impl Configuration {
    /// Sections that are looked at when hoptap starts only, and say something else in `now`.
    pub fn needs_a_start(&self, now: &Self) -> Vec<&'static str> {
        let filters = |file: &Self| file.tap.filters.iter().map(|filter| format!("{filter:?}")).collect::<Vec<_>>();
        let sections = [
            ("traefik", self.traefik == now.traefik),
            ("containers", self.containers == now.containers),
            ("metrics", self.metrics == now.metrics),
            ("tap.filters", filters(self) == filters(now)),
        ];
        sections.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
    }

    pub fn stack(&self, name: &str) -> Option<&Stack> {
        self.stacks.iter().find(|stack| stack.name == name)
    }

    /// What `tap.http.stack` names.
    pub fn capture(&self) -> Option<&HttpCapture> {
        self.stack(self.tap.stack.name()?)?.capture.first()
    }

    /// Every capture that exchanges can reach.
    pub fn reached(&self) -> impl Iterator<Item = &HttpCapture> {
        let endpoints = self.tap.endpoints.iter().filter_map(|endpoint| endpoint.stack.name());
        let names = self.tap.stack.name().into_iter().chain(endpoints);
        names.filter_map(|name| self.stack(name)).flat_map(|stack| &stack.capture)
    }

    /// The most detailed level that any exchange can get: what has to be captured. Without a stack, summaries.
    pub fn most_detailed(&self) -> Level {
        let levels = self
            .reached()
            .flat_map(|capture| capture.rules.iter().map(|rule| rule.level).chain(std::iter::once(capture.level)));
        let summaries = (self.tap.stack == Through::Unsaid).then_some(Level::Summary);
        levels.chain(summaries).max().unwrap_or(Level::None)
    }

    /// Where spans go: what `spans` says, or else the first event store of `type: otlp`.
    pub fn collector(&self) -> Option<&Otlp> {
        self.spans.collector.as_ref().or_else(|| {
            self.services.event_stores.iter().find_map(|store| match &store.to {
                EventTarget::Otlp(otlp) => Some(otlp),
                _ => None,
            })
        })
    }

    /// Where spans go besides: the event stores of `type: otlp` that are not that collector.
    pub fn other_collectors(&self) -> impl Iterator<Item = &Otlp> {
        let first = self.collector();
        let stores = self.services.event_stores.iter().filter_map(|store| match &store.to {
            EventTarget::Otlp(otlp) => Some(otlp),
            _ => None,
        });
        stores.filter(move |otlp| first.is_none_or(|first| first.endpoint != otlp.endpoint))
    }

    /// Whether exchanges are printed on standard output as events.
    pub fn prints_events(&self) -> bool {
        self.services.event_stores.iter().any(|store| matches!(store.to, EventTarget::Stdout))
    }

    /// Whether exchanges are printed on standard output with all that is kept of them: a store says so, or the file
    /// names nothing else that would tell of them.
    pub fn prints(&self) -> bool {
        self.services.object_stores.iter().any(|store| matches!(store.to, ObjectTarget::Stdout)) || self.names_nothing()
    }

    /// No store and no collector stands in the file.
    pub fn names_nothing(&self) -> bool {
        let Services { event_stores, object_stores } = &self.services;
        event_stores.is_empty() && object_stores.is_empty() && self.spans.collector.is_none()
    }
}
