//! The request of a case, filled in.

use anyhow::{Context, Result};
use http::{Method, Request};

use super::{Body, StreamCase};
use crate::grpc;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Method, target, host and fields of one request.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) host: String,
    pub(super) headers: Vec<(String, String)>,
}

impl StreamCase {
    /// With `{huge}` for 40 000 bytes, which need more than one frame.
    pub(super) fn message(&self, id: &str) -> Result<Message> {
        let text = self.request.replace("{id}", id).replace("{huge}", &"h".repeat(40_000));
        let mut lines = text.split('|');
        let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let mut next = || words.next().with_context(|| format!("expected `METHOD target host`, found {text:?}"));
        let (method, target, host) = (next()?, next()?, next()?);
        let fields = lines.filter_map(|line| line.split_once(": "));
        let mut headers: Vec<_> = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        match self.body {
            Body::Messages(..) | Body::Open(..) => {
                add("content-type", "application/grpc");
                add("te", "trailers");
                add("user-agent", "grpc-lab/1.0");
            }
            Body::Web { text, .. } => {
                add("content-type", if text { "application/grpc-web-text" } else { "application/grpc-web+proto" });
                add("x-grpc-web", "1");
            }
            Body::Trailed(_) => add("trailer", "x-request-checksum"),
            Body::Bytes(size) => add("content-length", &size.to_string()),
            Body::None | Body::Slowly(..) => {}
        }
        Ok(Message { method, target, host, headers })
    }

    /// The name in the hello, where it is that of the request.
    pub(super) fn server_name<'a>(&'a self, message: &'a Message) -> &'a str {
        let host = message.host.split(':').next().unwrap_or_default();
        if self.name_in_hello.is_empty() { host } else { self.name_in_hello }
    }
}

impl Message {
    pub(super) fn request(&self, scheme: &str) -> Result<Request<()>> {
        let mut request = Request::builder()
            .method(Method::from_bytes(self.method.as_bytes())?)
            .uri(format!("{scheme}://{}{}", self.host, self.target));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        Ok(request.body(())?)
    }
}

impl Body {
    /// Its pieces and the milliseconds before each.
    pub(super) fn pieces(self) -> Vec<(u64, Vec<u8>)> {
        match self {
            Self::None => Vec::new(),
            Self::Bytes(size) | Self::Trailed(size) => vec![(0, vec![b'u'; size])],
            Self::Slowly(count, size, pause) => vec![(pause, vec![b's'; size]); count],
            Self::Messages(count, size, pause) => vec![(pause, grpc::message(size)); count],
            Self::Open(count, size) => vec![(0, grpc::message(size)); count],
            Self::Web { text, size } => {
                let message = grpc::message(size);
                vec![(0, if text { STANDARD.encode(message).into_bytes() } else { message })]
            }
        }
    }

    pub(super) fn trailers(self) -> Option<(&'static str, &'static str)> {
        matches!(self, Self::Trailed(_)).then_some(("x-request-checksum", "17"))
    }

    /// The client never says that it is done.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Open(..))
    }
}
