//! Regular expressions over bodies.
//!
//! A body that is cut may end within a secret that an expression would have found: what it could have gone on to match
//! is replaced as well. The expression's automaton is walked over the end of the body for that, once.

use std::ops::Range;

use regex::bytes::{Captures, Regex, RegexBuilder};
use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;

use super::Fault;

/// A secret that began further from the end than this is not looked for.
const WINDOW: usize = 16 * 1024;

/// The largest program of an expression, in bytes, as the library has it by default; the automaton that is walked is
/// one more.
const LARGEST: usize = 10 << 20;

#[derive(Debug, Clone)]
pub(super) struct Pattern {
    regex: Regex,
    nfa: NFA,
    /// Which group of a match is the secret; 0 for all of it.
    group: usize,
}

impl Pattern {
    /// The fault has no index yet.
    pub(super) fn new(pattern: &str) -> Result<Self, Fault> {
        let fault = |range: Range<usize>, message: String, help: &str| Fault {
            list: "patterns",
            index: 0,
            range,
            message,
            help: help.to_owned(),
        };
        let whole = 0..pattern.len();
        let help = "the syntax is that of RE2: no look-around, no references back";
        if let Err(error) = regex_syntax::Parser::new().parse(pattern) {
            let (range, what) = match &error {
                regex_syntax::Error::Parse(error) => (error.span(), error.kind().to_string()),
                regex_syntax::Error::Translate(error) => (error.span(), error.kind().to_string()),
                other => return Err(fault(whole, other.to_string(), help)),
            };
            return Err(fault(range.start.offset..range.end.offset, what, help));
        }
        let syntax = syntax::Config::new().utf8(false);
        let limits = NFA::config().utf8(false).nfa_size_limit(Some(LARGEST));
        let regex = RegexBuilder::new(pattern).size_limit(LARGEST).build();
        let nfa = NFA::compiler().syntax(syntax).configure(limits).build(pattern);
        let (Ok(regex), Ok(nfa)) = (regex, nfa) else {
            return Err(fault(
                whole,
                "this expression is too large".to_owned(),
                "use smaller repetitions than `{1000}`",
            ));
        };
        if regex.is_match(b"") {
            let help = "it would match between any two characters: ask for one at least, as with `+`";
            return Err(fault(whole, "this expression matches an empty text".to_owned(), help));
        }
        let named = regex.capture_names().position(|name| name == Some("secret"));
        let group = named.unwrap_or(usize::from(regex.captures_len() > 1));
        Ok(Self { regex, nfa, group })
    }

    /// `cut`: there was more of the text.
    pub(super) fn secrets(&self, text: &[u8], cut: bool, mut found: impl FnMut(Range<usize>)) {
        let mut end = 0;
        if self.group == 0 {
            for whole in self.regex.find_iter(text) {
                found(whole.range());
                end = whole.end();
            }
        } else {
            for captures in self.regex.captures_iter(text) {
                let whole = captures.get_match();
                // An alternative without the group says nothing less.
                found(self.in_captures(&captures).unwrap_or(whole.range()));
                end = whole.end();
            }
        }
        if cut && let Some(start) = self.unfinished(text, end.max(text.len().saturating_sub(WINDOW))) {
            found(start..text.len());
        }
    }

    fn in_captures(&self, captures: &Captures<'_>) -> Option<Range<usize>> {
        captures.get(self.group).map(|group| group.range())
    }

    /// Where the first match begins that is not over at the end of the text, of those from `from` on.
    fn unfinished(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut walk =
            Walk { nfa: &self.nfa, text, seen: vec![usize::MAX; self.nfa.states().len()], stack: Vec::new() };
        // Each state with the first start that led there; in the order of the starts.
        let mut now: Vec<(StateID, usize)> = Vec::new();
        let mut next = Vec::new();
        for at in from..text.len() {
            walk.enter(self.nfa.start_anchored(), at, at, &mut now);
            for (state, start) in now.drain(..) {
                if let Some(to) = walk.step(state, at) {
                    walk.enter(to, start, at + 1, &mut next);
                }
            }
            std::mem::swap(&mut now, &mut next);
        }
        now.first().map(|(_, start)| *start)
    }
}

struct Walk<'a> {
    nfa: &'a NFA,
    text: &'a [u8],
    /// For each state, up to which byte of the text it was last entered.
    seen: Vec<usize>,
    stack: Vec<StateID>,
}

impl Walk<'_> {
    /// Adds the states that wait for the byte at `at`, and are reached from `state` without one.
    fn enter(&mut self, state: StateID, start: usize, at: usize, states: &mut Vec<(StateID, usize)>) {
        self.stack.push(state);
        while let Some(state) = self.stack.pop() {
            match self.seen.get_mut(state.as_usize()) {
                Some(seen) if *seen != at => *seen = at,
                _ => continue,
            }
            match self.nfa.state(state) {
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => states.push((state, start)),
                // At the end of the text nobody knows what comes behind it.
                State::Look { look, next } => {
                    if at == self.text.len() || self.nfa.look_matcher().matches(*look, self.text, at) {
                        self.stack.push(*next);
                    }
                }
                State::Union { alternates } => self.stack.extend(alternates.iter().copied()),
                State::BinaryUnion { alt1, alt2 } => self.stack.extend([*alt1, *alt2]),
                State::Capture { next, .. } => self.stack.push(*next),
                State::Fail | State::Match { .. } => {}
            }
        }
    }

    fn step(&self, state: StateID, at: usize) -> Option<StateID> {
        match self.nfa.state(state) {
            State::ByteRange { trans } => trans.matches(self.text, at).then_some(trans.next),
            State::Sparse(transitions) => transitions.matches(self.text, at),
            State::Dense(transitions) => transitions.matches(self.text, at),
            _ => None,
        }
    }
}
