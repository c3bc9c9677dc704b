//! All paths of a configuration as one automaton: one pass over a text finds what any of them names.

use super::fold::Key;
use super::path::Step;

/// Where the paths have got to: one bit for each step of each path, and one for the end of each.
pub(super) type Set = [u64];

#[derive(Debug, Clone, Default)]
pub(in crate::redact) struct Paths {
    /// The steps of all paths one after another; None ends a path.
    steps: Vec<Option<Step>>,
    /// The first step of each path.
    starts: Vec<usize>,
}

/// What leads from a value to one in it.
pub(super) enum Way<'a> {
    Member(Key<'a>),
    Element(u64),
}

impl Paths {
    pub(in crate::redact) fn add(&mut self, steps: Vec<Step>) {
        self.starts.push(self.steps.len());
        self.steps.extend(steps.into_iter().map(Some));
        self.steps.push(None);
    }

    pub(in crate::redact) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Length of a [`Set`].
    pub(super) fn words(&self) -> usize {
        self.steps.len().div_ceil(64)
    }

    /// At the outermost value.
    pub(super) fn start(&self, set: &mut Set) {
        for start in &self.starts {
            self.enter(*start, set);
        }
    }

    /// From `from`, which is where a value is, to where a value within it is.
    pub(super) fn follow(&self, from: &Set, way: &Way<'_>, to: &mut Set) {
        for at in bits(from) {
            match (self.steps.get(at), way) {
                (Some(Some(Step::Deep)), _) => self.enter(at, to),
                (Some(Some(Step::Any)), _) => self.enter(at + 1, to),
                (Some(Some(Step::Member(name))), Way::Member(key)) if key.is(name) => self.enter(at + 1, to),
                (Some(Some(Step::Element(index))), Way::Element(element)) if index == element => self.enter(at + 1, to),
                _ => {}
            }
        }
    }

    /// Whether a path ends here.
    pub(super) fn ends(&self, set: &Set) -> bool {
        bits(set).any(|at| self.steps.get(at) == Some(&None))
    }

    /// `**` may stand for nothing.
    fn enter(&self, mut at: usize, set: &mut Set) {
        loop {
            if let Some(word) = set.get_mut(at / 64) {
                *word |= 1 << (at % 64);
            }
            if self.steps.get(at) != Some(&Some(Step::Deep)) {
                return;
            }
            at += 1;
        }
    }
}

fn bits(set: &Set) -> impl Iterator<Item = usize> {
    set.iter().enumerate().flat_map(|(index, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (bit < 64).then_some(index * 64 + bit)
        })
    })
}
