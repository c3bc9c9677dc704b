//! Backends in this process: HTTP/1 servers that behave, or misbehave, as the path of each request says, and that
//! remember every request, so that a test can compare what Traefik sent with what it says it sent.

mod behaviour;
mod request;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::load::unix_nanos;
use request::Request;

/// What a backend saw of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// X-Request-Id, or `id` of the query.
    pub id: Option<String>,
    pub method: String,
    pub target: String,
    pub version: String,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// Which of the backends.
    pub backend: usize,
    /// Counts the connections of all backends.
    pub connection: u64,
    /// Requests on this connection before it.
    pub ordinal: u64,
    /// Traefik's address.
    pub peer: Option<SocketAddr>,
    /// Bytes of the body after its framing was taken off; `None` where it was not read.
    pub body: Option<u64>,
    /// Nanoseconds since 1970, when the head was read.
    pub start: u64,
    /// The same, when the response was sent or given up; 0 while under way.
    pub end: u64,
}

impl Received {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        crate::client::find(&self.headers, name)
    }
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
    names: Vec<String>,
    received: Mutex<Vec<Received>>,
    connections: AtomicU64,
    /// Benchmarks send too many requests to remember them.
    forgets: bool,
}

impl Backends {
    /// One listener for each name; the name is what the backend calls itself in its answers.
    ///
    /// # Errors
    /// Where no port can be bound.
    pub async fn start(names: &[&str]) -> Result<Self> {
        Self::listen(names, false).await
    }

    /// The same without a memory of what came.
    ///
    /// # Errors
    /// Where no port can be bound.
    pub async fn start_forgetful(names: &[&str]) -> Result<Self> {
        Self::listen(names, true).await
    }

    async fn listen(names: &[&str], forgets: bool) -> Result<Self> {
        let shared = Arc::new(Shared {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            forgets,
            ..Shared::default()
        });
        let mut addresses = Vec::new();
        let mut accepting = Vec::new();
        for index in 0..names.len() {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            addresses.push(listener.local_addr()?);
            accepting.push(tokio::spawn(accept(listener, index, Arc::clone(&shared))));
        }
        Ok(Self { addresses, shared, accepting })
    }

    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Everything that came since the start or the last [`clear`](Self::clear), in the order of arrival.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// The same, of one id.
    pub fn received_of(&self, id: &str) -> Vec<Received> {
        let mut all = self.received();
        all.retain(|received| received.id.as_deref() == Some(id));
        all
    }

    pub fn clear(&self) {
        lock(&self.shared.received).clear();
    }
}

impl Drop for Backends {
    fn drop(&mut self) {
        for task in &self.accepting {
            task.abort();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, backend: usize, shared: Arc<Shared>) {
    while let Ok((stream, peer)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let connection = shared.connections.fetch_add(1, Ordering::Relaxed);
            // A broken connection is what many cases are about: the record tells of it.
            let _broken = serve(stream, peer, backend, connection, &shared).await;
        });
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    backend: usize,
    connection: u64,
    shared: &Shared,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let name = shared.names.get(backend).map_or("", String::as_str);
    for ordinal in 0.. {
        let Some(request) = Request::read(&mut stream).await? else {
            return Ok(());
        };
        let mut place = None;
        if !shared.forgets {
            let mut received = lock(&shared.received);
            place = Some(received.len());
            received.push(Received {
                id: request.id(),
                method: request.method.clone(),
                target: request.target.clone(),
                version: request.version.clone(),
                headers: request.headers.clone(),
                backend,
                connection,
                ordinal,
                peer: Some(peer),
                start: unix_nanos(),
                ..Received::default()
            });
        }
        let id = request.id();
        let answer = behaviour::answer(name, request, &mut stream).await;
        if let Some(place) = place
            && let Some(received) = lock(&shared.received).get_mut(place)
            // It may have been cleared in between.
            && received.id == id
        {
            received.end = unix_nanos();
            received.body = answer.as_ref().ok().and_then(|done| done.body);
        }
        if !answer?.keep_alive {
            return Ok(());
        }
    }
    Ok(())
}
