//! What a backend does with one stream of HTTP/2, by the path of the request: what it does with HTTP/1 requests, and
//! what only HTTP/2 can do. `c` is a reason for a reset; see [`super::behaviour`] for the other parameters.

use std::future::poll_fn;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tokio::sync::mpsc::UnboundedSender;

use super::http2::Order;
use super::request::Request;
use super::{Place, Shared, behaviour, rpc};
use crate::frames;
use crate::load::unix_nanos;

/// What was sent before is on its way after so long.
const ON_ITS_WAY: Duration = Duration::from_millis(40);

pub(super) struct Stream {
    pub(super) request: Request,
    pub(super) body: RecvStream,
    pub(super) respond: SendResponse<Bytes>,
    pub(super) orders: UnboundedSender<Order>,
    pub(super) id: u32,
    pub(super) place: Place,
    pub(super) shared: Arc<Shared>,
}

pub(super) async fn serve(mut stream: Stream, name: &'static str) {
    let is_rpc = stream.request.header("content-type").is_some_and(|kind| kind.starts_with("application/grpc"));
    // Clients that leave, and orders to break off, end here: the record tells of them.
    let _broken = if is_rpc { rpc::answer(&mut stream).await } else { answer(&mut stream, name).await };
    stream.shared.memory.update(stream.place, |received| received.end = unix_nanos());
}

async fn answer(stream: &mut Stream, name: &str) -> Result<()> {
    let path = stream.request.path().to_owned();
    let reason = Reason::from(u32::try_from(stream.request.number("c").unwrap_or(8))?);
    match path.as_str() {
        "/unread" => {
            // The whole answer with the body still coming; the crate resets the rest of the stream with NO_ERROR.
            drop(head(stream, 413, &[], true)?);
            return Ok(());
        }
        "/refuse" if stream.shared.is_first(&stream.request) => {
            stream.respond.send_reset(Reason::REFUSED_STREAM);
            return Ok(());
        }
        "/goaway-refuse" if stream.shared.is_first(&stream.request) => {
            // It says that it has not looked at this stream, nor will it.
            let last = stream.id.saturating_sub(2);
            stream.orders.send(Order::Send(frames::goaway(last, 0)))?;
            until_reset(stream).await?;
            return Ok(());
        }
        _ => {}
    }
    let (start, size) = read_body(stream).await?;
    if let Some(delay) = stream.request.time("d") {
        wait(stream, delay).await?;
    }
    let number = |key: &str, or| usize::try_from(stream.request.number(key).unwrap_or(or)).unwrap_or_default();
    let n = number("n", 5000);
    let k = number("k", 5);
    match path.as_str() {
        "/abort" => stream.orders.send(Order::HangUp)?,
        "/reset" => stream.respond.send_reset(reason),
        "/cut" | "/hangup" => {
            let mut sender = head(stream, 200, &[("content-length", n.to_string())], false)?;
            send(&mut sender, vec![b'x'; n / 3], false).await?;
            tokio::time::sleep(ON_ITS_WAY).await;
            if path == "/cut" {
                sender.send_reset(reason);
            } else {
                stream.orders.send(Order::HangUp)?;
            }
        }
        "/goaway" => {
            stream.orders.send(Order::GoAway)?;
            wait(stream, ON_ITS_WAY).await?;
            whole(stream, 200, &[], "said goodbye").await?;
        }
        "/goaway-now" => stream.orders.send(Order::GoAwayNow(reason))?,
        // DATA on no stream at all.
        "/garbage" => stream.orders.send(Order::Send(frames::frame(0, 0, 0, b"nowhere")))?,
        "/early" => {
            let mut hints = Response::new(());
            *hints.status_mut() = StatusCode::EARLY_HINTS;
            hints.headers_mut().insert("link", HeaderValue::from_static("</style.css>; rel=preload"));
            stream.respond.send_informational(hints)?;
            wait(stream, Duration::from_millis(5)).await?;
            whole(stream, 200, &[], "final").await?;
        }
        "/chunked" | "/slowbody" | "/sse" | "/trailers" | "/endless" => pieces(stream, &path, k).await?,
        "/big" => {
            let is_head = stream.request.method == "HEAD";
            let mut sender = head(stream, 200, &[("content-length", n.to_string())], is_head || n == 0)?;
            if !is_head && n > 0 {
                send(&mut sender, vec![b'b'; n], true).await?;
            }
        }
        "/bighead" => whole(stream, 200, &[("x-big", "h".repeat(n))], "big head").await?,
        "/gzip" => {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packed.write_all(&vec![b'z'; 4000])?;
            let packed = packed.finish()?;
            let mut sender = head(stream, 200, &[("content-encoding", "gzip".to_owned())], false)?;
            send(&mut sender, packed, true).await?;
        }
        "/auth" if stream.request.header("x-deny").is_some() => whole(stream, 403, &[], "deny").await?,
        _ => match path.strip_prefix("/status/").map(str::parse) {
            Some(Ok(status @ (204 | 304))) => drop(head(stream, status, &[], true)?),
            Some(Ok(status)) => whole(stream, status, &[], "status").await?,
            _ => {
                let json = behaviour::echoed(name, &stream.request, &start);
                whole(stream, 200, &[("content-type", "application/json".to_owned())], &json).await?;
            }
        },
    }
    stream.shared.memory.update(stream.place, |received| received.body = Some(size));
    Ok(())
}

/// A body in pieces, with or without an end.
async fn pieces(stream: &mut Stream, path: &str, count: usize) -> Result<()> {
    let pause = stream.request.time("p");
    let pause = if path == "/chunked" { pause } else { pause.or(Some(Duration::from_millis(60))) };
    let count = if path == "/endless" { usize::MAX } else { count };
    let mut sender = head(stream, 200, &[("content-type", "text/event-stream".to_owned())], false)?;
    for number in 0..count {
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        let data = format!("data: {number}\n\n").into_bytes();
        send(&mut sender, data, path != "/trailers" && number + 1 == count).await?;
    }
    if path == "/trailers" {
        trailers(&mut sender, &[("x-checksum", "HTTP/1.1 200 OK".to_owned())])?;
    }
    Ok(())
}

/// Reads the body: its first bytes and its size.
async fn read_body(stream: &mut Stream) -> Result<(Vec<u8>, u64)> {
    let (mut start, mut size) = (Vec::new(), 0);
    while let Some(data) = stream.body.data().await {
        let data = data?;
        stream.body.flow_control().release_capacity(data.len())?;
        start.extend(data.iter().take(4096_usize.saturating_sub(start.len())));
        size += data.len() as u64;
    }
    Ok((start, size))
}

/// # Errors
/// Where the client leaves first.
pub(super) async fn wait(stream: &mut Stream, time: Duration) -> Result<()> {
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        reset = poll_fn(|context| stream.respond.poll_reset(context)) => bail!("the client left: {reset:?}"),
    }
}

pub(super) async fn until_reset(stream: &mut Stream) -> Result<()> {
    poll_fn(|context| stream.respond.poll_reset(context)).await?;
    Ok(())
}

pub(super) fn head(
    stream: &mut Stream,
    status: u16,
    fields: &[(&'static str, String)],
    ends: bool,
) -> Result<SendStream<Bytes>> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status)?;
    *response.headers_mut() = headers(fields)?;
    Ok(stream.respond.send_response(response, ends)?)
}

async fn whole(stream: &mut Stream, status: u16, fields: &[(&'static str, String)], body: &str) -> Result<()> {
    let is_head = stream.request.method == "HEAD";
    let mut sender = head(stream, status, fields, is_head)?;
    if is_head {
        return Ok(());
    }
    send(&mut sender, body.as_bytes().to_vec(), true).await
}

/// # Errors
/// Where the client has left.
pub(super) async fn send(sender: &mut SendStream<Bytes>, bytes: impl Into<Bytes>, ends: bool) -> Result<()> {
    let mut bytes = bytes.into();
    while !bytes.is_empty() {
        sender.reserve_capacity(bytes.len());
        let Some(room) = poll_fn(|context| sender.poll_capacity(context)).await else { bail!("the stream is closed") };
        let now = bytes.split_to(room?.min(bytes.len()));
        sender.send_data(now, ends && bytes.is_empty())?;
    }
    Ok(())
}

pub(super) fn trailers(sender: &mut SendStream<Bytes>, fields: &[(&'static str, String)]) -> Result<()> {
    Ok(sender.send_trailers(headers(fields)?)?)
}

fn headers(fields: &[(&'static str, String)]) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        map.append(HeaderName::from_static(name), HeaderValue::from_str(value)?);
    }
    Ok(map)
}
