//! One connection to the collector: TCP, TLS where the URL says so, HTTP/1.1 or HTTP/2.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::{Read, Write};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto, version};

use super::settings::{Endpoint, Protocol, Settings};

/// Takes requests, one at a time.
pub(super) enum Connection {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    /// Dials. `tls` is used where the endpoint says so.
    pub(super) async fn open(endpoint: &Endpoint, protocol: Protocol, tls: Option<&TlsConnector>) -> io::Result<Self> {
        let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?;
        stream.set_nodelay(true)?;
        match tls {
            None => Self::handshake(TokioIo::new(stream), protocol).await,
            Some(tls) => {
                let name = ServerName::try_from(endpoint.host.clone()).map_err(io::Error::other)?;
                let stream = tls.connect(name, stream).await?;
                Self::handshake(TokioIo::new(stream), protocol).await
            }
        }
    }

    async fn handshake<T>(stream: T, protocol: Protocol) -> io::Result<Self>
    where
        T: Read + Write + Unpin + Send + 'static,
    {
        // The tasks end with the connection: when the collector closes it, or when this value is dropped.
        if protocol == Protocol::Grpc {
            let (sender, driver) = http2::handshake(TokioExecutor::new(), stream).await.map_err(io::Error::other)?;
            tokio::spawn(driver);
            Ok(Self::Http2(sender))
        } else {
            let (sender, driver) = http1::handshake(stream).await.map_err(io::Error::other)?;
            tokio::spawn(driver);
            Ok(Self::Http1(sender))
        }
    }

    /// Says whether another request can be tried on it.
    pub(super) async fn is_ready(&mut self) -> bool {
        match self {
            Self::Http1(sender) => sender.ready().await.is_ok(),
            Self::Http2(sender) => sender.ready().await.is_ok(),
        }
    }

    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::Http1(sender) => sender.send_request(request).await,
            Self::Http2(sender) => sender.send_request(request).await,
        }
    }
}

/// What TLS needs, or None where the endpoint is in the clear.
///
/// # Errors
/// A file of certificates that cannot be read, named in the message.
pub(super) fn tls(settings: &Settings) -> io::Result<Option<TlsConnector>> {
    if !settings.endpoint.tls {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    match &settings.authorities {
        Some(file) => {
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(io::Error::other)?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(io::Error::other)?
        .with_root_certificates(roots);
    let mut config = match (&settings.client_certificate, &settings.client_key) {
        (Some(certificate), Some(key)) => config
            .with_client_auth_cert(
                certificates(certificate)?,
                PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?,
            )
            .map_err(io::Error::other)?,
        _ => config.with_no_client_auth(),
    };
    config.alpn_protocols = match settings.protocol {
        Protocol::Grpc => vec![b"h2".to_vec()],
        _ => vec![b"http/1.1".to_vec()],
    };
    Ok(Some(TlsConnector::from(Arc::new(config))))
}

fn certificates(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(file).and_then(Iterator::collect).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &dyn std::error::Error) -> io::Error {
    let file = file.display();
    io::Error::other(format!("{file}: expected certificates or a key in PEM: {error}"))
}
