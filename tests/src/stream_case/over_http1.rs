//! A case over HTTP/1, with or without TLS.

use std::time::Duration;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::message::Message;
use super::{Act, Body, Seen, StreamCase};
use crate::client::{Connection, Response, To};
use crate::grpc::Messages;

impl StreamCase {
    /// What was seen, and the connection where it can carry another request.
    pub(super) async fn over_http1(
        &self,
        message: &Message,
        mut connection: Connection,
    ) -> Result<(Seen, Option<Connection>)> {
        let mut seen = Seen::default();
        // Its length is not known before: chunks, as every client would send.
        let chunked = matches!(self.body, Body::Slowly(..) | Body::Trailed(_) | Body::Messages(..));
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", message.method, message.target, message.host);
        for (name, value) in &message.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let pieces = self.body.pieces();
        if chunked {
            head += "Transfer-Encoding: chunked\r\n";
        } else if matches!(self.body, Body::Web { .. }) {
            head += &format!("Content-Length: {}\r\n", pieces.iter().map(|(_, piece)| piece.len()).sum::<usize>());
        }
        connection.send(format!("{head}\r\n").as_bytes()).await?;
        for (pause, piece) in pieces {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            if chunked {
                let framed = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
                connection.send(&framed).await?;
            } else {
                connection.send(&piece).await?;
            }
        }
        if chunked {
            let trailers = self.body.trailers().map(|(name, value)| format!("{name}: {value}\r\n"));
            connection.send(format!("0\r\n{}\r\n", trailers.unwrap_or_default()).as_bytes()).await?;
        }
        match self.act {
            Act::ResetAfter(milliseconds) | Act::HangUpAfter(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                if matches!(self.act, Act::ResetAfter(_)) {
                    connection.abort()?;
                }
                return Ok((seen, None));
            }
            Act::ResetAt(size) => {
                let mut bytes = Vec::new();
                let end = loop {
                    if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                        break end + 4;
                    }
                    bytes.extend(connection.read().await?);
                };
                while bytes.len() < end + size {
                    bytes.extend(connection.read().await?);
                }
                return Ok((seen, None));
            }
            Act::Read | Act::ReadSlowly | Act::GoAwayAfter(_) => {}
        }
        let response = connection.response(To::of(message.method.as_bytes())).await?;
        seen.status = Some(response.status);
        seen.interim = response.interim.len();
        seen.size = response.size;
        seen.whole = !response.incomplete;
        if let Body::Web { text, .. } = self.body {
            let mut messages = Messages::default();
            messages.push(&if text { plain(&response) } else { response.body.clone() });
            seen.messages = messages.count;
            let of_head = response.header("grpc-status").and_then(|status| status.parse().ok());
            seen.rpc_status = messages.web_status().or(of_head);
        }
        let kept = (!response.last && seen.whole).then_some(connection);
        Ok((seen, kept))
    }
}

/// Base64 in parts that are each padded.
fn plain(response: &Response) -> Vec<u8> {
    response.body.chunks(4).filter_map(|four| STANDARD.decode(four).ok()).flatten().collect()
}
