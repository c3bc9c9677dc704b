//! What rules can ask of one hop: whether it is over, or still goes by.

use std::cell::OnceCell;
use std::net::SocketAddr;

use crate::event::{Pid, Process as Watched};
use crate::exchange::{Exchange, Headers, Hop, Method, Version};
use crate::rules::{Answer, Container, Field, Fields, Process, Value};

/// One hop as far as it has gone.
#[derive(Debug)]
pub struct Facts<'a> {
    pub is_ingress: bool,
    /// Nothing more will come of it: what is not there is missing.
    pub is_over: bool,
    pub asked: Option<Asked<'a>>,
    pub answered: Option<Responded<'a>>,
    /// Of both bodies, once they are over.
    pub sizes: Option<[u64; 2]>,
    /// Nanoseconds.
    pub duration: Option<u64>,
    pub local: SocketAddr,
    pub peer: SocketAddr,
    pub is_tls: bool,
    pub client: Option<SocketAddr>,
    pub names: Names<'a>,
    pub trace_id: Option<u128>,
    pub process: Option<(&'a Watched, Pid)>,
    pub texts: Texts,
}

/// The head of a request.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub method: &'a Method,
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub absolute: Option<&'a str>,
    pub host: Option<&'a str>,
    pub version: Version,
    pub headers: &'a Headers,
}

/// The head of a response.
#[derive(Debug, Clone, Copy)]
pub struct Responded<'a> {
    pub status: u16,
    pub headers: &'a Headers,
}

/// What Traefik calls it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'a> {
    pub entrypoint: Option<&'a str>,
    pub router: Option<&'a str>,
    pub service: Option<&'a str>,
    pub server: Option<&'a str>,
}

/// Texts that have to be made before they can be asked for; only those that a rule asks for are.
#[derive(Debug, Default)]
pub struct Texts {
    url: OnceCell<String>,
    trace_id: OnceCell<String>,
}

impl<'a> Facts<'a> {
    /// The hops of an exchange that is over.
    pub fn of(exchange: &'a Exchange) -> impl Iterator<Item = Self> {
        let process = Some((&*exchange.process, exchange.pid));
        let client = exchange.server.as_ref().map(|server| server.announced_client.unwrap_or(server.hop.peer));
        let server = exchange.server.iter().map(move |server| Self {
            is_ingress: true,
            client,
            process,
            trace_id: Some(server.context.trace_id),
            names: Names {
                entrypoint: server.entrypoint.as_deref(),
                router: server.router.as_deref(),
                service: server.service.as_deref(),
                server: server.server_url.as_deref(),
            },
            ..Self::of_hop(&server.hop)
        });
        let attempts = exchange.attempts.iter().map(move |attempt| Self {
            client,
            process,
            trace_id: Some(attempt.context.trace_id),
            names: Names {
                entrypoint: attempt.entrypoint.as_deref(),
                router: attempt.router.as_deref(),
                service: attempt.service.as_deref(),
                server: attempt.server_url.as_deref(),
            },
            ..Self::of_hop(&attempt.hop)
        });
        server.chain(attempts)
    }

    /// A hop to a backend that is over.
    pub fn of_hop(hop: &'a Hop) -> Self {
        let asked = Asked {
            method: &hop.method,
            path: &hop.path,
            query: hop.query.as_deref(),
            absolute: hop.absolute.as_deref(),
            host: hop.host.as_deref(),
            version: hop.version,
            headers: &hop.request_headers,
        };
        // What was never sent, or not understood, has no method.
        let asked = (hop.method != Method::Unknown).then_some(asked);
        let answered = hop.status.map(|status| Responded { status, headers: &hop.response_headers });
        Self {
            is_over: true,
            sizes: Some([hop.request.size, hop.response.size]),
            duration: Some(hop.duration()),
            is_tls: hop.tls.is_some(),
            ..Self::under_way(asked, answered, hop.local, hop.peer)
        }
    }

    /// A hop to a backend that still goes by.
    pub fn under_way(
        asked: Option<Asked<'a>>,
        answered: Option<Responded<'a>>,
        local: SocketAddr,
        peer: SocketAddr,
    ) -> Self {
        Self {
            is_ingress: false,
            is_over: false,
            asked,
            answered,
            sizes: None,
            duration: None,
            local,
            peer,
            is_tls: false,
            client: None,
            names: Names::default(),
            trace_id: None,
            process: None,
            texts: Texts::default(),
        }
    }

    /// The same hop, of which the answer may still be another: a request that is made again has the same head.
    pub fn again(self) -> Self {
        Self { is_over: false, answered: None, sizes: None, duration: None, ..self }
    }

    fn source(&self) -> SocketAddr {
        if self.is_ingress { self.peer } else { self.local }
    }

    fn destination(&self) -> SocketAddr {
        if self.is_ingress { self.local } else { self.peer }
    }

    fn scheme(&self) -> &'static str {
        if self.is_tls { "https" } else { "http" }
    }

    fn url(&self, asked: &Asked<'a>) -> &str {
        self.texts.url.get_or_init(|| {
            let mut url = match asked.absolute {
                Some(base) => base.to_owned(),
                None => {
                    let peer = self.destination();
                    let host = asked.host.map_or_else(|| peer.to_string(), str::to_owned);
                    format!("{}://{host}", self.scheme())
                }
            };
            url.push_str(asked.path);
            if let Some(query) = asked.query {
                url.push('?');
                url.push_str(query);
            }
            url
        })
    }

    /// Of what the request says.
    fn request<'s>(&'s self, field: &Field, asked: &'s Asked<'a>) -> Option<Value<'s>> {
        Some(match field {
            Field::Method => Value::Text(asked.method.original()),
            Field::Path => Value::Text(asked.path),
            Field::Host | Field::Authority => Value::Text(asked.host?),
            Field::Scheme => Value::Text(self.scheme()),
            Field::Url => Value::Text(self.url(asked)),
            Field::Query => Value::Text(asked.query?),
            Field::Protocol => Value::Text(match asked.version {
                Version::Http10 | Version::Http11 => "http1",
                Version::Http2 => "http2",
                Version::Http3 => "http3",
            }),
            Field::DestinationDomain => Value::Text(self.domain(asked)?),
            // HTTP/2 says it otherwise.
            Field::RequestHeader(name) => match asked.headers.raw(name) {
                Some(value) => text(value),
                None if &**name == "host" => Value::Text(asked.host?),
                None => return None,
            },
            _ => return None,
        })
    }

    /// Name of the server: of a hop to a backend as it is configured, for the Host header is the client's.
    fn domain(&self, asked: &Asked<'a>) -> Option<&str> {
        let configured = self.names.server.and_then(|url| url.split_once("://")).map(|(_, rest)| rest);
        let configured = configured.map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
        Some(super::without_port(configured.filter(|_| !self.is_ingress).or(asked.host)?))
    }

    fn process(&self, process: Process) -> Option<Value<'_>> {
        let (watched, pid) = self.process?;
        Some(match process {
            Process::Pid => Value::Int(pid.into()),
            Process::Path => Value::Text(&watched.executable),
            Process::Name => Value::Text(watched.executable.rsplit('/').next().unwrap_or_default()),
            Process::User => return None,
        })
    }

    fn container(&self, container: Container) -> Option<Value<'_>> {
        match container {
            Container::Id => self.process?.0.container.as_deref().map(Value::Text),
            Container::Name | Container::Image => None,
        }
    }
}

impl Fields for Facts<'_> {
    fn get<'s>(&'s self, field: &Field) -> Answer<'s> {
        let name = |name: Option<&'s str>| name.map(Value::Text);
        let number = |number: u64| Value::Int(number.into());
        let address = |address: SocketAddr| Value::Ip(address.ip().to_canonical());
        let found = match field {
            Field::Status => self.answered.map(|head| Value::Int(head.status.into())),
            Field::ResponseHeader(name) => self.answered.as_ref().and_then(|head| head.headers.raw(name)).map(text),
            Field::RequestSize => self.sizes.map(|[request, _]| number(request)),
            Field::ResponseSize => self.sizes.map(|[_, response]| number(response)),
            #[expect(clippy::cast_precision_loss, reason = "a duration is far below 2^53 ns")]
            Field::DurationMs => self.duration.map(|nanos| Value::Float(nanos as f64 / 1e6)),
            Field::SourceIp => Some(address(self.source())),
            Field::SourcePort => Some(Value::Int(self.source().port().into())),
            Field::DestinationIp => Some(address(self.destination())),
            Field::DestinationPort => Some(Value::Int(self.destination().port().into())),
            Field::SourceProcess(process) => self.process(*process),
            Field::SourceContainer(container) => self.container(*container),
            Field::Direction => Some(Value::Text(if self.is_ingress { "ingress" } else { "egress" })),
            Field::Tls => Some(Value::Bool(self.is_tls)),
            Field::EntryPoint => name(self.names.entrypoint),
            Field::Router => name(self.names.router),
            Field::Service => name(self.names.service),
            Field::Server => name(self.names.server),
            Field::ClientIp => self.client.map(address),
            Field::TraceId => {
                self.trace_id.map(|id| Value::Text(self.texts.trace_id.get_or_init(|| format!("{id:032x}"))))
            }
            Field::Tags | Field::Named(_) => return Answer::Missing,
            of_request => self.asked.as_ref().and_then(|asked| self.request(of_request, asked)),
        };
        // Of a head that was read nothing more comes.
        let settled = match field {
            Field::ResponseHeader(_) => self.answered.is_some(),
            Field::Method
            | Field::Path
            | Field::Host
            | Field::Authority
            | Field::Scheme
            | Field::Url
            | Field::Query
            | Field::Protocol
            | Field::RequestHeader(_) => self.asked.is_some(),
            _ => false,
        };
        match found {
            Some(value) => Answer::Value(value),
            None if self.is_over || settled => Answer::Missing,
            None => Answer::Later,
        }
    }
}

fn text(bytes: &[u8]) -> Value<'_> {
    std::str::from_utf8(bytes).map_or(Value::Bytes(bytes), Value::Text)
}
