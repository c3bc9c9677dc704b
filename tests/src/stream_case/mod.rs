//! One request over TLS, HTTP/2 or HTTP/3, gRPC or a WebSocket, and all that is true of it, as data.

mod check;
mod message;
mod over_http1;
mod over_http2;
mod over_http3;
mod session;

use crate::case::Attempt;
use crate::certificates::Hello;
use crate::frames::Settings;
use crate::lab::Plan;
use crate::truth::Called;

/// What carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Over {
    Http1,
    Http1Tls,
    Http1Tls12,
    /// Without TLS and without being asked.
    Http2,
    Http2Tls,
    Http2Tls12,
    /// Behind a load balancer that speaks the PROXY protocol.
    Http2Proxied,
    Http3,
}

/// The body of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    None,
    /// At once, with its length.
    Bytes(usize),
    /// Pieces of so many bytes, each after so many milliseconds; its length is not said before.
    Slowly(usize, usize, u64),
    /// So many bytes and trailers.
    Trailed(usize),
    /// gRPC messages of so many bytes, each after so many milliseconds.
    Messages(usize, usize, u64),
    /// The same, and the end of the request never comes.
    Open(usize, usize),
    /// One message in gRPC-Web, binary or as text.
    Web {
        text: bool,
        size: usize,
    },
}

/// What the client does with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Read,
    /// With a pause before it makes room for more.
    ReadSlowly,
    /// Resets the stream, or the connection of HTTP/1, after so many milliseconds.
    ResetAfter(u64),
    /// The same after the head and so many bytes.
    ResetAt(usize),
    /// Closes the connection after so many milliseconds.
    HangUpAfter(u64),
    /// Says after so many milliseconds that it will start no more streams, and reads.
    GoAwayAfter(u64),
}

/// A WebSocket session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Messages that are sent and echoed.
    pub messages: usize,
    pub size: usize,
    pub end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client closes with this code.
    Close(u16),
    /// It goes away without a word.
    Leave,
    /// It resets the connection.
    Abort,
    /// The server ends it.
    Wait,
}

/// What a kind of lab changes about a case.
#[derive(Debug, Clone, Copy)]
enum Otherwise {
    Expects(u16, &'static [Attempt]),
    LeftOut(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub struct StreamCase {
    pub name: &'static str,
    pub over: Over,
    request: &'static str,
    body: Body,
    act: Act,
    session: Option<Session>,
    settings: Option<Settings>,
    name_in_hello: &'static str,
    certified: bool,
    status: u16,
    router: Option<&'static str>,
    attempts: &'static [Attempt],
    egress: Option<&'static str>,
    rpc: Option<Called>,
    close_code: Option<u16>,
    fast: Option<Otherwise>,
    logged: bool,
    unseen: bool,
    apart: bool,
    entrypoint: Option<&'static str>,
}

/// What the client saw of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub status: Option<u16>,
    /// Interim responses before it.
    pub interim: usize,
    /// Bytes of the body.
    pub size: u64,
    /// The response ended as it should.
    pub whole: bool,
    pub rpc_status: Option<u16>,
    /// Of gRPC.
    pub messages: u64,
    /// With which the server ended the WebSocket session.
    pub close_code: Option<u16>,
    /// How the stream was broken off, for a message.
    pub broken: String,
}

impl StreamCase {
    /// `request`: `POST /x?id={id} any.test|name: value`; the host is what is asked for, in the hello, too. `status`: on
    /// the SERVER span and in the access log. Until said otherwise: no router, no attempts, in the log.
    pub const fn new(name: &'static str, over: Over, request: &'static str, status: u16) -> Self {
        Self {
            name,
            over,
            request,
            body: Body::None,
            act: Act::Read,
            session: None,
            settings: None,
            name_in_hello: "",
            certified: false,
            status,
            router: None,
            attempts: &[],
            egress: None,
            rpc: None,
            close_code: None,
            fast: None,
            logged: true,
            unseen: false,
            apart: false,
            entrypoint: None,
        }
    }

    /// The same, carried by something else.
    #[must_use]
    pub const fn over(mut self, over: Over) -> Self {
        self.over = over;
        self
    }

    /// To an entrypoint that is not made for it, where no router has a twin.
    pub const fn on(mut self, entrypoint: &'static str) -> Self {
        self.entrypoint = Some(entrypoint);
        self.apart = true;
        self
    }

    pub const fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub const fn act(mut self, act: Act) -> Self {
        self.act = act;
        self
    }

    pub const fn session(mut self, messages: usize, size: usize, end: End) -> Self {
        self.session = Some(Session { messages, size, end });
        self
    }

    /// What the client says about itself; the connection is its own, then.
    pub const fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// The host in the hello is another one than in the request.
    pub const fn hello(mut self, name: &'static str) -> Self {
        self.name_in_hello = name;
        self.apart = true;
        self
    }

    /// The client shows a certificate.
    pub const fn certified(mut self) -> Self {
        self.certified = true;
        self.apart = true;
        self
    }

    /// Over TLS it is the router's twin.
    pub const fn router(mut self, router: &'static str) -> Self {
        self.router = Some(router);
        self
    }

    pub const fn attempts(mut self, attempts: &'static [Attempt]) -> Self {
        self.attempts = attempts;
        self
    }

    /// The protocol at the backend, where the service alone does not say it.
    pub const fn egress(mut self, version: &'static str) -> Self {
        self.egress = Some(version);
        self
    }

    /// A gRPC call that ends with a status, with as many messages each way.
    pub const fn rpc(mut self, method: &'static str, status: u16, requests: u64, responses: u64) -> Self {
        let (requests, responses) = (Some(requests), Some(responses));
        self.rpc = Some(Called { method, status: Some(status), requests, responses });
        self
    }

    /// One that ends without a status.
    pub const fn rpc_cut(mut self, method: &'static str, requests: Option<u64>, responses: Option<u64>) -> Self {
        self.rpc = Some(Called { method, status: None, requests, responses });
        self
    }

    /// That the WebSocket session ends with; 0 where it ends without one.
    pub const fn close_code(mut self, code: u16) -> Self {
        self.close_code = Some(code);
        self
    }

    /// What fastProxy makes of it, where that differs.
    pub const fn fast(mut self, status: u16, attempts: &'static [Attempt]) -> Self {
        self.fast = Some(Otherwise::Expects(status, attempts));
        self
    }

    /// Not for fastProxy, and why.
    pub const fn not_fast(mut self, reason: &'static str) -> Self {
        self.fast = Some(Otherwise::LeftOut(reason));
        self
    }

    /// There is a row of it in Traefik's access log.
    pub const fn is_logged(&self) -> bool {
        self.logged
    }

    /// net/http or Traefik answer before there is a log.
    pub const fn unlogged(mut self) -> Self {
        self.logged = false;
        self
    }

    /// The client sees no status, or another one.
    pub const fn unseen(mut self) -> Self {
        self.unseen = true;
        self
    }

    /// Its host has TLS options of its own: no connection that began with another name reaches it.
    pub const fn apart(mut self) -> Self {
        self.apart = true;
        self
    }

    /// The case as it is in a lab of this plan.
    ///
    /// # Errors
    /// The reason why it has no place there.
    pub fn under(mut self, plan: &Plan<'_>) -> Result<Self, &'static str> {
        match self.fast {
            Some(Otherwise::LeftOut(reason)) if plan.fast_proxy => Err(reason),
            Some(Otherwise::Expects(status, attempts)) if plan.fast_proxy => {
                (self.status, self.attempts) = (status, attempts);
                Ok(self)
            }
            _ => Ok(self),
        }
    }

    /// A megabyte goes through Traefik.
    pub fn is_large(&self) -> bool {
        matches!(self.body, Body::Bytes(1_000_000..)) || self.request.contains("n=1000000")
    }

    /// It can go over a connection of HTTP/2 that others use, too.
    pub fn may_share(&self) -> bool {
        self.over.is_http2()
            && self.over != Over::Http2Proxied
            && self.settings.is_none()
            && !self.apart
            && !matches!(self.act, Act::HangUpAfter(_) | Act::GoAwayAfter(_))
    }

    /// It may follow others on a connection of HTTP/1.
    pub fn may_follow(&self) -> bool {
        matches!(self.over, Over::Http1 | Over::Http1Tls) && self.session.is_none() && !self.apart
    }

    fn hello_of(&self) -> Hello {
        let old = matches!(self.over, Over::Http1Tls12 | Over::Http2Tls12);
        Hello { old, http2: self.over.is_http2(), certified: self.certified }
    }
}

impl Over {
    pub fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls | Self::Http2Tls12 | Self::Http2Proxied)
    }

    pub fn is_tls(self) -> bool {
        !matches!(self, Self::Http1 | Self::Http2)
    }

    pub fn entrypoint(self) -> &'static str {
        match self {
            Self::Http1 | Self::Http2 => "web",
            Self::Http2Proxied => "pptls",
            _ => "websecure",
        }
    }

    /// As the access log calls it.
    fn protocol(self) -> &'static str {
        match self {
            Self::Http1 | Self::Http1Tls | Self::Http1Tls12 => "HTTP/1.1",
            Self::Http3 => "HTTP/3.0",
            _ => "HTTP/2.0",
        }
    }

    fn tls_version(self) -> Option<&'static str> {
        match self {
            Self::Http1 | Self::Http2 => None,
            Self::Http1Tls12 | Self::Http2Tls12 => Some("1.2"),
            _ => Some("1.3"),
        }
    }
}
