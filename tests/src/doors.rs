//! The ways into Traefik: an address for each entrypoint, and hellos for those that speak TLS.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio_rustls::rustls::ClientConfig;

use crate::certificates::{Certificates, Hello};
use crate::socket::Socket;

#[derive(Debug)]
pub struct Doors {
    addresses: HashMap<String, SocketAddr>,
    certificates: Option<Arc<Certificates>>,
    /// One for each hello, so that later handshakes resume the sessions of earlier ones, as those of real clients do.
    hellos: Mutex<HashMap<Hello, Arc<ClientConfig>>>,
}

impl Doors {
    pub fn new(addresses: HashMap<String, SocketAddr>, certificates: Option<Arc<Certificates>>) -> Self {
        Self { addresses, certificates, hellos: Mutex::default() }
    }

    /// # Errors
    /// Where there is no such entrypoint.
    pub fn address(&self, entrypoint: &str) -> Result<SocketAddr> {
        let address = self.addresses.get(entrypoint).copied();
        address.with_context(|| format!("expected an entrypoint {entrypoint:?} in {:?}", self.addresses))
    }

    /// # Errors
    /// Where Traefik does not listen.
    pub async fn plain(&self, entrypoint: &str) -> Result<Socket> {
        Socket::connect(self.address(entrypoint)?).await
    }

    /// A TLS connection to `name`, behind a `prefix` that is sent without TLS.
    ///
    /// # Errors
    /// Where Traefik does not listen, or the handshake fails.
    pub async fn tls(&self, entrypoint: &str, prefix: &[u8], hello: Hello, name: &str) -> Result<Socket> {
        Socket::connect_tls(self.address(entrypoint)?, prefix, self.hello(hello)?, name).await
    }

    /// # Errors
    /// Where the lab has no certificates.
    pub fn certificates(&self) -> Result<&Certificates> {
        self.certificates.as_deref().context("expected a lab with certificates")
    }

    fn hello(&self, hello: Hello) -> Result<Arc<ClientConfig>> {
        let mut hellos = self.hellos.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = hellos.get(&hello) {
            return Ok(Arc::clone(known));
        }
        let config = self.certificates()?.client(hello)?;
        hellos.insert(hello, Arc::clone(&config));
        Ok(config)
    }
}
