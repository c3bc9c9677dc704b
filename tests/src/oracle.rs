//! Compares what hoptap says with what is known to be true: Traefik's access log, and what the backends received.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use crate::access_log::{Row, query_id};
use crate::backend::Received;
use crate::call;
use crate::names;
use crate::span::{Kind, Span};

/// So many differences are printed; the rest is counted.
const SHOWN: usize = 20;

/// From so many rows on the median of the durations is held to a millisecond.
const MANY: usize = 50;

/// What was compared, and where it differs.
#[derive(Debug, Default)]
pub struct Verdict {
    pub rows: usize,
    pub servers: usize,
    pub clients: usize,
    pub received: usize,
    pub differences: Vec<String>,
    /// Median of SERVER span less access log duration, nanoseconds.
    pub median_excess: i64,
}

impl Verdict {
    /// # Errors
    /// The first differences, one per line.
    pub fn check(&self) -> Result<(), anyhow::Error> {
        if self.differences.is_empty() {
            return Ok(());
        }
        let mut text = format!(
            "{} differences: {} access log rows, {} SERVER spans, {} CLIENT spans, {} requests at the backends",
            self.differences.len(),
            self.rows,
            self.servers,
            self.clients,
            self.received,
        );
        for difference in self.differences.iter().take(SHOWN) {
            let _infallible = write!(text, "\n  {difference}");
        }
        anyhow::bail!(text)
    }
}

/// SERVER spans of requests from outside, with their CLIENT children.
pub struct Traces<'a> {
    pub servers: Vec<&'a Span>,
    children: HashMap<(&'a str, &'a str), Vec<&'a Span>>,
}

impl<'a> Traces<'a> {
    pub fn new(spans: &'a [Span]) -> Self {
        let mut children: HashMap<_, Vec<_>> = HashMap::new();
        for span in spans.iter().filter(|span| span.kind == Kind::Client) {
            if let Some(parent) = &span.parent {
                let parent = (span.trace_id.as_str(), parent.as_str());
                children.entry(parent).or_default().push(span);
            }
        }
        for list in children.values_mut() {
            list.sort_by_key(|span| span.start);
        }
        let mut servers: Vec<_> = spans
            .iter()
            .filter(|span| span.kind == Kind::Server)
            // Traefik's own API, which hoptap and the lab ask.
            .filter(|span| span.text("traefik.entrypoint.name") != Some("traefik"))
            .collect();
        servers.sort_by_key(|span| span.start);
        Self { servers, children }
    }

    /// CLIENT spans under a SERVER span, in the order of their start.
    pub fn children<'s>(&'s self, server: &'s Span) -> &'s [&'a Span] {
        self.children.get(&(server.trace_id.as_str(), server.span_id.as_str())).map_or(&[], Vec::as_slice)
    }

    /// The SERVER spans with this id in their query or in the captured X-Request-Id.
    pub fn servers_of(&self, id: &str) -> Vec<&'a Span> {
        self.servers.iter().copied().filter(|span| span_id(span).as_deref() == Some(id)).collect()
    }

    /// The SERVER spans of one client port, in the order of their start.
    pub fn servers_from(&self, port: u16) -> Vec<&'a Span> {
        self.servers.iter().copied().filter(|span| span.number("client.port") == Some(port.into())).collect()
    }
}

/// Every row of the access log must have its SERVER span, and the other way round; every request that reached a
/// backend must have its CLIENT span under the right SERVER span.
pub fn compare(rows: &[Row], spans: &[Span], received: &[Received]) -> Verdict {
    let traces = Traces::new(spans);
    let mut verdict = Verdict {
        rows: rows.len(),
        servers: traces.servers.len(),
        clients: spans.iter().filter(|span| span.kind == Kind::Client).count(),
        received: received.len(),
        ..Verdict::default()
    };
    let mut excesses = Vec::new();
    for (row, server) in pair(rows, &traces, &mut verdict.differences) {
        differ(row, server, &traces, &mut verdict.differences);
        let logged = i64::try_from(row.duration).unwrap_or(0);
        let excess = i64::try_from(server.duration()).unwrap_or(i64::MAX) - logged;
        excesses.push((excess, logged));
    }
    let (excess, allowed) = median(&mut excesses);
    verdict.median_excess = excess;
    if excess.abs() >= allowed {
        verdict.differences.push(format!(
            "SERVER spans last {} µs more than the access log says (median), expected less than {}",
            excess / 1000,
            allowed / 1000
        ));
    }
    attempts(received, &traces, &mut verdict.differences);
    verdict
}

/// The median excess, and what it must stay under, of (excess, duration) in nanoseconds. Few rows say little about
/// the clock and much about the scheduler of a loaded machine.
fn median(excesses: &mut [(i64, i64)]) -> (i64, i64) {
    excesses.sort_unstable();
    let (excess, duration) = excesses.get(excesses.len() / 2).copied().unwrap_or_default();
    let allowed = if excesses.len() >= MANY { 1_000_000 } else { (duration / 20).max(20_000_000) };
    (excess, allowed.max(slack() * 1000))
}

/// Microseconds that the two may differ by, HOPTAP_SLACK_US where a machine is emulated.
fn slack() -> i64 {
    let set = std::env::var("HOPTAP_SLACK_US").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(1000)
}

/// By id where the row has one; else by client address, port and order.
fn pair<'a>(rows: &'a [Row], traces: &Traces<'a>, differences: &mut Vec<String>) -> Vec<(&'a Row, &'a Span)> {
    let mut by_id: HashMap<String, Vec<&Span>> = HashMap::new();
    let mut by_port: BTreeMap<i64, Vec<&Span>> = BTreeMap::new();
    for server in &traces.servers {
        match span_id(server) {
            Some(id) => by_id.entry(id).or_default().push(server),
            None => {
                let port = server.number("client.port").unwrap_or_default();
                by_port.entry(port).or_default().push(server);
            }
        }
    }
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by(|a, b| a.start.cmp(&b.start));
    let mut pairs = Vec::new();
    for row in rows {
        let found = row.id.as_ref().and_then(|id| by_id.get_mut(id));
        let found = match found {
            Some(list) => Some(list),
            None => by_port.get_mut(&row.client.1.into()),
        };
        match found.filter(|list| !list.is_empty()) {
            Some(list) => pairs.push((row, list.remove(0))),
            None => differences.push(format!("no SERVER span for {}", describe(row))),
        }
    }
    for server in by_id.values().chain(by_port.values()).flatten() {
        differences.push(format!("no access log row for SERVER span {:?} {:?}", server.name, server.attributes));
    }
    pairs
}

fn differ(row: &Row, server: &Span, traces: &Traces<'_>, differences: &mut Vec<String>) {
    let mut want = |what: &str, expected: Option<&str>, found: Option<&str>| {
        if expected != found {
            let children: Vec<_> = traces.children(server).iter().map(|child| &child.attributes).collect();
            differences.push(format!(
                "{}: {what} is {found:?}, the access log says {expected:?}; CLIENT spans {children:?}",
                describe(row)
            ));
        }
    };
    let status = server.number("http.response.status_code").and_then(|status| u16::try_from(status).ok());
    let logged = status.filter(|status| row.may_be(*status)).unwrap_or(row.status).to_string();
    want("status", Some(&logged), status.map(|status| status.to_string()).as_deref());
    let method = server.text("http.request.method_original").or(server.text("http.request.method"));
    want("method", Some(&row.method), method);
    // The log has the path as the router saw it, cleaned; the span has what the client sent.
    let logged = row.path.split('?').next();
    if server.text("url.path").is_none_or(|sent| !sent.contains("..")) {
        want("path", logged, server.text("url.path"));
    }
    want("router", row.router.as_deref(), server.text("traefik.router.name"));
    want("service", row.service.as_deref(), server.text("traefik.service.name"));
    want("entrypoint", Some(&row.entrypoint), server.text("traefik.entrypoint.name"));
    let host = row.client.0.to_string();
    want("client address", Some(&host), server.text("client.address"));
    let port = server.number("client.port").map(|port| port.to_string());
    want("client port", Some(&row.client.1.to_string()), port.as_deref());
    want("protocol", Some(names::version(&row.protocol)), server.text(names::PROTOCOL_VERSION));
    want("scheme", Some(&row.scheme), server.text(names::SCHEME));
    if let Some((version, cipher)) = &row.tls {
        want("TLS version", Some(version), server.text(names::TLS_VERSION));
        want("TLS name", Some("tls"), server.text(names::TLS_NAME));
        // Over HTTP/3 it is not read, and hoptap says so.
        let hidden = row.protocol == "HTTP/3.0";
        want("cipher", Some(cipher).filter(|_| !hidden).map(String::as_str), server.text(names::TLS_CIPHER));
        let next = if row.protocol == "HTTP/2.0" { Some("h2") } else { server.text(names::TLS_NEXT_PROTOCOL) };
        want("next protocol", next, server.text(names::TLS_NEXT_PROTOCOL));
    }
    if let Some(url) = &row.server_url {
        want("server URL", Some(url), server.text("traefik.server.url"));
    }
    for child in traces.children(server) {
        // Of a request that went well only a retry has one that failed, and says why.
        let refused = ["not_dialled", "_OTHER"];
        let never_sent = child.text("error.type").is_some_and(|kind| refused.contains(&kind))
            && child.number("http.response.status_code").is_none();
        if never_sent && (200..400).contains(&row.status) {
            differences.push(format!("{}: CLIENT span of a dial that nobody needed {child:?}", describe(row)));
        }
        if child.start < server.start {
            differences.push(format!("{}: its CLIENT span {:?} begins before it", describe(row), child.name));
        }
    }
}

/// Each request at a backend has one CLIENT span, under the SERVER span with the same id.
fn attempts(received: &[Received], traces: &Traces<'_>, differences: &mut Vec<String>) {
    let mut expected: BTreeMap<&str, Vec<&Received>> = BTreeMap::new();
    for one in received {
        if let Some(id) = one.id.as_deref() {
            expected.entry(id).or_default().push(one);
        }
    }
    for server in &traces.servers {
        let Some(id) = span_id(server) else { continue };
        let mut arrived = expected.remove(id.as_str()).unwrap_or_default();
        arrived.sort_by_key(|one| one.start);
        // What was answered did arrive; of what was not it cannot be told, and it takes what is left.
        let mut children = traces.children(server).to_vec();
        children.sort_by_key(|child| (child.number("http.response.status_code").is_none(), child.start));
        for child in children {
            let came = arrived.iter().position(|one| {
                let path = one.target.split('?').next().unwrap_or_default();
                child.text("url.full").is_none_or(|url| url.contains(path))
                    && child.text(names::PROTOCOL_VERSION).is_none_or(|found| found == names::version(&one.version))
            });
            match came {
                Some(came) => call::compare(&id, arrived.remove(came), child, differences),
                // Dials that failed are CLIENT spans, too, as are requests for which a connection was dead already.
                None if child.number("http.response.status_code").is_none() && child.text("error.type").is_some() => {}
                None => differences.push(format!("{id}: nothing arrived of CLIENT span {:?}", child.attributes)),
            }
        }
        for one in arrived {
            differences.push(format!("{id}: arrived at {} from {:?}, found no CLIENT span", one.target, one.peer));
        }
    }
    for (id, arrived) in expected {
        differences.push(format!("{id}: {} requests arrived, found no SERVER span", arrived.len()));
    }
}

fn describe(row: &Row) -> String {
    format!("{} {} from :{} at {}", row.method, row.path, row.client.1, row.start)
}

/// From the query, or from the header where hoptap captures headers.
pub fn span_id(span: &Span) -> Option<String> {
    if let Some(query) = span.text("url.query")
        && let Some(id) = query_id(&format!("?{query}"))
    {
        return Some(id);
    }
    match span.attributes.get("http.request.header.x-request-id")? {
        serde_json::Value::Array(values) => values.first()?.as_str().map(str::to_owned),
        other => other.as_str().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;
    use crate::backend::Rpc;

    fn row(id: Option<&str>, port: u16, status: u16) -> Row {
        Row {
            id: id.map(str::to_owned),
            client: ("127.0.0.1".parse().unwrap(), port),
            method: "GET".into(),
            path: format!("/x?id={}", id.unwrap_or_default()),
            status,
            router: Some("r@file".into()),
            service: None,
            server_url: None,
            entrypoint: "web".into(),
            protocol: "HTTP/1.1".into(),
            scheme: "http".into(),
            tls: None,
            start: format!("2026-01-01T00:00:00.00{port}Z"),
            duration: 5_000_000,
            size: 0,
            retries: 0,
        }
    }

    fn span(id: Option<&str>, port: u16, status: i64, start: u64, duration: u64) -> Span {
        let mut attributes = crate::span::Attributes::new();
        for (key, value) in [
            ("http.request.method", "GET".into()),
            ("http.response.status_code", status.into()),
            ("url.path", "/x".into()),
            ("traefik.router.name", "r@file".into()),
            ("traefik.entrypoint.name", "web".into()),
            ("client.address", "127.0.0.1".into()),
            ("client.port", port.into()),
            ("network.protocol.version", "1.1".into()),
            ("url.scheme", "http".into()),
        ] {
            attributes.insert(key.to_owned(), value);
        }
        if let Some(id) = id {
            attributes.insert("url.query".to_owned(), format!("id={id}").into());
        }
        Span {
            trace_id: format!("t{port}{status}"),
            span_id: "s".into(),
            kind: Kind::Server,
            start,
            end: start + duration,
            attributes,
            ..Span::default()
        }
    }

    fn arrived(id: &str) -> Received {
        Received { id: Some(id.into()), target: format!("/x?id={id}"), end: 1, ..Received::default() }
    }

    #[test]
    fn what_differs_is_said() {
        let check = |rows: &[Row], spans: &[Span], received: &[Received], expected: &[&str]| {
            let verdict = compare(rows, spans, received);
            assert_eq!(verdict.differences.len(), expected.len(), "{:#?}", verdict.differences);
            for (difference, part) in verdict.differences.iter().zip(expected) {
                assert!(difference.contains(part), "{difference} lacks {part}");
            }
            assert_eq!(verdict.check().is_err(), !expected.is_empty());
        };
        let ms = 1_000_000;
        let one = || row(Some("a"), 1, 200);
        check(&[], &[], &[], &[]);
        check(&[one()], &[span(Some("a"), 1, 200, 10, 5 * ms)], &[], &[]);
        check(&[one()], &[span(Some("a"), 1, 200, 10, 7 * ms)], &[], &[]);
        check(&[one()], &[span(Some("a"), 1, 200, 10, 26 * ms)], &[], &["21000 µs more"]);
        let long = Row { duration: 1000 * ms, ..one() };
        check(&[long], &[span(Some("a"), 1, 200, 10, 1049 * ms)], &[], &[]);
        let ids: Vec<_> = (0..50).map(|number| format!("m{number}")).collect();
        let many: Vec<_> = ids.iter().map(|id| row(Some(id), 1, 200)).collect();
        let slow: Vec<_> = ids.iter().map(|id| span(Some(id), 1, 200, 10, 7 * ms)).collect();
        check(&many, &slow, &[], &["2000 µs more"]);
        check(&[one()], &[span(Some("a"), 1, 502, 10, 5 * ms)], &[], &["status"]);
        check(&[one()], &[span(Some("a"), 2, 200, 10, 5 * ms)], &[], &["client port"]);
        check(&[one()], &[], &[], &["no SERVER span for GET /x"]);
        check(&[], &[span(Some("a"), 1, 200, 10, 5 * ms)], &[], &["no access log row"]);
        // Without ids: by port, in order.
        let (early, late) = (row(None, 1, 200), Row { start: "2026-02".into(), ..row(None, 1, 404) });
        let spans = [span(None, 1, 404, 20, 5 * ms), span(None, 1, 200, 10, 5 * ms)];
        check(&[late, early], &spans, &[], &[]);
        // Backends.
        let server = || span(Some("a"), 1, 200, 10, 5 * ms);
        let child = |trace: &str, start| Span {
            trace_id: trace.into(),
            parent: Some("s".into()),
            kind: Kind::Client,
            start,
            end: start + 1,
            ..Span::default()
        };
        check(&[one()], &[server(), child("t1200", 11)], &[arrived("a")], &[]);
        check(&[one()], &[server()], &[arrived("a")], &["found no CLIENT span"]);
        check(&[one()], &[server(), child("elsewhere", 11)], &[arrived("a")], &["found no CLIENT span"]);
        check(&[one()], &[server(), child("t1200", 11), child("t1200", 12)], &[arrived("a")], &["nothing arrived"]);
        check(&[one()], &[server(), child("t1200", 9)], &[arrived("a")], &["begins before it"]);
        check(&[one()], &[server()], &[arrived("b")], &["b: 1 requests arrived"]);
        // What is spoken.
        let tls = Row { protocol: "HTTP/2.0".into(), scheme: "https".into(), tls: Some(Default::default()), ..one() };
        check(&[tls], &[server()], &[], &["protocol", "scheme", "TLS version", "TLS name", "cipher", "next protocol"]);
        let called = |sent| Received { rpc: Some(Rpc { received: 1, sent, status: Some(0) }), ..arrived("a") };
        let mut child = child("t1200", 11);
        for (name, value) in
            [(names::RPC_REQUESTS, 1.into()), (names::RPC_RESPONSES, 2.into()), (names::RPC_STATUS, "OK".into())]
        {
            child.attributes.insert(name.to_owned(), value);
        }
        check(&[one()], &[server(), child.clone()], &[called(2)], &[]);
        check(&[one()], &[server(), child], &[called(3)], &["hoptap.rpc.response.messages is"]);
    }
}
