//! Sends one request to the collector and understands its answer, in each of the three protocols.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Method, Request, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tokio_rustls::TlsConnector;

use super::connection::{self, Connection};
use super::settings::{Endpoint, Protocol, Settings};
use super::signal::Signal;
use crate::agent::agent;

/// No honest answer is longer.
const ANSWER: usize = 64 * 1024;

/// The collector took the batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Spans, or log records, of it that it turned down.
    pub(super) rejected: u64,
    pub(super) message: String,
}

/// The collector did not take the batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Another try may help.
    pub(super) retry: bool,
    /// The collector asked to be left alone for so long.
    pub(super) after: Option<Duration>,
    pub(super) cause: Cause,
    pub(super) reason: String,
}

/// How far a try came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// To no answer that could be understood.
    Transport,
    Status(u16),
    GrpcStatus(u16),
}

impl Failure {
    /// Nothing, or nothing complete, came back.
    pub(super) fn transport(reason: impl fmt::Display) -> Self {
        Self { retry: true, after: None, cause: Cause::Transport, reason: reason.to_string() }
    }

    /// No other try can help.
    pub(super) fn lasting(reason: impl fmt::Display) -> Self {
        Self { retry: false, ..Self::transport(reason) }
    }
}

/// Where a try came to nothing.
enum Broken {
    /// Before an answer began.
    Connection(Failure),
    Answer(Failure),
}

pub(super) struct Client {
    signal: &'static Signal,
    endpoint: Endpoint,
    protocol: Protocol,
    headers: HeaderMap,
    authority: HeaderValue,
    uri: String,
    tls: Option<TlsConnector>,
    connection: Option<Connection>,
}

impl Client {
    /// # Errors
    /// Certificates that cannot be read.
    pub(super) fn new(settings: &Settings) -> io::Result<Self> {
        let endpoint = settings.endpoint.clone();
        let host = if endpoint.host.contains(':') {
            format!("[{}]:{}", endpoint.host, endpoint.port)
        } else {
            format!("{}:{}", endpoint.host, endpoint.port)
        };
        let scheme = if endpoint.tls { "https" } else { "http" };
        let uri = match settings.protocol {
            // HTTP/2 takes `:scheme` and `:authority` out of it; HTTP/1.1 wants the path alone.
            Protocol::Grpc => format!("{scheme}://{host}{}", endpoint.path),
            _ => endpoint.path.clone(),
        };
        Ok(Self {
            signal: settings.signal,
            headers: headers(settings),
            protocol: settings.protocol,
            authority: HeaderValue::from_str(&host).map_err(io::Error::other)?,
            uri,
            tls: connection::tls(settings)?,
            connection: None,
            endpoint,
        })
    }

    /// One try. To cancel it is safe: the connection goes with it, so that no later request reads its answer.
    pub(super) async fn send(&mut self, body: Bytes) -> Result<Accepted, Failure> {
        if let Some(mut kept) = self.connection.take()
            && kept.is_ready().await
        {
            match self.exchange(kept, body.clone()).await {
                // The collector closed it while nothing was under way: that says nothing about the collector.
                Err(Broken::Connection(_)) => {}
                Err(Broken::Answer(failure)) => return Err(failure),
                Ok(accepted) => return Ok(accepted),
            }
        }
        let fresh =
            Connection::open(&self.endpoint, self.protocol, self.tls.as_ref()).await.map_err(Failure::transport)?;
        self.exchange(fresh, body).await.map_err(|broken| match broken {
            Broken::Connection(failure) | Broken::Answer(failure) => failure,
        })
    }

    /// Sends one request; keeps the connection where its answer was read to the end.
    async fn exchange(&mut self, mut connection: Connection, body: Bytes) -> Result<Accepted, Broken> {
        let request = self.request(body).map_err(Broken::Answer)?;
        let response = connection.send(request).await.map_err(|error| Broken::Connection(reason(&error)))?;
        let (head, body) = response.into_parts();
        let body =
            Limited::new(body, ANSWER).collect().await.map_err(|error| Broken::Answer(Failure::transport(error)))?;
        self.connection = Some(connection);
        self.answer(head, body).map_err(Broken::Answer)
    }

    fn request(&self, body: Bytes) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request =
            Request::builder().method(Method::POST).uri(&self.uri).body(Full::new(body)).map_err(Failure::transport)?;
        *request.headers_mut() = self.headers.clone();
        if self.protocol != Protocol::Grpc {
            request.headers_mut().insert(header::HOST, self.authority.clone());
        }
        Ok(request)
    }

    fn answer(&self, head: Parts, body: Collected<Bytes>) -> Result<Accepted, Failure> {
        let trailers = body.trailers().cloned();
        let body = body.to_bytes();
        if self.protocol == Protocol::Grpc && head.status == StatusCode::OK {
            // An answer without a message has its status in the head.
            let trailers = trailers.unwrap_or(head.headers);
            return grpc(self.signal, &trailers, body);
        }
        if head.status.is_success() {
            return Ok(partial(self.signal, self.protocol, &body));
        }
        Err(Failure {
            retry: matches!(head.status.as_u16(), 429 | 502 | 503 | 504),
            after: seconds(&head.headers),
            cause: Cause::Status(head.status.as_u16()),
            reason: format!("answered {}", head.status),
        })
    }
}

/// What is the same in every request.
fn headers(settings: &Settings) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let content = match settings.protocol {
        Protocol::Grpc => "application/grpc",
        Protocol::HttpProtobuf => "application/x-protobuf",
        Protocol::HttpJson => "application/json",
    };
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent()));
    for (name, value) in &settings.headers {
        headers.append(name, value.clone());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
    if settings.protocol == Protocol::Grpc {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    if settings.gzip {
        let name = match settings.protocol {
            Protocol::Grpc => header::HeaderName::from_static("grpc-encoding"),
            _ => header::CONTENT_ENCODING,
        };
        headers.insert(name, HeaderValue::from_static("gzip"));
    }
    headers
}

fn reason(error: &hyper::Error) -> Failure {
    use std::error::Error;
    match error.source() {
        Some(cause) => Failure::transport(format_args!("{error}: {cause}")),
        None => Failure::transport(error),
    }
}

/// `Retry-After` in seconds. The form with a date is not understood: no collector sends it.
fn seconds(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// The status of a call of gRPC, and the answer where it went well.
fn grpc(signal: &Signal, trailers: &HeaderMap, mut body: Bytes) -> Result<Accepted, Failure> {
    let text = |name: &str| trailers.get(name).and_then(|value| value.to_str().ok());
    let Some(code) = text("grpc-status").and_then(|code| code.parse::<u16>().ok()) else {
        return Err(Failure::transport("answered without a grpc-status"));
    };
    if code != 0 {
        return Err(Failure {
            // CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS, as the OTLP specification
            // lists them; RESOURCE_EXHAUSTED only where the collector says when to come again.
            retry: matches!(code, 1 | 4 | 10 | 11 | 14 | 15)
                || (code == 8 && trailers.contains_key("grpc-status-details-bin")),
            after: None,
            cause: Cause::GrpcStatus(code),
            reason: format!("answered grpc-status {code} {}", text("grpc-message").unwrap_or("")),
        });
    }
    // The frame; a compressed answer is not asked for, so there is none.
    if body.len() > 5 {
        body.advance(5);
        return Ok(partial(signal, Protocol::Grpc, &body));
    }
    Ok(Accepted::default())
}

/// What the collector says of a batch that it took. An answer that is not understood is a plain yes: it said 200.
fn partial(signal: &Signal, protocol: Protocol, body: &[u8]) -> Accepted {
    if protocol == Protocol::HttpJson {
        return partial_json(signal, body).unwrap_or_default();
    }
    // The answer about log records has the same fields under the same numbers.
    ExportTraceServiceResponse::decode(body)
        .ok()
        .and_then(|response| response.partial_success)
        .map(|partial| Accepted {
            rejected: u64::try_from(partial.rejected_spans).unwrap_or(0),
            message: partial.error_message,
        })
        .unwrap_or_default()
}

/// Numbers of 64 bits are strings in protobuf's JSON; not every collector writes them so.
fn partial_json(signal: &Signal, body: &[u8]) -> Option<Accepted> {
    let response: serde_json::Value = serde_json::from_slice(body).ok()?;
    let partial = response.get("partialSuccess")?;
    let rejected = match partial.get(signal.rejected) {
        Some(serde_json::Value::String(text)) => text.parse().ok()?,
        Some(number) => number.as_u64()?,
        None => 0,
    };
    let message = partial.get("errorMessage").and_then(|text| text.as_str()).unwrap_or_default().to_owned();
    Some(Accepted { rejected, message })
}
