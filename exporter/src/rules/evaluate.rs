//! Three-valued logic. What is not known yet is followed through to all that it can become.

use std::cell::Cell;
use std::fmt;
use std::ops::BitOr;

use super::compare;
use super::compile::{Node, Side};
use super::field::Field;
use super::macros::{Compiled, MAX_MACROS};
use super::parser::Comparison;
use super::{Answer, Fields, Items, Value, Verdict};

/// The set of what it can turn out to be: true, false, unknown. Decided where it is one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome(u8);

impl Outcome {
    pub(super) const TRUE: Self = Self(1);
    const FALSE: Self = Self(2);
    const UNKNOWN: Self = Self(4);
    const OPEN: Self = Self(7);

    fn of(truth: bool) -> Self {
        if truth { Self::TRUE } else { Self::FALSE }
    }

    fn has(self, part: Self) -> bool {
        self.0 & part.0 != 0
    }

    pub(super) fn can_be_true(self) -> bool {
        self.has(Self::TRUE)
    }

    pub(super) fn verdict(self) -> Verdict {
        match self {
            Self::TRUE => Verdict::True,
            Self::FALSE => Verdict::False,
            open => Verdict::Unknown { later: open.can_be_true() },
        }
    }

    fn not(self) -> Self {
        Self((self.0 & 1) << 1 | (self.0 & 2) >> 1 | self.0 & 4)
    }

    fn when(self, holds: bool) -> Self {
        if holds { self } else { Self(0) }
    }

    /// False where one is false, true where both are true, otherwise unknown.
    fn and(self, other: Self) -> Self {
        let unknown = (self.has(Self::UNKNOWN) && other.0 & !Self::FALSE.0 != 0)
            || (other.has(Self::UNKNOWN) && self.0 & !Self::FALSE.0 != 0);
        Self::FALSE.when(self.has(Self::FALSE) || other.has(Self::FALSE))
            | Self::TRUE.when(self.has(Self::TRUE) && other.has(Self::TRUE))
            | Self::UNKNOWN.when(unknown)
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

impl BitOr for Outcome {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One evaluation. Each macro is evaluated once, however often it is used.
pub(super) struct Context<'a> {
    fields: &'a dyn Fields,
    macros: &'a [Compiled],
    known: [Cell<Outcome>; MAX_MACROS],
}

impl<'a> Context<'a> {
    pub(super) fn new(fields: &'a dyn Fields, macros: &'a [Compiled]) -> Self {
        Self { fields, macros, known: [const { Cell::new(Outcome(0)) }; MAX_MACROS] }
    }
}

/// Knows nothing yet.
pub(super) struct Nothing;

impl Fields for Nothing {
    fn get<'a>(&'a self, _: &Field) -> Answer<'a> {
        Answer::Later
    }
}

pub(super) fn outcome(node: &Node, context: &Context<'_>) -> Outcome {
    match node {
        Node::All(parts) => {
            let mut all = Outcome::TRUE;
            for part in parts {
                all = all.and(outcome(part, context));
                if all == Outcome::FALSE {
                    break;
                }
            }
            all
        }
        Node::Any(parts) => {
            let mut any = Outcome::FALSE;
            for part in parts {
                any = any.or(outcome(part, context));
                if any == Outcome::TRUE {
                    break;
                }
            }
            any
        }
        Node::Not(inner) => outcome(inner, context).not(),
        Node::Truth(operand) => decide([operand], context, |[value]| value.truth()),
        Node::Compare(left, how, right) => {
            let found = decide([left, right], context, |[left, right]| compare::holds(left, *how, right));
            if found == Outcome::OPEN && apart(left, right) { Outcome::FALSE | Outcome::UNKNOWN } else { found }
        }
        Node::StartsWith(both) => {
            let [value, prefix] = both.as_ref();
            decide([value, prefix], context, |[value, prefix]| compare::starts_with(value, prefix))
        }
        Node::Macro(index) => {
            let (Some(compiled), Some(known)) = (context.macros.get(*index), context.known.get(*index)) else {
                return Outcome::UNKNOWN;
            };
            if known.get() == Outcome(0) {
                known.set(outcome(&compiled.node, context));
            }
            known.get()
        }
    }
}

/// Whether a field and a literal are of types that never compare.
fn apart(left: &Side, right: &Side) -> bool {
    match (left, right) {
        (Side::Field(field), Side::Literal(literal)) | (Side::Literal(literal), Side::Field(field)) => {
            !literal.comparable(field.kind())
        }
        _ => false,
    }
}

fn decide<const N: usize>(
    operands: [&Side; N],
    context: &Context<'_>,
    test: impl FnOnce([&Value<'_>; N]) -> bool,
) -> Outcome {
    let lists = operands.map(|operand| Listed { operand, context });
    let mut values = [Value::Object; N];
    let mut worst = Outcome::TRUE;
    for ((operand, list), value) in operands.iter().zip(&lists).zip(&mut values) {
        match find(operand, list, context) {
            Answer::Value(found) => *value = found,
            Answer::Missing => return Outcome::UNKNOWN,
            Answer::Later => worst = Outcome::OPEN,
        }
    }
    if worst == Outcome::OPEN { worst } else { Outcome::of(test(values.each_ref())) }
}

/// The value of an operand; `list` is the operand again, for a list to be borrowed from.
fn find<'a>(operand: &'a Side, list: &'a Listed<'a>, context: &'a Context<'a>) -> Answer<'a> {
    match operand {
        Side::Field(field) => context.fields.get(field),
        Side::Literal(literal) => Answer::Value(literal.value()),
        Side::Node(node) => match outcome(node, context) {
            Outcome::TRUE => Answer::Value(Value::Bool(true)),
            Outcome::FALSE => Answer::Value(Value::Bool(false)),
            Outcome::UNKNOWN => Answer::Missing,
            _ => Answer::Later,
        },
        Side::Value(index) => match context.macros.get(*index).map(|compiled| &compiled.node) {
            Some(Node::Truth(inner)) => find(inner, list, context),
            _ => Answer::Missing,
        },
        Side::List(items) => lacking(items, context).unwrap_or(Answer::Value(Value::List(list))),
    }
}

/// A list with an item that is missing is missing itself; None where all are there.
fn lacking<'a>(items: &[Side], context: &'a Context<'a>) -> Option<Answer<'a>> {
    let mut later = None;
    for item in items {
        if let Side::Field(field) = item {
            match context.fields.get(field) {
                Answer::Value(_) => {}
                Answer::Missing => return Some(Answer::Missing),
                Answer::Later => later = Some(Answer::Later),
            }
        }
    }
    later
}

/// A list that is written in the expression; its items may be fields.
struct Listed<'a> {
    operand: &'a Side,
    context: &'a Context<'a>,
}

impl Listed<'_> {
    fn items(&self) -> &[Side] {
        match self.operand {
            Side::List(items) => items,
            Side::Value(index) => match self.context.macros.get(*index).map(|compiled| &compiled.node) {
                Some(Node::Truth(Side::List(items))) => items,
                _ => &[],
            },
            _ => &[],
        }
    }
}

impl fmt::Debug for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.items(), f)
    }
}

impl Items for Listed<'_> {
    fn len(&self) -> usize {
        self.items().len()
    }

    fn item(&self, index: usize) -> Value<'_> {
        match self.items().get(index) {
            Some(Side::Field(field)) => match self.context.fields.get(field) {
                Answer::Value(value) => value,
                Answer::Missing | Answer::Later => Value::Object,
            },
            Some(Side::Literal(literal)) => literal.value(),
            _ => Value::Object,
        }
    }
}

/// Adds the fields for whose absence `node` is unknown.
pub(super) fn missing(node: &Node, context: &Context<'_>, found: &mut Vec<Field>) {
    Absent { context, seen: [false; MAX_MACROS], found }.node(node);
}

struct Absent<'a> {
    context: &'a Context<'a>,
    /// Macros that have been looked into.
    seen: [bool; MAX_MACROS],
    found: &'a mut Vec<Field>,
}

impl Absent<'_> {
    fn node(&mut self, node: &Node) {
        if matches!(outcome(node, self.context), Outcome::TRUE | Outcome::FALSE) {
            return;
        }
        match node {
            Node::All(parts) | Node::Any(parts) => parts.iter().for_each(|part| self.node(part)),
            Node::Not(inner) => self.node(inner),
            Node::Truth(operand) => self.operand(operand),
            Node::Compare(left, how, right) => {
                // `x in [a, b]` is kept as `[a, b] contains x`.
                let turned = *how == Comparison::Contains && matches!(left, Side::List(_));
                let (first, second) = if turned { (right, left) } else { (left, right) };
                self.operand(first);
                self.operand(second);
            }
            Node::StartsWith(both) => both.iter().for_each(|operand| self.operand(operand)),
            Node::Macro(index) => self.enter(*index),
        }
    }

    fn enter(&mut self, index: usize) {
        let context = self.context;
        if let (Some(compiled), Some(seen)) = (context.macros.get(index), self.seen.get_mut(index))
            && !std::mem::replace(seen, true)
        {
            self.node(&compiled.node);
        }
    }

    fn operand(&mut self, operand: &Side) {
        match operand {
            Side::Field(field) => {
                if !matches!(self.context.fields.get(field), Answer::Value(_)) && !self.found.contains(field) {
                    self.found.push(field.clone());
                }
            }
            Side::Literal(_) => {}
            Side::List(items) => items.iter().for_each(|item| self.operand(item)),
            Side::Node(node) => self.node(node),
            Side::Value(index) => self.enter(*index),
        }
    }
}
