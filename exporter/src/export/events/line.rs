//! Events as JSON, one object per line.

use super::event::Event;
use crate::exchange::Exchange;
use crate::export::json::Object;

/// Appends one line for each hop: `trace_id`, `span_id`, `parent_span_id`, `timestamp`, `duration_ms`, `first_byte_ms`,
/// then the attributes of `hoptap.http.hop`.
pub fn write(exchange: &Exchange, out: &mut String) {
    for event in Event::of(exchange) {
        let mut object = Object::open(out);
        object.shown("trace_id", format_args!("{:032x}", event.context.trace_id));
        object.span(event.context, event.hop);
        event.attributes(&mut object);
        object.close();
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;
    use crate::export::sample;

    #[track_caller]
    fn check(exchange: &Exchange, file: &str) {
        let mut lines = String::new();
        write(exchange, &mut lines);
        assert_eq!(lines.lines().count(), exchange.spans());
        for secret in ["s3cret", "Alice", "curl", "page=2", "172.18.0.1\"", "203.0.113.7\"", "53122"] {
            assert!(!lines.contains(secret), "{secret}: {lines}");
        }
        let pretty: String = lines
            .lines()
            .map(|line| format!("{:#}\n", serde_json::from_str::<serde_json::Value>(line).unwrap()))
            .collect();
        sample::golden(file, &pretty);
    }

    #[test]
    fn lines_say_this() {
        check(&sample::exchange(), "events/summary.txt");
        check(&sample::detailed(), "events/details.txt");
        check(&sample::retried(), "events/retried.txt");
        check(&sample::unrouted(), "events/unrouted.txt");
        check(&sample::upgraded(), "events/upgraded.txt");
        check(&sample::health_check(), "events/health-check.txt");
        check(&sample::full(), "events/full.txt");
    }
}
