//! The Traefik process that spans are about, as OpenTelemetry's resource.

use std::sync::Arc;

use hoptap_semconv::attribute as key;
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_proto::tonic::resource::v1 as proto;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;
use prost::Message;

use super::protobuf::Writer;
use crate::event::Process;

/// Traefik processes whose resource is kept: restarts make new ones, and old ones are not asked for again.
const KEPT: usize = 16;

/// A resource in the two forms that the encodings need.
pub(super) struct Described {
    pub(super) attributes: ResourceAttributesWithSchema,
    /// The field `ResourceSpans.resource` as bytes.
    pub(super) encoded: Vec<u8>,
}

impl Described {
    fn new(resource: &Resource) -> Self {
        let attributes = ResourceAttributesWithSchema::from(resource);
        let message = proto::Resource {
            attributes: attributes.attributes.0.clone(),
            dropped_attributes_count: 0,
            entity_refs: Vec::new(),
        };
        let mut encoded = Writer::default();
        encoded.text(1, &message.encode_to_vec());
        Self { attributes, encoded: encoded.bytes }
    }
}

/// Resources by process, each made once.
pub(super) struct Resources {
    service_name: Option<String>,
    attributes: Vec<(String, String)>,
    host: Option<String>,
    known: Vec<(Arc<Process>, u32, Arc<Described>)>,
}

impl Resources {
    /// `attributes`: of `OTEL_RESOURCE_ATTRIBUTES`; they beat what is found out, and `service_name` beats them.
    pub(super) fn new(service_name: Option<String>, attributes: Vec<(String, String)>) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        Self {
            service_name,
            attributes,
            host: host.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()),
            known: Vec::new(),
        }
    }

    /// The resource of what was seen in a process.
    pub(super) fn of(&mut self, process: &Arc<Process>, pid: u32) -> Arc<Described> {
        let found = self.known.iter().find(|(known, known_pid, _)| *known_pid == pid && Arc::ptr_eq(known, process));
        if let Some((_, _, resource)) = found {
            return Arc::clone(resource);
        }
        let resource = Arc::new(Described::new(&self.make(process, pid)));
        if self.known.len() == KEPT {
            self.known.remove(0);
        }
        self.known.push((Arc::clone(process), pid, Arc::clone(&resource)));
        resource
    }

    fn make(&self, process: &Process, pid: u32) -> Resource {
        let mut pairs: Vec<(Key, Value)> =
            vec![(key::SERVICE_NAME.into(), "traefik".into()), (key::PROCESS_PID.into(), i64::from(pid).into())];
        let mut text = |key: &'static str, value: Option<&str>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                pairs.push((key.into(), value.to_owned().into()));
            }
        };
        text(key::SERVICE_VERSION, process.version.as_deref());
        text(key::HOST_NAME, self.host.as_deref());
        text(key::PROCESS_EXECUTABLE_PATH, Some(&process.executable));
        text(key::CONTAINER_ID, process.container.as_deref());
        if process.go_version.is_some() {
            text(key::PROCESS_RUNTIME_NAME, Some("go"));
            text(key::PROCESS_RUNTIME_VERSION, process.go_version.as_deref());
        }
        // Two Traefiks of one name stay two: by container where there is one, else by host and pid.
        let instance = match (&process.container, &self.host) {
            (Some(container), _) => container.clone(),
            (None, Some(host)) => format!("{host}:{pid}"),
            (None, None) => pid.to_string(),
        };
        text(key::SERVICE_INSTANCE_ID, Some(&instance));
        for (key, value) in &self.attributes {
            set(&mut pairs, key, value);
        }
        if let Some(name) = &self.service_name {
            set(&mut pairs, key::SERVICE_NAME, name);
        }
        Resource::builder_empty()
            .with_schema_url(
                pairs.into_iter().map(|(key, value)| KeyValue::new(key, value)),
                hoptap_semconv::SCHEMA_URL,
            )
            .build()
    }
}

fn set(pairs: &mut Vec<(Key, Value)>, key: &str, value: &str) {
    let value = Value::from(value.to_owned());
    match pairs.iter_mut().find(|(known, _)| known.as_str() == key) {
        Some((_, old)) => *old = value,
        None => pairs.push((key.to_owned().into(), value)),
    }
}
