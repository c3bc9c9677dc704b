//! A router's rule: parsed and compiled once, then asked for each request.
//!
//! Follows Traefik 3.6.12 (pkg/rules, pkg/muxer/http), in the syntax of v3 and, where a router says so, of v2. What
//! needs the network to know is left out: flattened CNAMEs (`hostResolver`) never match here.

mod expression;
mod lexer;
mod matcher;
mod template;

use expression::Expression;
use matcher::Matcher;

use super::request::View;

/// Why Traefik would not take a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("expected {expected} at byte {at} of the rule, found {found}")]
    Unexpected { at: usize, expected: &'static str, found: String },
    #[error("the {what} opened at byte {at} of the rule is never closed")]
    Unclosed { at: usize, what: &'static str },
    #[error("found an escape that Go does not know in the string at byte {at} of the rule")]
    Escape { at: usize },
    #[error("the rule nests deeper than {limit} levels")]
    TooDeep { limit: usize },
    #[error("expected one of Traefik's matchers, found `{name}`")]
    Matcher { name: String },
    #[error("expected {expected} for `{matcher}`, found {found}")]
    Arguments { matcher: &'static str, expected: &'static str, found: usize },
    #[error("found an empty argument for `{matcher}`")]
    Empty { matcher: &'static str },
    #[error("expected {expected} for `{matcher}`, found `{found}`")]
    Argument { matcher: &'static str, expected: &'static str, found: String },
    #[error("expected a regular expression of Go, found `{pattern}`: {reason}")]
    Pattern { pattern: String, reason: String },
}

/// A pattern of Go's, to be searched for anywhere in a text.
fn pattern(text: &str) -> Result<regex::bytes::Regex, Error> {
    crate::regexp::compile(text).map_err(|reason| Error::Pattern { pattern: text.into(), reason })
}

/// How a rule is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Syntax {
    V2,
    #[default]
    V3,
}

impl Syntax {
    /// From a router's `ruleSyntax`; Traefik 3 reads everything but `v2` as v3 (pkg/muxer/http/parser.go:66).
    pub fn parse(name: &str) -> Self {
        if name == "v2" { Self::V2 } else { Self::V3 }
    }
}

#[derive(Debug)]
pub struct Rule(Node);

#[derive(Debug)]
enum Node {
    Matcher(Matcher),
    Not(Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
}

impl Rule {
    /// # Errors
    /// Says where and why Traefik would refuse the rule.
    pub fn parse(text: &str, syntax: Syntax) -> Result<Self, Error> {
        Node::compile(&expression::parse(text)?, syntax).map(Self)
    }

    pub fn matches(&self, request: &View<'_>) -> bool {
        self.0.matches(request)
    }
}

impl Node {
    fn compile(expression: &Expression, syntax: Syntax) -> Result<Self, Error> {
        let all =
            |parts: &[Expression]| parts.iter().map(|part| Self::compile(part, syntax)).collect::<Result<Vec<_>, _>>();
        Ok(match expression {
            Expression::Call { name, arguments } => Self::Matcher(Matcher::new(name, arguments, syntax)?),
            Expression::Not(inner) => Self::Not(Box::new(Self::compile(inner, syntax)?)),
            Expression::All(parts) => Self::All(all(parts)?),
            Expression::Any(parts) => Self::Any(all(parts)?),
        })
    }

    fn matches(&self, request: &View<'_>) -> bool {
        match self {
            Self::Matcher(matcher) => matcher.matches(request),
            Self::Not(inner) => !inner.matches(request),
            Self::All(parts) => parts.iter().all(|part| part.matches(request)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(request)),
        }
    }
}

#[cfg(test)]
mod tests;
