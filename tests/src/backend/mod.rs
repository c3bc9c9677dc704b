//! Backends in this process: servers that behave, or misbehave, as the path of each request says, and that remember
//! every request, so that a test can compare what Traefik sent with what it says it sent.

mod behaviour;
mod http1;
mod http2;
mod received;
mod request;
mod rpc;
mod session;
mod stream;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::rustls::ServerConfig;

pub use received::{Received, Rpc};

use crate::frames::Settings;
use crate::load::unix_nanos;
use crate::socket::Socket;
use received::{Memory, Place};
use request::Request;

/// What a backend is and speaks.
#[derive(Debug, Clone, Default)]
pub struct Backend {
    /// What it calls itself in its answers.
    pub name: &'static str,
    /// With TLS the hellos decide on the protocol.
    pub tls: Option<Arc<ServerConfig>>,
    /// HTTP/2 without being asked.
    pub http2: bool,
    pub settings: Settings,
}

/// Several listeners on the loopback; closed when dropped.
#[derive(Debug)]
pub struct Backends {
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
    accepting: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    backends: Vec<Backend>,
    memory: Memory,
    connections: AtomicU64,
    /// Ids of requests that are refused the first time.
    refused: Mutex<HashSet<Option<String>>>,
}

/// Whence a request came.
#[derive(Debug, Clone, Copy)]
struct Origin {
    backend: usize,
    name: &'static str,
    peer: SocketAddr,
    tls: bool,
    connection: u64,
}

impl Backends {
    /// One listener for each name, for HTTP/1.
    ///
    /// # Errors
    /// Where no port can be bound.
    pub async fn start(names: &[&'static str]) -> Result<Self> {
        Self::listen(&named(names), false).await
    }

    /// The same without a memory of what came.
    ///
    /// # Errors
    /// Where no port can be bound.
    pub async fn start_forgetful(names: &[&'static str]) -> Result<Self> {
        Self::listen(&named(names), true).await
    }

    /// One listener for each.
    ///
    /// # Errors
    /// Where no port can be bound.
    pub async fn listen(backends: &[Backend], forgets: bool) -> Result<Self> {
        let memory = Memory::new(forgets);
        let shared = Arc::new(Shared { backends: backends.to_vec(), memory, ..Shared::default() });
        let mut addresses = Vec::new();
        let mut accepting = Vec::new();
        for index in 0..backends.len() {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            addresses.push(listener.local_addr()?);
            accepting.push(tokio::spawn(accept(listener, index, Arc::clone(&shared))));
        }
        Ok(Self { addresses, shared, accepting })
    }

    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Names and addresses.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        self.shared.backends.iter().map(|backend| backend.name).zip(self.addresses.iter().copied())
    }

    /// Everything that came since the start or the last [`clear`](Self::clear), in the order of arrival.
    pub fn received(&self) -> Vec<Received> {
        self.shared.memory.all()
    }

    /// The same, of one id.
    pub fn received_of(&self, id: &str) -> Vec<Received> {
        let mut all = self.received();
        all.retain(|received| received.id.as_deref() == Some(id));
        all
    }

    pub fn clear(&self) {
        self.shared.memory.clear();
    }
}

impl Drop for Backends {
    fn drop(&mut self) {
        for task in &self.accepting {
            task.abort();
        }
    }
}

impl Shared {
    /// True for the first request with its id.
    fn is_first(&self, request: &Request) -> bool {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(request.id())
    }

    fn begin(&self, request: &Request, origin: Origin, ordinal: u64) -> Place {
        self.memory.begin(Received {
            id: request.id(),
            method: request.method.clone(),
            target: request.target.clone(),
            version: request.version.clone(),
            headers: request.headers.clone(),
            backend: origin.backend,
            tls: origin.tls,
            connection: origin.connection,
            ordinal,
            peer: Some(origin.peer),
            start: unix_nanos(),
            ..Received::default()
        })
    }
}

fn named(names: &[&'static str]) -> Vec<Backend> {
    names.iter().map(|&name| Backend { name, ..Backend::default() }).collect()
}

async fn accept(listener: TcpListener, index: usize, shared: Arc<Shared>) {
    while let Ok((stream, peer)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // A broken connection is what many cases are about: the record tells of it.
            let _broken = serve(stream, peer, index, &shared).await;
        });
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, index: usize, shared: &Arc<Shared>) -> std::io::Result<()> {
    let Some(backend) = shared.backends.get(index) else { return Ok(()) };
    let socket = Socket::accept(stream, backend.tls.clone()).await?;
    let connection = shared.connections.fetch_add(1, Ordering::Relaxed);
    let origin = Origin { backend: index, name: backend.name, peer, tls: socket.is_tls(), connection };
    if backend.http2 || socket.protocol() == Some(b"h2") {
        return http2::serve(socket, origin, backend.settings, shared).await;
    }
    http1::serve(socket, origin, shared).await
}
