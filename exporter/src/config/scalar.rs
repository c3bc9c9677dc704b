//! Finds where a character of a scalar's text stands in the file: quotes, escapes, folding and indentation are between
//! the two.

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::node::{Node, Value};

/// The bytes of the file that say the bytes `within` of the scalar's text; the begin of the scalar where that cannot
/// be told.
pub(super) fn place(source: &str, node: &Node, within: &Range<usize>) -> Range<usize> {
    let begin = node.at.start..node.at.start;
    let Value::Scalar { text, style } = &node.value else { return begin };
    let Some(written) = source.get(node.at.clone()) else { return begin };
    let line = source.get(..node.at.start).unwrap_or_default();
    let column = node.at.start - line.rfind('\n').map_or(0, |end| end + 1);
    let Some(map) = align(written, text, *style, column) else { return begin };
    let at = |offset: usize| map.get(offset).map(|at| node.at.start + at);
    let (Some(start), Some(end)) = (at(within.start), at(within.end.max(within.start))) else { return begin };
    start..end.max(start)
}

/// For each byte of `text`, and for its end, the byte of `written` that says it. None where the two do not fit.
///
/// The span of a block begins with its text, behind the `|` or `>` and the indentation of its first line: `column`.
fn align(written: &str, text: &str, style: ScalarStyle, column: usize) -> Option<Vec<usize>> {
    let mut map = Vec::with_capacity(text.len() + 1);
    let mut at = usize::from(matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted));
    let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
    let first = || written.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let indent = match (block, column) {
        (false, _) => usize::MAX,
        // The block begins with empty lines.
        (true, 0) => first().len() - first().trim_start_matches(' ').len(),
        (true, column) => column,
    };
    let mut line_begin = block && column == 0;
    let mut text = text;
    if block && !written.starts_with('\n') {
        // Empty lines at the top of a block are before its span.
        let rest = text.trim_start_matches('\n');
        map.extend(std::iter::repeat_n(0, text.len() - rest.len()));
        text = rest;
    }
    for wanted in text.chars() {
        if line_begin {
            let rest = written.get(at..)?;
            at += (rest.len() - rest.trim_start_matches([' ', '\t']).len()).min(indent);
        }
        let (place, next) = step(written, at, wanted, style)?;
        map.extend(std::iter::repeat_n(place, wanted.len_utf8()));
        line_begin = wanted == '\n' || written.get(place..next).is_some_and(|said| said.contains('\n'));
        at = next;
    }
    map.push(at.min(written.len()));
    Some(map)
}

/// Where `wanted` is said at or behind `at`, and where what comes next begins.
fn step(written: &str, at: usize, wanted: char, style: ScalarStyle) -> Option<(usize, usize)> {
    let mut at = at;
    // An escaped line break says nothing, nor does the indentation behind it.
    while let Some(rest) = written.get(at..)?.strip_prefix("\\\n").filter(|_| style == ScalarStyle::DoubleQuoted) {
        at = written.len() - rest.trim_start_matches([' ', '\t']).len();
    }
    let rest = written.get(at..)?;
    let next = rest.chars().next();
    match next {
        Some('\\') if style == ScalarStyle::DoubleQuoted => {
            let length = match rest.chars().nth(1)? {
                'x' => 4,
                'u' => 6,
                'U' => 10,
                escaped => 1 + escaped.len_utf8(),
            };
            Some((at, at + length))
        }
        Some('\'') if style == ScalarStyle::SingleQuoted && rest.starts_with("''") => Some((at, at + 2)),
        Some(found) if found == wanted => Some((at, at + found.len_utf8())),
        // A line break with the blanks around it folds into one space; of more, the first says nothing.
        Some(' ' | '\t' | '\r' | '\n') if wanted == ' ' || wanted == '\n' => {
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            rest.get(..blanks)?.contains('\n').then_some((at, at + blanks))
        }
        // Folding kept fewer line breaks than there are.
        Some(' ' | '\t' | '\r' | '\n') if style != ScalarStyle::Literal => {
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            (rest.get(blanks..)?.starts_with(wanted)).then_some((at + blanks, at + blanks + wanted.len_utf8()))
        }
        // A block's last line break that the file does not have.
        None if wanted == '\n' => Some((at, at)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    /// The `@` of the scalar's text is found at the `@` of the file.
    fn check(yaml: &str) {
        let source = format!("key: {yaml}\nlast: 1\n");
        let root = super::super::node::parse(&source).unwrap().unwrap();
        let node = root.get("key").unwrap();
        let offset = node.text().unwrap().find('@').unwrap();
        let place = place(&source, node, &(offset..offset + 1));
        assert_eq!(source.get(place), Some("@"), "{yaml:?} {:?} {:?}", node.text(), source.get(node.at.clone()));
    }

    #[test]
    fn every_style() {
        check("a @ b");
        check("a\n  b\n  c @");
        check("'it''s @ this'");
        check("'a\n  b @'");
        check(r#""a\tb \"q\" \x41 \u00e4 @""#);
        check("\"a \\\n   b @\"");
        check("|\n  first\n  second @ third");
        check("|-\n    indented\n      more @");
        check(">\n  folded\n  line @\n");
        check(">-\n  folded\n  line\n\n  next @\n");
        check("|\n\n  second\n  third @");
        check("é ü @");
    }
}
