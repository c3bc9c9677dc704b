//! What is wrong with an expression, and where.

use std::fmt;
use std::ops::Range;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Bytes of the expression; empty at its end.
    pub at: Range<usize>,
    /// What was expected and what was found.
    pub message: String,
    /// The nearest known name, or what to do.
    pub help: Option<String>,
}

/// One thing that is wrong with a macro, which is given by its place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacroFault {
    pub index: usize,
    /// It is the name that is wrong: `fault.at` counts in the name, not in the expression.
    pub in_name: bool,
    pub fault: Fault,
}

impl Fault {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The line of `text` where it is, with a caret below each of its characters.
    pub fn excerpt(&self, text: &str) -> String {
        const WIDTH: usize = 100;
        let start = self.at.start.min(text.len());
        let begin = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let line = text.get(begin..).unwrap_or_default().lines().next().unwrap_or_default();
        let before = text.get(begin..start).unwrap_or_default().chars().count();
        let length = text.get(start..self.at.end.min(begin + line.len())).unwrap_or_default().chars().count().max(1);
        // What is far from the fault would push it off the screen.
        let skipped = before.saturating_sub(WIDTH / 2);
        let shown: String =
            line.chars().skip(skipped).take(WIDTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let carets = length.min(WIDTH.saturating_sub(before - skipped)).max(1);
        format!("{shown}\n{}{}", " ".repeat(before - skipped), "^".repeat(carets))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}
