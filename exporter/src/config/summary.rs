//! What a configuration would do, in a few lines.

use std::fmt;

use super::{Configuration, EventTarget, HttpCapture, Named, ObjectTarget, S3};

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  watches    {}, direction {}", self.watched(), self.tap.direction.name())?;
        match (&self.tap.stack, self.capture()) {
            (Some(name), Some(capture)) => writeln!(f, "  keeps      {} (stack {name})", kept(capture))?,
            _ => writeln!(f, "  keeps      summary of every exchange (no stack)")?,
        }
        for endpoint in &self.tap.endpoints {
            let what = endpoint.stack.as_deref().map_or_else(
                || "nothing".to_owned(),
                |name| {
                    let capture = self.stack(name).and_then(|stack| stack.capture.first());
                    format!("{} (stack {name})", capture.map_or_else(|| "nothing".to_owned(), kept))
                },
            );
            writeln!(f, "  of {}  {what}", endpoint.domain)?;
        }
        writeln!(f, "  exchanges  to {}", listed(self.services.event_stores.iter().map(|store| event(&store.to))))?;
        writeln!(f, "  bodies     to {}", listed(self.services.object_stores.iter().map(|store| object(&store.to))))?;
        if let Some(collector) = &self.spans.collector {
            writeln!(f, "  spans      to {}", collector.endpoint)?;
        }
        match self.metrics.listen {
            Some(address) => writeln!(f, "  pages      on {address}: /metrics, /healthz, /readyz"),
            None => writeln!(f, "  pages      none"),
        }
    }
}

impl Configuration {
    fn watched(&self) -> String {
        let traefik = &self.traefik;
        let mut only: Vec<String> = traefik.pids.iter().map(|pid| format!("process {pid}")).collect();
        only.extend(traefik.containers.iter().map(|id| format!("container {id}")));
        only.extend(traefik.executables.iter().map(|name| format!("executable {name}")));
        if only.is_empty() { "every Traefik".to_owned() } else { only.join(", ") }
    }
}

fn kept(capture: &HttpCapture) -> String {
    let mut text = format!("{} by default", capture.level.name());
    for rule in &capture.rules {
        text.push_str(&format!(", {} for `{}`", rule.level.name(), rule.name));
    }
    text
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() { "nowhere".to_owned() } else { names.join(", ") }
}

fn event(target: &EventTarget) -> String {
    match target {
        EventTarget::Stdout => "standard output".into(),
        EventTarget::Otlp(otlp) => otlp.endpoint.clone(),
        EventTarget::Disabled => "nowhere".into(),
    }
}

fn object(target: &ObjectTarget) -> String {
    match target {
        ObjectTarget::Stdout => "standard output".into(),
        ObjectTarget::File { directory } => directory.display().to_string(),
        ObjectTarget::S3(S3 { bucket, endpoint, region, tls, .. }) => {
            let host = endpoint.as_deref().unwrap_or("Amazon");
            format!("bucket {bucket} at {host} ({region}, {})", if *tls { "TLS" } else { "plain HTTP" })
        }
        ObjectTarget::Otlp(otlp) => otlp.endpoint.clone(),
        ObjectTarget::Disabled => "nowhere".into(),
    }
}
