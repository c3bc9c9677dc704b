//! Tables for files and scripts: the same lines as on the screen, whole names, no control sequences.

use super::column::Column;
use super::history::History;
use super::sheet::{self, Sheet};

/// One table with what stands above it, and an empty line at its end.
pub fn table(history: &History, sheet: &Sheet, sort: Column, from: &str) -> String {
    let columns: Vec<Column> = Column::of(sheet.view).collect();
    let room = sheet.longest();
    let mut lines = vec![sheet::first(history, from), sheet::second(history), sheet::third(history)];
    lines.retain(|line| !line.is_empty());
    lines.push(sheet::titles(&columns, sort, room));
    lines.extend(sheet.rows.iter().map(|row| sheet::line(row, &columns, room)));
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect::<String>() + "\n"
}
