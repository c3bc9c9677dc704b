//! One request with its response while they go by, and the [`Hop`] that they become.

use std::net::SocketAddr;

use crate::event::Time;
use crate::exchange::{Body, ErrorKind, Headers, Hop, Method, Version};
use crate::http1::{Expect, RequestHead, ResponseHead};

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
    pub tunnel: Option<(u64, u64)>,
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

    /// What its response depends on; None while its head is not known.
    pub fn expects(&self) -> Option<Expect> {
        match &self.request {
            Some(head) => Some(Expect { head: head.method == Method::Head, connect: head.method == Method::Connect }),
            None => self.refused.map(|_| Expect::default()),
        }
    }

    pub fn status(&self) -> Option<u16> {
        self.response.as_ref().map(|head| head.status)
    }

    /// Takes what the message said; what is left behind is of no use.
    pub fn into_hop(mut self, clock: Clock, end: Time, local: SocketAddr, peer: SocketAddr) -> Hop {
        if let Some((up, down)) = self.tunnel {
            let incomplete = self.response_body.incomplete;
            self.request_body = Body { size: up, wire: up, incomplete };
            self.response_body = Body { size: down, wire: down, incomplete };
        }
        let status = self.status();
        let mut hop = Hop {
            start: clock.unix(self.start),
            first_byte: self.first_byte.map(|time| clock.unix(time)),
            end: clock.unix(end),
            method: Method::Unknown,
            path: Box::default(),
            query: None,
            absolute: None,
            host: None,
            user_agent: None,
            version: Version::default(),
            status,
            error: None,
            tls: false,
            local,
            peer,
            request: self.request_body,
            response: self.response_body,
            request_headers: Headers::default(),
            response_headers: Headers::default(),
            upgraded: None,
        };
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
