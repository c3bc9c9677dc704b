//! What one check found.

use serde::{Serialize, Serializer};

/// A line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub check: &'static str,
    /// The process that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    pub result: Outcome,
    pub found: String,
    /// Where it is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    /// A run works, and gives less.
    Warning,
    /// A run does not work, and ends so.
    Failed(Ends),
    NotApplicable,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// As after a mistake in flags or file.
    Usage,
    /// Not permitted, or nothing to attach to.
    Unavailable,
}

impl Outcome {
    /// As programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed(_) => "failed",
            Self::NotApplicable => "not applicable",
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Finding {
    fn new(check: &'static str, result: Outcome, found: impl Into<String>) -> Self {
        Self { check, pid: None, result, found: found.into(), lost: None, advice: None }
    }

    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Outcome::Ok, found)
    }

    pub(super) fn warning(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Outcome::Warning, found)
    }

    pub(super) fn failed(check: &'static str, ends: Ends, found: impl Into<String>) -> Self {
        Self::new(check, Outcome::Failed(ends), found)
    }

    pub(super) fn not_applicable(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Outcome::NotApplicable, found)
    }

    pub(super) fn lost(mut self, lost: impl Into<String>) -> Self {
        self.lost = Some(lost.into());
        self
    }

    pub(super) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    pub(super) fn of(mut self, pid: u32) -> Self {
        self.pid = Some(pid);
        self
    }
}
