//! The fields that expressions can ask for.

use super::near;

/// One field. Header names are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    Method,
    Path,
    Host,
    Authority,
    Scheme,
    Url,
    Query,
    RequestSize,
    RequestHeader(Box<str>),
    Status,
    DurationMs,
    ResponseSize,
    ResponseHeader(Box<str>),
    SourceIp,
    SourcePort,
    SourceProcess(Process),
    SourceContainer(Container),
    DestinationIp,
    DestinationPort,
    DestinationDomain,
    Direction,
    Protocol,
    Tls,
    Tags,
    EntryPoint,
    Router,
    Service,
    Server,
    TraceId,
    ClientIp,
    /// Any other, where `Names::Any` lets it be.
    Named(Box<str>),
}

/// What is known of the process that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Process {
    Pid,
    Name,
    Path,
    User,
}

/// What is known of its container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    Id,
    Name,
    Image,
}

/// Which names are fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// Those of an exchange; any other is a fault.
    #[default]
    Exchange,
    /// Every name.
    Any,
}

/// What a field's values are, where that is known before there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Address,
    List,
    Any,
}

const REQUEST_HEADERS: &str = "http.req.headers.";
const RESPONSE_HEADERS: &str = "http.res.headers.";

static FIXED: [(&str, Field, Kind); 38] = [
    ("http.req.method", Field::Method, Kind::Text),
    ("http.req.path", Field::Path, Kind::Text),
    ("http.req.host", Field::Host, Kind::Text),
    ("http.req.authority", Field::Authority, Kind::Text),
    ("http.req.scheme", Field::Scheme, Kind::Text),
    ("http.req.url", Field::Url, Kind::Text),
    ("http.req.query", Field::Query, Kind::Text),
    ("http.req.size", Field::RequestSize, Kind::Number),
    ("http.res.status", Field::Status, Kind::Number),
    ("http.res.duration_ms", Field::DurationMs, Kind::Number),
    ("http.res.size", Field::ResponseSize, Kind::Number),
    ("src.ip", Field::SourceIp, Kind::Address),
    ("src.port", Field::SourcePort, Kind::Number),
    ("src.process.pid", Field::SourceProcess(Process::Pid), Kind::Number),
    ("src.process.name", Field::SourceProcess(Process::Name), Kind::Text),
    ("src.process.path", Field::SourceProcess(Process::Path), Kind::Text),
    ("src.process.exe", Field::SourceProcess(Process::Path), Kind::Text),
    ("src.process.binary", Field::SourceProcess(Process::Name), Kind::Text),
    ("src.process.user", Field::SourceProcess(Process::User), Kind::Any),
    ("src.container.id", Field::SourceContainer(Container::Id), Kind::Text),
    ("src.container.name", Field::SourceContainer(Container::Name), Kind::Text),
    ("src.container.image", Field::SourceContainer(Container::Image), Kind::Text),
    ("dst.ip", Field::DestinationIp, Kind::Address),
    ("dst.port", Field::DestinationPort, Kind::Number),
    ("dst.domain", Field::DestinationDomain, Kind::Text),
    ("direction", Field::Direction, Kind::Text),
    ("protocol", Field::Protocol, Kind::Text),
    ("tls", Field::Tls, Kind::Any),
    ("tls.enabled", Field::Tls, Kind::Any),
    ("tags", Field::Tags, Kind::List),
    ("traefik.entrypoint", Field::EntryPoint, Kind::Text),
    ("traefik.router", Field::Router, Kind::Text),
    ("traefik.service", Field::Service, Kind::Text),
    ("traefik.server", Field::Server, Kind::Text),
    ("trace.id", Field::TraceId, Kind::Text),
    ("client.ip", Field::ClientIp, Kind::Address),
    ("src.process.container.id", Field::SourceContainer(Container::Id), Kind::Text),
    ("src.process.container.name", Field::SourceContainer(Container::Name), Kind::Text),
];

impl Field {
    pub(super) fn parse(name: &str, names: &Names) -> Option<Self> {
        match names {
            Names::Any => Some(Self::Named(name.into())),
            Names::Exchange => Self::of_exchange(name),
        }
    }

    /// The field of an exchange that has this name.
    pub fn of_exchange(name: &str) -> Option<Self> {
        let header = |prefix| {
            let header: &str = name.strip_prefix(prefix)?;
            // What a dotted name cannot say is not a header's name either.
            (!header.is_empty()).then(|| header.to_ascii_lowercase().into_boxed_str())
        };
        if let Some(header) = header(REQUEST_HEADERS) {
            return Some(Self::RequestHeader(header));
        }
        if let Some(header) = header(RESPONSE_HEADERS) {
            return Some(Self::ResponseHeader(header));
        }
        FIXED.iter().find(|(known, ..)| *known == name).map(|(_, field, _)| field.clone())
    }

    /// What to write instead of a name that is no field.
    pub(super) fn suggestion(name: &str) -> String {
        if name == "http.req.headers" || name == "http.res.headers" {
            return format!("write which header, such as {name}.content-type");
        }
        let lower = name.to_ascii_lowercase();
        for (prefix, typed) in [("http.req.header.", REQUEST_HEADERS), ("http.res.header.", RESPONSE_HEADERS)] {
            if let Some(header) = lower.strip_prefix(prefix) {
                return format!("did you mean {typed}{header}?");
            }
        }
        match near::nearest(name, FIXED.iter().map(|(known, ..)| *known)) {
            Some(known) => format!("did you mean {known}?"),
            None => format!("fields are {}, {REQUEST_HEADERS}NAME and {RESPONSE_HEADERS}NAME", listed()),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::RequestHeader(_) | Self::ResponseHeader(_) => Kind::Text,
            Self::Named(_) => Kind::Any,
            fixed => FIXED.iter().find(|(_, field, _)| field == fixed).map_or(Kind::Any, |(.., kind)| *kind),
        }
    }

    /// As it is written in an expression.
    pub fn name(&self) -> String {
        match self {
            Self::RequestHeader(header) => format!("{REQUEST_HEADERS}{header}"),
            Self::ResponseHeader(header) => format!("{RESPONSE_HEADERS}{header}"),
            Self::Named(name) => name.to_string(),
            fixed => FIXED.iter().find(|(_, field, _)| field == fixed).map_or("", |(name, ..)| name).to_owned(),
        }
    }
}

fn listed() -> String {
    FIXED.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ")
}
