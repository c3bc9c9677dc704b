//! One question to an engine's API, over its socket.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

/// A list of thousands of containers.
const LONGEST: usize = 16 << 20;

const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0}")]
    Connect(io::Error),
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
    #[error("it does not speak HTTP as expected: {0}")]
    Http(#[from] hyper::Error),
    #[error("expected status 200 for {path}, found {status}")]
    Status { path: String, status: u16 },
    #[error("expected the JSON of Docker's API for {0}, found something else")]
    Other(String),
}

/// The head of an answer; its body comes as it comes.
pub(super) async fn open(socket: &Path, path: &str) -> Result<Incoming, Error> {
    tokio::time::timeout(TIMEOUT, async {
        let stream = UnixStream::connect(socket).await.map_err(Error::Connect)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the answer, or with whoever reads it.
        tokio::spawn(async move { drop(connection.await) });
        let request = hyper::Request::get(path).header(HOST, "docker").body(Empty::<Bytes>::new());
        let request = request.map_err(|_| Error::Other(path.into()))?;
        let response = sender.send_request(request).await?;
        match response.status().as_u16() {
            200 => Ok(response.into_body()),
            status => Err(Error::Status { path: path.into(), status }),
        }
    })
    .await
    .map_err(|_| Error::Timeout)?
}

/// A whole answer.
pub(super) async fn get<T: serde::de::DeserializeOwned>(socket: &Path, path: &str) -> Result<T, Error> {
    let body = Limited::new(open(socket, path).await?, LONGEST).collect();
    let body = tokio::time::timeout(TIMEOUT, body).await.map_err(|_| Error::Timeout)?;
    let body = body.map_err(|_| Error::Other(path.into()))?.to_bytes();
    serde_json::from_slice(&body).map_err(|_| Error::Other(path.into()))
}
