//! A bounded load of HTTP/2 over TLS: the same request on few connections, each with many streams under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use h2::Reason;
use http::Request;
use tokio::task::JoinSet;

use crate::certificates::Hello;
use crate::doors::Doors;
use crate::frames::Settings;
use crate::http2::Connection;

#[derive(Debug, Clone)]
pub struct Streams {
    pub doors: Arc<Doors>,
    pub connections: usize,
    /// Under way on each connection.
    pub at_once: usize,
    pub requests: usize,
    /// Used in turn; each request has a query of its own.
    pub hosts: Vec<&'static str>,
    /// One in so many is reset by the client; 0: none.
    pub reset_one_in: usize,
}

impl Streams {
    /// Sends all requests and waits for all responses.
    ///
    /// # Errors
    /// Where a connection breaks, or a response is not 200.
    pub async fn run(&self) -> Result<()> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..self.connections {
            let hello = Hello { http2: true, ..Hello::default() };
            let socket = self.doors.tls("websecure", b"", hello, "any.test").await?;
            let connection = Arc::new(Connection::over(socket, Settings::default()).await?);
            for _ in 0..self.at_once {
                workers.spawn(worker(self.clone(), Arc::clone(&connection), Arc::clone(&next)));
            }
        }
        while let Some(worker) = workers.join_next().await {
            worker??;
        }
        Ok(())
    }
}

async fn worker(load: Streams, connection: Arc<Connection>, next: Arc<AtomicUsize>) -> Result<()> {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= load.requests {
            return Ok(());
        }
        let host = load.hosts[number % load.hosts.len()];
        let request = Request::get(format!("https://{host}/x?n={number}")).body(())?;
        let (response, mut sender) = connection.send(request, true).await?;
        if load.reset_one_in > 0 && number.is_multiple_of(load.reset_one_in) {
            // Long enough for the head to be on its way.
            tokio::time::sleep(Duration::from_millis(1)).await;
            sender.send_reset(Reason::CANCEL);
            continue;
        }
        let response = response.await?;
        ensure!(response.status() == 200, "expected 200, found {}", response.status());
        let mut body = response.into_body();
        while let Some(data) = body.data().await {
            let size = data?.len();
            body.flow_control().release_capacity(size)?;
        }
    }
}
