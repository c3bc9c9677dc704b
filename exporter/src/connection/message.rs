//! One request with its response while they go by, and the [`Hop`] that they become.

use std::net::SocketAddr;
use std::sync::Arc;

use hoptap_semconv::attribute;

use super::bodies::{self, Bodies, Keep, Part};
use crate::body::Captured;
use crate::event::Time;
use crate::exchange::{Body, Content, Contents, Cut, ErrorKind, Hop, Method, Reset, Rpc, Tls, WebSocket};
use crate::http1::{Expect, RequestHead, ResponseHead};
use crate::http2::{Decoder, Field, head};
use crate::{rpc, websocket};

/// Both ends of a connection, and what it was wrapped in.
#[derive(Debug, Clone)]
pub struct Ends {
    pub local: SocketAddr,
    pub peer: SocketAddr,
    pub tls: Option<Arc<Tls>>,
}

/// From the kernel's clock to the wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    /// Nanoseconds to add.
    offset: i128,
}

impl Clock {
    pub fn new(monotonic: Time, unix: u64) -> Self {
        Self { offset: i128::from(unix) - i128::from(monotonic) }
    }

    pub fn unix(self, time: Time) -> u64 {
        u64::try_from(i128::from(time) + self.offset).unwrap_or(0)
    }
}

/// How often the kernel side has lost something: see `event::Kind::Lost`.
pub type Epoch = u32;

/// A message pair; complete when [`Message::is_complete`].
#[derive(Debug)]
pub struct Message {
    /// Losses that there had been at its first byte.
    pub epoch: Epoch,
    /// The same at the head of its response.
    pub answered: Option<Epoch>,
    pub start: Time,
    pub request: Option<RequestHead>,
    pub request_body: Body,
    pub request_over: bool,
    /// net/http answers by itself with this status.
    pub refused: Option<u16>,
    pub first_byte: Option<Time>,
    pub response: Option<ResponseHead>,
    pub response_body: Body,
    pub response_over: bool,
    /// Last byte of the response so far.
    pub last: Time,
    /// Opaque bytes to the server and to the client after a switch of protocols.
    pub tunnel: Option<[u64; 2]>,
    /// The same as frames, of a WebSocket session.
    pub websocket: Option<Box<[websocket::Frames; 2]>>,
    /// It is a call of gRPC.
    pub call: Option<Box<Call>>,
    /// Its HTTP/2 stream was reset.
    pub reset: Option<Reset>,
    /// Attributes that cannot be known.
    pub missing: Vec<&'static str>,
    /// Header lists of which something is not known and may become known.
    pub hidden: Option<Box<Hidden>>,
    /// What is kept of its bodies.
    pub bodies: Option<Box<Bodies>>,
}

/// Header lists of a stream in which fields stand that were sent before we looked.
#[derive(Debug, Default)]
pub struct Hidden {
    pub request: Vec<Field>,
    /// From the first of which the status is not known: interim responses, the final one, trailers.
    pub response: Vec<Vec<Field>>,
    pub trailers: Vec<Field>,
}

/// A call of gRPC while it goes by.
#[derive(Debug)]
pub struct Call {
    pub kind: rpc::Kind,
    pub status: Option<u32>,
    pub requests: rpc::Messages,
    pub responses: rpc::Messages,
}

impl Call {
    pub fn new(kind: rpc::Kind) -> Self {
        Self { kind, status: None, requests: rpc::Messages::new(kind), responses: rpc::Messages::new(kind) }
    }

    /// A call of which no message can be seen.
    pub fn hidden(kind: rpc::Kind) -> Self {
        let hidden = || {
            let mut messages = rpc::Messages::new(kind);
            messages.feed(1, &[]);
            messages
        };
        Self { kind, status: None, requests: hidden(), responses: hidden() }
    }

    fn done(&self) -> Rpc {
        Rpc {
            kind: self.kind,
            status: self.status.or_else(|| self.responses.status()),
            requests: self.requests.count(),
            responses: self.responses.count(),
        }
    }
}

impl Message {
    pub fn new(start: Time, epoch: Epoch) -> Self {
        Self {
            epoch,
            answered: None,
            start,
            request: None,
            request_body: Body::default(),
            request_over: false,
            refused: None,
            first_byte: None,
            response: None,
            response_body: Body::default(),
            response_over: false,
            last: start,
            tunnel: None,
            websocket: None,
            call: None,
            reset: None,
            missing: Vec::new(),
            hidden: None,
            bodies: None,
        }
    }

    /// Something was lost while it was under way, so that what is known of it may be wrong. Of a tunnel all is known
    /// once it was opened.
    pub fn in_doubt(&self, now: Epoch) -> bool {
        let until = self.answered.filter(|_| self.tunnel.is_some()).unwrap_or(now);
        self.epoch != until
    }

    /// Of a tunnel through which something may have gone unseen the sizes are too small.
    pub fn doubt_tunnel(&mut self, now: Epoch) {
        self.response_body.incomplete |= self.tunnel.is_some() && self.epoch != now;
    }

    /// Puts into its request what was learned of the table. Says whether that changed anything.
    pub fn resolve_request(&mut self, decoder: &Decoder, keep_headers: bool) -> bool {
        let Some(hidden) = &mut self.hidden else { return false };
        if !resolve(&mut hidden.request, decoder) {
            return false;
        }
        let (head, missing) = head::request(&hidden.request, keep_headers);
        if self.call.is_none()
            && let Some(kind) = head.rpc
        {
            // Its messages were not looked at so far.
            let seen = self.request_body.wire + self.response_body.wire;
            self.call = Some(Box::new(if seen == 0 { Call::new(kind) } else { Call::hidden(kind) }));
        }
        self.request = Some(head);
        self.missing.retain(|name| *name == attribute::HTTP_RESPONSE_STATUS_CODE);
        self.missing.extend(missing);
        true
    }

    /// The same of its response and the trailers.
    pub fn resolve_response(&mut self, decoder: &Decoder, keep_headers: bool) -> bool {
        let Some(hidden) = &mut self.hidden else { return false };
        let mut found = resolve(&mut hidden.trailers, decoder);
        for fields in &mut hidden.response {
            found |= resolve(fields, decoder);
        }
        let mut heads = hidden.response.iter().map(|fields| (fields, head::response(fields, keep_headers)));
        let first = heads.find(|(_, (head, _))| !(100..200).contains(&head.status));
        let mut told = head::rpc_status(&hidden.trailers);
        if !hidden.response.is_empty() {
            self.missing.retain(|name| *name != attribute::HTTP_RESPONSE_STATUS_CODE);
            let trailers = heads.next_back().map(|(fields, _)| fields);
            // What was taken for a response may all have been interim.
            self.response = first.map(|(fields, (head, missing))| {
                self.missing.extend(missing);
                told = told.or_else(|| head::rpc_status(trailers.unwrap_or(fields)));
                head
            });
        }
        if let Some(call) = &mut self.call {
            call.status = told.or(call.status);
        }
        found
    }

    /// Keeps what went by of a body. Says whether it is time to ask who wants it.
    pub fn keep(&mut self, part: Part, size: u64, data: &[u8], keep: &Keep) -> bool {
        let bodies = self.bodies.get_or_insert_with(|| {
            let mut bodies = Box::new(Bodies::new(keep.budget.clone()));
            // What went by before anything was kept is missing at the start.
            let before = |of, body: &Body| body.size > if part == of { size } else { 0 };
            bodies.request.cut = before(Part::Request, &self.request_body).then_some(Cut::Unseen);
            bodies.response.cut = before(Part::Response, &self.response_body).then_some(Cut::Unseen);
            bodies
        });
        bodies.feed(part, size, data, keep.bytes)
    }

    /// More is to be kept of this body, as far as it is concerned.
    pub fn wants(&self, part: Part) -> bool {
        let Some(bodies) = &self.bodies else { return true };
        match part {
            Part::Request => bodies.request.cut.is_none(),
            Part::Response => bodies.response.cut.is_none(),
        }
    }

    fn contents(&mut self) -> Option<Box<Contents>> {
        let mut bodies = self.bodies.take()?;
        let (request, response) = (std::mem::take(&mut bodies.request), std::mem::take(&mut bodies.response));
        bodies.release(request.bytes.len() + response.bytes.len());
        Some(Box::new(Contents {
            request: content(request, &self.request_body),
            response: content(response, &self.response_body),
        }))
    }

    /// What its response depends on; None while its head is not known.
    pub fn expects(&self) -> Option<Expect> {
        match &self.request {
            Some(head) => Some(Expect { head: head.method == Method::Head, connect: head.method == Method::Connect }),
            None => self.refused.map(|_| Expect::default()),
        }
    }

    pub fn status(&self) -> Option<u16> {
        self.response.as_ref().map(|head| head.status).filter(|status| *status != 0)
    }

    /// Takes what the message said; what is left behind is of no use.
    pub fn into_hop(mut self, clock: Clock, end: Time, ends: Ends) -> Box<Hop> {
        if let Some([up, down]) = self.tunnel {
            let incomplete = self.response_body.incomplete;
            self.request_body = Body { size: up, wire: up, incomplete };
            self.response_body = Body { size: down, wire: down, incomplete };
        }
        let contents = self.contents();
        let status = self.status();
        let mut hop = Box::new(Hop {
            start: clock.unix(self.start),
            first_byte: self.first_byte.map(|time| clock.unix(time)),
            end: clock.unix(end),
            status,
            tls: ends.tls,
            request: self.request_body,
            response: self.response_body,
            rpc: self.call.as_ref().map(|call| call.done()),
            websocket: self.websocket.as_ref().map(|both| {
                let [sent, received] = &**both;
                let close_code = received.close_code().or(sent.close_code());
                WebSocket { sent: sent.messages(), received: received.messages(), close_code }
            }),
            reset: self.reset,
            missing: self.missing,
            contents,
            ..Hop::between(ends.local, ends.peer)
        });
        if let Some(head) = self.request {
            hop.method = head.method;
            hop.path = head.path;
            hop.query = head.query;
            hop.absolute = head.absolute;
            hop.host = head.host;
            hop.user_agent = head.user_agent;
            hop.version = head.version;
            hop.request_headers = head.headers;
        }
        if let Some(head) = self.response {
            hop.response_headers = head.headers;
            hop.upgraded = head.upgrade.filter(|_| self.tunnel.is_some());
        }
        hop
    }
}

/// What its head says of it is read once somebody wants it: see `Hop::describe_contents`.
fn content(kept: bodies::Body, body: &Body) -> Option<Content> {
    if body.size == 0 {
        return None;
    }
    let captured = Captured {
        truncated: body.incomplete || (kept.bytes.len() as u64) < body.size,
        bytes: kept.bytes.into(),
        seen: body.size,
        ..Captured::default()
    };
    Some(Content { captured, cut: kept.cut, ..Content::default() })
}

fn resolve(fields: &mut [Field], decoder: &Decoder) -> bool {
    let mut found = false;
    for field in fields {
        found |= decoder.resolve(field);
    }
    found
}

/// The error of a hop whose connection ended with `errno`, or was closed, before its response was complete.
pub fn error_of(errno: i32, peer_closed: bool) -> ErrorKind {
    match errno {
        libc::ECONNREFUSED => ErrorKind::ConnectionRefused,
        libc::ECONNRESET | libc::EPIPE | libc::ECONNABORTED => ErrorKind::ConnectionReset,
        libc::ETIMEDOUT => ErrorKind::Timeout,
        libc::EHOSTUNREACH => ErrorKind::HostUnreachable,
        libc::ENETUNREACH => ErrorKind::NetworkUnreachable,
        _ if peer_closed => ErrorKind::ConnectionClosed,
        _ => ErrorKind::Other,
    }
}
