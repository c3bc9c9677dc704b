//! The page of `/metrics` in the two formats that Prometheus reads.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::classic::Classic;
use super::traefik;

/// Bytes by which a page may grow until the next one.
const MORE: usize = 16 * 1024;

/// The reader's side: encodes without holding up [`super::Metrics`].
#[derive(Debug)]
pub struct Page {
    registry: Registry,
    /// Under Traefik's own names, where that is asked for.
    traefik: Option<traefik::Page>,
    /// What the longest page so far took.
    length: AtomicUsize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With exemplars.
    OpenMetrics,
    /// Text format 0.0.4.
    Classic,
}

impl Format {
    /// The one to answer an `Accept` header with. Only Prometheus asks for OpenMetrics, so its order of preference is
    /// not weighed: whoever can read it gets it, unless they refuse it with `q=0`.
    pub fn accepted(accept: &str) -> Self {
        let reads = accept.split(',').any(|choice| {
            let mut parts = choice.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/openmetrics-text"));
            let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0)));
            named && !refused
        });
        if reads { Self::OpenMetrics } else { Self::Classic }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

impl Page {
    pub(super) fn new(registry: Registry, traefik: Option<traefik::Page>) -> Self {
        Self { registry, traefik, length: AtomicUsize::new(MORE) }
    }

    /// The whole page.
    ///
    /// # Errors
    /// None of ours: a metric that cannot be written ends the page with what the encoder says.
    pub fn encode(&self, format: Format) -> Result<String, fmt::Error> {
        // Growing by doubling would hold up to three times the page for a moment.
        let mut page = String::with_capacity(self.length.load(Relaxed));
        match format {
            Format::OpenMetrics => text::encode_registry(&mut page, &self.registry)?,
            Format::Classic => text::encode_registry(&mut Classic::new(&mut page), &self.registry)?,
        }
        if let Some(traefik) = &self.traefik {
            traefik.write(&mut page, format)?;
        }
        if format == Format::OpenMetrics {
            text::encode_eof(&mut page)?;
        }
        self.length.fetch_max(page.len() + MORE, Relaxed);
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, expected: Format) {
        assert_eq!(Format::accepted(accept), expected, "{accept}");
    }

    #[test]
    fn format_by_accept_header() {
        use Format::{Classic, OpenMetrics};
        check("", Classic);
        check("*/*", Classic);
        check("text/html,application/xhtml+xml,*/*;q=0.8", Classic);
        check("text/plain;version=0.0.4", Classic);
        check("application/openmetrics-text", OpenMetrics);
        check("Application/OpenMetrics-Text; version=1.0.0", OpenMetrics);
        // Prometheus 3.
        check(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            OpenMetrics,
        );
        check("text/plain, application/openmetrics-text;q=0", Classic);
        check("application/openmetrics-text-not", Classic);
        check(",;,=;q=,q=0", Classic);
    }
}
