//! One line of the file with a place in it, made fit to be printed.

use std::ops::Range;

use super::mask::Mask;

/// Characters of a line that are shown; what is far from the mark would push it off the screen.
const WIDTH: usize = 100;

/// What stands for a secret, whatever its length.
const STARS: &str = "********";

pub(super) struct Excerpt {
    /// Counted from one, as editors do; the column in characters.
    pub(super) number: usize,
    pub(super) column: usize,
    pub(super) line: String,
    /// Where the mark is in `line`, and how long.
    pub(super) before: usize,
    pub(super) length: usize,
}

impl Excerpt {
    pub(super) fn new(source: &str, at: &Range<usize>, mask: &Mask) -> Self {
        let mut start = at.start.min(source.len());
        while !source.is_char_boundary(start) {
            start -= 1;
        }
        let above = source.get(..start).unwrap_or_default();
        let begin = above.rfind('\n').map_or(0, |end| end + 1);
        let number = above.matches('\n').count() + 1;
        let line = source.get(begin..).unwrap_or_default().lines().next().unwrap_or_default();
        let column = source.get(begin..start).unwrap_or_default().chars().count() + 1;
        let mut shown: Vec<char> = Vec::new();
        let (mut first, mut last) = (None, None);
        let mut hidden = None;
        let mut hid = false;
        for (offset, character) in line.char_indices() {
            let offset = begin + offset;
            // A comment beside a secret may say what it was before.
            if character == '#' && shown.ends_with(&[' ']) && hid && offset >= at.end {
                break;
            }
            if offset >= start && first.is_none() {
                let inside = hidden.is_some() && hidden == mask.covering(offset);
                first = Some(if inside { shown.len().saturating_sub(STARS.len()) } else { shown.len() });
            }
            match (mask.covering(offset), hidden) {
                (Some(secret), Some(before)) if secret == before => {}
                (Some(secret), _) => {
                    // The mark of a secret is that of its stars.
                    hidden = Some(secret);
                    hid = true;
                    shown.extend(STARS.chars());
                }
                (None, _) => {
                    hidden = None;
                    match character {
                        '\t' => shown.extend("    ".chars()),
                        character if character.is_control() => shown.push('\u{fffd}'),
                        character => shown.push(character),
                    }
                }
            }
            if first.is_some() && offset < at.end {
                last = Some(shown.len());
            }
        }
        let first = first.unwrap_or(shown.len()).min(shown.len());
        let length = last.unwrap_or(first).saturating_sub(first).max(1);
        let skipped = if first > WIDTH * 3 / 4 { first - WIDTH / 2 } else { 0 };
        let cut = shown.len() > skipped + WIDTH;
        let mut line: String = shown.into_iter().skip(skipped).take(WIDTH).collect();
        let mut before = first - skipped;
        if skipped > 0 {
            line.insert_str(0, "...");
            before += 3;
        }
        if cut {
            line.push_str("...");
        }
        let line = line.trim_end().to_owned();
        Self { number, column, line, before, length: length.min((WIDTH + 3).saturating_sub(before)).max(1) }
    }
}
