//! Expressions that have a name. They are compiled once and used by reference, however often they are named.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::compile::{self, FUNCTION, Node};
use super::parser::{MAX_DEPTH, Parsed, Term, TermKind, Tree, parse};
use super::{Fault, MacroFault, Names};

/// More are refused: what an evaluation remembers of them stands on its stack.
pub(super) const MAX_MACROS: usize = 256;

/// A set of macros that may use one another.
#[derive(Debug, Clone)]
pub struct Macros {
    pub(super) compiled: Arc<[Compiled]>,
    places: BTreeMap<String, usize>,
}

impl Default for Macros {
    fn default() -> Self {
        Self { compiled: Arc::new([]), places: BTreeMap::new() }
    }
}

#[derive(Debug)]
pub(super) struct Compiled {
    pub node: Node,
    pub depth: usize,
}

/// What a called name is.
pub(super) enum Found {
    Macro(usize),
    /// A macro that has faults of its own.
    Broken,
    /// The name that is nearest.
    Nothing(Option<String>),
}

impl Macros {
    /// Compiles pairs of name and expression, which may stand in any order.
    ///
    /// # Errors
    /// All faults of all of them at once, each with the index of its macro.
    pub fn compile<N: AsRef<str>, E: AsRef<str>>(list: &[(N, E)], names: &Names) -> Result<Self, Vec<MacroFault>> {
        let mut build =
            Build { faults: Vec::new(), parsed: Vec::new(), names: BTreeMap::new(), places: BTreeMap::new() };
        if list.len() > MAX_MACROS {
            let fault = Fault::new(0..0, format!("expected at most {MAX_MACROS} macros, found {}", list.len()));
            return Err(vec![MacroFault { index: MAX_MACROS, in_name: true, fault }]);
        }
        for (index, (name, text)) in list.iter().enumerate() {
            build.add(index, name.as_ref(), text.as_ref());
        }
        let order = build.order();
        let mut compiled: Vec<Compiled> = Vec::new();
        for index in order {
            build.compile(index, &mut compiled, names);
        }
        build.faults.sort_by_key(|fault| (fault.index, !fault.in_name, fault.fault.at.start));
        if !build.faults.is_empty() {
            return Err(build.faults);
        }
        let places = build.names.iter().filter_map(|(name, index)| Some((name.clone(), *build.places.get(index)?)));
        Ok(Self { places: places.collect(), compiled: compiled.into() })
    }

    pub(super) fn find(&self, name: &str) -> Found {
        match self.places.get(name) {
            Some(place) => Found::Macro(*place),
            None => Found::Nothing(compile::nearest(name, self.places.keys().map(String::as_str))),
        }
    }
}

/// Which macro is called, and where.
type Call = (usize, Range<usize>);

struct Build {
    faults: Vec<MacroFault>,
    /// None for those that could not be read.
    parsed: Vec<Option<Parsed>>,
    /// From a name to its index.
    names: BTreeMap<String, usize>,
    /// From an index to the place among the compiled.
    places: BTreeMap<usize, usize>,
}

impl Build {
    fn fault(&mut self, index: usize, in_name: bool, fault: Fault) {
        self.faults.push(MacroFault { index, in_name, fault });
    }

    fn add(&mut self, index: usize, name: &str, text: &str) {
        let whole = 0..name.len();
        let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let word = name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        if !starts || !word || !callable(name) {
            let message = format!("expected a macro's name, found `{}`", name.escape_debug());
            let fault = Fault::new(whole, message);
            self.fault(index, true, fault.help("letters, digits and _, and no word of the language"));
        } else if name == FUNCTION {
            self.fault(index, true, Fault::new(whole, format!("expected another name: {FUNCTION} is a function")));
        } else if let Some(first) = self.names.get(name) {
            let message = format!("expected each name once, found `{name}` as macro {} and {}", first + 1, index + 1);
            self.fault(index, true, Fault::new(whole, message));
        } else {
            self.names.insert(name.to_owned(), index);
        }
        let parsed = match parse(text) {
            Ok(parsed) => Some(parsed),
            Err(fault) => {
                self.fault(index, false, fault);
                None
            }
        };
        self.parsed.push(parsed);
    }

    /// The macros that `index` calls, with the call.
    fn calls(&self, index: usize) -> Vec<Call> {
        let mut found = Vec::new();
        if let Some(Some(parsed)) = self.parsed.get(index) {
            calls(&parsed.tree, &mut |name, at| {
                if let Some(called) = self.names.get(name) {
                    found.push((*called, at.clone()));
                }
            });
        }
        found
    }

    /// Those that are used before those that use them; each cycle is a fault, once.
    fn order(&mut self) -> Vec<usize> {
        let mut order = Vec::new();
        let mut state = vec![State::New; self.parsed.len()];
        for start in 0..self.parsed.len() {
            // A list of its own instead of recursion: a chain may be as long as the list of macros.
            let mut path: Vec<(usize, std::vec::IntoIter<Call>)> = Vec::new();
            if state.get(start) == Some(&State::New) {
                set(&mut state, start, State::Open);
                path.push((start, self.calls(start).into_iter()));
            }
            while let Some((index, calls)) = path.last_mut() {
                let index = *index;
                match calls.next() {
                    None => {
                        set(&mut state, index, State::Done);
                        order.push(index);
                        path.pop();
                    }
                    Some((called, at)) => match state.get(called) {
                        Some(State::New) => {
                            set(&mut state, called, State::Open);
                            path.push((called, self.calls(called).into_iter()));
                        }
                        Some(State::Open) => {
                            let from = path.iter().position(|(index, _)| *index == called).unwrap_or(0);
                            let mut chain: Vec<&str> =
                                path.iter().skip(from).map(|(index, _)| self.name(*index)).collect();
                            chain.push(self.name(called));
                            let message = format!("expected no macro that uses itself, found {}", chain.join(" -> "));
                            self.fault(index, false, Fault::new(at, message));
                        }
                        _ => {}
                    },
                }
            }
        }
        order
    }

    fn name(&self, index: usize) -> &str {
        self.names.iter().find(|(_, known)| **known == index).map_or("", |(name, _)| name)
    }

    fn compile(&mut self, index: usize, compiled: &mut Vec<Compiled>, names: &Names) {
        let Some(Some(parsed)) = self.parsed.get(index) else { return };
        let find = |name: &str| match self.names.get(name) {
            Some(index) => self.places.get(index).map_or(Found::Broken, |place| Found::Macro(*place)),
            None => Found::Nothing(compile::nearest(name, self.names.keys().map(String::as_str))),
        };
        match compile::compile(&parsed.tree, &find, compiled, names) {
            Ok(node) => {
                let depth = compile::depth(&node, compiled);
                if depth > 2 * MAX_DEPTH {
                    let message =
                        format!("expected at most {} levels through all macros, found {depth}", 2 * MAX_DEPTH);
                    self.fault(index, false, Fault::new(0..0, message));
                    return;
                }
                self.places.insert(index, compiled.len());
                compiled.push(Compiled { node, depth });
            }
            Err(faults) => faults.into_iter().for_each(|fault| self.fault(index, false, fault)),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

fn set(states: &mut [State], index: usize, state: State) {
    if let Some(it) = states.get_mut(index) {
        *it = state;
    }
}

/// Whether `name()` reads as a call: keywords and literals do not.
fn callable(name: &str) -> bool {
    matches!(
        parse(&format!("{name}()")).map(|parsed| parsed.tree),
        Ok(Tree::Truth(Term { kind: TermKind::Call { name: read, .. }, .. })) if read == name
    )
}

fn calls(tree: &Tree, found: &mut dyn FnMut(&str, &Range<usize>)) {
    match tree {
        Tree::Any(parts) | Tree::All(parts) => parts.iter().for_each(|part| calls(part, found)),
        Tree::Not(inner) => calls(inner, found),
        Tree::Truth(term) => term_calls(term, found),
        Tree::Compare(left, _, right) => {
            term_calls(left, found);
            term_calls(right, found);
        }
    }
}

fn term_calls(term: &Term, found: &mut dyn FnMut(&str, &Range<usize>)) {
    match &term.kind {
        TermKind::Literal(_) | TermKind::Field(_) => {}
        TermKind::List(items) => items.iter().for_each(|item| term_calls(item, found)),
        TermKind::Call { name, at, arguments } => {
            found(name, at);
            arguments.iter().for_each(|argument| term_calls(argument, found));
        }
    }
}
