//! The pages for people and machines that watch hoptap: `/metrics`, `/healthz`, `/readyz`.
//!
//! Runs beside the pipeline and reads what it shares; it can neither hold the pipeline up nor change anything.

mod listener;
mod page;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub use listener::{BindError, Listener};
pub use page::Pages;

/// Connections served at once; more wait in the kernel's backlog, and each of these ends within [`LIFETIME`].
const CONNECTIONS: usize = 64;

/// From the first byte of a request to the end of its head.
const HEAD: Duration = Duration::from_secs(5);

/// From accept to close. One request per connection: a scrape every few seconds gains nothing from keeping it open,
/// and a reader that stalls cannot hold its place for long. Three times Prometheus's default scrape timeout.
const LIFETIME: Duration = Duration::from_secs(30);

/// After a failed accept, so that running out of descriptors does not become a busy loop.
const PAUSE: Duration = Duration::from_millis(100);

/// What is asked for fits in a few lines; hyper takes no less.
const HEAD_BYTES: usize = 8 * 1024;

impl Listener {
    /// Serves until `shutdown` completes; connections that are open then are dropped.
    ///
    /// # Errors
    /// When the socket cannot be handed to the runtime.
    pub async fn serve(self, pages: Pages, shutdown: impl Future<Output = ()>) -> std::io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.into_inner())?;
        let pages = Arc::new(pages);
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = tokio::task::JoinSet::new();
        let accept = async {
            loop {
                let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                    return;
                };
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let pages = Arc::clone(&pages);
                        connections.spawn(async move {
                            connection(stream, pages).await;
                            drop(place);
                        });
                    }
                    Err(error) => {
                        tracing::debug!(%error, "could not accept a connection");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                // Ended tasks would otherwise stay in the set.
                while connections.try_join_next().is_some() {}
            }
        };
        tokio::select! {
            () = accept => {}
            () = shutdown => {}
        }
        Ok(())
    }
}

async fn connection(stream: TcpStream, pages: Arc<Pages>) {
    let service = service_fn(move |request| {
        let pages = Arc::clone(&pages);
        async move { Ok::<_, Infallible>(pages.answer(&request).await) }
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever went wrong is the peer's affair.
    match timeout(LIFETIME, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended early"),
        Err(_) => tracing::debug!("a connection was too slow"),
    }
}

#[cfg(test)]
mod tests;
