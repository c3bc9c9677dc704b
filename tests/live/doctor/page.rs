//! `docs/doctor.md` shows what the doctor says here: the same checks in the same order, and the same words of advice.

use anyhow::{Result, ensure};
use hoptap_tests::lab::Lab;

use crate::visit::command;

const PAGE: &str = include_str!("../../../docs/doctor.md");

pub(crate) async fn check(lab: &Lab) -> Result<()> {
    let blocks: Vec<&str> =
        PAGE.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("text\n")).collect();
    let [whole, excerpt] = blocks.as_slice() else {
        anyhow::bail!("expected two blocks of text in docs/doctor.md, found {}", blocks.len());
    };
    let said = String::from_utf8(command(lab, &[], &[])?.output()?.stdout)?;
    ensure!(checks(whole) == checks(&said), "docs/doctor.md shows other checks than:\n{said}");
    let without = ["setpriv", "--bounding-set", "-bpf,-sys_admin"];
    let said = String::from_utf8(command(lab, &without, &[])?.output()?.stdout)?;
    // As it is, but for what is between.
    for line in excerpt.lines().filter(|line| *line != "...") {
        ensure!(said.lines().any(|found| found == line), "docs/doctor.md shows {line:?}, which is not in:\n{said}");
    }
    Ok(())
}

/// Headings, less the number of a process, and the names of checks.
fn checks(text: &str) -> Vec<String> {
    const RESULTS: [&str; 4] = ["ok", "warning", "failed", "-"];
    let line = |line: &str| {
        if !line.starts_with(' ') {
            return line.split(", pid").next().map(str::to_owned).filter(|heading| !heading.is_empty());
        }
        let (result, rest) = line.trim_start().split_once("  ")?;
        let check = rest.split("  ").next()?;
        RESULTS.contains(&result).then(|| check.to_owned())
    };
    text.lines().take_while(|line| !line.starts_with("A run ")).filter_map(line).collect()
}
