//! Traefik's access log in JSON: the oracle.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// One request as Traefik saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// X-Request-Id, or `id` of the query.
    pub id: Option<String>,
    pub client: (IpAddr, u16),
    pub method: String,
    pub path: String,
    pub status: u16,
    /// `None` where no router took it.
    pub router: Option<String>,
    pub service: Option<String>,
    /// URL of the server that answered, or was tried last.
    pub server_url: Option<String>,
    pub entrypoint: String,
    /// As in a request line: `HTTP/2.0`.
    pub protocol: String,
    /// Of the connection: `http` or `https`.
    pub scheme: String,
    /// TLS version and cipher suite, where the connection has them.
    pub tls: Option<(String, String)>,
    /// RFC 3339 with nanoseconds; sorts by time.
    pub start: String,
    /// Nanoseconds.
    pub duration: u64,
    /// Of the response body to the client, bytes.
    pub size: u64,
    /// Attempts after the first.
    pub retries: u64,
}

impl Row {
    /// Whether the client may have got this status. Traefik logs 0 where nothing was written through its writers: where
    /// the connection was taken over for another protocol, and where its retry took a good answer over HTTP/2 for one to
    /// drop, as it came before Traefik heard that the request was sent (v3.6.12, pkg/middlewares/retry/retry.go): then
    /// net/http sends 200 by itself.
    pub fn may_be(&self, status: u16) -> bool {
        status == self.status || (self.status == 0 && matches!(status, 101 | 200))
    }
}

/// Reads every complete line of the log.
///
/// # Errors
/// Where the file cannot be read, or a line is not what Traefik writes.
pub fn read(file: &Path) -> Result<Vec<Row>> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("read {}", file.display())),
    };
    // Traefik may be in the middle of its last line.
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    complete.lines().map(parse).collect()
}

/// # Errors
/// Where the line lacks what every access log row has.
pub fn parse(line: &str) -> Result<Row> {
    let row: Value = serde_json::from_str(line).with_context(|| format!("expected a JSON row, found {line:?}"))?;
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let number = |name: &str| row.get(name).and_then(Value::as_u64).unwrap_or_default();
    let named = |name: &str| text(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let path = text("RequestPath").context("RequestPath")?;
    Ok(Row {
        id: named("request_X-Request-Id").or_else(|| query_id(path)),
        client: (
            text("ClientHost").context("ClientHost")?.parse()?,
            text("ClientPort").and_then(|port| port.parse().ok()).unwrap_or_default(),
        ),
        method: text("RequestMethod").context("RequestMethod")?.to_owned(),
        path: path.to_owned(),
        status: u16::try_from(number("DownstreamStatus"))?,
        router: named("RouterName"),
        service: named("ServiceName"),
        server_url: match row.get("ServiceURL") {
            Some(Value::String(url)) => Some(url.clone()),
            // Traefik v3.6 logs a *url.URL, which JSON shows as an object unless it has a text form.
            Some(Value::Object(url)) => Some(format!(
                "{}://{}",
                url.get("Scheme").and_then(Value::as_str).unwrap_or_default(),
                url.get("Host").and_then(Value::as_str).unwrap_or_default()
            )),
            _ => None,
        },
        entrypoint: text("entryPointName").unwrap_or_default().to_owned(),
        protocol: text("RequestProtocol").unwrap_or_default().to_owned(),
        scheme: text("RequestScheme").unwrap_or_default().to_owned(),
        tls: named("TLSVersion").zip(named("TLSCipher")),
        start: text("StartUTC").context("StartUTC")?.to_owned(),
        duration: number("Duration"),
        size: number("DownstreamContentSize"),
        retries: number("RetryAttempts"),
    })
}

/// The value of `id` in the query of a request target. Traefik rewrites `;` to `&`; clients may send either.
pub fn query_id(target: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    query.split(['&', ';']).find_map(|pair| pair.strip_prefix("id=")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    #[test]
    fn a_row_of_traefik() {
        let row = parse(concat!(
            r#"{"ClientHost":"127.0.0.1","ClientPort":"45668","DownstreamContentSize":374,"DownstreamStatus":200,"#,
            r#""Duration":1339287,"RequestMethod":"GET","RequestPath":"/a/1?x=1&id=c7","RetryAttempts":2,"#,
            r#""RouterName":"parent@file -\u003e child1@file","ServiceName":"be1@file","#,
            r#""ServiceURL":"http://127.0.0.1:19001","StartUTC":"2026-11-22T11:05:40.257071414Z","entryPointName":"web"}"#
        ))
        .unwrap();
        assert_eq!(row.id.as_deref(), Some("c7"));
        assert_eq!(row.router.as_deref(), Some("parent@file -> child1@file"));
        assert_eq!(row.client.1, 45668);
        assert_eq!((row.status, row.duration, row.retries), (200, 1_339_287, 2));
        assert!(parse("{}").is_err() && parse("half a li").is_err());
    }
}
