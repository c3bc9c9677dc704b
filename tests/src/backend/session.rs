//! A WebSocket session: it echoes messages, and ends as the client or the path says. `k` messages are answered before
//! it closes by itself with the code `c`, or without a word where that is 0.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};

use super::request::Request;
use crate::socket::Socket;
use crate::websocket;

/// The code that it ended with, and the bytes that came.
pub(super) async fn serve(request: &Request, stream: &mut BufReader<Socket>) -> io::Result<(u16, u64)> {
    let accept = websocket::accept(request.header("sec-websocket-key").unwrap_or_default());
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    send(stream, head.as_bytes()).await?;
    let closing = request.number("c").and_then(|code| u16::try_from(code).ok());
    let answers = request.number("k").unwrap_or(u64::MAX);
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 16 * 1024]);
    let (mut total, mut answered) = (0, 0);
    loop {
        while let Some(frame) = websocket::take(&mut bytes) {
            match frame.kind {
                websocket::CLOSE => {
                    let code = frame.close_code();
                    send(stream, &websocket::close(code, false)).await?;
                    return Ok((code, total));
                }
                websocket::PING => send(stream, &websocket::frame(websocket::PONG, &frame.payload, false)).await?,
                websocket::PONG => {}
                kind => {
                    send(stream, &websocket::frame(kind, &frame.payload, false)).await?;
                    answered += 1;
                }
            }
            if answered == answers {
                match closing {
                    Some(code) if code > 0 => send(stream, &websocket::close(code, false)).await?,
                    _ => return Ok((0, total)),
                }
                return Ok((closing.unwrap_or_default(), total + drain(stream, &mut piece).await));
            }
        }
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Ok((0, total));
        }
        total += read as u64;
        bytes.extend_from_slice(&piece[..read]);
    }
}

/// Waits for the client to close, too.
async fn drain(stream: &mut BufReader<Socket>, piece: &mut [u8]) -> u64 {
    let mut total = 0;
    while let Ok(read @ 1..) = stream.read(piece).await {
        total += read as u64;
    }
    total
}

async fn send(stream: &mut BufReader<Socket>, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}
