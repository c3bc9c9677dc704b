//! A request as a backend reads it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::access_log::query_id;
use crate::client;
use crate::socket::Socket;

#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) version: String,
    pub(super) headers: Vec<(String, String)>,
}

/// The bytes of a body that tests look at; the rest is counted only.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) start: Vec<u8>,
    pub(super) size: u64,
}

const KEPT: usize = 4096;

impl Request {
    pub(super) fn of_http2(head: &http::request::Parts) -> Self {
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: Vec<_> =
            head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        if let Some(authority) = head.uri.authority() {
            headers.push(("host".to_owned(), authority.to_string()));
        }
        Self {
            method: head.method.to_string(),
            target: head.uri.path_and_query().map_or_else(|| "*".to_owned(), ToString::to_string),
            version: "HTTP/2.0".to_owned(),
            headers,
        }
    }

    /// `None` where the connection ended between requests.
    pub(super) async fn read(stream: &mut BufReader<Socket>) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let mut words = line.trim_end().splitn(3, ' ').map(str::to_owned);
        let mut request = Self {
            method: words.next().unwrap_or_default(),
            target: words.next().unwrap_or_default(),
            version: words.next().unwrap_or_default(),
            headers: Vec::new(),
        };
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match client::header(line.trim_end()) {
                Some(header) => request.headers.push(header),
                None => return Ok(Some(request)),
            }
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        client::find(&self.headers, name)
    }

    pub(super) fn id(&self) -> Option<String> {
        self.header("x-request-id").map(str::to_owned).or_else(|| query_id(&self.target))
    }

    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A number of the query, such as `n=5000`.
    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.parameter(key)?.parse().ok()
    }

    /// A time of the query, such as `d=50ms`.
    pub(super) fn time(&self, key: &str) -> Option<Duration> {
        let digits = self.parameter(key)?.strip_suffix("ms")?;
        Some(Duration::from_millis(digits.parse().ok()?))
    }

    fn parameter(&self, key: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Reads the body by its framing; sends `100 Continue` first where it is waited for.
    pub(super) async fn body(&self, stream: &mut BufReader<Socket>) -> io::Result<Body> {
        if self.header("expect").is_some() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
            stream.flush().await?;
        }
        let mut body = Body::default();
        if self.header("transfer-encoding").is_some() {
            let mut line = String::new();
            loop {
                line.clear();
                stream.read_line(&mut line).await?;
                let digits = line.trim_end().split(';').next().unwrap_or_default();
                let size = u64::from_str_radix(digits, 16).map_err(io::Error::other)?;
                body.take(stream, size).await?;
                if size > 0 {
                    stream.read_line(&mut line).await?;
                    continue;
                }
                loop {
                    line.clear();
                    if stream.read_line(&mut line).await? <= 2 {
                        return Ok(body);
                    }
                }
            }
        }
        let length = self.header("content-length").and_then(|value| value.parse().ok());
        body.take(stream, length.unwrap_or_default()).await?;
        Ok(body)
    }
}

impl Body {
    async fn take(&mut self, stream: &mut BufReader<Socket>, mut size: u64) -> io::Result<()> {
        let mut piece = vec![0; 64 * 1024];
        while size > 0 {
            let now = piece.len().min(usize::try_from(size).unwrap_or(usize::MAX));
            let read = stream.read(&mut piece[..now]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let room = KEPT.saturating_sub(self.start.len()).min(read);
            self.start.extend_from_slice(&piece[..room]);
            self.size += read as u64;
            size -= read as u64;
        }
        Ok(())
    }
}
