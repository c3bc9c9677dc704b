//! Reads the standard `OTEL_*` variables and gathers everything that is wrong with them.

use std::fmt;
use std::time::Duration;

/// One variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub variable: &'static str,
    /// As it was set; `(hidden)` where it may hold a secret.
    pub value: String,
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, value, expected } = self;
        write!(f, "{variable}={value}: expected {expected}")
    }
}

/// All variables that cannot be used, one to a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{problem}")?;
        }
        Ok(())
    }
}

/// Variables by name, from wherever, and what was wrong with those that were read.
pub(super) struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Environment<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    /// The first of these variables that is set. OpenTelemetry: an empty value counts as none.
    pub(super) fn first(&self, variables: &[&'static str]) -> Option<(&'static str, String)> {
        variables.iter().find_map(|variable| {
            let value = (self.lookup)(variable)?;
            let value = value.trim();
            (!value.is_empty()).then(|| (*variable, value.to_owned()))
        })
    }

    /// The first of these variables that is set, understood by `parse`; None where it is not set or not understood.
    pub(super) fn read<T>(
        &mut self,
        variables: &[&'static str],
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let (variable, value) = self.first(variables)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            self.wrong(variable, value, expected);
        }
        parsed
    }

    pub(super) fn wrong(&mut self, variable: &'static str, value: String, expected: &str) {
        self.problems.push(Problem { variable, value, expected: expected.to_owned() });
    }

    pub(super) fn duration(&mut self, variables: &[&'static str], default: Duration) -> Duration {
        self.read(variables, "milliseconds, a whole number above 0", |text| {
            let millis = text.parse().ok().filter(|millis| *millis > 0)?;
            Some(Duration::from_millis(millis))
        })
        .unwrap_or(default)
    }

    pub(super) fn count(&mut self, variables: &[&'static str]) -> Option<usize> {
        self.read(variables, "a whole number above 0", |text| text.parse().ok().filter(|count| *count > 0))
    }

    pub(super) fn flag(&mut self, variable: &'static str) -> bool {
        self.read(&[variable], "true or false", |text| text.to_ascii_lowercase().parse().ok()).unwrap_or(false)
    }

    /// `key=value,key=value`, values percent-encoded where they need it. Values are not repeated in the message:
    /// headers hold tokens.
    pub(super) fn pairs(&mut self, variables: &[&'static str]) -> Vec<(String, String)> {
        let Some((variable, value)) = self.first(variables) else {
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    pairs.push((key.trim().to_owned(), percent_decoded(value.trim())));
                }
                _ => self.wrong(variable, HIDDEN.into(), "key=value, more of them after commas"),
            }
        }
        pairs
    }
}

pub(super) const HIDDEN: &str = "(hidden)";

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        let byte =
            digits.and_then(|two| std::str::from_utf8(two).ok()).and_then(|two| u8::from_str_radix(two, 16).ok());
        match byte {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
