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
    let Some(map) = align(written, text, *style) else { return begin };
    let at = |offset: usize| map.get(offset).map(|at| node.at.start + at);
    let (Some(start), Some(end)) = (at(within.start), at(within.end.max(within.start))) else { return begin };
    start..end.max(start)
}

/// For each byte of `text`, and for its end, the byte of `written` that says it. None where the two do not fit.
fn align(written: &str, text: &str, style: ScalarStyle) -> Option<Vec<usize>> {
    let mut map = Vec::with_capacity(text.len() + 1);
    let mut at = match style {
        ScalarStyle::Plain => 0,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => 1,
        // Behind the line of `|` or `>`, where the span begins there.
        ScalarStyle::Literal | ScalarStyle::Folded if written.starts_with(['|', '>']) => written.find('\n')? + 1,
        ScalarStyle::Literal | ScalarStyle::Folded => 0,
    };
    let mut line_begin = !matches!(style, ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
    for wanted in text.chars() {
        let (place, next) = step(written, at, wanted, style, line_begin)?;
        map.extend(std::iter::repeat_n(place, wanted.len_utf8()));
        line_begin = wanted == '\n' || written.get(place..next).is_some_and(|said| said.contains('\n'));
        at = next;
    }
    map.push(at.min(written.len()));
    Some(map)
}

/// Where `wanted` is said at or behind `at`, and where what comes next begins.
fn step(written: &str, at: usize, wanted: char, style: ScalarStyle, line_begin: bool) -> Option<(usize, usize)> {
    let mut at = at;
    let rest = written.get(at..)?;
    if line_begin && !wanted.is_whitespace() {
        // Indentation says nothing.
        at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }
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
        // A line break with the blanks around it folds into one space, or into the breaks behind the first.
        Some(' ' | '\t' | '\r' | '\n') if wanted == ' ' || wanted == '\n' => {
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            rest.get(..blanks)?.contains('\n').then_some((at, at + blanks))
        }
        // A block's last line break that the file does not have.
        None if wanted == '\n' => Some((at, at)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `@` of the scalar's text is found at the `@` of the file.
    fn check(yaml: &str) {
        let source = format!("key: {yaml}\nlast: 1\n");
        let root = super::super::node::parse(&source).unwrap().unwrap();
        let node = root.get("key").unwrap();
        let offset = node.text().unwrap().find('@').unwrap();
        let place = place(&source, node, &(offset..offset + 1));
        assert_eq!(source.get(place), Some("@"), "{yaml:?} {:?}", node.text());
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
        check("é ü @");
    }
}
