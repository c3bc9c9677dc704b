//! What Qtap does not have: `traefik`, `containers`, `metrics`, `spans` and `limits`.

use std::net::SocketAddr;

use super::keys::{Keys, key};
use super::kind::{Bool, Named, Section, Text, named, one_or_list};
use super::services::{Otlp, otlp};
use super::values::{ADDRESS, LISTEN, RATIO, SOCKET, bytes, whole};
use crate::capture::containers::{self, Socket};

/// Which Traefiks are watched, and how they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traefik {
    pub pids: Vec<u32>,
    pub containers: Vec<String>,
    pub executables: Vec<String>,
    pub api: Option<SocketAddr>,
    pub names: NamesFrom,
}

/// Where router, rule and service names come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamesFrom {
    Auto,
    Probes,
    Api,
}

impl Named for NamesFrom {
    const NAMES: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("probes", Self::Probes), ("api", Self::Api)];
}

pub(super) fn traefik(keys: &mut Keys<'_, '_>) -> Option<Traefik> {
    let pid = whole::<1, { u32::MAX as u64 }>("a process id");
    let pids = key("pid", "[4711]", "Watch these processes only, whatever they are called.");
    let pids = keys.section(pids, &one_or_list(pid));
    let containers = key(
        "container",
        "[edge-traefik-1, 3f2a9c]",
        "Watch only Traefiks in containers of these names, or with ids that start so.",
    );
    let containers = keys.section(containers, &one_or_list(Text("a container's name, its id, or the begin of its id")));
    let executables = key("executable", "[edge-proxy]", "File names of Traefiks that are called otherwise.");
    let executables = keys.section(executables, &one_or_list(Text("a file name")));
    let api = key("api", "127.0.0.1:8080", "Address of Traefik's API. Left out: found by itself.");
    let api = keys.optional(api, &ADDRESS);
    let names = key(
        "names",
        "api",
        "Where router, rule and service names come from: `auto` takes probes, and the API where there are none.",
    );
    let names = keys.or(names, &named(), NamesFrom::Auto);
    let pids = pids?.into_iter().filter_map(|pid| u32::try_from(pid).ok()).collect();
    Some(Traefik { pids, containers: containers?, executables: executables?, api, names })
}

pub(super) fn containers(keys: &mut Keys<'_, '_>) -> Option<containers::Settings> {
    let names = key("names", "false", "Call backends by the names of their containers in `server.address`.");
    let names = keys.or(names, &Bool, true);
    let docker = "Docker's socket, which tells the names of containers; `off` for not at all. `auto`: what DOCKER_HOST \
        says, or /var/run/docker.sock, if it is there.";
    let docker = keys.or(key("docker", "/run/user/1000/docker.sock", docker), &SOCKET, Socket::Auto);
    let podman = "The same for Podman. `auto`: /run/podman/podman.sock, if it is there.";
    let podman = keys.or(key("podman", "off", podman), &SOCKET, Socket::Auto);
    Some(containers::Settings { names, docker, podman })
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// None: the pages are not served.
    pub listen: Option<SocketAddr>,
    pub traefik_names: bool,
}

pub(super) fn metrics(keys: &mut Keys<'_, '_>) -> Option<Metrics> {
    let listen =
        key("listen", "127.0.0.1:9464", "Where /metrics, /healthz and /readyz are served; `off` for not at all.");
    let listen = keys.or(listen, &LISTEN, Some(SocketAddr::from(([0, 0, 0, 0], 9464))));
    let names = key(
        "traefik_names",
        "true",
        "Serve Traefik's own metric names as well, so that dashboards made for them work.",
    );
    Some(Metrics { listen, traefik_names: keys.or(names, &Bool, false) })
}

#[derive(Debug, Clone)]
pub struct Spans {
    pub bodies: Bodies,
    pub sample: Sample,
    /// None: the first event store of `type: otlp`, if there is one.
    pub collector: Option<Otlp>,
}

/// How captured bodies go along with spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    /// As events of the span.
    Event,
    /// As log records that belong to the span.
    Log,
    None,
}

impl Named for Bodies {
    const NAMES: &'static [(&'static str, Self)] = &[("event", Self::Event), ("log", Self::Log), ("none", Self::None)];
}

/// Which share of traces is kept. The largest share that applies to an exchange is its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub errors: f64,
    pub slower_than_ms: Option<u64>,
    pub rest: f64,
}

pub(super) fn spans(keys: &mut Keys<'_, '_>) -> Option<Spans> {
    let bodies = key("bodies", "log", "How bodies captured in full go along: as span events, as log records, or not.");
    let bodies = keys.or(bodies, &named(), Bodies::Event);
    let sample = key("sample", "{rest: 0.05}", "Which traces are kept, decided when they are complete.");
    let sample = keys.section(sample, &Section(sample_section));
    let endpoint = keys.place("endpoint");
    let needs = ["protocol", "headers", "compression", "tls"];
    let first = needs.iter().find_map(|name| keys.place(name).map(|at| (*name, at)));
    if let (None, Some((name, at))) = (&endpoint, &first) {
        let what = format!("`{name}` stands without `endpoint`");
        let help = "add `endpoint: http://collector:4318` beside it";
        keys.reader.error(at, what, "`endpoint` as well", Some(help.into()));
    }
    let collector = otlp(keys, false);
    Some(Spans { bodies, sample: sample?, collector })
}

fn sample_section(keys: &mut Keys<'_, '_>) -> Option<Sample> {
    let errors = keys.or(
        key("errors", "1.0", "Of exchanges that failed on any hop (status 500 and above, or cut off)."),
        &RATIO,
        1.0,
    );
    let slower = key("slower_than_ms", "1000", "Exchanges that took longer than this are all kept.");
    let slower_than_ms = keys.optional(slower, &whole::<1, 86_400_000>("milliseconds, a whole number above 0"));
    let rest = keys.or(key("rest", "0.05", "Of all others."), &RATIO, 1.0);
    Some(Sample { errors, slower_than_ms, rest })
}

/// What hoptap may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of each body that is kept.
    pub body_bytes: u64,
    /// Of all that waits, whatever comes.
    pub memory: u64,
    /// Exchanges that may wait for each output.
    pub queue: u64,
}

pub(super) fn limits(keys: &mut Keys<'_, '_>) -> Option<Limits> {
    let body = key("body_bytes", "64KiB", "Of each body, this much is kept; the rest is counted.");
    let body_bytes = keys.or(body, &bytes::<0, { 64 << 20 }>("a size up to 64MiB, such as 65536 or 64KiB"), 1 << 20);
    let memory = key(
        "memory",
        "128MiB",
        "What is captured and waits takes at most this; beyond, it is dropped and counted. A quarter is for bodies that wait to be redacted, a quarter for object stores, a quarter for the other outputs.",
    );
    let kind = bytes::<{ 16 << 20 }, { 1 << 40 }>("a size of 16MiB or more, such as 256MiB");
    let memory = keys.or(memory, &kind, 256 << 20);
    let queue = key("queue", "8192", "Exchanges that may wait for each output; beyond, they are dropped and counted.");
    let queue = keys.or(queue, &whole::<1, 10_000_000>("a whole number above 0"), 32_768);
    if let (true, Some(at)) = (body_bytes > memory / 4, keys.first()) {
        let expected = "`body_bytes` of at most a quarter of `memory`";
        let help = Some("lower `body_bytes`, or raise `memory`".into());
        keys.reader.error(&at, "a few bodies alone would fill the memory", expected, help);
    }
    Some(Limits { body_bytes, memory, queue })
}
