//! An OTLP receiver: gRPC, HTTP with protobuf and HTTP with JSON on one port. It keeps spans and takes the rest.
//! `/count` tells how many spans came.

use std::convert::Infallible;
use std::future::ready;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::span::{self, Span};

type Body = BoxBody<Bytes, Infallible>;

/// Closed when dropped.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    spans: Mutex<Vec<Span>>,
    /// Spans since the start.
    count: AtomicU64,
    /// What came and could not be read: a sender's fault.
    unread: Mutex<Vec<String>>,
    /// Answers with this status instead of taking anything; 0: takes all.
    refuses_with: AtomicU16,
    keeps: bool,
}

impl Collector {
    /// # Errors
    /// Where no port can be bound.
    pub async fn start() -> Result<Self> {
        Self::listen("127.0.0.1:0", true).await
    }

    /// One that counts spans and forgets them.
    ///
    /// # Errors
    /// Where the address cannot be bound.
    pub async fn start_counting(address: &str) -> Result<Self> {
        Self::listen(address, false).await
    }

    async fn listen(address: &str, keeps: bool) -> Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))?;
        let shared = Arc::new(Shared { keeps, ..Shared::default() });
        Ok(Self {
            address: listener.local_addr()?,
            accepting: tokio::spawn(accept(listener, Arc::clone(&shared))),
            shared,
        })
    }

    /// For OTEL_EXPORTER_OTLP_ENDPOINT, whatever the protocol.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All spans since the start or the last [`clear`](Self::clear), in the order of arrival.
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.shared.spans).clone()
    }

    pub fn clear(&self) {
        lock(&self.shared.spans).clear();
    }

    /// Spans since the start.
    pub fn count(&self) -> u64 {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// Requests that could not be read, and why.
    pub fn unread(&self) -> Vec<String> {
        lock(&self.shared.unread).clone()
    }

    /// From now on answers every HTTP request with `status`; 0 to take them again.
    pub fn refuse(&self, status: u16) {
        self.shared.refuses_with.store(status, Ordering::Relaxed);
    }

    /// Waits until the spans satisfy `enough`.
    ///
    /// # Errors
    /// Where they do not within `limit`: with how many came.
    pub async fn wait(&self, limit: Duration, mut enough: impl FnMut(&[Span]) -> bool) -> Result<Vec<Span>> {
        let begun = Instant::now();
        loop {
            let spans = self.spans();
            if enough(&spans) {
                return Ok(spans);
            }
            if begun.elapsed() > limit {
                bail!("expected more spans than the {} that came in {limit:?}", spans.len());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(answer(request, &shared).await) }
            });
            // A sender may go away at any time.
            let _gone = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Response<Body> {
    let refusal = shared.refuses_with.load(Ordering::Relaxed);
    if let Some(status) = StatusCode::from_u16(refusal).ok().filter(|_| refusal != 0) {
        return reply(status, "text/plain", Empty::new().boxed());
    }
    if request.uri().path() == "/count" {
        let count = shared.count.load(Ordering::Relaxed).to_string();
        return reply(StatusCode::OK, "text/plain", Full::new(count.into()).boxed());
    }
    let (parts, body) = request.into_parts();
    let media = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let taken = match body.collect().await {
        Ok(body) => take(parts.uri.path(), media, &parts.headers, &body.to_bytes(), shared),
        Err(error) => Err(error.into()),
    };
    if let Err(error) = taken {
        lock(&shared.unread).push(format!("{} ({media}): {error:#}", parts.uri.path()));
        return reply(StatusCode::BAD_REQUEST, "text/plain", Empty::new().boxed());
    }
    if media.starts_with("application/grpc") {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        // An empty message, then the status.
        let body = Full::new(Bytes::from_static(&[0; 5])).with_trailers(ready(Some(Ok(trailers))));
        return reply(StatusCode::OK, "application/grpc", body.boxed());
    }
    let empty: &'static [u8] = if media.starts_with("application/json") { b"{}" } else { b"" };
    let kind = if empty.is_empty() { "application/x-protobuf" } else { "application/json" };
    reply(StatusCode::OK, kind, Full::new(Bytes::from_static(empty)).boxed())
}

fn take(path: &str, media: &str, headers: &HeaderMap, body: &[u8], shared: &Shared) -> Result<()> {
    let traces = path == "/v1/traces" || path.ends_with("trace.v1.TraceService/Export");
    if !traces {
        return Ok(());
    }
    let coding = |name: &str| headers.get(name).is_some_and(|value| value.as_bytes() == b"gzip");
    let (message, gzip) = if media.starts_with("application/grpc") {
        let [packed, _, _, _, _, message @ ..] = body else {
            bail!("expected a gRPC frame, found {} bytes", body.len());
        };
        (message, *packed == 1 && coding("grpc-encoding"))
    } else {
        (body, coding(CONTENT_ENCODING.as_str()))
    };
    let message = plain(message, gzip)?;
    let json = media.starts_with("application/json");
    if !shared.keeps && !json {
        shared.count.fetch_add(Counted::decode(Bytes::from(message))?.spans(), Ordering::Relaxed);
        return Ok(());
    }
    let spans = if json {
        span::from_json(&serde_json::from_slice(&message)?)
    } else {
        span::from_proto(ExportTraceServiceRequest::decode(message.as_slice())?)
    };
    shared.count.fetch_add(spans.len() as u64, Ordering::Relaxed);
    if shared.keeps {
        lock(&shared.spans).extend(spans);
    }
    Ok(())
}

/// An `ExportTraceServiceRequest` of which nothing is looked at but how many spans there are: in a benchmark whoever
/// receives shares the processors with what is measured.
#[derive(prost::Message)]
struct Counted {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<CountedResource>,
}

#[derive(prost::Message)]
struct CountedResource {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<CountedScope>,
}

#[derive(prost::Message)]
struct CountedScope {
    #[prost(bytes = "bytes", repeated, tag = "2")]
    spans: Vec<Bytes>,
}

impl Counted {
    fn spans(&self) -> u64 {
        self.resources.iter().flat_map(|resource| &resource.scopes).map(|scope| scope.spans.len() as u64).sum()
    }
}

fn plain(bytes: &[u8], gzip: bool) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    if gzip {
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain)?;
    } else {
        plain.extend_from_slice(bytes);
    }
    Ok(plain)
}

fn reply(status: StatusCode, media: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}
