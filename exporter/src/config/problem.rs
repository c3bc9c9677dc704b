//! What is wrong with a file, and how it is shown: every problem with its line, marked.

use std::fmt;
use std::ops::Range;

use super::excerpt::Excerpt;
use super::mask::Mask;

/// Problems that are printed: nobody reads more, and a file that is no configuration can have one in every line.
const SHOWN: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    /// It works, and does not what its author thinks.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// Bytes of the file; None where there is no file to show.
    pub at: Option<Range<usize>>,
    /// What was found.
    pub what: String,
    /// What was expected: stands beside the mark.
    pub expected: String,
    /// What to do.
    pub help: Option<String>,
}

/// Everything that was found in one file.
#[derive(Clone, Default)]
pub struct Report {
    pub(super) file: String,
    pub(super) source: String,
    pub(super) problems: Vec<Problem>,
    pub(super) mask: Mask,
}

/// Without the text, which may hold secrets.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("file", &self.file).field("problems", &self.problems).finish_non_exhaustive()
    }
}

impl Report {
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line of a problem, counted from one.
    pub fn line(&self, problem: &Problem) -> Option<usize> {
        let at = problem.at.as_ref()?;
        Some(self.source.get(..at.start).unwrap_or_default().matches('\n').count() + 1)
    }

    /// In the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    pub fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|problem| problem.severity == severity).count()
    }

    pub(super) fn sort(&mut self) {
        self.problems.sort_by_key(|problem| problem.at.as_ref().map_or(0, |at| at.start));
        self.problems.dedup();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self.problems.iter().take(SHOWN) {
            let word = match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            writeln!(f, "{word}: {}", problem.what)?;
            let width = match &problem.at {
                None => {
                    writeln!(f, " --> {}", self.file)?;
                    1
                }
                Some(at) => {
                    let excerpt = Excerpt::new(&self.source, at, &self.mask);
                    let width = excerpt.number.to_string().len();
                    let space = " ".repeat(width);
                    writeln!(f, "{space}--> {}:{}:{}", self.file, excerpt.number, excerpt.column)?;
                    writeln!(f, "{space} |")?;
                    writeln!(f, "{} | {}", excerpt.number, excerpt.line)?;
                    let mark = format!("{}{}", " ".repeat(excerpt.before), "^".repeat(excerpt.length));
                    let expected = if problem.expected.is_empty() { "" } else { " expected " };
                    writeln!(f, "{space} | {mark}{expected}{}", problem.expected)?;
                    width
                }
            };
            let space = " ".repeat(width);
            if problem.at.is_none() && !problem.expected.is_empty() {
                writeln!(f, "{space} = expected {}", problem.expected)?;
            }
            if let Some(help) = &problem.help {
                writeln!(f, "{space} = help: {help}")?;
            }
            writeln!(f)?;
        }
        if self.problems.len() > SHOWN {
            writeln!(f, "... and {} more\n", self.problems.len() - SHOWN)?;
        }
        let errors = self.count(Severity::Error);
        let warnings = self.count(Severity::Warning);
        let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        match (errors, warnings) {
            (0, 0) => Ok(()),
            (0, warnings) => writeln!(f, "{}: {}", self.file, counted(warnings, "warning")),
            (errors, 0) => writeln!(f, "{}: {}", self.file, counted(errors, "error")),
            (errors, warnings) => {
                writeln!(f, "{}: {}, {}", self.file, counted(errors, "error"), counted(warnings, "warning"))
            }
        }
    }
}
