//! A collector on loopback that answers as a script says, and keeps what it took.

use std::convert::Infallible;
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::sync::oneshot;

use super::super::Protocol;

/// What the collector does with one request.
#[derive(Debug, Clone, Copy)]
pub(in crate::export) enum Reply {
    Take,
    /// Takes the batch but for so many spans.
    TakeBut(i64),
    /// A status of HTTP, or of gRPC.
    Refuse(u16),
    /// Closes the connection without an answer.
    HangUp,
    Hang,
}

/// What it saw.
#[derive(Debug, Default)]
pub(in crate::export) struct Seen {
    /// Batches that it took, with what it turned down of them.
    pub(in crate::export) taken: Vec<(ExportTraceServiceRequest, i64)>,
    /// The same of log records.
    pub(in crate::export) logs: Vec<(ExportLogsServiceRequest, i64)>,
    /// Of every request.
    pub(in crate::export) heads: Vec<(String, HeaderMap)>,
    pub(in crate::export) connections: usize,
}

impl Seen {
    /// Spans that it kept.
    pub(in crate::export) fn spans(&self) -> u64 {
        let spans: usize = self.taken.iter().map(|(batch, _)| count(batch)).sum();
        let refused: i64 = self.taken.iter().map(|(_, refused)| refused).sum();
        spans as u64 - u64::try_from(refused).unwrap()
    }

    pub(in crate::export) fn largest(&self) -> usize {
        self.taken.iter().map(|(batch, _)| count(batch)).max().unwrap_or(0)
    }
}

fn count(batch: &ExportTraceServiceRequest) -> usize {
    let scopes = batch.resource_spans.iter().flat_map(|spans| &spans.scope_spans);
    scopes.map(|scope| scope.spans.len()).sum()
}

type Script = Arc<dyn Fn(usize) -> Reply + Send + Sync>;

pub(in crate::export) struct Collector {
    pub(in crate::export) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Collector {
    pub(in crate::export) fn start(
        protocol: Protocol,
        script: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), protocol, script)
    }

    pub(in crate::export) fn on(
        listener: TcpListener,
        protocol: Protocol,
        script: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (stop, stopped) = oneshot::channel();
        let state = State {
            protocol,
            script: Arc::new(script),
            seen: Arc::clone(&seen),
            requests: Arc::new(AtomicUsize::new(0)),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = state.serve(listener) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, seen, stop, thread }
    }

    /// Ends it and says what it saw.
    pub(in crate::export) fn stop(self) -> Seen {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap();
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

#[derive(Clone)]
struct State {
    protocol: Protocol,
    script: Script,
    seen: Arc<Mutex<Seen>>,
    requests: Arc<AtomicUsize>,
}

impl State {
    async fn serve(self, listener: TcpListener) {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            self.seen.lock().unwrap().connections += 1;
            let state = self.clone();
            tokio::spawn(async move {
                let stream = TokioIo::new(stream);
                let protocol = state.protocol;
                let service = service_fn(move |request| {
                    let state = state.clone();
                    async move { state.answer(request).await }
                });
                // How a connection ends is the client's affair.
                let _ = if protocol == Protocol::Grpc {
                    http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await
                } else {
                    http1::Builder::new().serve_connection(stream, service).await
                };
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Answer>, std::io::Error> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        let is_logs = head.uri.path().to_ascii_lowercase().contains("logs");
        let batch = self.message(&head.headers, &body);
        self.seen.lock().unwrap().heads.push((head.uri.path().to_owned(), head.headers));
        let refused = match (self.script)(self.requests.fetch_add(1, SeqCst)) {
            Reply::Take => 0,
            Reply::TakeBut(refused) => refused,
            Reply::Refuse(code) => return Ok(self.refusal(code)),
            Reply::HangUp => return Err(std::io::Error::other("told to hang up")),
            Reply::Hang => {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                0
            }
        };
        let error_message = "too old".to_owned();
        if is_logs {
            let batch = self.decode(&batch);
            self.seen.lock().unwrap().logs.push((batch, refused));
            let partial_success =
                (refused > 0).then_some(ExportLogsPartialSuccess { rejected_log_records: refused, error_message });
            return Ok(self.accept(&ExportLogsServiceResponse { partial_success }));
        }
        let batch = self.decode(&batch);
        self.seen.lock().unwrap().taken.push((batch, refused));
        let partial_success =
            (refused > 0).then_some(ExportTracePartialSuccess { rejected_spans: refused, error_message });
        Ok(self.accept(&ExportTraceServiceResponse { partial_success }))
    }

    fn accept(&self, message: &(impl Message + serde::Serialize)) -> Response<Answer> {
        match self.protocol {
            Protocol::HttpJson => plain(serde_json::to_vec(message).unwrap()),
            Protocol::HttpProtobuf => plain(message.encode_to_vec()),
            Protocol::Grpc => {
                let message = message.encode_to_vec();
                let mut frame = vec![0];
                frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
                frame.extend(message);
                framed(frame, 0)
            }
        }
    }

    /// The message, without frame and compression.
    fn message(&self, headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let (body, zipped) = match self.protocol {
            Protocol::Grpc => {
                assert_eq!(text("te").as_deref(), Some("trailers"));
                let length = u32::from_be_bytes(body[1..5].try_into().unwrap());
                assert_eq!(usize::try_from(length).unwrap(), body.len() - 5);
                assert_eq!(body[0] == 1, text("grpc-encoding").as_deref() == Some("gzip"));
                (&body[5..], body[0] == 1)
            }
            _ => (body, text("content-encoding").as_deref() == Some("gzip")),
        };
        let content = match self.protocol {
            Protocol::Grpc => "application/grpc",
            Protocol::HttpProtobuf => "application/x-protobuf",
            Protocol::HttpJson => "application/json",
        };
        assert_eq!(text("content-type").as_deref(), Some(content));
        let mut plain = Vec::new();
        if zipped {
            flate2::read::GzDecoder::new(body).read_to_end(&mut plain).unwrap();
        } else {
            plain.extend(body);
        }
        plain
    }

    fn decode<M: Message + Default + serde::de::DeserializeOwned>(&self, plain: &[u8]) -> M {
        match self.protocol {
            Protocol::HttpJson => serde_json::from_slice(plain).unwrap(),
            _ => M::decode(plain).unwrap(),
        }
    }

    fn refusal(&self, code: u16) -> Response<Answer> {
        if self.protocol == Protocol::Grpc {
            return framed(Vec::new(), code);
        }
        let mut response = plain(b"no".to_vec());
        *response.status_mut() = hyper::StatusCode::from_u16(code).unwrap();
        response
    }
}

type Answer = http_body_util::combinators::BoxBody<Bytes, Infallible>;

fn plain(body: Vec<u8>) -> Response<Answer> {
    Response::new(Full::from(body).boxed())
}

fn framed(body: Vec<u8>, status: u16) -> Response<Answer> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status.to_string().parse().unwrap());
    let body = Full::from(body).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(body.boxed());
    response.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    response
}
