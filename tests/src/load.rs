//! A bounded load over kept connections, each request with an id of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;

use crate::client::Connection;

/// How much, over how many connections, of what.
#[derive(Debug, Clone)]
pub struct Load {
    pub to: SocketAddr,
    pub connections: usize,
    pub requests: usize,
    /// Raw requests, used in turn; `{id}` stands for the id.
    pub templates: Vec<String>,
    /// Before the numbers in each id.
    pub label: String,
}

/// What the client saw of one request.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub id: String,
    /// Which of the templates.
    pub template: usize,
    pub status: u16,
    /// Body bytes of the response.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub start: u64,
    pub duration: Duration,
    /// Address of the client's side.
    pub local: SocketAddr,
    /// Count of requests on this connection before it.
    pub ordinal: usize,
}

impl Load {
    /// Sends all requests and waits for all responses.
    ///
    /// # Errors
    /// Where a connection breaks in the middle of a response.
    pub async fn run(&self) -> Result<Vec<Outcome>> {
        let next = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> =
            (0..self.connections).map(|_| tokio::spawn(worker(self.clone(), Arc::clone(&next)))).collect();
        let mut outcomes = Vec::with_capacity(self.requests);
        for worker in workers {
            outcomes.extend(worker.await??);
        }
        Ok(outcomes)
    }
}

async fn worker(load: Load, next: Arc<AtomicUsize>) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    let mut open: Option<(Connection, usize)> = None;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= load.requests {
            return Ok(outcomes);
        }
        let template = number % load.templates.len();
        let id = format!("{}-{number}", load.label);
        let request = load.templates[template].replace("{id}", &id);
        let (mut connection, ordinal) = match open.take() {
            Some(kept) => kept,
            None => (Connection::open(load.to).await?, 0),
        };
        let begun = Instant::now();
        let start = unix_nanos();
        let response = connection.exchange(request.as_bytes()).await?;
        outcomes.push(Outcome {
            id,
            template,
            status: response.status,
            size: response.size,
            start,
            duration: begun.elapsed(),
            local: connection.local,
            ordinal,
        });
        if !response.last {
            open = Some((connection, ordinal + 1));
        }
    }
}

/// Nanoseconds since 1970.
pub fn unix_nanos() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
