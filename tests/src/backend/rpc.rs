//! A gRPC service by hand, `lab.Echo`. `k` counts answers, `n` their bytes, `p` is the pause before each, `s` the status.

use std::future::poll_fn;
use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use h2::{Reason, SendStream};

use super::received::Rpc;
use super::stream::{self, Stream};
use crate::grpc::{Messages, message};

/// What was sent before is on its way after so long.
const ON_ITS_WAY: Duration = Duration::from_millis(40);

pub(super) async fn answer(stream: &mut Stream) -> Result<()> {
    let path = stream.request.path().to_owned();
    let number = |key: &str| stream.request.number(key);
    let status = u16::try_from(number("s").unwrap_or_default())?;
    let (count, size) = (number("k").unwrap_or(1), usize::try_from(number("n").unwrap_or(10))?);
    let reason = Reason::from(u32::try_from(number("c").unwrap_or(8))?);
    let pause = stream.request.time("p").unwrap_or_default();
    let mut rpc = Rpc::default();
    note(stream, rpc);
    let method = path.rsplit('/').next().unwrap_or_default();
    match method {
        "Bidi" => {
            let mut sender = begin(stream)?;
            let mut messages = Messages::default();
            while let Some(data) = stream.body.data().await {
                let whole = messages.push(&take(stream, data?)?);
                rpc.received = messages.count;
                for _ in 0..whole {
                    stream::send(&mut sender, message(size), false).await?;
                    rpc.sent += 1;
                }
                note(stream, rpc);
            }
            return end(stream, &mut sender, rpc, status);
        }
        "ErrorEarly" => {
            // It does not wait for what the client has to say.
            return only_trailers(stream, rpc, status);
        }
        _ => {}
    }
    let mut messages = Messages::default();
    while let Some(data) = stream.body.data().await {
        messages.push(&take(stream, data?)?);
        rpc.received = messages.count;
        note(stream, rpc);
    }
    if let Some(delay) = stream.request.time("d") {
        match timeout(stream).filter(|timeout| *timeout < delay) {
            Some(timeout) => {
                stream::wait(stream, timeout).await?;
                return only_trailers(stream, rpc, 4);
            }
            None => stream::wait(stream, delay).await?,
        }
    }
    if method == "HangEarly" {
        return stream::until_reset(stream).await;
    }
    if method == "Error" {
        return only_trailers(stream, rpc, status);
    }
    let mut sender = begin(stream)?;
    for _ in 0..count {
        tokio::time::sleep(pause).await;
        stream::send(&mut sender, message(size), false).await?;
        rpc.sent += 1;
        note(stream, rpc);
    }
    match method {
        "Hang" => bail!("{:?}", poll_fn(|context| sender.poll_reset(context)).await),
        "Cut" => {
            tokio::time::sleep(ON_ITS_WAY).await;
            sender.send_reset(reason);
            Ok(())
        }
        _ => end(stream, &mut sender, rpc, status),
    }
}

fn take(stream: &mut Stream, data: Bytes) -> Result<Bytes> {
    stream.body.flow_control().release_capacity(data.len())?;
    Ok(data)
}

fn begin(stream: &mut Stream) -> Result<SendStream<Bytes>> {
    stream::head(stream, 200, &[("content-type", "application/grpc".to_owned())], false)
}

fn end(stream: &Stream, sender: &mut SendStream<Bytes>, mut rpc: Rpc, status: u16) -> Result<()> {
    rpc.status = Some(status);
    note(stream, rpc);
    stream::trailers(sender, &outcome(status))
}

/// An answer that is nothing but its status.
fn only_trailers(stream: &mut Stream, mut rpc: Rpc, status: u16) -> Result<()> {
    rpc.status = Some(status);
    note(stream, rpc);
    let mut fields = outcome(status);
    fields.push(("content-type", "application/grpc".to_owned()));
    drop(stream::head(stream, 200, &fields, true)?);
    Ok(())
}

fn outcome(status: u16) -> Vec<(&'static str, String)> {
    let mut fields = vec![("grpc-status", status.to_string())];
    if status != 0 {
        fields.push(("grpc-message", format!("status%20{status}")));
    }
    fields
}

fn note(stream: &Stream, rpc: Rpc) {
    stream.shared.memory.update(stream.place, |received| received.rpc = Some(rpc));
}

/// What the client is willing to wait for: digits and a unit.
fn timeout(stream: &Stream) -> Option<Duration> {
    let text = stream.request.header("grpc-timeout")?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number = digits.parse().ok()?;
    match unit {
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        _ => None,
    }
}
