//! What to do about text that is no YAML, said for people who have not read YAML's specification.

use std::ops::Range;

use granit_parser::{ErrorKind, ScanError};

use super::node::Failure;

const QUOTE: &str = "put the whole value in single quotes: 'like this'";

pub(super) fn explain(source: &str, error: &ScanError) -> Failure {
    let at = error.marker().byte_offset().unwrap_or(source.len()).min(source.len());
    let here = |what: &str, expected: &str, help: &str| Failure {
        at: place(source, at),
        what: what.into(),
        expected: expected.into(),
        help: Some(help.into()),
    };
    use ErrorKind as Kind;
    match error.kind() {
        Kind::TabNotAllowed
        | Kind::TabInBlockIndentation
        | Kind::TabInIndentation
        | Kind::TabAtBlockScalarStart
        | Kind::TabInPlainScalar => Failure {
            at: tab(source, at),
            what: "a tab stands where YAML allows only spaces".into(),
            expected: "spaces".into(),
            help: Some("replace the tab by spaces; most editors do so for `.yaml` files when told".into()),
        },
        Kind::UnclosedQuotedScalar | Kind::DocumentIndicatorInQuotedScalar | Kind::InvalidQuotedScalarIndent => {
            let at = opening(source, at);
            Failure {
                at: place(source, at),
                what: "a quote is opened here and not closed".into(),
                expected: "the same quote at the end of the value".into(),
                help: Some("close the quote; a single quote inside single quotes is written twice: ''".into()),
            }
        }
        Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar => {
            here("the value goes on behind its closing quote", "the end of the line", QUOTE)
        }
        Kind::UnknownQuotedScalarEscape | Kind::InvalidQuotedScalarHexEscape | Kind::InvalidUnicodeEscape => Failure {
            at: backslash(source, at),
            what: "YAML does not know this escape in double quotes".into(),
            expected: "`\\\\`, `\\\"`, `\\n`, `\\t` or `\\u` with four hexadecimal digits".into(),
            help: Some("in single quotes a backslash is only a backslash: 'like this'".into()),
        },
        Kind::MappingValueNotAllowed
        | Kind::InvalidColonPlacement
        | Kind::InvalidMappingValueWhitespace
        | Kind::SimpleKeyExpected
        | Kind::InvalidSimpleKey
        | Kind::BlockEntryInFlowCollection
        | Kind::UnclosedFlowCollection { .. }
            if open_bracket(source, at).is_some() =>
        {
            let begin = open_bracket(source, at).unwrap_or(at);
            bracket(source, begin)
        }
        Kind::MappingValueNotAllowed if glued(source, at).is_some() => {
            let colon = glued(source, at).unwrap_or(at);
            Failure {
                at: place(source, colon),
                what: "there is no space behind this `:`".into(),
                expected: "`key: value`".into(),
                help: Some("add the space; without it YAML reads the whole line as one text".into()),
            }
        }
        Kind::MappingValueNotAllowed | Kind::InvalidColonPlacement | Kind::InvalidMappingValueWhitespace => here(
            "this `:` makes no sense to YAML here",
            "one `key: value` in a line",
            &format!("indent the line like its neighbours; where `: ` belongs to the value, {QUOTE}"),
        ),
        Kind::InvalidIndentation | Kind::BlockSequenceEntryNotAllowed | Kind::InvalidBlockEntryWhitespace => here(
            "this line is indented as none above it",
            "as many spaces as the line that it belongs with",
            "line it up with the other keys (or the other `-`) of the same list or mapping",
        ),
        Kind::SimpleKeyExpected | Kind::InvalidSimpleKey => here(
            "this line is not `key: value`",
            "a key, a colon, a space, and the value",
            "add the missing `:`, or the space behind it, or indent the line if it belongs to the value above",
        ),
        Kind::UnexpectedCharacter { character } => {
            here(&format!("no value can begin with `{character}`"), "a value", QUOTE)
        }
        Kind::UnknownAnchor => here(
            "this alias names nothing: YAML reads `*` at the beginning of a value as one",
            "`*name` after `&name`",
            QUOTE,
        ),
        Kind::RecursionLimitExceeded => Failure {
            at: place(source, at),
            what: "lists and mappings are nested too deeply here".into(),
            expected: "at most 64 levels".into(),
            help: None,
        },
        _ if error.info().contains("did not find expected") => here(
            "this line is indented as none above it",
            "as many spaces as the line that it belongs with",
            "line it up with the other keys (or the other `-`) of the same list or mapping",
        ),
        _ => Failure {
            at: place(source, at),
            what: format!("this is not YAML: {}", error.info()),
            expected: "`key: value` lines and `- item` lists".into(),
            help: Some(format!("look at the indentation of this line and of the one above; else {QUOTE}")),
        },
    }
}

/// The character at `at`; where that is the end of a line, its last.
fn place(source: &str, at: usize) -> Range<usize> {
    let mut at = at;
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    match source.get(at..).and_then(|rest| rest.chars().next()) {
        Some(next) if next != '\n' && next != '\r' => at..at + next.len_utf8(),
        _ => at..at,
    }
}

/// The tab that was meant: on this line, or the first of the line.
fn tab(source: &str, at: usize) -> Range<usize> {
    let begin = source.get(..at).unwrap_or_default().rfind('\n').map_or(0, |end| end + 1);
    let line = source.get(begin..).unwrap_or_default().lines().next().unwrap_or_default();
    match line.find('\t') {
        Some(tab) => begin + tab..begin + tab + 1,
        None => place(source, at),
    }
}

/// Where the quote that was open at `at` began, if `at` is not there already.
fn opening(source: &str, at: usize) -> usize {
    let here = source.get(at..).and_then(|rest| rest.chars().next());
    if matches!(here, Some('"' | '\'')) {
        return at;
    }
    let before = source.get(..at).unwrap_or_default();
    before
        .char_indices()
        .rev()
        .find(|(index, c)| {
            matches!(c, '"' | '\'') && before.get(..*index).is_some_and(|lead| lead.ends_with([' ', '[', '{', ',']))
        })
        .map_or(at, |(index, _)| index)
}

fn bracket(source: &str, at: usize) -> Failure {
    let open = source.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('[');
    let wanted = if open == '[' { "`]`" } else { "`}`" };
    Failure {
        at: place(source, at),
        what: format!("`{open}` is opened here and not closed"),
        expected: wanted.into(),
        help: Some(format!("add {wanted}; to begin a text with `{open}`, {QUOTE}")),
    }
}

/// The last bracket before `at` that begins a value and is not closed.
fn open_bracket(source: &str, at: usize) -> Option<usize> {
    let mut open = Vec::new();
    let mut begin = 0;
    for line in source.get(..at)?.split_inclusive('\n') {
        let mut quote = None;
        let mut before = ' ';
        for (offset, character) in line.char_indices() {
            match (quote, character) {
                (Some(end), found) if end == found => quote = None,
                (Some(_), _) => {}
                (None, '#') if before == ' ' => break,
                (None, '"' | '\'') if " [{,".contains(before) => quote = Some(character),
                (None, '[' | '{') if " [{,".contains(before) => open.push(begin + offset),
                (None, ']' | '}') => {
                    open.pop();
                }
                _ => {}
            }
            before = character;
        }
        begin += line.len();
    }
    open.pop()
}

/// The colon of the line above that has no space behind it, and so made a text of `key:value`.
fn glued(source: &str, at: usize) -> Option<usize> {
    let line = source.get(..at)?.rfind('\n')?;
    let above = source.get(..line)?;
    let above = above.get(..above.trim_end().len())?;
    let begin = above.rfind('\n').map_or(0, |end| end + 1);
    let text = above.get(begin..)?;
    let spaced = text.contains(": ") || text.ends_with(':');
    (!spaced).then(|| text.find(':').map(|colon| begin + colon)).flatten()
}

/// The first backslash of what is quoted at `at`, with what it escapes.
fn backslash(source: &str, at: usize) -> Range<usize> {
    let found = source.get(at..).and_then(|rest| rest.lines().next()).and_then(|line| line.find('\\'));
    match found {
        Some(offset) => at + offset..place(source, at + offset + 1).end,
        None => place(source, at),
    }
}
