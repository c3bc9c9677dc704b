//! One end of a TCP connection, with or without TLS on it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// Longer than a handshake takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    /// # Errors
    /// Where nothing listens.
    pub async fn connect(peer: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(peer).await.with_context(|| format!("connect to {peer}"))?;
        stream.set_nodelay(true)?;
        Ok(Self::Plain(stream))
    }

    /// Says hello to the server `name` once `prefix` is sent.
    ///
    /// # Errors
    /// Where nothing listens, or the handshake fails.
    pub async fn connect_tls(peer: SocketAddr, prefix: &[u8], config: Arc<ClientConfig>, name: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(peer).await.with_context(|| format!("connect to {peer}"))?;
        stream.set_nodelay(true)?;
        stream.write_all(prefix).await?;
        let name = ServerName::try_from(name.to_owned())?;
        let shaken = timeout(PATIENCE, TlsConnector::from(config).connect(name, stream)).await;
        Ok(Self::Tls(Box::new(shaken.context("a handshake")??.into())))
    }

    /// The server's end of it.
    ///
    /// # Errors
    /// Where the handshake fails.
    pub async fn accept(stream: TcpStream, config: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        match config {
            None => Ok(Self::Plain(stream)),
            Some(config) => Ok(Self::Tls(Box::new(TlsAcceptor::from(config).accept(stream).await?.into()))),
        }
    }

    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// The protocol that the two agreed on in their hellos.
    pub fn protocol(&self) -> Option<&[u8]> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol(),
        }
    }

    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
