//! HTTP/2 frames below the `h2` crate: what it never sends and real peers do. A [`Wire`] sits between the crate and the
//! socket, dresses frames up as it is told to, and slips in others between them.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::socket::Socket;

const HEAD: usize = 9;
const PREFACE: usize = 24;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

/// DATA above this stays as it is: padding must not make a frame larger than peers take.
const PADDED_UP_TO: usize = 1000;

/// What an end of a connection says about itself, and how it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Settings {
    /// SETTINGS_HEADER_TABLE_SIZE, where it is not the default.
    pub table: Option<u32>,
    /// SETTINGS_INITIAL_WINDOW_SIZE, where it is not the default.
    pub window: Option<u32>,
    /// Headers in many small frames, padding, priorities, pings and frames of no known type.
    pub odd: bool,
}

/// One frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// GOAWAY: streams above `last` will not be served.
pub fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(7, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

/// Slips frames in between those of the crate.
#[derive(Debug, Clone, Default)]
pub struct Injector(Arc<Mutex<Injected>>);

#[derive(Debug, Default)]
struct Injected {
    frames: VecDeque<Vec<u8>>,
    hangs_up: bool,
    waker: Option<Waker>,
}

impl Injector {
    pub fn send(&self, frame: Vec<u8>) {
        let mut injected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        injected.frames.push_back(frame);
        if let Some(waker) = injected.waker.take() {
            waker.wake();
        }
    }

    /// Ends the connection from this side, in the middle of whatever is under way; what still comes is read, so that
    /// the other side sees an end and no reset.
    pub fn hang_up(&self) {
        let mut injected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        injected.hangs_up = true;
        if let Some(waker) = injected.waker.take() {
            waker.wake();
        }
    }

    fn hangs_up(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hangs_up
    }

    fn take(&self, context: &Context<'_>) -> Option<Vec<u8>> {
        let mut injected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        injected.waker = Some(context.waker().clone());
        injected.frames.pop_front()
    }
}

/// A socket that HTTP/2 is written to.
#[derive(Debug)]
pub struct Wire {
    socket: Socket,
    outgoing: Outgoing,
    injector: Injector,
}

/// Frames on their way out.
#[derive(Debug, Default)]
struct Outgoing {
    /// Of the client's preface, which is no frame.
    preface: usize,
    odd: bool,
    /// The frame that is not complete yet.
    partial: Vec<u8>,
    ready: Vec<u8>,
    written: usize,
    /// Odd frames were sent before the first HEADERS.
    begun: bool,
}

impl Wire {
    pub fn new(socket: Socket, is_client: bool, settings: Settings) -> Self {
        let preface = if is_client { PREFACE } else { 0 };
        let outgoing = Outgoing { preface, odd: settings.odd, ..Outgoing::default() };
        Self { socket, outgoing, injector: Injector::default() }
    }

    pub fn injector(&self) -> Injector {
        self.injector.clone()
    }

    fn write_out(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.injector.hangs_up() {
            self.outgoing.ready.clear();
            self.outgoing.written = 0;
            return Pin::new(&mut self.socket).poll_shutdown(context);
        }
        loop {
            while self.outgoing.written < self.outgoing.ready.len() {
                let bytes = &self.outgoing.ready[self.outgoing.written..];
                let count = ready!(Pin::new(&mut self.socket).poll_write(context, bytes))?;
                if count == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.outgoing.written += count;
            }
            self.outgoing.ready.clear();
            self.outgoing.written = 0;
            if self.outgoing.preface > 0 {
                return Poll::Ready(Ok(()));
            }
            match self.injector.take(context) {
                Some(frame) => self.outgoing.ready = frame,
                None => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl Outgoing {
    fn take(&mut self, mut bytes: &[u8]) {
        if self.preface > 0 {
            let (preface, rest) = bytes.split_at(self.preface.min(bytes.len()));
            self.ready.extend(preface);
            self.preface -= preface.len();
            bytes = rest;
        }
        self.partial.extend(bytes);
        let mut at = 0;
        while let Some(head) = self.partial.get(at..at + HEAD) {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let (kind, flags) = (head[3], head[4]);
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let Some(whole) = self.partial.get(at..at + HEAD + length) else { break };
            if self.odd {
                dress(kind, flags, stream, &whole[HEAD..], &mut self.begun, &mut self.ready);
            } else {
                self.ready.extend(whole);
            }
            at += HEAD + length;
        }
        self.partial.drain(..at);
    }
}

/// The same for whoever reads it, in as many words as HTTP/2 has for it.
fn dress(kind: u8, flags: u8, stream: u32, payload: &[u8], begun: &mut bool, out: &mut Vec<u8>) {
    match kind {
        HEADERS if flags & (PADDED | PRIORITY) == 0 => {
            if !*begun {
                *begun = true;
                out.extend(frame(6, 0, 0, b"lab ping"));
                out.extend(frame(0xfa, 0xff, 0, b"a frame of no known type"));
            }
            // Five bytes of padding; depends on no stream, with weight 16.
            let cut = payload.len().min(5);
            let mut first = vec![5, 0, 0, 0, 0, 15];
            first.extend(&payload[..cut]);
            first.extend([0; 5]);
            out.extend(frame(HEADERS, flags & !END_HEADERS | PADDED | PRIORITY, stream, &first));
            let pieces: Vec<_> = payload[cut..].chunks(11).collect();
            let whole = flags & END_HEADERS;
            for (number, piece) in pieces.iter().enumerate() {
                let last = number + 1 == pieces.len();
                out.extend(frame(9, if last { whole } else { 0 }, stream, piece));
            }
            if pieces.is_empty() {
                out.extend(frame(9, whole, stream, &[]));
            }
        }
        DATA if flags & PADDED == 0 && payload.len() <= PADDED_UP_TO => {
            let mut padded = vec![7];
            padded.extend(payload);
            padded.extend([0; 7]);
            // An empty one before it ends nothing.
            out.extend(frame(DATA, 0, stream, &[]));
            out.extend(frame(DATA, flags | PADDED, stream, &padded));
        }
        _ => out.extend(frame(kind, flags, stream, payload)),
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // The crate may have nothing to write when there is something to slip in.
        if let Poll::Ready(Ok(())) = self.write_out(context)
            && !self.injector.hangs_up()
        {
            let _woken_again = Pin::new(&mut self.socket).poll_flush(context);
        }
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.write_out(context))?;
        self.outgoing.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_out(context))?;
        if self.injector.hangs_up() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_out(context))?;
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_pass_whole_however_they_come() {
        let plain =
            [frame(4, 0, 0, &[]), frame(HEADERS, END_HEADERS, 1, b"0123456789"), frame(DATA, 1, 1, b"x")].concat();
        let mut outgoing = Outgoing::default();
        for byte in &plain {
            outgoing.take(std::slice::from_ref(byte));
        }
        assert_eq!(outgoing.ready, plain);
        let mut odd = Outgoing { odd: true, ..Outgoing::default() };
        odd.take(&plain);
        let begin = [frame(4, 0, 0, &[]), frame(6, 0, 0, b"lab ping")].concat();
        assert!(odd.ready.starts_with(&begin));
        let end = [
            frame(9, END_HEADERS, 1, b"56789"),
            frame(DATA, 0, 1, &[]),
            frame(DATA, PADDED | 1, 1, &[7, b'x', 0, 0, 0, 0, 0, 0, 0]),
        ]
        .concat();
        assert!(odd.ready.ends_with(&end), "{:?}", odd.ready);
    }
}
