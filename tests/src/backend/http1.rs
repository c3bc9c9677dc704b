//! A connection of HTTP/1.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::request::Request;
use super::{Origin, Shared, behaviour};
use crate::load::unix_nanos;
use crate::socket::Socket;

/// What TLS begins with: servers that do not speak it say so in HTTP.
const HANDSHAKE: u8 = 0x16;

pub(super) async fn serve(socket: Socket, origin: Origin, shared: &Shared) -> io::Result<()> {
    let mut stream = BufReader::new(socket);
    if stream.fill_buf().await?.first() == Some(&HANDSHAKE) {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await?;
        return Ok(());
    }
    for ordinal in 0.. {
        let Some(request) = Request::read(&mut stream).await? else {
            return Ok(());
        };
        let place = shared.begin(&request, origin, ordinal);
        let breaks = request.path() == "/reset";
        let answer = behaviour::answer(origin.name, request, &mut stream).await;
        shared.memory.update(place, |received| {
            received.end = unix_nanos();
            received.body = answer.as_ref().ok().and_then(|done| done.body);
            received.close_code = answer.as_ref().ok().and_then(|done| done.close_code);
        });
        if !answer?.keep_alive {
            if origin.tls && !breaks {
                // TLS says that it ends; without that nobody may take the end of the connection for the end of a body.
                stream.shutdown().await?;
            }
            return Ok(());
        }
    }
    Ok(())
}
