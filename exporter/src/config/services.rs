//! `services`: where what is seen goes. Event stores take exchanges, object stores take what is captured in full.

use std::path::PathBuf;

use super::keys::{Key, Keys, Variant, key};
use super::kind::{Bool, Named, Names, Section, Text, list, named};
use super::secret::{HEADER, SECRET, Secret};
use super::values::{URL, host};

#[derive(Debug, Clone, Default)]
pub struct Services {
    pub event_stores: Vec<EventStore>,
    pub object_stores: Vec<ObjectStore>,
}

#[derive(Debug, Clone)]
pub struct EventStore {
    pub id: Option<String>,
    pub to: EventTarget,
}

#[derive(Debug, Clone)]
pub enum EventTarget {
    Stdout,
    Otlp(Otlp),
    Disabled,
}

#[derive(Debug, Clone)]
pub struct ObjectStore {
    pub id: Option<String>,
    pub to: ObjectTarget,
}

#[derive(Debug, Clone)]
pub enum ObjectTarget {
    Stdout,
    File {
        directory: PathBuf,
    },
    S3(S3),
    /// As log records.
    Otlp(Otlp),
    Disabled,
}

/// A bucket.
#[derive(Debug, Clone)]
pub struct S3 {
    /// Host with port and path, without a scheme; None: Amazon's of the region.
    pub endpoint: Option<String>,
    /// Not set by `insecure: true` or an endpoint of `http://`.
    pub tls: bool,
    pub region: String,
    pub bucket: String,
    /// In front of every object's key; empty for nothing.
    pub prefix: String,
    /// None: the usual chain of AWS (environment, shared file, container, instance).
    pub keys: Option<S3Keys>,
    /// The bucket stands in the path instead of in the host's name.
    pub path_style: bool,
}

#[derive(Debug, Clone)]
pub struct S3Keys {
    pub access_key: Secret,
    pub secret_key: Secret,
    pub session_token: Option<Secret>,
}

/// A collector.
#[derive(Debug, Clone)]
pub struct Otlp {
    pub endpoint: String,
    pub protocol: Protocol,
    pub headers: Vec<(String, Secret)>,
    pub gzip: bool,
    pub tls: Tls,
}

/// PEM files: whom to trust instead of the public authorities, and who we are.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    pub certificate: Option<PathBuf>,
    pub client_certificate: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    HttpProtobuf,
    HttpJson,
}

impl Named for Protocol {
    const NAMES: &'static [(&'static str, Self)] =
        &[("http/protobuf", Self::HttpProtobuf), ("http/json", Self::HttpJson), ("grpc", Self::Grpc)];
}

#[derive(Clone, Copy, PartialEq)]
enum Compression {
    None,
    Gzip,
}

impl Named for Compression {
    const NAMES: &'static [(&'static str, Self)] = &[("none", Self::None), ("gzip", Self::Gzip)];
}

const ID: Key = key("id", "archive", "A name for this store, in logs and metrics.");

pub(super) fn services(keys: &mut Keys<'_, '_>) -> Option<Services> {
    let events = key("event_stores", "[{type: stdout}]", "Where exchanges go: method, URL, status, timing, names.");
    let event_stores = keys.section(events, &list(Section(event_store)));
    let objects = key("object_stores", "[{type: stdout}]", "Where headers and bodies go that are captured in full.");
    let object_stores = keys.section(objects, &list(Section(object_store)));
    Some(Services { event_stores: event_stores?, object_stores: object_stores? })
}

/// Ids are those of all stores together.
fn id(keys: &mut Keys<'_, '_>) -> Option<String> {
    let id = keys.optional(ID, &Text("a name"))?;
    if keys.reader.notes.ids.contains(&id)
        && let Some(at) = keys.place("id")
    {
        let help = Some("give one of the two another".into());
        keys.reader.error(&at, format!("another store has the id `{id}` already"), "an id of its own", help);
    }
    keys.reader.notes.ids.push(id.clone());
    Some(id)
}

fn event_store(keys: &mut Keys<'_, '_>) -> Option<EventStore> {
    let id = id(keys);
    let to = keys.variants(
        "What takes the exchanges: standard output, a collector of OpenTelemetry as spans, or nothing.",
        &[
            Variant { name: "stdout", read: |_| Some(EventTarget::Stdout) },
            Variant { name: "otlp", read: |keys| otlp(keys, true).map(EventTarget::Otlp) },
            Variant { name: "disabled", read: |_| Some(EventTarget::Disabled) },
        ],
    );
    Some(EventStore { id, to: to? })
}

fn object_store(keys: &mut Keys<'_, '_>) -> Option<ObjectStore> {
    let id = id(keys);
    let at = keys.first();
    let to = keys.variants(
        "What takes the objects: standard output, files, a bucket, a collector as log records, or nothing.",
        &[
            Variant { name: "stdout", read: |_| Some(ObjectTarget::Stdout) },
            Variant { name: "file", read: file },
            Variant { name: "s3", read: |keys| s3(keys).map(ObjectTarget::S3) },
            Variant { name: "otlp", read: |keys| otlp(keys, true).map(ObjectTarget::Otlp) },
            Variant { name: "disabled", read: |_| Some(ObjectTarget::Disabled) },
        ],
    )?;
    if let (Some(at), false) = (at, matches!(to, ObjectTarget::Disabled | ObjectTarget::Stdout)) {
        keys.reader.notes.object_stores.push(at);
    }
    Some(ObjectStore { id, to })
}

fn file(keys: &mut Keys<'_, '_>) -> Option<ObjectTarget> {
    let directory = key("directory", "/var/lib/hoptap", "Where the files are written; made where it is missing.");
    let directory = keys.required(directory, &Text("a path"))?;
    Some(ObjectTarget::File { directory: directory.into() })
}

fn s3(keys: &mut Keys<'_, '_>) -> Option<S3> {
    let before = keys.reader.problems.len();
    let text = Text("a text");
    let endpoint = key(
        "endpoint",
        "s3.amazonaws.com",
        "Host of the store, with a port where it is not the usual one. Left out: Amazon's for the region.",
    );
    let endpoint = keys.optional(endpoint, &Text("a host such as s3.amazonaws.com or minio:9000"));
    let region = keys.or(key("region", "eu-central-1", "The bucket's region."), &text, "us-east-1".into());
    let bucket = keys.required(key("bucket", "my-bucket", "The bucket; it must be there."), &Text("a bucket's name"));
    let prefix = key("prefix", "traefik/", "What stands in front of every object's key.");
    let prefix = keys.or(prefix, &text, String::new());
    let access = key("access_key", "{type: env, value: AWS_ACCESS_KEY_ID}", "Without it AWS's usual chain is asked.");
    let has = (keys.peek("access_key").is_some(), keys.peek("secret_key").is_some());
    let access_key = keys.optional(access, &SECRET);
    let secret = key("secret_key", "{type: env, value: AWS_SECRET_ACCESS_KEY}", "Stands with `access_key`.");
    let secret_key = keys.optional(secret, &SECRET);
    let session = key("session_token", "{type: env, value: AWS_SESSION_TOKEN}", "Of temporary keys.");
    let session_token = keys.optional(session, &SECRET);
    let path_style = key("path_style", "true", "`host/bucket` instead of `bucket.host`, as MinIO wants it.");
    let path_style = keys.or(path_style, &Bool, false);
    let insecure = keys.or(key("insecure", "true", "Plain HTTP instead of TLS."), &Bool, false);
    let access_url = key("access_url", "https://files.example/{{DIGEST}}", "Accepted for Qtap's sake; without effect.");
    keys.optional(access_url, &Text("a URL"));

    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if let (Some(name), Some(at)) = (&bucket, keys.place("bucket"))
        && !name.chars().all(letters)
    {
        let help =
            "S3 takes lower case letters, digits, `-` and `.` only; a store that is stricter refuses every object";
        keys.reader.warn(&at, format!("`{name}` is no name that S3 gives to buckets"), help);
    }
    let pair = match has {
        (true, false) => Some(("access_key", "secret_key")),
        (false, true) => Some(("secret_key", "access_key")),
        _ => None,
    };
    if let (Some((there, missing)), Some(at)) = (pair, keys.first()) {
        let what = format!("`{there}` stands without `{missing}`");
        let help = format!("add `{missing}`, or remove `{there}` to use AWS's usual chain of keys");
        keys.reader.error(&at, what, "both, or neither", Some(help));
    }
    let (endpoint, tls) = s3_endpoint(keys, endpoint, insecure);
    if keys.reader.problems.iter().skip(before).any(|problem| problem.severity == super::Severity::Error) {
        return None;
    }
    let s3_keys = match (access_key, secret_key) {
        (Some(access_key), Some(secret_key)) => Some(S3Keys { access_key, secret_key, session_token }),
        _ => None,
    };
    Some(S3 { endpoint, tls, region, bucket: bucket?, prefix, keys: s3_keys, path_style })
}

/// The endpoint without its scheme, and whether it is spoken to with TLS.
fn s3_endpoint(keys: &mut Keys<'_, '_>, endpoint: Option<String>, insecure: bool) -> (Option<String>, bool) {
    let (Some(text), Some(at)) = (endpoint, keys.place("endpoint")) else { return (None, !insecure) };
    let shown = if keys.reader.mask.hides(&at) { "this endpoint".to_owned() } else { format!("`{text}`") };
    match host(&text, false) {
        Err(help) => {
            let help = (!help.is_empty()).then_some(help);
            let expected = "a host such as s3.amazonaws.com or minio:9000";
            keys.reader.error(&at, format!("{shown} is not accepted here"), expected, help);
        }
        Ok((Some(false), _)) if !insecure && keys.peek("insecure").is_some() => {
            let help = Some("write `insecure: true` for plain HTTP, or https:// for TLS".into());
            keys.reader.error(&at, "the endpoint is plain HTTP, and `insecure: false` asks for TLS", "https", help);
        }
        Ok((Some(true), _)) if insecure => {
            let help = Some("remove `insecure: true`, or write http://".into());
            keys.reader.error(&at, "the endpoint is https, and `insecure: true` asks for plain HTTP", "http", help);
        }
        Ok((scheme, host)) => return (Some(host), scheme.unwrap_or(!insecure)),
    }
    (None, !insecure)
}

/// A collector; `needed` where there is none without an endpoint.
pub(super) fn otlp(keys: &mut Keys<'_, '_>, needed: bool) -> Option<Otlp> {
    let endpoint =
        key("endpoint", "http://collector:4318", "The collector. `https` for TLS. HTTP adds its usual path.");
    let endpoint = if needed { keys.required(endpoint, &URL) } else { keys.optional(endpoint, &URL) };
    let protocol = key("protocol", "grpc", "How it is spoken to; `grpc` is port 4317 most often, the others 4318.");
    let protocol = keys.or(protocol, &named(), Protocol::HttpProtobuf);
    let headers = key(
        "headers",
        "{authorization: {type: env, value: COLLECTOR_TOKEN}}",
        "Headers of every request. Values are a text, or `type: env` with the name of a variable.",
    );
    let kind = Names { of: HEADER, placeholder: "HEADER", expected: "a mapping from header names to values" };
    let headers = keys.section(headers, &kind);
    let headers = headers.unwrap_or_default();
    let compression = keys.or(key("compression", "gzip", "Of requests."), &named(), Compression::None);
    let tls = key("tls", "{certificate: /etc/ssl/ca.pem}", "Certificates, where the public authorities will not do.");
    let tls = keys.section(tls, &Section(tls_files));
    for (name, value) in &headers {
        let allowed = name.parse::<hyper::header::HeaderName>().is_ok()
            && value.expose().parse::<hyper::header::HeaderValue>().is_ok();
        if let (false, Some(at)) = (allowed, keys.peek("headers").and_then(|node| node.get(name)).map(|n| n.at.clone()))
        {
            let what = format!("HTTP does not allow the header `{name}` with this value");
            keys.reader.error(&at, what, "a name and a value that HTTP allows", None);
        }
    }
    Some(Otlp { endpoint: endpoint?, protocol, headers, gzip: compression == Compression::Gzip, tls: tls? })
}

fn tls_files(keys: &mut Keys<'_, '_>) -> Option<Tls> {
    let path = Text("the path of a PEM file");
    let certificate = key("certificate", "/etc/ssl/ca.pem", "Whom to trust instead of the public authorities.");
    let client = key("client_certificate", "/etc/ssl/hoptap.pem", "Who hoptap is.");
    let client_key = key("client_key", "/etc/ssl/hoptap.key", "The key of `client_certificate`.");
    let tls = Tls {
        certificate: keys.optional(certificate, &path).map(PathBuf::from),
        client_certificate: keys.optional(client, &path).map(PathBuf::from),
        client_key: keys.optional(client_key, &path).map(PathBuf::from),
    };
    if tls.client_certificate.is_some() != tls.client_key.is_some()
        && let Some(at) = keys.first()
    {
        let expected = "`client_certificate` and `client_key`, or neither";
        keys.reader.error(&at, "one half of hoptap's own certificate is missing", expected, None);
    }
    Some(tls)
}
