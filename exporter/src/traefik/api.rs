//! Asks a running Traefik for its configuration, over plain HTTP.
//!
//! The only file of `traefik` that does IO. It hands on text: what it means is for `configuration` and `entrypoints`.

mod redaction;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::agent::agent;

/// Largest answer that is read, in bytes. A table of ten thousand routers is a tenth of it.
const MAX_BODY: usize = 64 << 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("nothing listens on {address}: connection refused")]
    Refused { address: SocketAddr },
    #[error("no answer from {address} within {seconds} s")]
    Timeout { address: SocketAddr, seconds: u64 },
    #[error("cannot talk to {address}: {source}")]
    Connection { address: SocketAddr, source: io::Error },
    #[error("{address} does not speak HTTP as expected: {source}")]
    Http { address: SocketAddr, source: hyper::Error },
    #[error("{address} wants credentials for {path} (status {status}): send a header field that it accepts")]
    Unauthorized { address: SocketAddr, path: String, status: u16 },
    #[error("no Traefik API at {path} on {address} (status 404): is `api` on, and is there a base path?")]
    NotFound { address: SocketAddr, path: String },
    #[error("expected status 200 for {path} on {address}, found {status}")]
    Status { address: SocketAddr, path: String, status: u16 },
    #[error("the answer to {path} on {address} is larger than {MAX_BODY} bytes")]
    TooLarge { address: SocketAddr, path: String },
    #[error("expected {expected} for {path} on {address}, found something else: this is not Traefik's API")]
    NotTraefik { address: SocketAddr, path: String, expected: &'static str },
    #[error("`{value}` cannot be sent as the header field `{name}`")]
    Header { name: String, value: String },
}

/// An answer, without what must not be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    /// Our side of the connection: what the capture sees of it is our own traffic.
    pub local: SocketAddr,
}

/// Told our side of a connection after the dial, before anything is sent on it.
type Announce = Arc<dyn Fn(SocketAddr) + Send + Sync>;

/// The API of one Traefik.
#[derive(Clone)]
pub struct Api {
    announce: Option<Announce>,
    address: SocketAddr,
    host: String,
    base_path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    timeout: Duration,
}

impl Api {
    /// `timeout` bounds one question, from the dial to the last byte of the answer.
    pub fn new(address: SocketAddr, timeout: Duration) -> Self {
        Self {
            announce: None,
            address,
            host: address.to_string(),
            base_path: String::new(),
            headers: Vec::new(),
            timeout,
        }
    }

    /// The Host header to send, where a router of the user's own serves the API.
    #[must_use]
    pub fn with_host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// Says our side of each connection before anything is sent on it, to a capture that must not take the question
    /// for traffic.
    #[must_use]
    pub fn announced(mut self, announce: impl Fn(SocketAddr) + Send + Sync + 'static) -> Self {
        self.announce = Some(Arc::new(announce));
        self
    }

    /// What stands before `/api` in the path.
    #[must_use]
    pub fn with_base_path(mut self, base_path: &str) -> Self {
        base_path.trim_end_matches('/').clone_into(&mut self.base_path);
        self
    }

    /// One more header field, such as `Authorization`.
    ///
    /// # Errors
    /// Name or value cannot stand in a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let refused = || Error::Header {
            name: name.into(),
            // Never the value of a credential in a message.
            value: if name.eq_ignore_ascii_case(AUTHORIZATION.as_str()) { "…".into() } else { value.into() },
        };
        let name_ = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        let mut value_ = HeaderValue::from_str(value).map_err(|_| refused())?;
        value_.set_sensitive(true);
        self.headers.push((name_, value_));
        Ok(self)
    }

    /// `/api/version`: an object with `Version` and `Codename`.
    ///
    /// # Errors
    /// Nothing answers, or something that is not Traefik.
    pub async fn version(&self) -> Result<Answer, Error> {
        self.ask("/api/version", "an object with `Version`", |value| {
            value.get("Version").is_some_and(Value::is_string).then_some(value)
        })
        .await
    }

    /// `/api/rawdata`, without the bodies of middlewares and other places where secrets are.
    ///
    /// # Errors
    /// As [`Api::version`].
    pub async fn raw_data(&self) -> Result<Answer, Error> {
        self.ask("/api/rawdata", "an object", redaction::raw_data).await
    }

    /// `/api/entrypoints`: an array.
    ///
    /// # Errors
    /// As [`Api::version`].
    pub async fn entrypoints(&self) -> Result<Answer, Error> {
        self.ask("/api/entrypoints", "an array", |value| value.is_array().then_some(value)).await
    }

    async fn ask(
        &self,
        path: &str,
        expected: &'static str,
        accept: fn(Value) -> Option<Value>,
    ) -> Result<Answer, Error> {
        let path = format!("{}{path}", self.base_path);
        let (body, local) = tokio::time::timeout(self.timeout, self.get(&path))
            .await
            .map_err(|_| Error::Timeout { address: self.address, seconds: self.timeout.as_secs() })??;
        let value = serde_json::from_slice(&body).ok().and_then(accept);
        let value = value.ok_or_else(|| Error::NotTraefik { address: self.address, path, expected })?;
        Ok(Answer { text: value.to_string(), local })
    }

    async fn get(&self, path: &str) -> Result<(Bytes, SocketAddr), Error> {
        let stream = TcpStream::connect(self.address).await.map_err(|source| self.connection(source))?;
        let local = stream.local_addr().map_err(|source| self.connection(source))?;
        if let Some(announce) = &self.announce {
            announce(local);
        }
        let http = |source| Error::Http { address: self.address, source };
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
        let exchange = async {
            let mut request = hyper::Request::get(path)
                .header(HOST, &self.host)
                .header(USER_AGENT, agent())
                .header(ACCEPT, "application/json")
                .body(Empty::<Bytes>::new())
                .map_err(|_| Error::Header { name: "Host or path".into(), value: format!("{}{path}", self.host) })?;
            request.headers_mut().extend(self.headers.iter().cloned());
            let response = sender.send_request(request).await.map_err(http)?;
            self.check(path, response.status())?;
            let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
            match body {
                Ok(body) => Ok(body.to_bytes()),
                Err(error) if error.is::<LengthLimitError>() => {
                    Err(Error::TooLarge { address: self.address, path: path.into() })
                }
                Err(error) => Err(self.connection(io::Error::other(error))),
            }
        };
        // Both on this task: nothing is left running when the answer is there or the time is up.
        tokio::pin!(exchange, connection);
        let body = tokio::select! {
            biased;
            body = &mut exchange => body?,
            ended = &mut connection => {
                ended.map_err(http)?;
                exchange.await?
            }
        };
        Ok((body, local))
    }

    fn check(&self, path: &str, status: StatusCode) -> Result<(), Error> {
        let (address, path) = (self.address, path.to_owned());
        match status.as_u16() {
            200 => Ok(()),
            status @ (401 | 403) => Err(Error::Unauthorized { address, path, status }),
            404 => Err(Error::NotFound { address, path }),
            status => Err(Error::Status { address, path, status }),
        }
    }

    fn connection(&self, source: io::Error) -> Error {
        let address = self.address;
        if source.kind() == io::ErrorKind::ConnectionRefused {
            Error::Refused { address }
        } else {
            Error::Connection { address, source }
        }
    }
}

#[cfg(test)]
mod tests;
