//! One frame of the screen. No colours: what must be told apart is told apart by words and by reversed lines.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use super::choice::Choice;
use super::column::Column;
use super::history::History;
use super::sheet::{self, Sheet};

const HELP: &str = "1-4 or tab view   </> sort   i invert   / filter   space pause   q quit";
const HELP_TYPING: &str = "type a part of a name   enter keep   esc drop";

/// What the frame shows besides the numbers.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    /// Where the numbers come from.
    pub(super) from: &'a str,
    /// Seconds since the latest of them came.
    pub(super) age: Option<f64>,
    /// What went wrong, or is waited for.
    pub(super) message: Option<&'a str>,
}

/// Draws it; corrects how far the rows are moved to what there is.
pub(super) fn draw(frame: &mut Frame<'_>, history: &History, choice: &mut Choice, around: &Surroundings<'_>) {
    let areas = Layout::vertical([
        Constraint::Length(3),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ]);
    let [head, name, titles, table, help] = areas.areas(frame.area());
    let reversed = Style::new().add_modifier(Modifier::REVERSED);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let age = match around.age {
        Some(age) => format!("{age:.1} s old; "),
        None => String::new(),
    };
    frame.render_widget(
        ratatui::text::Text::from(vec![
            Line::styled(sheet::first(history, around.from), bold),
            Line::raw(age + &sheet::second(history)),
            Line::raw(around.message.map_or_else(|| sheet::third(history), str::to_owned)),
        ]),
        head,
    );
    frame.render_widget(Line::raw(if choice.typing { HELP_TYPING } else { HELP }), help);
    let Some(window) = history.window() else { return };
    let sheet = Sheet::new(&window, choice.view, choice.sort, choice.reversed, &choice.filter);
    let columns = sheet.columns(usize::from(table.width));
    let room = Column::room_of_name(&columns, usize::from(table.width)).min(sheet.longest());
    let height = usize::from(table.height);
    choice.above = choice.above.min(sheet.rows.len().saturating_sub(height));
    let shown = sheet.rows.iter().skip(choice.above).take(height);
    let lines: Vec<Line<'_>> = shown.map(|row| Line::raw(sheet::line(row, &columns, room))).collect();
    frame.render_widget(Line::styled(title(&sheet, choice, height), bold), name);
    let titles_line = sheet::titles(&columns, choice.sort, room);
    frame.render_widget(Line::styled(format!("{titles_line:0$}", usize::from(titles.width)), reversed), titles);
    frame.render_widget(ratatui::text::Text::from(lines), table);
}

/// Which table it is, and how much of it is shown.
fn title(sheet: &Sheet, choice: &Choice, height: usize) -> String {
    let mut title = sheet.view.as_str().to_uppercase();
    let count = sheet.rows.len();
    if count > height {
        let last = count.min(choice.above + height);
        title += &format!("  {}-{last} of {count}", choice.above + 1);
    } else {
        title += &format!("  {count}");
    }
    if !choice.filter.is_empty() || choice.typing {
        title += &format!("  filter: {}{} ({} in all)", choice.filter, if choice.typing { "_" } else { "" }, sheet.all);
    }
    if choice.reversed {
        title += "  inverted";
    }
    if choice.paused {
        title += "  PAUSED";
    }
    title
}

#[cfg(test)]
mod tests;
