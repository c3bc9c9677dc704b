//! `tap`: what is looked at, and which stack each exchange goes through.

use std::ops::Range;

use super::keys::{Keys, key};
use super::kind::{Bool, Kind, Named, Section, Text, list, named, one_or_list};
use super::reader::{did_you_mean, one_of};
use super::values::REGEX;

#[derive(Debug, Clone)]
pub struct Tap {
    pub direction: Direction,
    pub ignore_loopback: bool,
    /// Accepted; hoptap tells no DNS.
    pub audit_include_dns: bool,
    /// Of exchanges of no endpoint.
    pub stack: Through,
    pub groups: Vec<Group>,
    /// Processes that are left alone.
    pub filters: Vec<Filter>,
    pub endpoints: Vec<Endpoint>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    All,
    /// From clients to Traefik.
    Ingress,
    /// From Traefik to backends.
    Egress,
    /// To backends at private addresses only.
    EgressInternal,
    /// To backends at public addresses only.
    EgressExternal,
}

impl Named for Direction {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("all", Self::All),
        ("ingress", Self::Ingress),
        ("egress", Self::Egress),
        ("egress-internal", Self::EgressInternal),
        ("egress-external", Self::EgressExternal),
    ];
}

/// Groups of processes that Qtap leaves alone. hoptap looks at Traefik only, so none of them changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Qpoint,
    Root,
    Kubernetes,
    Gke,
    Eks,
}

impl Named for Group {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("qpoint", Self::Qpoint),
        ("root", Self::Root),
        ("kubernetes", Self::Kubernetes),
        ("gke", Self::Gke),
        ("eks", Self::Eks),
    ];
}

/// Processes by the path of their executable.
#[derive(Debug, Clone)]
pub enum Filter {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Regex(regex::bytes::Regex),
}

impl Filter {
    /// Whether it means the process whose executable is `path`.
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(text) => path.starts_with(text.as_str()),
            Self::Suffix(text) => path.ends_with(text.as_str()),
            Self::Contains(text) => path.contains(text.as_str()),
            Self::Regex(regex) => regex.is_match(path.as_bytes()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Strategy {
    Exact,
    Prefix,
    Suffix,
    Contains,
    Regex,
}

impl Named for Strategy {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("exact", Self::Exact),
        ("prefix", Self::Prefix),
        ("suffix", Self::Suffix),
        ("contains", Self::Contains),
        ("regex", Self::Regex),
    ];
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Data,
    Dns,
    Tls,
    Http,
}

impl Named for Part {
    const NAMES: &'static [(&'static str, Self)] =
        &[("data", Self::Data), ("dns", Self::Dns), ("tls", Self::Tls), ("http", Self::Http)];
}

/// Exchanges of one host, with a stack of their own.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// In lower case.
    pub domain: String,
    pub stack: Through,
}

/// What exchanges go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Through {
    /// Nothing is said: of an endpoint, what all others go through; of all others, summaries.
    Unsaid,
    /// They are left out.
    Nothing,
    Stack(String),
}

impl Through {
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Stack(name) => Some(name),
            _ => None,
        }
    }
}

pub(super) fn tap(keys: &mut Keys<'_, '_>) -> Option<Tap> {
    let direction = key(
        "direction",
        "egress",
        "Which hops are told: from clients (`ingress`), to backends (`egress`), or both. `egress-internal` and \
         `egress-external` are the backends at private and at public addresses.",
    );
    let direction = keys.or(direction, &named(), Direction::All);
    let loopback = key("ignore_loopback", "true", "Leave out what goes over addresses such as 127.0.0.1 and ::1.");
    let ignore_loopback = keys.or(loopback, &Bool, false);
    let dns = key("audit_include_dns", "false", "Accepted for Qtap's sake; without effect, hoptap tells no DNS.");
    let audit_include_dns = keys.or(dns, &Bool, false);
    let http = key("http", "{stack: errors}", "What is done with exchanges.");
    let http = keys.section(http, &Section(http_stack));
    if matches!(http, Some(Through::Stack(_))) {
        keys.reader.notes.tap_has_stack = true;
    }
    let filters = key("filters", "{groups: [qpoint]}", "Which processes are left alone.");
    let filters = keys.section(filters, &Section(filters_section));
    let endpoints =
        key("endpoints", "[{domain: api.example, http: {stack: errors}}]", "Hosts with a stack of their own.");
    let endpoints = keys.section(endpoints, &list(Section(endpoint)));
    let (groups, filters) = filters?;
    let stack = http?;
    Some(Tap { direction, ignore_loopback, audit_include_dns, stack, groups, filters, endpoints: endpoints? })
}

/// The name of a stack that there is; `none` is none.
fn http_stack(keys: &mut Keys<'_, '_>) -> Option<Through> {
    let stack = key("stack", "errors", "A name below `stacks`, or `none` to leave these exchanges out.");
    let Some(name) = keys.optional(stack, &Text("the name of a stack")) else {
        return (keys.peek("stack").is_none()).then_some(Through::Unsaid);
    };
    if name == "none" {
        return Some(Through::Nothing);
    }
    let at: Range<usize> = keys.place("stack").unwrap_or_default();
    if let Some(note) = keys.reader.notes.stacks.iter_mut().find(|note| note.name == name) {
        note.used = true;
        return Some(Through::Stack(name));
    }
    let names: Vec<String> = keys.reader.notes.stacks.iter().map(|note| note.name.clone()).collect();
    let expected = match names.as_slice() {
        [] => "a name that `stacks:` defines, and it defines none".to_owned(),
        names => one_of(names.iter().map(String::as_str)),
    };
    let help = did_you_mean(&name, names.iter().map(String::as_str))
        .unwrap_or_else(|| format!("define it: `stacks:`, below it `{name}:`, below it `plugins:`"));
    keys.reader.error(&at, format!("there is no stack `{name}`"), expected, Some(help));
    None
}

fn filters_section(keys: &mut Keys<'_, '_>) -> Option<(Vec<Group>, Vec<Filter>)> {
    let groups = key("groups", "[qpoint]", "Qtap's groups of processes. Without effect: hoptap looks at Traefik only.");
    let groups = keys.section(groups, &list(named()));
    let custom = key("custom", "[{exe: /usr/bin/traefik-test, strategy: exact}]", "Processes by their executable.");
    let custom = keys.section(custom, &list(Section(filter)));
    Some((groups?, custom?))
}

fn filter(keys: &mut Keys<'_, '_>) -> Option<Filter> {
    let exe = key("exe", "/usr/bin/traefik-test", "The path of the executable, or the part that `strategy` says.");
    let node = keys.peek("exe");
    let exe = keys.required(exe, &Text("a path"));
    let strategy = keys.or(key("strategy", "suffix", "How `exe` is compared."), &named(), Strategy::Exact);
    let only = key("only", "[http]", "Accepted for Qtap's sake; the whole process is left alone.");
    keys.section(only, &one_or_list(named::<Part>()));
    let exe = exe?;
    Some(match strategy {
        Strategy::Exact => Filter::Exact(exe),
        Strategy::Prefix => Filter::Prefix(exe),
        Strategy::Suffix => Filter::Suffix(exe),
        Strategy::Contains => Filter::Contains(exe),
        Strategy::Regex => Filter::Regex(REGEX.read(node?, "", keys.reader)?),
    })
}

fn endpoint(keys: &mut Keys<'_, '_>) -> Option<Endpoint> {
    let domain = key("domain", "api.example", "The host that clients ask for.");
    let domain = keys.required(domain, &Text("a host such as api.example"));
    let http = keys.section(key("http", "{stack: errors}", "What is done with its exchanges."), &Section(http_stack));
    let domain = domain?.to_ascii_lowercase();
    let letters = |c: char| c.is_ascii_alphanumeric() || "-._*".contains(c);
    if let (false, Some(at)) = (domain.chars().all(letters), keys.place("domain")) {
        let help = "write the host alone, without scheme, port and path";
        keys.reader.error(&at, "this is not a host", "a host such as api.example", Some(help.into()));
        return None;
    }
    Some(Endpoint { domain, stack: http? })
}
