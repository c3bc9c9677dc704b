//! A case over HTTP/2.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue};

use super::message::Message;
use super::{Act, Body, Seen, StreamCase};
use crate::grpc::Messages;
use crate::http2::Connection;

/// Before a slow reader makes room for what it has read.
const PAUSE: Duration = Duration::from_millis(3);

impl StreamCase {
    pub(super) async fn over_http2(&self, message: &Message, connection: &Connection) -> Result<Seen> {
        let request = message.request(if self.over.is_tls() { "https" } else { "http" })?;
        let ends = self.body == Body::None;
        let (response, mut sender) = connection.send(request, ends).await?;
        let mut seen = Seen::default();
        let (act, body) = (self.act, self.body);
        let deadline = async {
            match act {
                Act::ResetAfter(milliseconds) | Act::HangUpAfter(milliseconds) => {
                    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                }
                Act::GoAwayAfter(milliseconds) => {
                    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                    connection.say_goodbye();
                    pending::<()>().await;
                }
                _ => pending().await,
            }
        };
        let writing = async {
            if !ends {
                // A server may answer and end before it has read all: the response is what counts.
                let _cut_short = write(body, &mut sender).await;
            }
            pending::<()>().await;
        };
        tokio::select! {
            biased;
            outcome = read(act, response, &mut seen) => {
                if let Err(error) = outcome {
                    seen.broken = format!("{error:#}");
                }
            }
            () = writing => {}
            () = deadline => {}
        }
        match self.act {
            Act::ResetAfter(_) => sender.send_reset(Reason::CANCEL),
            Act::HangUpAfter(_) => connection.hang_up(),
            _ => {}
        }
        Ok(seen)
    }
}

async fn write(body: Body, sender: &mut SendStream<Bytes>) -> Result<()> {
    let pieces = body.pieces();
    let last = pieces.len().saturating_sub(1);
    let trailers = body.trailers();
    for (number, (pause, piece)) in pieces.into_iter().enumerate() {
        if pause > 0 {
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        let mut piece = Bytes::from(piece);
        let ends = number == last && trailers.is_none() && !body.is_open();
        loop {
            sender.reserve_capacity(piece.len());
            let room = match poll_fn(|context| sender.poll_capacity(context)).await {
                Some(room) => room?,
                None => return Ok(()),
            };
            let now = piece.split_to(room.min(piece.len()));
            sender.send_data(now, ends && piece.is_empty())?;
            if piece.is_empty() {
                break;
            }
        }
    }
    if let Some((name, value)) = trailers {
        let mut map = HeaderMap::new();
        map.insert(name, HeaderValue::from_static(value));
        sender.send_trailers(map)?;
    }
    Ok(())
}

async fn read(act: Act, mut response: ResponseFuture, seen: &mut Seen) -> Result<()> {
    let response = poll_fn(|context| {
        while let Poll::Ready(Some(Ok(_))) = response.poll_informational(context) {
            seen.interim += 1;
        }
        Pin::new(&mut response).poll(context)
    })
    .await?;
    seen.status = Some(response.status().as_u16());
    seen.rpc_status = rpc_status(response.headers());
    let mut body: RecvStream = response.into_body();
    let mut messages = Messages::default();
    loop {
        if matches!(act, Act::ResetAt(size) if seen.size >= size as u64) {
            // Whoever drops a stream that has not ended resets it.
            return Ok(());
        }
        let Some(data) = body.data().await else { break };
        let data = data?;
        seen.size += data.len() as u64;
        messages.push(&data);
        seen.messages = messages.count;
        if act == Act::ReadSlowly {
            tokio::time::sleep(PAUSE).await;
        }
        body.flow_control().release_capacity(data.len())?;
    }
    if let Some(trailers) = body.trailers().await? {
        seen.rpc_status = rpc_status(&trailers).or(seen.rpc_status);
    }
    seen.rpc_status = seen.rpc_status.or(messages.web_status());
    seen.whole = true;
    Ok(())
}

pub(super) fn rpc_status(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}
