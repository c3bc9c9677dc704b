//! Requests of HTTP/3 clients: there are no bytes to decode, and Traefik's own functions say what there was.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::LazyLock;

use hoptap_semconv::attribute;

use super::ingress::Client;
use super::{Pipeline, Sink};
use crate::connection::{Call, Ends, Epoch, Message, Over};
use crate::counters::Cause;
use crate::event::{Goroutine, Name, Pid, Probe, Role, Time};
use crate::exchange::{Body, End, ErrorKind, Method, Reset, Tls, Version};
use crate::http1::{Framing, ResponseHead};
use crate::http2::head;
use crate::http3;

/// Requests that may be under way at once.
const LIMIT: usize = 65_536;

/// What a QUIC connection is always wrapped in (RFC 9001); the rest of its session is not read.
static SESSION: LazyLock<Arc<Tls>> =
    LazyLock::new(|| Arc::new(Tls { version: 0x0304, protocol: Some("h3".into()), ..Tls::default() }));

/// What is never known of a request, or of its answer, over HTTP/3.
const HIDDEN: [&str; 1] = [attribute::TLS_CIPHER];

/// A request that is being served.
#[derive(Debug)]
pub(super) struct Request {
    local: SocketAddr,
    peer: SocketAddr,
    message: Message,
    /// As it was announced.
    active: Option<(Option<Name>, Method)>,
}

impl Pipeline {
    /// A handler of HTTP/3 says something.
    pub(super) fn http3(
        &mut self,
        time: Time,
        pid: Pid,
        goroutine: Goroutine,
        probe: &Probe<'_>,
        sink: &mut impl Sink,
    ) {
        if goroutine.role != Role::Http3Handler {
            return;
        }
        let key = (pid, goroutine.id);
        match probe {
            Probe::Http3Begin { local, peer } => {
                self.http3_given_up(key, sink);
                if self.http3.len() < LIMIT {
                    let message = Message::new(time, self.epoch);
                    let request = Request { local: *local, peer: *peer, message, active: None };
                    self.http3.insert(key, request);
                }
            }
            Probe::Http3Fields { block } => self.http3_fields(time, key, block, sink),
            Probe::Status { code } if *code >= 200 => {
                if let Some(request) = self.http3.get_mut(&key).filter(|it| it.message.response.is_none()) {
                    let message = &mut request.message;
                    message.first_byte = Some(time);
                    message.answered = Some(self.epoch);
                    message.response = Some(answer(*code));
                }
            }
            Probe::Http3End { written, status } => self.http3_over(time, key, Some((*written, *status)), None, sink),
            Probe::Http3Reset { code } => self.http3_over(time, key, None, Some(*code), sink),
            _ => {}
        }
    }

    fn http3_fields(&mut self, time: Time, key: (Pid, u64), block: &[u8], sink: &mut impl Sink) {
        let keep_headers = self.keep_headers || self.needs_headers(key.0);
        let Some(request) = self.http3.get_mut(&key) else { return };
        let message = &mut request.message;
        if message.request.is_some() {
            // Trailers.
            return;
        }
        let (mut head, _) = head::request(&http3::fields(block), keep_headers);
        head.version = Version::Http3;
        message.start = time;
        message.call = head.rpc.map(|kind| Box::new(Call::hidden(kind)));
        message.request_body = Body { size: head.content_length.unwrap_or(0), ..Body::default() };
        if head.content_length.is_none() && !matches!(head.method, Method::Get | Method::Head | Method::Options) {
            message.missing.push(attribute::HTTP_REQUEST_BODY_SIZE);
        }
        if head.rpc.is_some() {
            message.missing.extend([attribute::HOPTAP_RPC_REQUEST_MESSAGES, attribute::HOPTAP_RPC_RESPONSE_MESSAGES]);
        }
        message.missing.extend(HIDDEN);
        let method = match &head.method {
            Method::Other(_) => Method::Unknown,
            known => known.clone(),
        };
        message.request = Some(head);
        let entrypoint = self.sources.entrypoint(key.0, request.local);
        sink.began(entrypoint.as_ref(), &method, true);
        request.active = Some((entrypoint, method));
        self.linker.serves_one(key.0, key.1);
    }

    /// The handler has returned, or has given the stream up.
    fn http3_over(
        &mut self,
        time: Time,
        key: (Pid, u64),
        done: Option<(u64, u16)>,
        reset: Option<u32>,
        sink: &mut impl Sink,
    ) {
        let Some(Request { local, peer, mut message, active }) = self.http3.remove(&key) else { return };
        // Without fields there was no request: the client opened a stream and left it.
        let Some((entrypoint, method)) = active else { return };
        sink.ended(entrypoint.as_ref(), &method, true);
        self.unanswered += 1;
        if message.epoch != self.epoch {
            self.counters.drops.add(Cause::RingFull, 1);
            self.linker.discard(key.0, Some(key.1));
            return;
        }
        message.last = time;
        message.response_over = true;
        if let Some((_, status)) = done {
            // Whoever decided on it: with fastProxy that is another goroutine.
            message.response = Some(answer(status));
        }
        let size = done.map_or(0, |(written, _)| written);
        message.response_body = Body { size, wire: size, incomplete: reset.is_some() };
        message.reset = reset.map(|code| Reset { by: End::Server, code });
        let error = reset.map(|_| ErrorKind::StreamReset);
        let ends = Ends { local, peer, tls: Some(Arc::clone(&SESSION)) };
        let client = Client { pid: key.0, ends, announced: None };
        self.tell_of(time, &client, Some(key.1), Over { message, end: time, error });
    }

    /// The end of a request was not seen, and never will be.
    fn http3_given_up(&mut self, key: (Pid, u64), sink: &mut impl Sink) {
        let Some(request) = self.http3.remove(&key) else { return };
        if let Some((entrypoint, method)) = request.active {
            sink.ended(entrypoint.as_ref(), &method, true);
            self.unanswered += 1;
            self.counters.drops.add(Cause::Gap, 1);
            self.linker.discard(key.0, Some(key.1));
        }
    }

    /// Requests of which the end may have been lost are not told.
    pub(super) fn http3_lost(&mut self, epoch: Epoch, sink: &mut impl Sink) {
        self.http3_drop(Cause::RingFull, |_, request| request.message.epoch != epoch, sink);
    }

    /// Nothing more is heard of a process, or of any.
    pub(super) fn http3_left(&mut self, pid: Option<Pid>, sink: &mut impl Sink) {
        self.http3_drop(Cause::Shutdown, |of, _| pid.is_none_or(|pid| pid == of), sink);
    }

    fn http3_drop(&mut self, cause: Cause, which: impl Fn(Pid, &Request) -> bool, sink: &mut impl Sink) {
        let left: Vec<(Pid, u64)> =
            self.http3.iter().filter(|(key, request)| which(key.0, request)).map(|(key, _)| *key).collect();
        for key in left {
            let Some((entrypoint, method)) = self.http3.remove(&key).and_then(|request| request.active) else {
                continue;
            };
            sink.ended(entrypoint.as_ref(), &method, true);
            self.unanswered += 1;
            self.counters.drops.add(cause, 1);
            self.linker.discard(key.0, Some(key.1));
        }
    }
}

fn answer(status: u16) -> ResponseHead {
    ResponseHead {
        status,
        version: Version::Http3,
        headers: Default::default(),
        content_length: None,
        chunked: false,
        upgrade: None,
        close: false,
        framing: Framing::None,
    }
}
