//! A backend that answers with the body that it was sent, in other clothes: `?status=503&d=50&n=1000`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Answers on one port until it is dropped.
#[derive(Debug)]
pub struct Echo {
    pub address: SocketAddr,
    /// Requests that came.
    pub count: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Echo {
    /// # Errors
    /// Where no port can be bound.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let counted = Arc::clone(&counted);
                tokio::spawn(async move {
                    let answers = service_fn(move |request| {
                        counted.fetch_add(1, Relaxed);
                        answer(request)
                    });
                    // A client that hangs up is none of our business.
                    let _ended =
                        Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), answers).await;
                });
            }
        });
        Ok(Self { address, count, task })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The body that answers this one.
pub fn answer_to(body: &[u8], size: Option<usize>) -> Vec<u8> {
    let size = size.unwrap_or(body.len());
    let shifted = body.iter().map(|byte| byte.wrapping_add(u8::from(*byte != 0x7a && byte.is_ascii_lowercase())));
    shifted.chain(std::iter::repeat(b'.')).take(size).collect()
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let value = |key: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| *name == key).find_map(|(_, value)| value.parse::<usize>().ok())
    };
    let content_type = request.headers().get("content-type").cloned();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    if let Some(delay) = value("d") {
        tokio::time::sleep(Duration::from_millis(delay as u64)).await;
    }
    let mut response = Response::new(Full::new(Bytes::from(answer_to(&body, value("n")))));
    if let Some(status) = value("status").and_then(|status| u16::try_from(status).ok()?.try_into().ok()) {
        *response.status_mut() = status;
    }
    if let Some(content_type) = content_type {
        response.headers_mut().insert("content-type", content_type);
    }
    Ok(response)
}
