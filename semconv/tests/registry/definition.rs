//! The registry as Weaver's definition format 2 writes it: the part of the format that is used here, and no more.
//! A key that is not known here is an error, so that a slip of the pen does not pass for a definition.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    #[serde(rename = "description")]
    _description: String,
    pub(crate) schema_url: String,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dependency {
    pub(crate) schema_url: String,
    #[serde(rename = "registry_path")]
    _registry_path: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    pub(crate) file_format: String,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) attribute_groups: Vec<Group>,
    pub(crate) spans: Vec<Span>,
    pub(crate) events: Vec<Event>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) metric_refinements: Vec<Refinement>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attribute {
    pub(crate) key: String,
    #[serde(rename = "type")]
    pub(crate) kind: Type,
    pub(crate) brief: String,
    #[serde(default)]
    pub(crate) note: String,
    #[serde(default)]
    pub(crate) stability: String,
    #[serde(default)]
    pub(crate) examples: Vec<Example>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Type {
    Plain(String),
    Enum { members: Vec<Member> },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Example {
    Int(i64),
    Text(String),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) value: String,
    #[serde(default)]
    pub(crate) brief: String,
    #[serde(rename = "stability")]
    _stability: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) visibility: String,
    #[serde(default, rename = "stability")]
    _stability: String,
    #[serde(default)]
    pub(crate) brief: String,
    pub(crate) attributes: Vec<Reference>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference {
    #[serde(rename = "ref")]
    pub(crate) key: Option<String>,
    pub(crate) ref_group: Option<String>,
    pub(crate) requirement_level: Option<Level>,
    #[serde(default)]
    pub(crate) note: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Level {
    Plain(String),
    Conditional { conditionally_required: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    #[serde(rename = "type")]
    pub(crate) id: String,
    pub(crate) kind: String,
    #[serde(rename = "stability")]
    _stability: String,
    pub(crate) brief: String,
    pub(crate) name: SpanName,
    pub(crate) attributes: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpanName {
    pub(crate) note: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    pub(crate) name: String,
    #[serde(rename = "stability")]
    _stability: String,
    pub(crate) brief: String,
    #[serde(default)]
    pub(crate) attributes: Vec<Reference>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) instrument: String,
    pub(crate) unit: String,
    #[serde(default, rename = "stability")]
    _stability: String,
    pub(crate) brief: String,
    #[serde(default)]
    pub(crate) attributes: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refinement {
    pub(crate) id: String,
    #[serde(rename = "ref")]
    pub(crate) metric: String,
    #[serde(rename = "stability")]
    _stability: String,
    pub(crate) brief: String,
    #[serde(default)]
    pub(crate) attributes: Vec<Reference>,
}

/// Everything that is defined or referred to, with every reference resolved.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) manifest: Manifest,
    /// Ours.
    pub(crate) own: BTreeMap<String, Attribute>,
    /// OpenTelemetry's, as far as `upstream.yaml` lists them.
    pub(crate) upstream: BTreeMap<String, Attribute>,
    pub(crate) groups: Vec<Group>,
    pub(crate) spans: Vec<Span>,
    pub(crate) events: Vec<Event>,
    /// In the order of the file: OpenTelemetry's first.
    pub(crate) metrics: Vec<Metric>,
    pub(crate) upstream_metrics: Vec<String>,
}

impl Registry {
    pub(crate) fn read(crate_root: &Path) -> Self {
        let file = |name: &str| -> File {
            let file: File = parse(&crate_root.join(name));
            assert_eq!(file.file_format, "definition/2", "{name}");
            file
        };
        let upstream = file("upstream.yaml");
        let mut all = File::default();
        for name in ["attributes", "spans", "events", "metrics"] {
            let part = file(&format!("registry/{name}.yaml"));
            all.attributes.extend(part.attributes);
            all.attribute_groups.extend(part.attribute_groups);
            all.spans.extend(part.spans);
            all.events.extend(part.events);
            all.metrics.extend(part.metrics);
            all.metric_refinements.extend(part.metric_refinements);
        }
        let refined = all.metric_refinements.into_iter().map(|refinement| {
            let base = upstream
                .metrics
                .iter()
                .find(|metric| metric.name == refinement.metric)
                .unwrap_or_else(|| panic!("{}: `{}` is not in upstream.yaml", refinement.id, refinement.metric));
            Metric { brief: refinement.brief, attributes: refinement.attributes, ..base.clone() }
        });
        Self {
            manifest: parse(&crate_root.join("registry/manifest.yaml")),
            metrics: refined.chain(all.metrics).collect(),
            upstream_metrics: upstream.metrics.iter().map(|metric| metric.name.clone()).collect(),
            own: by_key(all.attributes),
            upstream: by_key(upstream.attributes),
            groups: all.attribute_groups,
            spans: all.spans,
            events: all.events,
        }
    }

    /// An attribute by its key, ours or OpenTelemetry's.
    pub(crate) fn attribute(&self, key: &str) -> &Attribute {
        self.own
            .get(key)
            .or_else(|| self.upstream.get(key))
            .unwrap_or_else(|| panic!("`{key}` is neither in registry/attributes.yaml nor in upstream.yaml"))
    }

    /// The references of a signal with its groups unfolded.
    pub(crate) fn resolve<'a>(&'a self, references: &'a [Reference]) -> Vec<&'a Reference> {
        references
            .iter()
            .flat_map(|reference| match &reference.ref_group {
                Some(id) => {
                    let group = self
                        .groups
                        .iter()
                        .find(|group| group.id == *id)
                        .unwrap_or_else(|| panic!("no attribute group `{id}`"));
                    self.resolve(&group.attributes)
                }
                None => vec![reference],
            })
            .collect()
    }

    /// Every reference of every signal.
    pub(crate) fn references(&self) -> impl Iterator<Item = &str> {
        let groups = self.groups.iter().map(|group| &group.attributes);
        let spans = self.spans.iter().map(|span| &span.attributes);
        let events = self.events.iter().map(|event| &event.attributes);
        let metrics = self.metrics.iter().map(|metric| &metric.attributes);
        groups.chain(spans).chain(events).chain(metrics).flatten().filter_map(|reference| reference.key.as_deref())
    }
}

fn by_key(attributes: Vec<Attribute>) -> BTreeMap<String, Attribute> {
    let count = attributes.len();
    let map: BTreeMap<_, _> = attributes.into_iter().map(|attribute| (attribute.key.clone(), attribute)).collect();
    assert_eq!(map.len(), count, "an attribute is defined twice");
    map
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
