//! What a configuration would do, in a few lines.

use std::fmt;

use super::{Configuration, EventTarget, HttpCapture, Named, ObjectTarget, S3, Through};

const NOWHERE: &str = "nowhere";

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  watches    {}, direction {}", self.watched(), self.tap.direction.name())?;
        writeln!(f, "  keeps      {}", self.through(&self.tap.stack))?;
        for endpoint in &self.tap.endpoints {
            let through = match endpoint.stack {
                Through::Unsaid => &self.tap.stack,
                _ => &endpoint.stack,
            };
            writeln!(f, "  at host    {}: {}", endpoint.domain, self.through(through))?;
        }
        let events = listed(self.services.event_stores.iter().map(|store| event(&store.to)));
        let events = if events == NOWHERE && self.prints() { "standard output".to_owned() } else { events };
        writeln!(f, "  exchanges  to {events}")?;
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
    fn through(&self, through: &Through) -> String {
        let name = match through {
            Through::Unsaid => return "summary of every exchange (no stack)".to_owned(),
            Through::Nothing => return "nothing".to_owned(),
            Through::Stack(name) => name,
        };
        let captures = self.stack(name).map(|stack| stack.capture.as_slice()).unwrap_or_default();
        let kept: Vec<String> = captures.iter().map(kept).collect();
        let kept = if kept.is_empty() { "nothing".to_owned() } else { kept.join("; ") };
        format!("{kept} (stack {name})")
    }

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
    let names: Vec<String> = names.filter(|name| name != NOWHERE).collect();
    if names.is_empty() { NOWHERE.to_owned() } else { names.join(", ") }
}

fn event(target: &EventTarget) -> String {
    match target {
        EventTarget::Stdout => "standard output".into(),
        EventTarget::Otlp(otlp) => otlp.endpoint.clone(),
        EventTarget::Disabled => NOWHERE.into(),
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
        ObjectTarget::Disabled => NOWHERE.into(),
    }
}
