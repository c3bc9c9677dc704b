//! A case over HTTP/3.

use std::future::pending;
use std::time::Duration;

use anyhow::Result;
use bytes::{Buf, Bytes};
use h3::error::Code;
use http::{HeaderMap, HeaderValue};

use super::message::Message;
use super::over_http2::rpc_status;
use super::{Act, Body, Seen, StreamCase};
use crate::grpc::Messages;
use crate::http3::{Connection, Stream};

/// Before a slow reader reads on.
const PAUSE: Duration = Duration::from_millis(3);

impl StreamCase {
    pub(super) async fn over_http3(&self, message: &Message, connection: &Connection) -> Result<Seen> {
        let mut stream = connection.send(message.request("https")?).await?;
        let mut seen = Seen::default();
        let act = self.act;
        let deadline = async {
            match act {
                Act::ResetAfter(milliseconds) | Act::HangUpAfter(milliseconds) => {
                    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                }
                _ => pending().await,
            }
        };
        tokio::select! {
            biased;
            outcome = exchange(self.body, act, &mut stream, &mut seen) => {
                if let Err(error) = outcome {
                    seen.broken = format!("{error:#}");
                }
            }
            () = deadline => {}
        }
        match act {
            Act::ResetAfter(_) | Act::ResetAt(_) => {
                stream.stop_stream(Code::H3_REQUEST_CANCELLED);
                // Whoever drops a stream that he has not read to the end asks to stop it: h3-quinn cannot say it in the
                // middle of a read. The connection may end with this case: that must be on its way before.
                drop(stream);
                tokio::time::sleep(PAUSE * 5).await;
            }
            Act::HangUpAfter(_) => connection.hang_up(),
            _ => {}
        }
        Ok(seen)
    }
}

async fn write(body: Body, stream: &mut Stream) -> Result<()> {
    for (pause, piece) in body.pieces() {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        stream.send_data(Bytes::from(piece)).await?;
    }
    if let Some((name, value)) = body.trailers() {
        let mut trailers = HeaderMap::new();
        trailers.insert(name, HeaderValue::from_static(value));
        stream.send_trailers(trailers).await?;
    }
    if !body.is_open() {
        stream.finish().await?;
    }
    Ok(())
}

async fn exchange(body: Body, act: Act, stream: &mut Stream, seen: &mut Seen) -> Result<()> {
    // A server may answer and stop to read before it has seen the end: the response is what counts.
    let _cut_short = write(body, stream).await;
    let response = loop {
        let response = stream.recv_response().await?;
        if !response.status().is_informational() {
            break response;
        }
        seen.interim += 1;
    };
    seen.status = Some(response.status().as_u16());
    seen.rpc_status = rpc_status(response.headers());
    let mut messages = Messages::default();
    loop {
        if matches!(act, Act::ResetAt(size) if seen.size >= size as u64) {
            return Ok(());
        }
        let Some(mut data) = stream.recv_data().await? else { break };
        let data = data.copy_to_bytes(data.remaining());
        seen.size += data.len() as u64;
        messages.push(&data);
        seen.messages = messages.count;
        if act == Act::ReadSlowly {
            tokio::time::sleep(PAUSE).await;
        }
    }
    if let Some(trailers) = stream.recv_trailers().await? {
        seen.rpc_status = rpc_status(&trailers).or(seen.rpc_status);
    }
    seen.whole = true;
    Ok(())
}
