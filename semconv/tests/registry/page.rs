//! `docs/telemetry.md` from the registry.

use std::fmt::Write as _;

use crate::constants::{attributes, prometheus};
use crate::definition::{Attribute, Example, Level, Reference, Registry, Type};

/// The whole page.
pub(crate) fn render(registry: &Registry) -> String {
    let mut out = String::from(
        "# Telemetry\n\n<!-- Made from `semconv/registry/` by `UPDATE=1 cargo test -p hoptap-semconv`: change the registry, not this page. -->\n\n",
    );
    for dependency in &registry.manifest.dependencies {
        let _ = writeln!(
            out,
            "What hoptap sends, under the schema `{}`. Names that start with neither `hoptap.` nor `traefik.` are \
             OpenTelemetry's ({}), but for the two `http.*.body.content`.\n",
            registry.manifest.schema_url, dependency.schema_url,
        );
    }
    out.push_str("## Resource\n\n");
    for group in registry.groups.iter().filter(|group| group.visibility == "public") {
        let _ = writeln!(out, "{}\n", group.brief);
        references(&mut out, registry, &group.attributes);
    }
    out.push_str("## Spans\n\n");
    for span in &registry.spans {
        let _ = writeln!(
            out,
            "### {} (`{}`)\n\n{}\n\nName: {}\n",
            span.kind.to_uppercase(),
            span.id,
            span.brief,
            span.name.note
        );
        references(&mut out, registry, &span.attributes);
    }
    out.push_str("## Events\n\n");
    for event in &registry.events {
        let _ = writeln!(out, "### `{}`\n\n{}\n", event.name, event.brief);
        if !event.attributes.is_empty() {
            references(&mut out, registry, &event.attributes);
        }
    }
    metrics(&mut out, registry);
    out.push_str("## Attributes\n\n| attribute | type | what it is |\n|---|---|---|\n");
    for attribute in attributes(registry) {
        let _ = writeln!(out, "| `{}` | {} | {} |", attribute.key, kind(attribute), describe(attribute));
    }
    out
}

fn references(out: &mut String, registry: &Registry, references: &[Reference]) {
    out.push_str("| attribute | required | what it is |\n|---|---|---|\n");
    for reference in registry.resolve(references) {
        let Some(key) = &reference.key else { continue };
        let attribute = registry.attribute(key);
        let note = match reference.note.as_str() {
            "" => attribute.brief.clone(),
            note => format!("{} {note}", attribute.brief),
        };
        let _ = writeln!(out, "| `{key}` | {} | {note} |", level(reference.requirement_level.as_ref()));
    }
    out.push('\n');
}

fn metrics(out: &mut String, registry: &Registry) {
    out.push_str("## Metrics\n\n`/metrics` shows them in the second spelling; attributes become labels, dots become underscores.\n\n");
    out.push_str("| metric | on `/metrics` | instrument, unit | attributes | what it is |\n|---|---|---|---|---|\n");
    for metric in &registry.metrics {
        let labels: Vec<String> = registry
            .resolve(&metric.attributes)
            .iter()
            .filter_map(|reference| Some(format!("`{}`", reference.key.as_ref()?)))
            .collect();
        let _ = writeln!(
            out,
            "| `{}` | `{}` | {}, `{}` | {} | {} |",
            metric.name,
            prometheus(metric),
            metric.instrument,
            metric.unit,
            labels.join(", "),
            metric.brief,
        );
    }
    out.push('\n');
}

fn level(level: Option<&Level>) -> &str {
    match level {
        Some(Level::Plain(plain)) if plain == "opt_in" => "opt-in",
        Some(Level::Plain(plain)) => plain,
        Some(Level::Conditional { conditionally_required }) => conditionally_required,
        None => "recommended",
    }
}

fn kind(attribute: &Attribute) -> String {
    match &attribute.kind {
        Type::Plain(plain) => plain.clone(),
        Type::Enum { .. } => "string".to_owned(),
    }
}

fn describe(attribute: &Attribute) -> String {
    let mut text = attribute.brief.clone();
    if !attribute.note.is_empty() {
        let _ = write!(text, " {}", attribute.note);
    }
    if let Type::Enum { members } = &attribute.kind {
        for member in members {
            let _ = match member.brief.as_str() {
                "" => write!(text, "<br>`{}`", member.value),
                brief => write!(text, "<br>`{}`: {brief}", member.value),
            };
        }
    }
    let examples: Vec<String> = attribute
        .examples
        .iter()
        .map(|example| match example {
            Example::Int(value) => format!("`{value}`"),
            Example::Text(value) => format!("`{value}`"),
        })
        .collect();
    if !examples.is_empty() {
        let _ = write!(text, " For example {}.", examples.join(", "));
    }
    text
}
