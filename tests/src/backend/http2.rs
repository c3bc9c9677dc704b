//! A connection of HTTP/2.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use h2::server::Builder;
use tokio::sync::mpsc;

use super::request::Request;
use super::stream::{self, Stream};
use super::{Origin, Shared};
use crate::frames::{Settings, Wire};
use crate::socket::Socket;

/// What a request does to the connection that carries it.
#[derive(Debug)]
pub(super) enum Order {
    /// Streams under way are finished, then the connection ends.
    GoAway,
    /// The connection ends at once, with this reason.
    GoAwayNow(h2::Reason),
    /// The same without a word.
    HangUp,
    /// Bytes between two frames.
    Send(Vec<u8>),
}

pub(super) async fn serve(socket: Socket, origin: Origin, settings: Settings, shared: &Arc<Shared>) -> io::Result<()> {
    let wire = Wire::new(socket, false, settings);
    let injector = wire.injector();
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(250)
        .initial_window_size(settings.window.unwrap_or(1 << 20))
        .initial_connection_window_size(16 << 20)
        .max_header_list_size(4 << 20)
        // Clients that leave are what many cases are about.
        .max_concurrent_reset_streams(1000)
        .max_pending_accept_reset_streams(1000)
        .max_local_error_reset_streams(None);
    if let Some(size) = settings.table {
        builder.header_table_size(size);
    }
    let mut connection = builder.handshake::<_, Bytes>(wire).await.map_err(io::Error::other)?;
    let (orders, mut ordered) = mpsc::unbounded_channel();
    let mut ordinal = 0;
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(accepted) = accepted else { return Ok(()) };
                let (head, respond) = accepted.map_err(io::Error::other)?;
                let (head, body) = head.into_parts();
                let request = Request::of_http2(&head);
                let place = shared.begin(&request, origin, ordinal);
                ordinal += 1;
                let id = respond.stream_id().as_u32();
                let stream =
                    Stream { request, body, respond, orders: orders.clone(), id, place, shared: Arc::clone(shared) };
                tokio::spawn(stream::serve(stream, origin.name));
            }
            order = ordered.recv() => match order {
                Some(Order::GoAway) => connection.graceful_shutdown(),
                Some(Order::GoAwayNow(reason)) => connection.abrupt_shutdown(reason),
                Some(Order::Send(bytes)) => injector.send(bytes),
                Some(Order::HangUp) => injector.hang_up(),
                None => return Ok(()),
            },
        }
    }
}
