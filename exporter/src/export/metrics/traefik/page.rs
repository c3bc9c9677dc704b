//! The families as text. Traefik's own page leaves out a family without series, and so does this.
//!
//! Not by the library that writes the rest: it would write the bound of five seconds as `5.0`, and Traefik writes `5`.

use std::fmt::{self, Write};

use hoptap_semconv::traefik::{Family, Place, SERVICE_RETRIES, SERVICE_SERVER_UP, label};

use super::super::page::Format;
use super::super::series::Reader;
use super::labels::{Names, Request, Session};
use super::{Count, Requests};

/// Requests at one place, and those of them that came over TLS.
type AtPlace = (&'static Place, Reader<Request, Requests>, Reader<Session, Count>);

/// The reader's side.
#[derive(Debug)]
pub(in super::super) struct Page {
    places: [AtPlace; 3],
    retries: Reader<Names, Count>,
    up: Reader<Names, Count>,
}

impl Page {
    pub(super) fn new(places: [AtPlace; 3], retries: Reader<Names, Count>, up: Reader<Names, Count>) -> Self {
        Self { places, retries, up }
    }

    /// Appends them to a page.
    pub(in super::super) fn write(&self, page: &mut String, format: Format) -> fmt::Result {
        let text = &mut Text { page, format };
        for (place, requests, sessions) in &self.places {
            if !requests.is_empty() {
                text.declare(place.requests, "counter")?;
                requests.each(|labels, one| {
                    let count = one.duration.buckets().iter().map(|(_, count)| count).sum::<u64>();
                    text.request(place.requests.name, place, labels, count)
                })?;
                text.declare(place.duration, "histogram")?;
                requests.each(|labels, one| text.histogram(place, labels, one))?;
                text.declare(place.request_bytes, "counter")?;
                requests.each(|labels, one| {
                    text.request(place.request_bytes.name, place, labels, one.request_bytes.get())
                })?;
                text.declare(place.response_bytes, "counter")?;
                requests.each(|labels, one| {
                    text.request(place.response_bytes.name, place, labels, one.response_bytes.get())
                })?;
            }
            if !sessions.is_empty() {
                text.declare(place.requests_tls, "counter")?;
                sessions.each(|labels, count| {
                    text.sample(place.requests_tls.name, "", &labels.pairs(place), &count.get())
                })?;
            }
        }
        let others = [
            (SERVICE_RETRIES, "counter", &self.retries, [label::SERVICE].as_slice()),
            (SERVICE_SERVER_UP, "gauge", &self.up, &[label::SERVICE, label::URL]),
        ];
        for (family, kind, series, names) in others {
            if !series.is_empty() {
                text.declare(family, kind)?;
                series.each(|labels, count| text.sample(family.name, "", &labels.pairs(names), &count.get()))?;
            }
        }
        Ok(())
    }
}

struct Text<'a> {
    page: &'a mut String,
    format: Format,
}

impl Text<'_> {
    fn declare(&mut self, family: Family, kind: &str) -> fmt::Result {
        let name = match self.format {
            Format::OpenMetrics => family.name.strip_suffix("_total").unwrap_or(family.name),
            Format::Classic => family.name,
        };
        write!(self.page, "# HELP {name} {}\n# TYPE {name} {kind}\n", family.help)
    }

    fn request(&mut self, name: &str, place: &Place, labels: &Request, number: u64) -> fmt::Result {
        let code = labels.code.unwrap_or_default().to_string();
        self.sample(name, "", &labels.pairs(place, &code), &number)
    }

    fn histogram(&mut self, place: &Place, labels: &Request, requests: &Requests) -> fmt::Result {
        let code = labels.code.unwrap_or_default().to_string();
        let pairs = labels.pairs(place, &code);
        let name = place.duration.name;
        let mut count = 0;
        for (bound, more) in requests.duration.buckets() {
            count += more;
            let bound = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
            let bounded: Vec<_> = pairs.iter().copied().chain([("le", bound.as_str())]).collect();
            self.sample(name, "_bucket", &bounded, &count)?;
        }
        self.sample(name, "_sum", &pairs, &requests.duration.sum())?;
        self.sample(name, "_count", &pairs, &count)
    }

    fn sample(
        &mut self,
        name: &str,
        suffix: &str,
        labels: &[(&'static str, &str)],
        number: &dyn fmt::Display,
    ) -> fmt::Result {
        write!(self.page, "{name}{suffix}")?;
        for (index, (key, value)) in labels.iter().enumerate() {
            write!(self.page, "{}{key}=\"", if index == 0 { '{' } else { ',' })?;
            for character in value.chars() {
                match character {
                    '\\' => self.page.push_str("\\\\"),
                    '"' => self.page.push_str("\\\""),
                    '\n' => self.page.push_str("\\n"),
                    other => self.page.push(other),
                }
            }
            self.page.push('"');
        }
        writeln!(self.page, "}} {number}")
    }
}
