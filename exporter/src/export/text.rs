//! Exchanges as blocks of text for a person: the client's request, then the requests to backends that it caused.

use std::fmt::{self, Write};

use super::objects::Part;
use super::time::Readable;
use super::{attributes, bodies, url};
use crate::exchange::{Attempt, Content, Context, End, Exchange, Headers, Hop, Role, Server};
use crate::redact::Redaction;
use crate::rpc::status_name;

/// Appends the blocks of one exchange.
pub fn write(exchange: &Exchange, redaction: &Redaction, out: &mut String) {
    // Writing to a `String` cannot fail.
    let _ = blocks(exchange, redaction, out);
}

fn blocks(exchange: &Exchange, redaction: &Redaction, out: &mut String) -> fmt::Result {
    if let Some(server) = &exchange.server {
        ingress(exchange, server, redaction, out)?;
    }
    for attempt in &exchange.attempts {
        egress(exchange, attempt, redaction, out)?;
    }
    Ok(())
}

fn ingress(exchange: &Exchange, server: &Server, redaction: &Redaction, out: &mut String) -> fmt::Result {
    let hop = &server.hop;
    open(exchange, out)?;
    line(out, "Direction", "INGRESS ← (client to traefik)")?;
    let client = server.announced_client.unwrap_or(hop.peer);
    request(hop, &url::requested(hop, redaction), out)?;
    line(out, "Client", client)?;
    option(out, "Entrypoint", server.entrypoint.as_deref())?;
    match server.router.as_deref() {
        Some(router) => line(out, "Router", Clean(router))?,
        None if server.internal => line(out, "Router", "none (answered by traefik itself)")?,
        None => line(out, "Router", "none")?,
    }
    option(out, "Rule", server.rule.as_deref())?;
    option(out, "Service", server.service.as_deref())?;
    option(out, "Server", server.server_url.as_deref())?;
    match exchange.attempts.len() {
        0 => line(out, "Backend requests", "none")?,
        1 => {}
        several => {
            let retries = exchange.attempts.iter().filter(|attempt| attempt.resend_count > 0).count();
            line(out, "Backend requests", format_args!("{several} ({retries} retried)"))?;
        }
    }
    line(out, "Overhead", format_args!("{} (spent in traefik)", Readable(server.overhead)))?;
    trace(&server.context, out)?;
    messages(hop, redaction, out)?;
    close(out)
}

fn egress(exchange: &Exchange, attempt: &Attempt, redaction: &Redaction, out: &mut String) -> fmt::Result {
    let hop = &attempt.hop;
    open(exchange, out)?;
    line(out, "Direction", format_args!("EGRESS → (traefik to {})", destination(attempt.role)))?;
    url::reached(hop, redaction, |pieces| request(hop, &pieces.concat(), out))?;
    option(out, "Service", attempt.service.as_deref())?;
    option(out, "Server", attempt.server_url.as_deref())?;
    option(out, "Container", attempt.container.as_deref())?;
    option(out, "Host header", hop.host.as_deref().map(url::without_user).as_deref())?;
    if attempt.resend_count > 0 {
        line(out, "Retry", attempt.resend_count)?;
    }
    trace(&attempt.context, out)?;
    if let Some(link) = attempt.link {
        line(out, "Link", attributes::link(link))?;
    }
    messages(hop, redaction, out)?;
    close(out)
}

fn destination(role: Role) -> &'static str {
    match role {
        Role::Backend => "backend",
        Role::Mirror => "mirror",
        Role::ForwardAuth => "authentication server",
        Role::ErrorPage => "error page service",
        Role::Middleware => "middleware's server",
        Role::HealthCheck => "backend, health check",
    }
}

fn open(exchange: &Exchange, out: &mut String) -> fmt::Result {
    let process = &exchange.process;
    let name = process.executable.rsplit('/').next().unwrap_or_default();
    let name = if name.is_empty() { "traefik" } else { name };
    writeln!(out, "=== HTTP Transaction ===")?;
    write!(out, "Source Process: {} (PID: {}", Clean(name), exchange.pid)?;
    if let Some(container) = &process.container {
        write!(out, ", Container: {}", Clean(container))?;
    }
    writeln!(out, ")")
}

fn close(out: &mut String) -> fmt::Result {
    writeln!(out, "========================\n")
}

/// What both directions say of the messages themselves.
fn request(hop: &Hop, url: &str, out: &mut String) -> fmt::Result {
    line(out, "Method", Clean(hop.method.original()))?;
    line(out, "URL", Clean(url))?;
    match hop.status {
        Some(status) => {
            write!(out, "Status: {status}")?;
            if let Some(reason) = reason(status) {
                write!(out, " {reason}")?;
            }
            writeln!(out)?;
        }
        None => line(out, "Status", "none (no response)")?,
    }
    if let Some(error) = hop.error {
        line(out, "Error", error.as_str())?;
    }
    write!(out, "Duration: {}", Readable(hop.duration()))?;
    if let Some(first) = hop.first_byte {
        let first = Readable(first.saturating_sub(hop.start));
        write!(out, " (first byte {first})")?;
    }
    writeln!(out)?;
    write!(out, "Bodies: {} sent, {} received", Size(hop.request.size), Size(hop.response.size))?;
    if hop.request.incomplete || hop.response.incomplete {
        write!(out, " (incomplete)")?;
    }
    writeln!(out)?;
    option(out, "Upgraded to", hop.upgraded.as_deref())?;
    write!(out, "Protocol: HTTP/{}", hop.version.as_str())?;
    if let Some(session) = &hop.tls {
        write!(out, " over TLS")?;
        for known in [session.version_name(), session.cipher_name()].into_iter().flatten() {
            write!(out, " {known}")?;
        }
        if let Some(name) = &session.server_name {
            write!(out, " for {}", Clean(name))?;
        }
    }
    writeln!(out)?;
    beyond(hop, out)
}

/// What only some hops have.
fn beyond(hop: &Hop, out: &mut String) -> fmt::Result {
    if let Some(call) = &hop.rpc {
        write!(out, "gRPC: ")?;
        match call.status.map(|status| (status, status_name(status))) {
            Some((_, Some(name))) => write!(out, "{name}")?,
            Some((status, None)) => write!(out, "status {status}")?,
            None => write!(out, "no status")?,
        }
        counted(call.requests, call.responses, out)?;
    }
    if let Some(session) = &hop.websocket {
        write!(out, "WebSocket: ")?;
        match session.close_code {
            Some(code) => write!(out, "closed with {code}")?,
            None => write!(out, "no Close frame")?,
        }
        counted(session.sent, session.received, out)?;
    }
    if let Some(reset) = hop.reset {
        let by = match reset.by {
            End::Client => "the client",
            End::Server => "the server",
        };
        line(out, "Reset by", format_args!("{by} ({})", reset.code_name()))?;
    }
    if !hop.missing.is_empty() {
        line(out, "Cannot be known", hop.missing.join(", "))?;
    }
    Ok(())
}

fn counted(sent: Option<u64>, received: Option<u64>, out: &mut String) -> fmt::Result {
    let count = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
    writeln!(out, " ({} messages sent, {} received)", count(sent), count(received))
}

fn trace(context: &Context, out: &mut String) -> fmt::Result {
    writeln!(out, "Trace: {:032x} (span {:016x})", context.trace_id, context.span_id)
}

/// Header lines and bodies, the request's first.
fn messages(hop: &Hop, redaction: &Redaction, out: &mut String) -> fmt::Result {
    block("Request", &hop.request_headers, redaction, out)?;
    body("Request", bodies::part(hop, Part::Request), out)?;
    block("Response", &hop.response_headers, redaction, out)?;
    body("Response", bodies::part(hop, Part::Response), out)
}

fn body(title: &str, content: Option<&Content>, out: &mut String) -> fmt::Result {
    let Some(content) = content.filter(|content| content.captured.seen > 0) else { return Ok(()) };
    writeln!(out, "\n--- {title} Body ---")?;
    let (text, note) = bodies::shown(content);
    for line in text.iter().flat_map(|text| text.lines()) {
        writeln!(out, "{}", CleanLine(line))?;
    }
    if let Some(note) = note {
        writeln!(out, "{}", Clean(&note))?;
    }
    content.urls.iter().try_for_each(|url| writeln!(out, "[stored as {}]", Clean(url)))
}

fn block(title: &str, headers: &Headers, redaction: &Redaction, out: &mut String) -> fmt::Result {
    if headers.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n--- {title} Headers ---")?;
    for (name, value) in headers.iter() {
        writeln!(out, "{}: {}", Clean(&name), Clean(&redaction.header(&name, value)))?;
    }
    Ok(())
}

fn line(out: &mut String, name: &str, value: impl fmt::Display) -> fmt::Result {
    writeln!(out, "{name}: {value}")
}

fn option(out: &mut String, name: &str, value: Option<&str>) -> fmt::Result {
    value.map_or(Ok(()), |value| line(out, name, Clean(value)))
}

/// Text from traffic with its control characters shown: no client writes to the terminal of the person who reads.
struct Clean<'a>(&'a str);

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(char::is_control) {
            let (plain, tail) = rest.split_at(at);
            f.write_str(plain)?;
            let mut chars = tail.chars();
            if let Some(control) = chars.next() {
                write!(f, "{}", control.escape_default())?;
            }
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

/// The same for a line that may hold tabs.
struct CleanLine<'a>(&'a str);

impl fmt::Display for CleanLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, piece) in self.0.split('\t').enumerate() {
            if number > 0 {
                f.write_char('\t')?;
            }
            Clean(piece).fmt(f)?;
        }
        Ok(())
    }
}

/// Bytes as a person reads them: `34 B`, `1.5 KiB`.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let mut tenths = u128::from(self.0) * 10;
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut unit = "B";
        for larger in UNITS {
            if tenths < 10_240 {
                break;
            }
            tenths /= 1024;
            unit = larger;
        }
        write!(f, "{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

/// The reason phrase of a status: of RFC 9110, and 499, which Traefik and nginx use for a client that went away.
fn reason(status: u16) -> Option<&'static str> {
    if status == 499 {
        return Some("Client Closed Request");
    }
    hyper::StatusCode::from_u16(status).ok()?.canonical_reason()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::super::sample;
    use super::*;

    #[track_caller]
    fn check(exchange: &Exchange, file: &str) {
        let mut got = String::new();
        write(exchange, &Redaction::default(), &mut got);
        assert!(!got.contains("s3cret"), "{got}");
        sample::golden(file, &got);
    }

    #[test]
    fn blocks_look_like_this() {
        check(&sample::exchange(), "text/summary.txt");
        check(&sample::detailed(), "text/details.txt");
        check(&sample::retried(), "text/retried.txt");
        check(&sample::unrouted(), "text/unrouted.txt");
        check(&sample::upgraded(), "text/upgraded.txt");
        check(&sample::health_check(), "text/health-check.txt");
        check(&sample::full(), "text/full.txt");
    }

    #[test]
    fn no_client_writes_to_the_terminal() {
        let mut exchange = sample::exchange();
        exchange.server.as_mut().unwrap().hop.path = "/\x1b[2J\u{9b}\nStatus: 200".into();
        let mut got = String::new();
        write(&exchange, &Redaction::default(), &mut got);
        assert!(got.contains(r"/\u{1b}[2J\u{9b}\nStatus: 200"), "{got}");
        assert!(got.chars().all(|char| char == '\n' || !char.is_control()));
    }

    #[test]
    fn sizes() {
        let check = |bytes: u64, expected: &str| assert_eq!(Size(bytes).to_string(), expected);
        check(0, "0 B");
        check(1023, "1023 B");
        check(1024, "1.0 KiB");
        check(1536, "1.5 KiB");
        check(100_000_000, "95.3 MiB");
        check(u64::MAX, "15.9 EiB");
    }

    #[test]
    fn reasons() {
        let check = |status: u16, expected: Option<&str>| assert_eq!(reason(status), expected);
        check(200, Some("OK"));
        check(499, Some("Client Closed Request"));
        check(502, Some("Bad Gateway"));
        check(599, None);
        check(7, None);
    }
}
