//! What is told of an exchange: which stack it goes through, what the rules there say of its hops, which of these are
//! told at all.
//!
//! The hops of one exchange are judged together: what a rule selects on either hop, it selects on both. Pure.

mod facts;
mod tap;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::config::{Configuration, HttpCapture, Tap, Through};
use crate::exchange::{Exchange, Format, Kept, Level};
use crate::rules::{Field, Verdict};

pub use facts::{Asked, Facts, Names, Responded};

/// The rules of a configuration, or one level for everything.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Of exchanges that no stack is for.
    level: Level,
    stacks: Vec<Arc<[HttpCapture]>>,
    /// Of exchanges of no endpoint.
    usual: Route,
    endpoints: Vec<(Domain, Route)>,
    tap: Option<Tap>,
}

/// Where exchanges go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Route {
    /// No stack: the policy's own level.
    #[default]
    Plain,
    /// Nothing is told.
    Nothing,
    Stack(usize),
}

/// A host, or all hosts below one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Domain {
    Exact(String),
    Below(String),
}

impl Domain {
    fn parse(text: &str) -> Self {
        match text.strip_prefix("*.") {
            Some(parent) => Self::Below(format!(".{parent}")),
            None => Self::Exact(text.to_owned()),
        }
    }

    fn holds(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => host.eq_ignore_ascii_case(name),
            Self::Below(suffix) => {
                let tail = host.len().checked_sub(suffix.len()).and_then(|start| host.get(start..));
                tail.is_some_and(|tail| tail.eq_ignore_ascii_case(suffix)) && host.len() > suffix.len()
            }
        }
    }
}

impl Policy {
    /// The same level for everything.
    pub fn uniform(level: Level) -> Self {
        Self { level, ..Self::default() }
    }

    /// What a file says. `level` is what exchanges get that no rule matches, whatever the file has there.
    pub fn of(file: &Configuration, level: Option<Level>) -> Self {
        let stacks: Vec<Arc<[HttpCapture]>> = file
            .stacks
            .iter()
            .map(|stack| {
                let mut captures = stack.capture.clone();
                if let Some(level) = level {
                    captures.iter_mut().for_each(|capture| capture.level = level);
                }
                captures.into()
            })
            .collect();
        let at = |name: &str| file.stacks.iter().position(|stack| stack.name == name);
        let route = |through: &Through, usual: Route| match through {
            Through::Unsaid => usual,
            Through::Nothing => Route::Nothing,
            Through::Stack(name) => at(name).map_or(Route::Nothing, Route::Stack),
        };
        let usual = route(&file.tap.stack, Route::Plain);
        let endpoints = file.tap.endpoints.iter();
        let endpoints = endpoints.map(|it| (Domain::parse(&it.domain), route(&it.stack, usual))).collect();
        let level = level.unwrap_or_default();
        Self { level, stacks, usual, endpoints, tap: Some(file.tap.clone()) }
    }

    /// Header lines are needed, for outputs or for rules.
    pub fn wants_headers(&self) -> bool {
        let of_header = |field: &Field| matches!(field, Field::RequestHeader(_) | Field::ResponseHeader(_));
        self.most_detailed() >= Level::Details
            || self
                .captures()
                .any(|capture| capture.rules.iter().any(|rule| rule.expression.fields().iter().any(of_header)))
    }

    /// Not all exchanges are told alike.
    pub fn has_rules(&self) -> bool {
        !self.stacks.is_empty()
    }

    /// Bodies may be told.
    pub fn wants_bodies(&self) -> bool {
        self.most_detailed() == Level::Full
    }

    /// Bodies are told as a rule, and not by exception.
    pub fn is_full(&self) -> bool {
        let plain = self.level == Level::Full && self.routes().any(|route| route == Route::Plain);
        plain || self.captures().any(|capture| capture.level == Level::Full)
    }

    fn most_detailed(&self) -> Level {
        let plain = self.routes().any(|route| route == Route::Plain).then_some(self.level);
        let levels = self.captures().flat_map(|it| it.rules.iter().map(|rule| rule.level).chain([it.level]));
        levels.chain(plain).max().unwrap_or(Level::None)
    }

    fn routes(&self) -> impl Iterator<Item = Route> {
        self.endpoints.iter().map(|(_, route)| *route).chain([self.usual])
    }

    /// Those that exchanges can reach.
    fn captures(&self) -> impl Iterator<Item = &HttpCapture> {
        self.routes().flat_map(|route| self.of_route(route))
    }

    fn of_route(&self, route: Route) -> &[HttpCapture] {
        match route {
            Route::Stack(index) => self.stacks.get(index).map_or(&[], |captures| captures),
            Route::Plain | Route::Nothing => &[],
        }
    }

    /// By the host that was asked for, without its port.
    fn route(&self, host: Option<&str>) -> Route {
        let host = host.map(without_port).unwrap_or_default();
        let endpoint = self.endpoints.iter().find(|(domain, _)| domain.holds(host));
        endpoint.map_or(self.usual, |(_, route)| *route)
    }

    /// How much of a complete exchange is told. `before`: what was said of the part of it that was told earlier.
    pub fn judge(&self, exchange: &Exchange, before: Option<Kept>) -> Kept {
        let host = exchange.server.iter().map(|server| &server.hop);
        let host = host.chain(exchange.attempts.iter().map(|attempt| &attempt.hop)).find_map(|hop| hop.host.as_deref());
        let own = match self.route(host) {
            Route::Plain => Kept { level: self.level, format: Format::default() },
            Route::Nothing => Kept { level: Level::None, format: Format::default() },
            route @ Route::Stack(_) => {
                let captures = self.of_route(route);
                if captures.iter().all(|capture| capture.rules.is_empty()) {
                    best(captures.iter().map(|capture| Kept { level: capture.level, format: capture.format }))
                } else {
                    let hops: Vec<Facts<'_>> = Facts::of(exchange).collect();
                    best(captures.iter().map(|capture| judge(capture, &hops)))
                }
            }
        };
        match before {
            // A rule of level none, or nothing that is told: that stands.
            Some(before) if before.level == Level::None => before,
            Some(before) if before.level > own.level => before,
            _ => own,
        }
    }

    /// Whether an exchange, as far as it has gone, may still be told in full.
    pub fn may_be_full(&self, hops: &[Facts<'_>]) -> bool {
        let host = hops.iter().find_map(|hop| hop.asked.as_ref()?.host);
        match self.route(host) {
            Route::Plain => self.level == Level::Full,
            Route::Nothing => false,
            route @ Route::Stack(_) => self.of_route(route).iter().any(|capture| may_be_full(capture, hops)),
        }
    }

    /// Leaves out the hops that are not told.
    pub fn narrow(&self, exchange: &mut Exchange) {
        if let Some(tap) = &self.tap {
            tap::narrow(tap, exchange);
        }
    }
}

/// The most detailed, the first of several.
fn best(all: impl Iterator<Item = Kept>) -> Kept {
    let none = Kept { level: Level::None, format: Format::default() };
    all.fold(none, |best, next| if next.level > best.level { next } else { best })
}

fn judge(capture: &HttpCapture, hops: &[Facts<'_>]) -> Kept {
    let mut level = capture.level;
    for rule in &capture.rules {
        let asked = rule.level == Level::None || rule.level > level;
        if asked && hops.iter().any(|hop| rule.expression.evaluate(hop) == Verdict::True) {
            if rule.level == Level::None {
                level = Level::None;
                break;
            }
            level = rule.level;
        }
    }
    Kept { level, format: capture.format }
}

fn may_be_full(capture: &HttpCapture, hops: &[Facts<'_>]) -> bool {
    let mut reached = capture.level == Level::Full;
    for rule in &capture.rules {
        let verdicts = || hops.iter().map(|hop| rule.expression.evaluate(hop));
        match rule.level {
            Level::None if verdicts().any(|verdict| verdict == Verdict::True) => return false,
            Level::Full => {
                reached |= verdicts().any(|it| matches!(it, Verdict::True | Verdict::Unknown { later: true }));
            }
            _ => {}
        }
    }
    reached
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // A colon of an IPv6 address stands inside brackets.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
