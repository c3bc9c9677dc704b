//! What the user chose to see, and how keys change that.

use super::column::Column;
use super::view::View;

/// A key, whatever the terminal calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Character(char),
    Interrupt,
    Escape,
    Enter,
    Backspace,
    Tab,
    Left,
    Right,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
}

/// Characters of a filter.
const FILTER: usize = 60;
/// Rows that a page key moves by.
const PAGE: usize = 10;

#[derive(Debug, Clone)]
pub struct Choice {
    pub view: View,
    pub sort: Column,
    pub reversed: bool,
    pub filter: String,
    /// The filter is being typed.
    pub typing: bool,
    pub paused: bool,
    /// Rows above the first that is shown.
    pub above: usize,
    pub done: bool,
}

impl Choice {
    pub fn new(view: View, sort: Column) -> Self {
        let sort = if Column::of(view).any(|column| column == sort) { sort } else { Column::Rate };
        Self { view, sort, reversed: false, filter: String::new(), typing: false, paused: false, above: 0, done: false }
    }

    pub fn press(&mut self, key: Key) {
        match key {
            Key::Interrupt => self.done = true,
            _ if self.typing => self.type_filter(key),
            Key::Character('q') => self.done = true,
            Key::Escape if self.filter.is_empty() => self.done = true,
            Key::Escape => self.set_filter(String::new()),
            Key::Character('1' | 'e') => self.show(View::Entrypoints),
            Key::Character('2' | 'r') => self.show(View::Routers),
            Key::Character('3' | 's') => self.show(View::Services),
            Key::Character('4' | 'b') => self.show(View::Servers),
            Key::Tab => self.show(self.view.next()),
            Key::Left | Key::Character('<') => self.sort_beside(false),
            Key::Right | Key::Character('>') => self.sort_beside(true),
            Key::Character('i') => self.reversed = !self.reversed,
            Key::Character('/') => self.typing = true,
            Key::Character(' ' | 'p') => self.paused = !self.paused,
            Key::Up => self.above = self.above.saturating_sub(1),
            Key::Down => self.above = self.above.saturating_add(1),
            Key::PageUp => self.above = self.above.saturating_sub(PAGE),
            Key::PageDown => self.above = self.above.saturating_add(PAGE),
            Key::Home => self.above = 0,
            // The view knows where that is, and says so.
            Key::End => self.above = usize::MAX,
            Key::Character(_) | Key::Enter | Key::Backspace => {}
        }
    }

    fn type_filter(&mut self, key: Key) {
        let mut filter = std::mem::take(&mut self.filter);
        match key {
            Key::Enter => self.typing = false,
            Key::Escape => {
                self.typing = false;
                filter.clear();
            }
            Key::Backspace => drop(filter.pop()),
            Key::Character(character) if filter.chars().count() < FILTER => filter.push(character),
            _ => {}
        }
        self.set_filter(filter);
    }

    fn set_filter(&mut self, filter: String) {
        self.filter = filter;
        self.above = 0;
    }

    fn show(&mut self, view: View) {
        *self = Self {
            reversed: self.reversed,
            filter: std::mem::take(&mut self.filter),
            paused: self.paused,
            ..Self::new(view, self.sort)
        };
    }

    fn sort_beside(&mut self, right: bool) {
        let columns: Vec<Column> = Column::of(self.view).collect();
        let at = columns.iter().position(|column| *column == self.sort).unwrap_or_default();
        let next = if right { at + 1 } else { at + columns.len() - 1 } % columns.len();
        self.sort = columns.get(next).copied().unwrap_or(Column::Rate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys as characters, `^` interrupt, `!` escape, `~` enter, `«` backspace, `←` and `→`.
    #[track_caller]
    fn check(keys: &str, expected: &str) {
        let mut choice = Choice::new(View::Routers, Column::Rate);
        for key in keys.chars() {
            choice.press(match key {
                '^' => Key::Interrupt,
                '!' => Key::Escape,
                '~' => Key::Enter,
                '«' => Key::Backspace,
                '←' => Key::Left,
                '→' => Key::Right,
                '↓' => Key::Down,
                '\t' => Key::Tab,
                other => Key::Character(other),
            });
        }
        let flags = [(choice.reversed, " reversed"), (choice.typing, " typing"), (choice.paused, " paused")];
        let flags: String = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
        let done = if choice.done { " done" } else { "" };
        let found = format!(
            "{} by {} [{}] {}{flags}{done}",
            choice.view.as_str(),
            choice.sort.title(),
            choice.filter,
            choice.above
        );
        assert_eq!(found, expected, "{keys}");
    }

    #[test]
    fn keys() {
        check("", "routers by REQ/S [] 0");
        check("1", "entrypoints by REQ/S [] 0");
        check("b", "servers by REQ/S [] 0");
        check("\t\t\t", "entrypoints by REQ/S [] 0");
        check("→→i", "routers by 4XX% [] 0 reversed");
        check("←←", "routers by OUT/S [] 0");
        check("→→→→→→→→→→", "routers by REQ/S [] 0");
        check("p", "routers by REQ/S [] 0 paused");
        check("p ", "routers by REQ/S [] 0");
        check("q", "routers by REQ/S [] 0 done");
        check("!", "routers by REQ/S [] 0 done");
        check("^", "routers by REQ/S [] 0 done");
        check("↓↓", "routers by REQ/S [] 2");
        check("↓↓1", "entrypoints by REQ/S [] 0");
    }

    #[test]
    fn while_a_filter_is_typed_letters_are_letters() {
        check("↓/q1 p", "routers by REQ/S [q1 p] 0 typing");
        check("/qx«", "routers by REQ/S [q] 0 typing");
        check("/q~s", "services by REQ/S [q] 0");
        check("/q!", "routers by REQ/S [] 0");
        check("/q~!", "routers by REQ/S [] 0");
        check("/q~!!", "routers by REQ/S [] 0 done");
        check("/q^", "routers by REQ/S [q] 0 typing done");
        check(&format!("/{}", "x".repeat(200)), &format!("routers by REQ/S [{}] 0 typing", "x".repeat(60)));
    }

    /// What sorts one view may not be there in the next.
    #[test]
    fn a_column_that_a_view_has_not() {
        check("1←←←←", "entrypoints by ACTIVE [] 0");
        check("1←←←←2", "routers by REQ/S [] 0");
    }
}
