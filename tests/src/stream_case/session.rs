//! A case that is a WebSocket session.

use std::time::Duration;

use anyhow::{Result, bail};

use super::message::Message;
use super::{End, Seen, Session, StreamCase};
use crate::client::{Connection, To};
use crate::websocket;

/// Between two messages.
const PAUSE: Duration = Duration::from_millis(5);

impl StreamCase {
    pub(super) async fn converse(
        &self,
        session: Session,
        message: &Message,
        mut connection: Connection,
    ) -> Result<Seen> {
        let mut head = format!("GET {} HTTP/1.1\r\nHost: {}\r\n", message.target, message.host);
        for (name, value) in &message.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n\r\n",
            websocket::KEY
        );
        connection.send(head.as_bytes()).await?;
        let response = connection.response(To::Other).await?;
        let mut seen = Seen { status: Some(response.status), whole: true, ..Seen::default() };
        if response.status != 101 {
            return Ok(seen);
        }
        if response.header("sec-websocket-accept") != Some(websocket::accept(websocket::KEY).as_str()) {
            bail!("expected the hash of the key, found {response:?}");
        }
        let mut bytes = Vec::new();
        for number in 0..session.messages {
            tokio::time::sleep(PAUSE).await;
            let kind = if number % 2 == 0 { websocket::TEXT } else { websocket::BINARY };
            connection.send(&websocket::frame(kind, &vec![b'w'; session.size], true)).await?;
            if let Some(code) = until(&mut connection, &mut bytes, kind).await? {
                seen.close_code = Some(code);
                return Ok(seen);
            }
            seen.messages += 1;
        }
        match session.end {
            End::Close(code) => {
                connection.send(&websocket::close(code, true)).await?;
                seen.close_code = until(&mut connection, &mut bytes, websocket::CLOSE).await?;
            }
            End::Leave => {}
            End::Abort => connection.abort()?,
            End::Wait => {
                // Where the server closes without a word, there is no code.
                let code = until(&mut connection, &mut bytes, websocket::CLOSE).await;
                seen.close_code = code.ok().flatten();
                if let Some(code) = seen.close_code {
                    connection.send(&websocket::close(code, true)).await?;
                }
            }
        }
        Ok(seen)
    }
}

/// Waits for a frame of this kind; the code where it is the last one.
async fn until(connection: &mut Connection, bytes: &mut Vec<u8>, kind: u8) -> Result<Option<u16>> {
    loop {
        while let Some(frame) = websocket::take(bytes) {
            if frame.kind == websocket::CLOSE {
                return Ok(Some(frame.close_code()));
            }
            if frame.kind == kind {
                return Ok(None);
            }
        }
        let more = connection.read().await?;
        if more.is_empty() {
            bail!("expected a frame, found the end");
        }
        bytes.extend(more);
    }
}
