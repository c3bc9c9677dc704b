//! An HTTP/1 client on a raw socket, or on TLS: it sends the bytes that it is told to, however wrong they are, and reads responses.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::socket::Socket;

/// Longer than any case waits for a response.
const PATIENCE: Duration = Duration::from_secs(20);
/// Of a body, so much is kept; the rest is counted. A scrape of `/metrics` must fit.
const KEPT: usize = 4 * 1024 * 1024;

/// One connection to Traefik.
#[derive(Debug)]
pub struct Connection {
    stream: Socket,
    buffer: Vec<u8>,
    pub local: SocketAddr,
    pub peer: SocketAddr,
}

/// A response with its framing taken off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub version: String,
    pub headers: Vec<(String, String)>,
    /// Statuses of the interim responses before it.
    pub interim: Vec<u16>,
    /// The first 4 MiB.
    pub body: Vec<u8>,
    /// Bytes of the whole body.
    pub size: u64,
    pub trailers: Vec<(String, String)>,
    /// The connection ended before the framing said so.
    pub incomplete: bool,
    /// The connection cannot carry another response.
    pub last: bool,
}

impl Response {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// What decides the length of a response that does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    Head,
    Connect,
    Other,
}

impl To {
    /// By the method that raw request bytes begin with.
    pub fn of(request: &[u8]) -> Self {
        match request {
            [b'H', b'E', b'A', b'D', b' ', ..] => Self::Head,
            [b'C', b'O', b'N', b'N', b'E', b'C', b'T', b' ', ..] => Self::Connect,
            _ => Self::Other,
        }
    }
}

impl Connection {
    /// # Errors
    /// Where nothing listens.
    pub async fn open(peer: SocketAddr) -> Result<Self> {
        Self::over(Socket::connect(peer).await?)
    }

    /// On a socket that is open already.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub fn over(stream: Socket) -> Result<Self> {
        let (local, peer) = (stream.tcp().local_addr()?, stream.tcp().peer_addr()?);
        Ok(Self { stream, buffer: Vec::new(), local, peer })
    }

    /// # Errors
    /// Where the connection is gone.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes)).await??;
        // TLS keeps what the socket did not take at once.
        Ok(timeout(PATIENCE, self.stream.flush()).await??)
    }

    /// Sends `bytes` in pieces of `size`, each in a segment of its own.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn send_slowly(&mut self, bytes: &[u8], size: usize, pause: Duration) -> Result<()> {
        for piece in bytes.chunks(size.max(1)) {
            self.send(piece).await?;
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// One request and its response.
    ///
    /// # Errors
    /// Where the connection ends before a whole head came.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Response> {
        self.send(request).await?;
        self.response(To::of(request)).await
    }

    /// Says that no more will be sent, and still reads.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn half_close(&mut self) -> Result<()> {
        Ok(self.stream.shutdown().await?)
    }

    /// Ends the connection with a reset.
    ///
    /// # Errors
    /// Where the socket refuses the option.
    pub fn abort(self) -> Result<()> {
        Ok(self.stream.tcp().set_zero_linger()?)
    }

    /// Bytes that came: for what is no HTTP (any more). At least one, unless the peer closed.
    ///
    /// # Errors
    /// Where nothing comes in time.
    pub async fn read(&mut self) -> Result<Vec<u8>> {
        if self.buffer.is_empty() {
            self.fill().await?;
        }
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Everything until the peer closes.
    ///
    /// # Errors
    /// Where it does not close in time.
    pub async fn read_to_end(&mut self) -> Result<Vec<u8>> {
        while self.fill().await? {}
        Ok(std::mem::take(&mut self.buffer))
    }

    /// The next response, its interim ones included.
    ///
    /// # Errors
    /// Where the connection ends before a whole head came, or what came is no response.
    pub async fn response(&mut self, to: To) -> Result<Response> {
        let mut interim = Vec::new();
        loop {
            let head = self.until(b"\r\n\r\n").await?;
            let mut response = parse_head(&head)?;
            if (100..200).contains(&response.status) && response.status != 101 {
                interim.push(response.status);
                continue;
            }
            response.interim = interim;
            self.body(&mut response, to).await?;
            return Ok(response);
        }
    }

    async fn body(&mut self, response: &mut Response, to: To) -> Result<()> {
        let opens_tunnel = response.status == 101 || (to == To::Connect && response.status == 200);
        if to == To::Head || opens_tunnel || matches!(response.status, 204 | 304) {
            return Ok(());
        }
        if response.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return self.chunked(response).await;
        }
        match response.header("content-length").map(str::parse::<u64>) {
            Some(length) => self.take(length?, response).await,
            None => {
                response.last = true;
                while self.fill().await? {
                    self.keep(self.buffer.len(), response);
                }
                self.keep(self.buffer.len(), response);
                Ok(())
            }
        }
    }

    async fn chunked(&mut self, response: &mut Response) -> Result<()> {
        loop {
            let Ok(line) = self.until(b"\r\n").await else {
                response.incomplete = true;
                return Ok(());
            };
            let line = String::from_utf8_lossy(&line).into_owned();
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size =
                u64::from_str_radix(digits, 16).with_context(|| format!("expected a chunk size, found {line:?}"))?;
            if size == 0 {
                loop {
                    let line = self.until(b"\r\n").await?;
                    match header(&String::from_utf8_lossy(&line)) {
                        Some(trailer) => response.trailers.push(trailer),
                        None => return Ok(()),
                    }
                }
            }
            self.take(size, response).await?;
            if response.incomplete {
                return Ok(());
            }
            self.until(b"\r\n").await?;
        }
    }

    /// Reads `length` bytes of body.
    async fn take(&mut self, mut length: u64, response: &mut Response) -> Result<()> {
        while length > 0 {
            if self.buffer.is_empty() && !self.fill().await? {
                response.incomplete = true;
                response.last = true;
                return Ok(());
            }
            let now = self.buffer.len().min(usize::try_from(length).unwrap_or(usize::MAX));
            self.keep(now, response);
            length -= now as u64;
        }
        Ok(())
    }

    fn keep(&mut self, count: usize, response: &mut Response) {
        let room = KEPT.saturating_sub(response.body.len());
        response.size += count as u64;
        for byte in self.buffer.drain(..count).take(room) {
            response.body.push(byte);
        }
    }

    /// The bytes before the first `mark`, which is taken out, too.
    async fn until(&mut self, mark: &[u8]) -> Result<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(mark.len()).position(|window| window == mark) {
                let mut head: Vec<u8> = self.buffer.drain(..at + mark.len()).collect();
                head.truncate(at);
                return Ok(head);
            }
            if !self.fill().await? {
                bail!(
                    "expected {:?}, found the end after {:?}",
                    String::from_utf8_lossy(mark),
                    String::from_utf8_lossy(&self.buffer)
                );
            }
        }
    }

    /// Reads once; false at the end.
    async fn fill(&mut self) -> Result<bool> {
        let mut piece = vec![0; 64 * 1024];
        let read =
            timeout(PATIENCE, self.stream.read(&mut piece)).await.context("expected bytes, none came in time")?;
        let read = match read {
            // A TLS connection that ended without saying so.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => 0,
            other => other?,
        };
        self.buffer.extend_from_slice(&piece[..read]);
        Ok(read > 0)
    }
}

fn parse_head(head: &[u8]) -> Result<Response> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or_default();
    let mut words = line.split(' ');
    let (Some(version), Some(Ok(status))) = (words.next(), words.next().map(str::parse)) else {
        bail!("expected a status line, found {line:?}");
    };
    let headers: Vec<_> = lines.filter_map(header).collect();
    let close = find(&headers, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let keep = find(&headers, "connection").is_some_and(|value| value.eq_ignore_ascii_case("keep-alive"));
    Ok(Response {
        status,
        last: close || (version == "HTTP/1.0" && !keep),
        version: version.to_owned(),
        headers,
        ..Response::default()
    })
}

/// Name in lower case and value of a header line.
pub(crate) fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_ascii_lowercase(), value.trim().to_owned()))
}

/// The first value of a header, by its name in lower case.
pub(crate) fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
