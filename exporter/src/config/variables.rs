//! What the file says about OTLP, under the names of the standard variables: they beat it, so it answers where the
//! environment has nothing.

use super::{Configuration, Lookup, Named, Otlp};

const ENDPOINT: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// Of spans and of log records.
const QUEUES: [&str; 2] = ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BLRP_MAX_QUEUE_SIZE"];
const EXPORTERS: [&str; 2] = ["OTEL_TRACES_EXPORTER", "OTEL_LOGS_EXPORTER"];

/// What belongs to an endpoint, without the prefix. A setting for traces beats that for all signals.
const OF_ENDPOINT: [&str; 6] =
    ["PROTOCOL", "HEADERS", "COMPRESSION", "CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"];

impl Configuration {
    /// The value of a standard variable: the environment's, or else what the file says.
    ///
    /// Where the environment names a collector of its own, the file's headers, certificates and protocol are not for
    /// it: a token must not go to another host.
    pub fn variable(&self, name: &str, environment: Lookup<'_>) -> Option<String> {
        let set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        if let Some(value) = set(name) {
            return Some(value);
        }
        if QUEUES.contains(&name) {
            return Some(self.limits.queue.to_string());
        }
        if ENDPOINT.iter().any(|name| set(name).is_some()) {
            return None;
        }
        // Of the two variables of each setting the file answers for the one that all signals share.
        let rest = name.strip_prefix("OTEL_EXPORTER_OTLP_")?;
        let otlp = self.collector()?;
        if rest == "ENDPOINT" {
            return Some(otlp.endpoint.clone());
        }
        OF_ENDPOINT.contains(&rest).then(|| setting(otlp, rest)).flatten()
    }

    /// The same for a collector that is no other's substitute: the environment's is not in its place, and only what is
    /// not about a collector comes from there.
    pub fn variable_of(&self, otlp: &Otlp, name: &str, environment: Lookup<'_>) -> Option<String> {
        let set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        if EXPORTERS.contains(&name) {
            // Spans, or log records, are not wanted at all; where they go is said.
            return set(name).filter(|value| value.trim() == "none");
        }
        match name.strip_prefix("OTEL_EXPORTER_OTLP_") {
            Some("ENDPOINT") => Some(otlp.endpoint.clone()),
            Some(rest) if OF_ENDPOINT.contains(&rest) => setting(otlp, rest),
            Some(rest) if rest.ends_with("TIMEOUT") => set(name),
            Some(_) => None,
            None if QUEUES.contains(&name) => set(name).or_else(|| Some(self.limits.queue.to_string())),
            None => set(name),
        }
    }
}

fn setting(otlp: &Otlp, name: &str) -> Option<String> {
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    match name {
        "PROTOCOL" => Some(otlp.protocol.name().to_owned()),
        "HEADERS" if !otlp.headers.is_empty() => {
            let pairs = otlp.headers.iter().map(|(name, value)| format!("{name}={}", encoded(value.expose())));
            Some(pairs.collect::<Vec<_>>().join(","))
        }
        "COMPRESSION" if otlp.gzip => Some("gzip".to_owned()),
        "CERTIFICATE" => path(&otlp.tls.certificate),
        "CLIENT_CERTIFICATE" => path(&otlp.tls.client_certificate),
        "CLIENT_KEY" => path(&otlp.tls.client_key),
        _ => None,
    }
}

/// As the variable wants values: commas and what is not printable percent-encoded.
fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'%' | b',' | b' ' | b'=' | b'"' | b';' | b'\\' => text.push_str(&format!("%{byte:02X}")),
            0x21..=0x7e => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
