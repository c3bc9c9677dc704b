//! What is answered to which request.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::export::metrics::{Format, Page};
use crate::readiness::{Readiness, State};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

const INDEX: &str = "\
hoptap

/metrics  rates, errors and durations of Traefik's requests, and hoptap's own numbers, for Prometheus
/healthz  200 while hoptap runs
/readyz   200 while it is attached to a Traefik; what it is attached to, and what is missing
";

/// What the pages are made from.
#[derive(Debug)]
pub struct Pages {
    metrics: Arc<Page>,
    readiness: Arc<Readiness>,
    /// A page may be many megabytes: one is made at a time, whoever asks.
    encoding: Semaphore,
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    waits_for: Vec<String>,
    #[serde(flatten)]
    state: State,
}

impl Pages {
    pub fn new(metrics: Page, readiness: Arc<Readiness>) -> Self {
        Self { metrics: Arc::new(metrics), readiness, encoding: Semaphore::new(1) }
    }

    pub(super) async fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let found = match request.uri().path() {
            path @ ("/" | "/metrics" | "/healthz" | "/readyz") => path,
            _ => return response(StatusCode::NOT_FOUND, TEXT, "not found: see /\n"),
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "method not allowed: GET or HEAD\n");
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        match found {
            "/metrics" => self.metrics(request).await,
            "/readyz" => self.readyz(),
            "/healthz" => response(StatusCode::OK, TEXT, "ok\n"),
            _ => response(StatusCode::OK, TEXT, INDEX),
        }
    }

    async fn metrics<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let accepted = request.headers().get_all(ACCEPT).iter();
        let accepted: Vec<&str> = accepted.filter_map(|value| value.to_str().ok()).collect();
        let format = Format::accepted(&accepted.join(","));
        // The semaphore is never closed.
        let _turn = self.encoding.acquire().await;
        let page = Arc::clone(&self.metrics);
        // Thousands of series take tens of milliseconds, in which this thread has other things to answer.
        match tokio::task::spawn_blocking(move || page.encode(format)).await {
            Ok(Ok(page)) => response(StatusCode::OK, format.content_type(), page),
            Ok(Err(_)) | Err(_) => response(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "the page could not be made\n"),
        }
    }

    fn readyz(&self) -> Response<Full<Bytes>> {
        let state = self.readiness.state();
        let ready = state.is_ready();
        let waits_for = state.waits_for();
        let status = match ready {
            true => StatusCode::OK,
            false => StatusCode::SERVICE_UNAVAILABLE,
        };
        let body = Ready { ready, waits_for, state };
        match serde_json::to_string_pretty(&body) {
            Ok(body) => response(status, JSON, body + "\n"),
            Err(_) => response(status, TEXT, if ready { "ready\n" } else { "not ready\n" }),
        }
    }
}

fn response(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
