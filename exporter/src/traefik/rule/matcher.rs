//! The matchers of both syntaxes, compiled.
//!
//! Both come down to the same few questions: v3 takes one argument where v2 takes many, and where v3 compares, v2
//! has templates (Traefik 3.6.12 pkg/muxer/http/{matcher,matcher_v2}.go).

use regex::bytes::Regex;

use super::template;
use super::{Error, Syntax, pattern};
use crate::traefik::network::Network;
use crate::traefik::request::View;

#[derive(Debug)]
pub(super) enum Matcher {
    ClientIp(Vec<Network>),
    Method(Vec<String>),
    Host(Vec<String>),
    /// `or_empty`: the pattern matches the empty text. v3 asks it a second time for the flattened name, which is
    /// empty where flattening is off (matcher.go:126).
    HostRegexp {
        pattern: Regex,
        or_empty: bool,
    },
    HostTemplate(Vec<Regex>),
    Path(String),
    PathPrefix(String),
    /// `PathRegexp`, and the path templates of v2.
    PathRegexp(Vec<Regex>),
    Header {
        name: String,
        value: String,
    },
    HeaderRegexp(Vec<(String, Regex)>),
    /// All of these names with these values (v2's `Headers`).
    Headers(Vec<(String, String)>),
    Query {
        key: String,
        value: String,
    },
    QueryRegexp {
        key: String,
        pattern: Regex,
    },
    /// Per pair: the key, and the template over `key=first value`.
    QueryTemplate(Vec<(String, Regex)>),
}

const V3: [&str; 11] = [
    "ClientIP",
    "Method",
    "Host",
    "HostRegexp",
    "Path",
    "PathRegexp",
    "PathPrefix",
    "Header",
    "HeaderRegexp",
    "Query",
    "QueryRegexp",
];
const V2: [&str; 10] = [
    "Host",
    "HostHeader",
    "HostRegexp",
    "ClientIP",
    "Path",
    "PathPrefix",
    "Method",
    "Headers",
    "HeadersRegexp",
    "Query",
];

impl Matcher {
    pub(super) fn new(name: &str, arguments: &[String], syntax: Syntax) -> Result<Self, Error> {
        let names: &[&'static str] = match syntax {
            Syntax::V2 => &V2,
            Syntax::V3 => &V3,
        };
        let matcher = names
            .iter()
            .copied()
            .find(|known| is_called(name, known))
            .ok_or_else(|| Error::Matcher { name: name.into() })?;
        if arguments.is_empty() {
            return Err(Error::Arguments { matcher, expected: "at least one argument", found: 0 });
        }
        if arguments.iter().any(String::is_empty) {
            return Err(Error::Empty { matcher });
        }
        match syntax {
            Syntax::V2 => Self::v2(matcher, arguments),
            Syntax::V3 => Self::v3(matcher, arguments),
        }
    }

    fn v3(matcher: &'static str, arguments: &[String]) -> Result<Self, Error> {
        let expected = match matcher {
            "Header" | "HeaderRegexp" => "two arguments",
            "Query" | "QueryRegexp" => "one or two arguments",
            _ => "one argument",
        };
        let (first, second) = match arguments {
            [first] if !expected.starts_with("two") => (first, None),
            [first, second] if expected.contains("two") => (first, Some(second)),
            _ => {
                return Err(Error::Arguments { matcher, expected, found: arguments.len() });
            }
        };
        let value = second.cloned().unwrap_or_default();
        Ok(match matcher {
            "ClientIP" => Self::ClientIp(vec![network(matcher, first)?]),
            "Method" => Self::Method(vec![first.to_uppercase()]),
            "Host" => Self::Host(vec![ascii(matcher, first)?.to_ascii_lowercase()]),
            "HostRegexp" => {
                let pattern = pattern(ascii(matcher, first)?)?;
                let or_empty = pattern.is_match(b"");
                Self::HostRegexp { pattern, or_empty }
            }
            "Path" => Self::Path(absolute(matcher, first)?.into()),
            "PathPrefix" => Self::PathPrefix(absolute(matcher, first)?.into()),
            "PathRegexp" => Self::PathRegexp(vec![pattern(first)?]),
            "Header" => Self::Header { name: first.clone(), value },
            "HeaderRegexp" => Self::HeaderRegexp(vec![(first.clone(), pattern(&value)?)]),
            "QueryRegexp" if second.is_some() => Self::QueryRegexp { key: first.clone(), pattern: pattern(&value)? },
            _ => Self::Query { key: first.clone(), value },
        })
    }

    fn v2(matcher: &'static str, arguments: &[String]) -> Result<Self, Error> {
        let each = |compile: fn(&str) -> Result<Regex, Error>| {
            arguments.iter().map(|text| compile(text)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match matcher {
            "ClientIP" => {
                Self::ClientIp(arguments.iter().map(|argument| network(matcher, argument)).collect::<Result<_, _>>()?)
            }
            "Method" => Self::Method(arguments.iter().map(|method| method.to_uppercase()).collect()),
            "Host" | "HostHeader" => Self::Host(
                arguments
                    .iter()
                    .map(|host| Ok(ascii(matcher, host)?.to_ascii_lowercase()))
                    .collect::<Result<_, Error>>()?,
            ),
            "HostRegexp" => {
                for host in arguments {
                    ascii(matcher, host)?;
                }
                Self::HostTemplate(each(template::host)?)
            }
            "Path" | "PathPrefix" => {
                for path in arguments {
                    absolute(matcher, path)?;
                }
                let prefix = matcher == "PathPrefix";
                Self::PathRegexp(each(if prefix { template::path_prefix } else { template::path })?)
            }
            "Headers" => Self::Headers(
                pairs(matcher, arguments)?.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            ),
            "HeadersRegexp" => Self::HeaderRegexp(
                pairs(matcher, arguments)?
                    .map(|(name, value)| Ok((name.to_owned(), pattern(value)?)))
                    .collect::<Result<_, Error>>()?,
            ),
            // Traefik cuts each argument at its first `=` and takes what comes out two by two.
            _ => {
                let parts: Vec<String> =
                    arguments.iter().flat_map(|argument| argument.splitn(2, '=')).map(str::to_owned).collect();
                Self::QueryTemplate(
                    pairs(matcher, &parts)?
                        .map(|(key, value)| template::query(key, value))
                        .collect::<Result<_, Error>>()?,
                )
            }
        })
    }

    pub(super) fn matches(&self, request: &View<'_>) -> bool {
        match self {
            Self::ClientIp(networks) => {
                request.client().is_some_and(|client| networks.iter().any(|network| network.contains(client)))
            }
            Self::Method(methods) => methods.iter().any(|method| method == request.method()),
            Self::Host(hosts) => hosts.iter().any(|host| is_host(request.host(), host)),
            Self::HostRegexp { pattern, or_empty } => *or_empty || pattern.is_match(request.host().as_bytes()),
            Self::HostTemplate(templates) => {
                templates.iter().any(|template| template.is_match(request.authority_host().as_bytes()))
            }
            Self::Path(path) => request.path() == path.as_bytes(),
            Self::PathPrefix(prefix) => request.path().starts_with(prefix.as_bytes()),
            Self::PathRegexp(patterns) => {
                patterns.iter().any(|pattern| pattern.is_match(request.path_text().as_bytes()))
            }
            Self::Header { name, value } => request.headers(name).any(|found| found == value),
            Self::HeaderRegexp(wanted) => wanted
                .iter()
                .all(|(name, pattern)| request.headers(name).any(|found| pattern.is_match(found.as_bytes()))),
            Self::Headers(wanted) => {
                wanted.iter().all(|(name, value)| request.headers(name).any(|found| found == value))
            }
            Self::Query { key, value } => request.query(key).any(|found| found == value.as_bytes()),
            Self::QueryRegexp { key, pattern } => {
                request.query(key).any(|found| pattern.is_match(&request.text(found)))
            }
            Self::QueryTemplate(wanted) => wanted.iter().all(|(key, template)| {
                let first = request.query(key).next();
                let pair = first.map(|value| [key.as_bytes(), b"=", value].concat());
                template.is_match(&request.text(&pair.unwrap_or_default()))
            }),
        }
    }
}

/// Matchers go by their name, and by it in lower, upper and title case (pkg/rules/parser.go:43).
fn is_called(name: &str, known: &str) -> bool {
    if !name.eq_ignore_ascii_case(known) {
        return false;
    }
    let upper = |c: char| c.is_ascii_uppercase();
    let titled = name.starts_with(upper) && !name.get(1..).unwrap_or_default().contains(upper);
    name == known || titled || !name.contains(upper) || name.chars().all(upper)
}

/// One dot at the end is let pass, on either side.
fn is_host(host: &str, wanted: &str) -> bool {
    !host.is_empty()
        && (host == wanted || wanted.strip_suffix('.') == Some(host) || host.strip_suffix('.') == Some(wanted))
}

fn ascii<'a>(matcher: &'static str, text: &'a str) -> Result<&'a str, Error> {
    if text.is_ascii() {
        return Ok(text);
    }
    Err(Error::Argument { matcher, expected: "a name of ASCII characters only (punycode)", found: text.into() })
}

fn absolute<'a>(matcher: &'static str, path: &'a str) -> Result<&'a str, Error> {
    if path.starts_with('/') {
        return Ok(path);
    }
    Err(Error::Argument { matcher, expected: "a path that starts with `/`", found: path.into() })
}

fn network(matcher: &'static str, text: &str) -> Result<Network, Error> {
    Network::parse(text).ok_or_else(|| Error::Argument {
        matcher,
        expected: "an IP address or CIDR range",
        found: text.into(),
    })
}

fn pairs<'a>(
    matcher: &'static str,
    arguments: &'a [String],
) -> Result<impl Iterator<Item = (&'a str, &'a str)>, Error> {
    if !arguments.len().is_multiple_of(2) {
        return Err(Error::Arguments { matcher, expected: "pairs of a name and a value", found: arguments.len() });
    }
    Ok(arguments.chunks_exact(2).filter_map(|pair| match pair {
        [name, value] => Some((name.as_str(), value.as_str())),
        _ => None,
    }))
}
