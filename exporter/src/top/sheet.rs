//! A table as lines of text, for the screen and for files: what it says above the rows, and the rows.

use super::column::Column;
use super::history::{History, Window};
use super::number;
use super::row::Row;
use super::view::View;

/// Rows chosen and sorted.
#[derive(Debug)]
pub struct Sheet {
    pub view: View,
    pub rows: Vec<Row>,
    /// Before the filter.
    pub all: usize,
}

impl Sheet {
    /// `filter` is a part of a name, whatever its case.
    pub fn new(window: &Window<'_>, view: View, sort: Column, reversed: bool, filter: &str) -> Self {
        let mut rows = window.rows(view);
        let all = rows.len();
        let filter = filter.to_lowercase();
        rows.retain(|row| row.name.to_lowercase().contains(&filter));
        sort.sort(&mut rows, reversed);
        Self { view, rows, all }
    }

    pub fn columns(&self, width: usize) -> Vec<Column> {
        Column::fitting(self.view, self.longest(), width)
    }

    /// What the longest name takes.
    pub fn longest(&self) -> usize {
        let titled = [Column::Name.title().len()];
        self.rows.iter().map(|row| row.name.chars().count()).chain(titled).max().unwrap_or_default()
    }
}

/// The line of titles; a mark stands at the column that sorts.
pub(super) fn titles(columns: &[Column], sort: Column, room_of_name: usize) -> String {
    let title = |column: &Column| {
        let mark = if *column == sort { "*" } else { "" };
        column.cell(&format!("{mark}{}", column.title()), room_of_name)
    };
    columns.iter().map(title).collect()
}

pub(super) fn line(row: &Row, columns: &[Column], room_of_name: usize) -> String {
    columns.iter().map(|column| column.cell(&column.text(row), room_of_name)).collect()
}

/// Which hoptap counts, what it watches, and how much goes through that.
pub(super) fn first(history: &History, from: &str) -> String {
    let version = history.latest().and_then(|latest| latest.version.as_deref()).unwrap_or_default();
    let mut parts = vec![format!("hoptap {version}"), from.to_owned()];
    if let Some(latest) = history.latest() {
        let active: f64 = latest.rows(View::Entrypoints).values().filter_map(|row| row.active).sum();
        parts.push(match latest.processes() {
            0.0 => "no Traefik".to_owned(),
            1.0 => "1 Traefik".to_owned(),
            many => format!("{many} Traefiks"),
        });
        parts.extend(history.window().map(|window| format!("{} req/s", number::rate(window.rate()))));
        parts.push(format!("{} active", number::count(active)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("  ")
}

/// What the numbers are over, and what is not in them.
pub(super) fn second(history: &History) -> String {
    let Some(window) = history.window() else { return "counting".to_owned() };
    let mut parts = vec![format!("over {:.1} s", window.seconds)];
    let drops = window.drops();
    if drops.is_empty() {
        parts.push("all requests told".to_owned());
    } else {
        let total = drops.iter().map(|(_, count)| count).sum();
        let causes: Vec<_> = drops.iter().map(|(cause, count)| format!("{cause} {}", number::count(*count))).collect();
        parts.push(format!(
            "{} of {} requests not told: {}",
            number::count(total),
            number::count(window.seen()),
            causes.join(", ")
        ));
    }
    parts.join("; ")
}

/// What makes the names less exact than they could be; nothing, mostly.
pub(super) fn third(history: &History) -> String {
    let mut parts = Vec::new();
    let missing: Vec<_> = history.latest().map(|latest| latest.missing().collect()).unwrap_or_default();
    if !missing.is_empty() {
        parts.push(format!("probes that are not in place: {}", missing.join(", ")));
    }
    if history.window().is_some_and(|window| window.to.folded > window.from.folded) {
        parts.push("too many names: some are told as _OTHER".to_owned());
    }
    parts.join("; ")
}
