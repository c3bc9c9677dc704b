//! The configuration file and the environment.

use std::path::PathBuf;

use super::Outputs;
use super::finding::{Ends, Finding};
use crate::config::{Report, Severity};

pub(super) fn file(file: Option<(PathBuf, Result<Report, Box<Report>>)>) -> Finding {
    const CHECK: &str = "configuration";
    let Some((path, read)) = file else {
        return Finding::not_applicable(CHECK, "no --config: defaults, flags and OTEL_* variables");
    };
    let path = path.display();
    let advice = format!("hoptap check {path}");
    match read {
        Ok(warnings) if warnings.is_empty() => Finding::ok(CHECK, path.to_string()),
        Ok(warnings) => Finding::warning(CHECK, first(&warnings, Severity::Warning))
            .lost("it may not do what its author thinks")
            .advice(advice),
        Err(mistakes) => Finding::failed(CHECK, Ends::Usage, first(&mistakes, Severity::Error))
            .lost("hoptap does not start with it; all else is checked as if there were no file")
            .advice(advice),
    }
}

/// `hoptap.yaml:3: unknown key, and 2 more`.
fn first(report: &Report, severity: Severity) -> String {
    let mut problems = report.problems().iter().filter(|problem| problem.severity == severity);
    let Some(problem) = problems.next() else { return report.file().to_owned() };
    let line = report.line(problem).map(|line| format!(":{line}")).unwrap_or_default();
    let more = match problems.count() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("{}{line}: {}{more}", report.file(), problem.what)
}

/// `outputs`: what was made of the file and of the variables.
pub(super) fn environment(outputs: &Result<Outputs, String>) -> Finding {
    const CHECK: &str = "environment";
    let set: Vec<String> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("OTEL_"))
        .collect();
    match outputs {
        Err(problems) => Finding::failed(CHECK, Ends::Usage, problems.clone())
            .lost("hoptap does not start with it; where spans go is not checked")
            .advice("correct these variables: docs/commands.md has all that are honoured"),
        Ok(_) if set.is_empty() => Finding::not_applicable(CHECK, "no OTEL_* variable is set"),
        Ok(_) => Finding::ok(CHECK, set.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::super::Outcome;
    use super::*;

    fn check(text: &str, result: Outcome, found: &str) {
        let read = crate::config::read("hoptap.yaml", text, &|_| None);
        let finding = file(Some(("hoptap.yaml".into(), read.map(|loaded| loaded.warnings))));
        assert_eq!((finding.result, finding.found.as_str()), (result, found));
    }

    #[test]
    fn files() {
        check("version: 2\n", Outcome::Ok, "hoptap.yaml");
        check(
            "version: 2\nrulekit: {macros: [{name: a, expr: tls}]}\n",
            Outcome::Warning,
            "hoptap.yaml:2: no rule calls the macro `a`",
        );
        let failed = Outcome::Failed(Ends::Usage);
        check("version: 2\nservice:\ntaps:\n", failed, "hoptap.yaml:2: unknown key `service` at the top, and 1 more");
        assert_eq!(file(None).result, Outcome::NotApplicable);
    }
}
