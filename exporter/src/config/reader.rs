//! What goes along while the tree is read: the environment, what was found wrong, and what was learned on the way.

use std::ops::Range;

use super::mask::Mask;
use super::node::{Node, Value};
use super::notes::Notes;
use super::page::Entry;
use super::problem::{Problem, Severity};

/// The environment, from wherever.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Problems that are kept, for the same reason that fewer are printed.
const KEPT: usize = 1000;

/// Values of one unknown name that a message lists.
const LISTED: usize = 16;

pub(super) struct Reader<'a> {
    pub(super) source: &'a str,
    pub(super) environment: Lookup<'a>,
    pub(super) mask: Mask,
    pub(super) problems: Vec<Problem>,
    pub(super) notes: Notes,
    /// Set while the definition is asked what there is, instead of what a file says.
    pub(super) page: Option<Vec<Entry>>,
    /// The `type` whose keys are described.
    pub(super) variant: Option<&'static str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a str, environment: Lookup<'a>, mask: Mask) -> Self {
        Self { source, environment, mask, problems: Vec::new(), notes: Notes::default(), page: None, variant: None }
    }

    pub(super) fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// What else is wrong is not looked for.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() >= KEPT
    }

    pub(super) fn error(
        &mut self,
        at: &Range<usize>,
        what: impl Into<String>,
        expected: impl Into<String>,
        help: Option<String>,
    ) {
        if self.is_full() {
            return;
        }
        self.problems.push(Problem {
            severity: Severity::Error,
            at: Some(at.clone()),
            what: what.into(),
            expected: expected.into(),
            help,
        });
    }

    pub(super) fn warn(&mut self, at: &Range<usize>, what: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem {
            severity: Severity::Warning,
            at: Some(at.clone()),
            what: what.into(),
            expected: String::new(),
            help: Some(help.into()),
        });
    }

    /// Says that `node` is not what `expected` says.
    pub(super) fn wrong(&mut self, node: &Node, expected: impl Into<String>, help: Option<String>) {
        let what = format!("{} is not accepted here", self.found(node));
        self.error(&node.at, what, expected, help);
    }

    /// Says what a node is. A secret is not repeated.
    pub(super) fn found(&self, node: &Node) -> String {
        match &node.value {
            Value::List(items) if items.is_empty() => "an empty list".into(),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a mapping".into(),
            Value::Scalar { .. } if node.is_null() => "an empty value".into(),
            Value::Scalar { text, .. } if text.trim().is_empty() => "an empty text".into(),
            Value::Scalar { .. } if self.mask.hides(&node.at) => "this value".into(),
            Value::Scalar { text, .. } => {
                let kind = match node.plain() {
                    Some("true" | "false") => "the truth value ",
                    Some(_) if node.is_number() => "the number ",
                    _ => "",
                };
                let short: String = text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
                let dots = if short.len() < text.len() { "..." } else { "" };
                format!("{kind}`{short}{dots}`")
            }
        }
    }
}

/// `one of a, b, c`.
pub(super) fn one_of<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > LISTED { ", ..." } else { "" };
    match shown.as_slice() {
        [] => "nothing".into(),
        [one] => one.clone(),
        _ => format!("one of {}{more}", shown.join(", ")),
    }
}

/// `did you mean x?`, where something is near.
pub(super) fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    super::near::nearest(name, known).map(|near| format!("did you mean `{near}`?"))
}
