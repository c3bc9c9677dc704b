//! `src/generated.rs` from the registry.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::definition::{Attribute, Metric, Registry, Type};

/// The whole file.
pub(crate) fn render(registry: &Registry) -> String {
    let mut out = String::from(
        "//! Made from `registry/` by `UPDATE=1 cargo test -p hoptap-semconv`: change the registry, not this file.

",
    );
    let manifest = &registry.manifest;
    line(&mut out, format_args!("/// Name of the instrumentation scope."));
    line(&mut out, format_args!("pub const NAME: &str = {:?};", manifest.name));
    line(&mut out, format_args!("/// Schema of everything below."));
    line(&mut out, format_args!("pub const SCHEMA_URL: &str = {:?};\n", manifest.schema_url));
    module(&mut out, "attribute", "Attribute keys.", attributes(registry).iter().map(|attribute| key(attribute)));
    module(
        &mut out,
        "label",
        "Attribute keys of metrics, as Prometheus writes them.",
        labels(registry)
            .into_iter()
            .map(|key| format!("pub const {}: &str = {:?};\n", constant(key), key.replace('.', "_"))),
    );
    values(&mut out, registry);
    module(
        &mut out,
        "event",
        "Names of span events and log events.",
        registry.events.iter().map(|event| {
            format!("/// {}\npub const {}: &str = {:?};\n", event.brief, constant(&event.name), event.name)
        }),
    );
    metrics(&mut out, registry);
    out
}

/// Every attribute that a signal refers to, ours and OpenTelemetry's, by key.
pub(crate) fn attributes(registry: &Registry) -> Vec<&Attribute> {
    let keys: BTreeSet<&str> = registry.references().collect();
    keys.into_iter().map(|key| registry.attribute(key)).collect()
}

fn labels(registry: &Registry) -> BTreeSet<&str> {
    registry
        .metrics
        .iter()
        .flat_map(|metric| registry.resolve(&metric.attributes))
        .filter_map(|reference| reference.key.as_deref())
        .collect()
}

/// `http.server.request.duration` → `HTTP_SERVER_REQUEST_DURATION`.
pub(crate) fn constant(name: &str) -> String {
    name.replace('.', "_").to_uppercase()
}

fn key(attribute: &Attribute) -> String {
    let template = matches!(&attribute.kind, Type::Plain(kind) if kind.starts_with("template["));
    let brief = match template {
        true => format!("{} The key goes on with a dot and the name.", attribute.brief),
        false => attribute.brief.clone(),
    };
    format!("/// {brief}\npub const {}: &str = {:?};\n", constant(&attribute.key), attribute.key)
}

fn values(out: &mut String, registry: &Registry) {
    let modules = attributes(registry).into_iter().filter_map(|attribute| {
        let Type::Enum { members } = &attribute.kind else {
            return None;
        };
        let mut text = String::new();
        let constants = members.iter().map(|member| {
            let doc = match member.brief.is_empty() {
                true => String::new(),
                false => format!("/// {}\n", member.brief),
            };
            format!("{doc}pub const {}: &str = {:?};\n", constant(&member.id), member.value)
        });
        let doc = format!("Values of `{}`.", attribute.key);
        module(&mut text, &attribute.key.replace('.', "_"), &doc, constants);
        Some(text.trim_end().to_owned() + "\n")
    });
    module(out, "value", "Values of the attributes that have a fixed set of them.", modules);
}

fn metrics(out: &mut String, registry: &Registry) {
    let constants = registry.metrics.iter().map(|metric| {
        format!(
            "/// {}\npub const {}: Metric = Metric {{\n    name: {:?},\n    prometheus: {:?},\n    \
             instrument: Instrument::{},\n    unit: {:?},\n    brief: {:?},\n}};\n",
            metric.brief,
            constant(&metric.name),
            metric.name,
            prometheus(metric),
            instrument(&metric.instrument),
            metric.unit,
            metric.brief,
        )
    });
    let all: String = registry.metrics.iter().map(|metric| format!("    {},\n", constant(&metric.name))).collect();
    let all = format!("/// All of them, in the order of the registry.\npub const ALL: &[Metric] = &[\n{all}];\n");
    let body: Vec<String> =
        std::iter::once("use crate::{Instrument, Metric};\n\n".to_owned()).chain(constants).chain([all]).collect();
    module(out, "metric", "Metrics.", body.into_iter());
    out.truncate(out.trim_end().len());
    out.push('\n');
}

/// OpenTelemetry's translation of metric names for Prometheus: dots to underscores, the unit as a word unless the
/// name ends with it, nothing for what stands in braces, `_total` for counters.
pub(crate) fn prometheus(metric: &Metric) -> String {
    let mut name = metric.name.replace('.', "_");
    let unit = match metric.unit.as_str() {
        "s" => "seconds",
        "By" => "bytes",
        unit if unit.starts_with('{') => "",
        unit => panic!("{}: no translation for the unit `{unit}`", metric.name),
    };
    if !unit.is_empty() && !name.ends_with(&format!("_{unit}")) {
        name = format!("{name}_{unit}");
    }
    if metric.instrument == "counter" {
        name += "_total";
    }
    name
}

fn instrument(name: &str) -> &str {
    match name {
        "counter" => "Counter",
        "updowncounter" => "UpDownCounter",
        "gauge" => "Gauge",
        "histogram" => "Histogram",
        other => panic!("no instrument `{other}`"),
    }
}

fn module(out: &mut String, name: &str, doc: &str, items: impl Iterator<Item = String>) {
    line(out, format_args!("/// {doc}\npub mod {name} {{"));
    for item in items.collect::<String>().lines() {
        match item {
            "" => out.push('\n'),
            item => line(out, format_args!("    {item}")),
        }
    }
    out.push_str("}\n\n");
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{text}");
}
