//! One empty request to the collector, to see whether it would take another.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::batch::Batch;
use super::client::{Cause, Client, Failure};
use super::encode::Encoder;
use super::logs;
use super::settings::{Protocol, Settings, Target};
use super::signal::LOGS;
use crate::redact::Redaction;

/// A collector that is to be asked.
#[derive(Debug)]
pub struct Trial(Settings);

/// Why it would take nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: String,
    /// What a person can do.
    pub advice: &'static str,
}

const AWAY: &str = "start the collector, or correct the endpoint; from a container, localhost is the container itself";
const SPEAKS: &str = "check that endpoint and protocol fit: 4317 is the custom for grpc, 4318 for http/protobuf";
const TRUST: &str =
    "name the authority that signed its certificate: OTEL_EXPORTER_OTLP_CERTIFICATE, or `tls` in the file";
const CREDENTIALS: &str = "set the credentials that it wants: OTEL_EXPORTER_OTLP_HEADERS, or `headers` in the file";
const PATH: &str = "check the path of the endpoint, and that the collector takes this signal over this protocol";
const FILES: &str = "correct the files of certificates and keys";
const COLLECTOR: &str = "look into the collector's own log";

impl Trial {
    /// None where the settings name no collector.
    pub fn new(settings: &Settings) -> Option<Self> {
        (settings.target == Target::Collector).then(|| Self(settings.clone()))
    }

    /// Sends an empty request.
    ///
    /// # Errors
    /// It was not taken.
    pub async fn run(self, within: Duration) -> Result<(), Refusal> {
        let settings = &self.0;
        let told = |reason: &dyn fmt::Display, advice| Refusal { reason: reason.to_string(), advice };
        let mut client = Client::new(settings).map_err(|error| told(&error, FILES))?;
        let body = if settings.signal == &LOGS {
            logs::Encoder::new(settings).finish()
        } else {
            Encoder::new(settings, Arc::new(Redaction::default())).finish()
        };
        let body = body.map_err(|error| told(&error, COLLECTOR))?;
        let within = within.min(settings.timeout);
        match tokio::time::timeout(within, client.send(body)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(failure)) => Err(told(&failure.reason, advice(&failure))),
            Err(_) => Err(told(&format_args!("no answer within {} s", within.as_secs_f32()), AWAY)),
        }
    }
}

/// What is asked, and how: `spans to http://localhost:4318/v1/traces (http/protobuf)`.
impl fmt::Display for Trial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { signal, endpoint, protocol, .. } = &self.0;
        let scheme = if endpoint.tls { "https" } else { "http" };
        let (protocol, path) = match protocol {
            Protocol::Grpc => ("grpc", ""),
            Protocol::HttpProtobuf => ("http/protobuf", endpoint.path.as_str()),
            Protocol::HttpJson => ("http/json", endpoint.path.as_str()),
        };
        // What follows a question mark may be a key.
        let path = path.split('?').next().unwrap_or_default();
        let host = if endpoint.host.contains(':') { format!("[{}]", endpoint.host) } else { endpoint.host.clone() };
        write!(formatter, "{} to {scheme}://{host}:{}{path} ({protocol})", signal.noun, endpoint.port)
    }
}

/// The codes of gRPC: <https://grpc.io/docs/guides/status-codes>.
fn advice(failure: &Failure) -> &'static str {
    match failure.cause {
        Cause::Status(401 | 403 | 407) | Cause::GrpcStatus(7 | 16) => CREDENTIALS,
        Cause::Status(404 | 405) | Cause::GrpcStatus(12) => PATH,
        Cause::Status(400 | 415 | 421 | 426) => SPEAKS,
        Cause::Status(_) | Cause::GrpcStatus(_) => COLLECTOR,
        Cause::Transport if failure.reason.contains("certificate") => TRUST,
        Cause::Transport if is_away(&failure.reason) => AWAY,
        Cause::Transport => SPEAKS,
    }
}

/// Nobody was reached at all: the words of the system's errors, and of its resolver's.
fn is_away(reason: &str) -> bool {
    ["refused", "unreachable", "No route", "timed out", "lookup", "resolution", "not known", "No address"]
        .iter()
        .any(|word| reason.contains(word))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn what_is_asked() {
        for (variables, expected) in [
            (
                &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318")][..],
                "spans to http://a:4318/v1/traces (http/protobuf)",
            ),
            (
                &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://[::1]:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
                "spans to https://[::1]:4317 (grpc)",
            ),
            (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a/x?key=1")], "spans to http://a:80/x (http/protobuf)"),
        ] {
            let lookup =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let settings = Settings::from_env(&lookup).unwrap();
            assert_eq!(Trial::new(&settings).unwrap().to_string(), expected);
        }
        assert!(Trial::new(&Settings::from_env(&|_| None).unwrap()).is_none());
    }

    #[test]
    fn what_to_do() {
        let of = |cause, reason: &str| advice(&Failure { cause, ..Failure::transport(reason) });
        assert_eq!(of(Cause::Status(401), "answered 401 Unauthorized"), CREDENTIALS);
        assert_eq!(of(Cause::GrpcStatus(16), "answered grpc-status 16"), CREDENTIALS);
        assert_eq!(of(Cause::Status(404), "answered 404 Not Found"), PATH);
        assert_eq!(of(Cause::Status(503), "answered 503 Service Unavailable"), COLLECTOR);
        assert_eq!(of(Cause::Transport, "Connection refused (os error 111)"), AWAY);
        assert_eq!(of(Cause::Transport, "invalid peer certificate: UnknownIssuer"), TRUST);
        assert_eq!(of(Cause::Transport, "http2 error: frame with invalid size"), SPEAKS);
    }
}
