//! An HTTP/2 client: many requests at once on one connection, each of which may be left in the middle.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use http::Request;
use tokio::task::JoinHandle;

use crate::frames::{self, Injector, Settings, Wire};
use crate::socket::Socket;

/// Ends by itself when the last request on it has ended and its owner is gone.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Bytes>,
    driver: JoinHandle<()>,
    injector: Injector,
    pub local: SocketAddr,
}

impl Connection {
    /// # Errors
    /// Where the connection is gone.
    pub async fn over(socket: Socket, settings: Settings) -> Result<Self> {
        let local = socket.tcp().local_addr()?;
        let wire = Wire::new(socket, true, settings);
        let injector = wire.injector();
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(settings.window.unwrap_or(1 << 20))
            .initial_connection_window_size(16 << 20)
            .max_header_list_size(4 << 20)
            .max_concurrent_reset_streams(1000)
            .max_pending_accept_reset_streams(1000);
        if let Some(size) = settings.table {
            builder.header_table_size(size);
        }
        let (sender, connection) = builder.handshake::<_, Bytes>(wire).await?;
        let driver = tokio::spawn(async move {
            // A connection that breaks is told to each of its streams.
            let _broken = connection.await;
        });
        Ok(Self { sender, driver, injector, local })
    }

    /// Sends the head of a request, or all of it.
    ///
    /// # Errors
    /// Where the connection takes no more requests.
    pub async fn send(&self, request: Request<()>, ends: bool) -> Result<(ResponseFuture, SendStream<Bytes>)> {
        let mut sender = self.sender.clone().ready().await.context("a connection for a request")?;
        Ok(sender.send_request(request, ends)?)
    }

    /// Closes the socket, whatever is under way.
    pub fn hang_up(&self) {
        self.driver.abort();
    }

    /// Says that it will start no more streams, and still reads those under way.
    pub fn say_goodbye(&self) {
        self.injector.send(frames::goaway(0, Reason::NO_ERROR.into()));
    }

    pub fn is_open(&self) -> bool {
        !self.driver.is_finished()
    }
}
