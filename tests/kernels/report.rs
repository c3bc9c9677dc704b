//! How a case went, on its way over a serial console: one line of JSON behind a mark, for the kernel writes there, too.

use std::io::Write;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};

const MARK: &str = "@case ";

/// Says what a case found, or why it failed.
pub(crate) fn write(case: &str, outcome: &Result<String>) {
    let line = match outcome {
        Ok(found) => json!({"case": case, "found": found}),
        Err(error) => json!({"case": case, "failed": format!("{error:#}")}),
    };
    let mut console = std::io::stdout();
    // A console that is gone is told by what is missing on the other side.
    let _gone = writeln!(console, "{MARK}{line}").and_then(|()| console.flush());
}

/// What a console says of a case.
///
/// # Errors
/// It failed, or is not told of at all.
pub(crate) fn read(console: &str, case: &str) -> Result<String> {
    let reports = console.lines().filter_map(|line| {
        let (_, report) = line.split_once(MARK)?;
        serde_json::from_str::<Value>(report.trim()).ok()
    });
    let text = |report: &Value, key: &str| Some(report.get(key)?.as_str()?.to_owned());
    for report in reports {
        if text(&report, "case").as_deref() == Some(case) {
            return match text(&report, "found") {
                Some(found) => Ok(found),
                None => Err(anyhow!(text(&report, "failed").unwrap_or_default())),
            };
        }
    }
    Err(anyhow!("the guest said nothing of {case:?}"))
}
