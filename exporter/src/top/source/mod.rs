//! A hoptap that serves its metrics: its page, asked for again and again.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::header::{ACCEPT, HOST, USER_AGENT};
use hyper::{Response, StatusCode, Uri, body::Incoming};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::history::Times;
use super::reading::Reading;
use crate::agent::agent;

/// Where hoptap serves them if nothing else is said.
pub const DEFAULT: &str = "http://127.0.0.1:9464/metrics";

const PORT: u16 = 80;
const PATH: &str = "/metrics";
/// For the whole page: half of what the server gives a connection.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longer than any line of hoptap's, and several times the longest page that it can have.
const LINE: usize = 64 * 1024;
const PAGE: usize = 512 << 20;

/// Why there are no numbers.
#[derive(Debug, Error)]
pub enum Error {
    #[error("--from {url}: {reason}; expected an address such as {DEFAULT}")]
    Url { url: String, reason: String },
    #[error(
        "nothing answers at {url} (connection refused): start hoptap there, say with --from where it serves its \
         metrics, or watch from here with --from here (needs root)"
    )]
    Refused { url: String },
    #[error("cannot read {url}: {source}; say with --from where hoptap serves its metrics")]
    Connection { url: String, source: io::Error },
    #[error("{url} did not answer within {} s; is hoptap stopped, or something between it and here?", PATIENCE.as_secs())]
    Timeout { url: String },
    #[error("{url} answers 404: expected hoptap's metrics, which are at /metrics; say with --from where")]
    NotFound { url: String },
    #[error("{url} answers {status}: expected 200 and hoptap's metrics; say with --from where they are")]
    Status { url: String, status: u16 },
    #[error(
        "{url} is no page of hoptap's metrics: say with --from where hoptap serves them, or watch from here with --from here"
    )]
    NotHoptap { url: String },
    #[error("the numbers cannot be written: {0}")]
    Encoding(#[from] std::fmt::Error),
}

impl Error {
    /// Whether the command line is to be mended.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Url { .. } | Self::NotFound { .. } | Self::NotHoptap { .. })
    }
}

/// Where a page comes from.
pub trait Source: Send {
    /// # Errors
    /// Why there is none now.
    fn read(&mut self) -> Result<(Reading, Times), Error>;
}

/// A page by HTTP.
#[derive(Debug)]
pub struct Remote {
    url: String,
    host: String,
    port: u16,
    path: String,
    runtime: Runtime,
}

impl Remote {
    /// `host:port` and a URL without a path are understood, too.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub fn new(url: &str) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::Url { url: url.to_owned(), reason: reason.to_owned() };
        let uri: Uri = url.parse().map_err(|error| wrong(&format!("{error}")))?;
        if uri.scheme_str().is_some_and(|scheme| scheme != "http") {
            return Err(wrong("hoptap serves http alone"));
        }
        let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
        let path = uri.path_and_query().map_or("", |path| path.as_str());
        let path = if matches!(path, "" | "/") { PATH } else { path };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| Error::Connection { url: url.to_owned(), source })?;
        Ok(Self {
            url: format!("http://{authority}{path}"),
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(PORT),
            path: path.to_owned(),
            runtime,
        })
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Source for Remote {
    fn read(&mut self) -> Result<(Reading, Times), Error> {
        let asked = Instant::now();
        let page = async { tokio::time::timeout(PATIENCE, page(&self.url, &self.host, self.port, &self.path)).await };
        let reading = self.runtime.block_on(page);
        let reading = reading.map_err(|_| Error::Timeout { url: self.url.clone() })??;
        if reading.version.is_none() || reading.uptime.is_none() {
            return Err(Error::NotHoptap { url: self.url.clone() });
        }
        Ok((reading, Times { asked, answered: Instant::now() }))
    }
}

async fn page(url: &str, host: &str, port: u16, path: &str) -> Result<Reading, Error> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::ConnectionRefused => Error::Refused { url: url.to_owned() },
        _ => Error::Connection { url: url.to_owned(), source },
    };
    let http = |error: hyper::Error| failed(io::Error::other(error));
    let stream = TcpStream::connect((host, port)).await.map_err(failed)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
    let exchange = async {
        let request = hyper::Request::get(path)
            .header(HOST, format!("{host}:{port}"))
            .header(USER_AGENT, agent())
            .header(ACCEPT, "text/plain;version=0.0.4")
            .body(Empty::<Bytes>::new())
            .map_err(|error| failed(io::Error::other(error)))?;
        let response = sender.send_request(request).await.map_err(http)?;
        match response.status() {
            StatusCode::OK => body(response).await.map_err(failed),
            StatusCode::NOT_FOUND => Err(Error::NotFound { url: url.to_owned() }),
            status => Err(Error::Status { url: url.to_owned(), status: status.as_u16() }),
        }
    };
    // Both on this task: nothing is left running when the page is there or the time is up.
    tokio::pin!(exchange, connection);
    tokio::select! {
        biased;
        reading = &mut exchange => reading,
        ended = &mut connection => {
            ended.map_err(http)?;
            exchange.await
        }
    }
}

/// Line by line, as they come.
async fn body(response: Response<Incoming>) -> io::Result<Reading> {
    let mut body = response.into_body();
    let mut reading = Reading::default();
    let mut lines = Lines::default();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(io::Error::other)?.into_data() else { continue };
        length += data.len();
        if length > PAGE {
            return Err(io::Error::other("the page does not end"));
        }
        lines.take(&data, &mut reading);
    }
    lines.take(b"\n", &mut reading);
    Ok(reading)
}

/// Bytes as lines.
#[derive(Debug, Default)]
struct Lines {
    /// Of the line that has not ended.
    begun: Vec<u8>,
    too_long: bool,
}

impl Lines {
    fn take(&mut self, bytes: &[u8], reading: &mut Reading) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (line, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |line| (line, true));
            if self.begun.len() + line.len() > LINE {
                self.too_long = true;
            } else {
                self.begun.extend_from_slice(line);
            }
            if ends {
                if let (false, Ok(line)) = (self.too_long, std::str::from_utf8(&self.begun)) {
                    reading.line(line);
                }
                self.begun.clear();
                self.too_long = false;
            }
        }
    }
}

#[cfg(test)]
mod tests;
