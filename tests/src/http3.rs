//! An HTTP/3 client, as far as cases need one.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use h3::client::{RequestStream, SendRequest};
use h3_quinn::{BidiStream, OpenStreams};
use http::Request;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Endpoint, VarInt};
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;

/// Longer than a handshake takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Closed when dropped.
pub struct Connection {
    sender: SendRequest<OpenStreams, Bytes>,
    quic: quinn::Connection,
    endpoint: Endpoint,
    pub local: SocketAddr,
}

pub type Stream = RequestStream<BidiStream<Bytes>, Bytes>;

impl Connection {
    /// # Errors
    /// Where nothing answers, or the handshake fails.
    pub async fn open(peer: SocketAddr, config: ClientConfig, name: &str) -> Result<Self> {
        let mut endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(config)?)));
        let quic = timeout(PATIENCE, endpoint.connect(peer, name)?).await.context("a handshake over UDP")??;
        let (mut driver, sender) = h3::client::new(h3_quinn::Connection::new(quic.clone())).await?;
        tokio::spawn(async move {
            // A connection that breaks is told to each of its streams.
            let _closed = driver.wait_idle().await;
        });
        let local = endpoint.local_addr()?;
        Ok(Self { sender, quic, endpoint, local })
    }

    /// Sends the head of a request.
    ///
    /// # Errors
    /// Where the connection takes no more requests.
    pub async fn send(&self, request: Request<()>) -> Result<Stream> {
        Ok(self.sender.clone().send_request(request).await?)
    }

    /// Closes the connection, whatever is under way.
    pub fn hang_up(&self) {
        self.quic.close(VarInt::from_u32(0x100), b"");
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // H3_NO_ERROR; the endpoint's own task sends it.
        self.endpoint.close(VarInt::from_u32(0x100), b"");
    }
}
