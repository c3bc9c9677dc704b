//! What OTLP export needs to know, from OpenTelemetry's standard variables.

use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};

use super::environment::{Environment, HIDDEN, Problems};
use super::sampler::Sampler;
use super::signal::{LOGS, SPANS, Signal};

/// Spans, or log records, that may wait for the collector: 1.6 s at 10 000 requests/s, about 16 MiB without headers. OpenTelemetry's
/// 2048 would lose spans at every pause of a tenth of a second.
const QUEUE: usize = 32_768;

/// OpenTelemetry's own default.
const BATCH: usize = 512;

/// OpenTelemetry waits 5 s; a person who has sent a request looks for its trace sooner. At 1 s a quiet proxy costs one
/// small request a second, and a busy one fills its batches before.
const DELAY: Duration = Duration::from_secs(1);

/// OpenTelemetry's defaults: for one request, and for one batch with its retries.
const TIMEOUT: Duration = Duration::from_secs(10);
const EXPORT_TIMEOUT: Duration = Duration::from_secs(30);

const ATTRIBUTES: usize = 128;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const URL: &str = "a URL such as http://localhost:4318 or https://collector.example";

/// Where spans, or log records, go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Nowhere: nothing asked for them, or `none`, or `OTEL_SDK_DISABLED`.
    None,
    Collector,
    /// Lines of OTLP/JSON on standard output.
    Console,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    HttpProtobuf,
    HttpJson,
}

/// The collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub tls: bool,
    pub host: String,
    pub port: u16,
    pub path: String,
}

/// All of it, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub signal: &'static Signal,
    pub target: Target,
    pub protocol: Protocol,
    pub endpoint: Endpoint,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// For one request.
    pub timeout: Duration,
    pub gzip: bool,
    /// PEM: whom to trust instead of the public authorities, and who we are.
    pub authorities: Option<PathBuf>,
    pub client_certificate: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    /// Spans, or log records, that may wait.
    pub queue: usize,
    /// Spans, or log records, in one request, at most.
    pub batch: usize,
    /// How long one waits for others.
    pub delay: Duration,
    /// For one batch with its retries.
    pub export_timeout: Duration,
    pub sampler: Sampler,
    pub service_name: Option<String>,
    pub resource: Vec<(String, String)>,
    /// Attributes of one, at most; the rest is counted in it.
    pub attribute_count: usize,
    /// Characters of a text, at most.
    pub attribute_length: Option<usize>,
    /// Bodies go along as events of their spans.
    pub body_events: bool,
    /// Bytes that may wait, and bytes in one request: no variable says them.
    pub queue_bytes: usize,
    pub batch_bytes: usize,
}

impl Settings {
    /// Those of spans. Reads the environment through `lookup`. What the configuration file says goes underneath it: a
    /// `lookup` that answers from the file where the environment has nothing.
    ///
    /// Without `OTEL_TRACES_EXPORTER` and without an endpoint the target is none: a program that watches dials
    /// nobody unasked.
    ///
    /// # Errors
    /// Every variable that cannot be used, with its value and what is accepted.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        Self::of(&SPANS, lookup)
    }

    /// Those of log records, from `OTEL_LOGS_EXPORTER`, `OTEL_EXPORTER_OTLP_LOGS_*`, `OTEL_BLRP_*` and what is common
    /// to all signals.
    ///
    /// # Errors
    /// As for spans.
    pub fn logs_from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        Self::of(&LOGS, lookup)
    }

    fn of(signal: &'static Signal, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let mut env = Environment::new(lookup);
        let target = target(signal, &mut env);
        let protocol = protocol(signal, &mut env);
        let (batch, queue) = sizes(signal, &mut env);
        let settings = Self {
            signal,
            target,
            protocol,
            endpoint: endpoint(signal, &mut env, protocol),
            headers: headers(signal, &mut env),
            timeout: env.duration(&[signal.timeout, "OTEL_EXPORTER_OTLP_TIMEOUT"], TIMEOUT),
            gzip: gzip(signal, &mut env),
            authorities: path(&env, &[signal.certificate, "OTEL_EXPORTER_OTLP_CERTIFICATE"]),
            client_certificate: path(&env, &[signal.client_certificate, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"]),
            client_key: path(&env, &[signal.client_key, "OTEL_EXPORTER_OTLP_CLIENT_KEY"]),
            queue,
            batch,
            delay: env.duration(&[signal.delay], DELAY),
            export_timeout: env.duration(&[signal.export_timeout], EXPORT_TIMEOUT),
            sampler: sampler(&mut env),
            service_name: env.first(&["OTEL_SERVICE_NAME"]).map(|(_, name)| name),
            resource: env.pairs(&["OTEL_RESOURCE_ATTRIBUTES"]),
            attribute_count: env.count(&[signal.attribute_count, "OTEL_ATTRIBUTE_COUNT_LIMIT"]).unwrap_or(ATTRIBUTES),
            attribute_length: env.count(&[signal.attribute_length, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"]),
            body_events: true,
            queue_bytes: signal.queue_bytes,
            batch_bytes: signal.batch_bytes,
        };
        if env.problems.is_empty() { Ok(settings) } else { Err(Problems(env.problems)) }
    }
}

fn target(signal: &Signal, env: &mut Environment) -> Target {
    let disabled = env.flag("OTEL_SDK_DISABLED");
    let asked = env.first(&[ENDPOINT, signal.endpoint]).is_some();
    let named = env.read(&[signal.exporter], "otlp, console or none", |text| match text {
        "otlp" => Some(Target::Collector),
        "console" => Some(Target::Console),
        "none" => Some(Target::None),
        _ => None,
    });
    match named {
        _ if disabled => Target::None,
        Some(target) => target,
        None if asked => Target::Collector,
        None => Target::None,
    }
}

fn protocol(signal: &Signal, env: &mut Environment) -> Protocol {
    let variables = &[signal.protocol, "OTEL_EXPORTER_OTLP_PROTOCOL"];
    env.read(variables, "grpc, http/protobuf or http/json", |text| match text {
        "grpc" => Some(Protocol::Grpc),
        "http/protobuf" => Some(Protocol::HttpProtobuf),
        "http/json" => Some(Protocol::HttpJson),
        _ => None,
    })
    .unwrap_or(Protocol::HttpProtobuf)
}

/// The endpoint of the signal is used as it is; to that of all signals HTTP adds its path.
fn endpoint(signal: &Signal, env: &mut Environment, protocol: Protocol) -> Endpoint {
    let (default_port, added) = match protocol {
        Protocol::Grpc => (4317, ""),
        _ => (4318, signal.path),
    };
    let specific = env.first(&[signal.endpoint]).is_some();
    let mut endpoint = env.read(&[signal.endpoint, ENDPOINT], URL, parse_endpoint).unwrap_or_else(|| Endpoint {
        tls: false,
        host: "localhost".into(),
        port: default_port,
        path: String::new(),
    });
    if protocol == Protocol::Grpc {
        endpoint.path = signal.grpc_path.into();
    } else if !specific {
        endpoint.path = format!("{}{added}", endpoint.path.trim_end_matches('/'));
    } else if endpoint.path.is_empty() {
        endpoint.path = "/".into();
    }
    endpoint
}

fn parse_endpoint(text: &str) -> Option<Endpoint> {
    let uri: Uri = text.parse().ok()?;
    let tls = match uri.scheme_str()? {
        "http" => false,
        "https" => true,
        _ => return None,
    };
    let authority = uri.authority()?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    // Credentials in the URL would end up in log lines; they belong into the headers.
    if host.is_empty() || authority.as_str().contains('@') {
        return None;
    }
    // A port that does not fit must not turn into the default.
    let port = match authority.as_str().rsplit_once(':') {
        Some((_, port)) if !port.contains(']') => port.parse().ok()?,
        _ if tls => 443,
        _ => 80,
    };
    Some(Endpoint {
        tls,
        host: host.to_owned(),
        port,
        path: uri.path_and_query().map_or("", |path| path.as_str()).to_owned(),
    })
}

fn headers(signal: &Signal, env: &mut Environment) -> Vec<(HeaderName, HeaderValue)> {
    let variables = &[signal.headers, "OTEL_EXPORTER_OTLP_HEADERS"];
    let variable = env.first(variables).map_or("", |(variable, _)| variable);
    let mut headers = Vec::new();
    for (name, value) in env.pairs(variables) {
        match (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                headers.push((name, value));
            }
            _ => env.wrong(variable, HIDDEN.into(), "names and values that HTTP allows"),
        }
    }
    headers
}

fn gzip(signal: &Signal, env: &mut Environment) -> bool {
    let variables = &[signal.compression, "OTEL_EXPORTER_OTLP_COMPRESSION"];
    env.read(variables, "gzip or none", |text| match text {
        "gzip" => Some(true),
        "none" => Some(false),
        _ => None,
    })
    .unwrap_or(false)
}

fn path(env: &Environment, variables: &[&'static str]) -> Option<PathBuf> {
    env.first(variables).map(|(_, path)| path.into())
}

fn sizes(signal: &Signal, env: &mut Environment) -> (usize, usize) {
    let queue = env.count(&[signal.queue]).unwrap_or(QUEUE);
    match env.count(&[signal.batch]) {
        Some(batch) if batch > queue => {
            let expected = format!("at most {}, which is {queue}", signal.queue);
            env.wrong(signal.batch, batch.to_string(), &expected);
            (batch, queue)
        }
        Some(batch) => (batch, queue),
        None => (BATCH.min(queue), queue),
    }
}

fn sampler(env: &mut Environment) -> Sampler {
    const NAMES: &str = "always_on, always_off, traceidratio, parentbased_always_on, \
                         parentbased_always_off or parentbased_traceidratio";
    let named = env.read(&["OTEL_TRACES_SAMPLER"], NAMES, |text| {
        let (parent_based, root) = match text.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, text),
        };
        match root {
            "always_on" => Some((parent_based, Some(1.0))),
            "always_off" => Some((parent_based, Some(0.0))),
            "traceidratio" => Some((parent_based, None)),
            _ => None,
        }
    });
    let (parent_based, ratio) = named.unwrap_or((true, Some(1.0)));
    let ratio = ratio.unwrap_or_else(|| {
        env.read(&["OTEL_TRACES_SAMPLER_ARG"], "a number from 0 to 1", |text| {
            text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
        })
        .unwrap_or(1.0)
    });
    Sampler { ratio, parent_based, ..Sampler::default() }
}
