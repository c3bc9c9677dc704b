//! Go's regular expressions by way of the `regex` crate.
//!
//! Both are RE2's children, but they differ in what Go calls Perl classes (ASCII only), in what a bracket may
//! hold, in `\Q…\E`, octal codes and stray braces. A pattern is rewritten before it is compiled.

use regex::bytes::{Regex, RegexBuilder};

/// Bounds of one compiled pattern and of its cache, in bytes: a table may hold thousands.
const MAX_PROGRAM: usize = 1 << 20;
const MAX_CACHE: usize = 256 << 10;

/// Compiles a pattern of Go's `regexp` (Go 1.26 regexp/syntax), to be searched for anywhere in a text.
///
/// # Errors
/// Says why Go would not take the pattern, or that it is too large.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    let rewritten = rewrite(pattern).ok_or("an escape, a group or a repetition that Go does not know")?;
    RegexBuilder::new(&rewritten).size_limit(MAX_PROGRAM).dfa_size_limit(MAX_CACHE).build().map_err(|error| {
        // The crate's message draws the pattern over several lines: its last line says what is wrong.
        error.to_string().lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned()
    })
}

/// The pattern in the crate's syntax; None where Go would refuse it.
fn rewrite(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    // What was just repeated is not repeated again: `a**` is refused.
    let mut repeated = false;
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        let length = match character {
            '*' | '+' | '?' => Some(1),
            '{' => repetition(rest),
            _ => None,
        };
        if let Some(length) = length {
            if repeated || !repeats(rest, length) {
                return None;
            }
            let lazy = usize::from(rest.get(length..)?.starts_with('?'));
            out.push_str(rest.get(..length + lazy)?);
            rest = rest.get(length + lazy..)?;
            repeated = true;
            continue;
        }
        repeated = false;
        rest = match character {
            '\\' if after.starts_with('Q') => {
                let literal = after.get(1..).unwrap_or_default();
                let (literal, after) = literal.split_once("\\E").unwrap_or((literal, ""));
                literal.chars().for_each(|c| push_literal(&mut out, c));
                after
            }
            '\\' => rewrite_escape(&mut out, after)?,
            '[' => rewrite_class(&mut out, after)?,
            '{' => {
                out.push_str("\\{");
                after
            }
            '}' => {
                out.push_str("\\}");
                after
            }
            '(' if after.starts_with("?)") => after.get(2..)?,
            '(' if after.starts_with('?') => {
                let flags = after.get(1..).unwrap_or_default();
                let flags = flags.split([')', ':', '<']).next().unwrap_or_default();
                if !flags.chars().all(|flag| "imsUP-".contains(flag)) {
                    return None;
                }
                out.push_str("(?");
                after.get(1..)?
            }
            _ => {
                out.push(character);
                after
            }
        };
    }
    Some(out)
}

/// Length of `{n}`, `{n,}` or `{n,m}` at the start of `text`; any other brace is a literal for Go.
fn repetition(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('{')?;
    let end = inner.find('}')?;
    let (low, high) = match inner.get(..end)?.split_once(',') {
        Some((low, high)) => (low, high),
        None => (inner.get(..end)?, ""),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (!low.is_empty() && digits(low) && digits(high)).then_some(end + 2)
}

/// Go repeats a thousand times at most (`repeat` in regexp/syntax/parse.go).
fn repeats(text: &str, length: usize) -> bool {
    let counts = text.get(1..length.saturating_sub(1)).unwrap_or_default().split(',').filter(|it| !it.is_empty());
    counts.map(str::parse).all(|count: Result<u32, _>| count.is_ok_and(|count| count <= 1000))
}

/// `after` follows a backslash outside a bracket; returns what follows the escape.
fn rewrite_escape<'a>(out: &mut String, after: &'a str) -> Option<&'a str> {
    let character = after.chars().next()?;
    let rest = after.get(character.len_utf8()..)?;
    match character {
        'b' | 'B' => {
            out.push_str("(?-u:\\");
            out.push(character);
            out.push(')');
            Some(rest)
        }
        'A' | 'z' => {
            out.push('\\');
            out.push(character);
            Some(rest)
        }
        'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
            out.push('[');
            out.push_str(perl_class(character)?);
            out.push(']');
            Some(rest)
        }
        'p' | 'P' => rewrite_property(out, after),
        _ => {
            let (literal, rest) = escaped_literal(after)?;
            push_literal(out, literal);
            Some(rest)
        }
    }
}

/// `after` follows the opening bracket; returns what follows the closing one.
fn rewrite_class<'a>(out: &mut String, after: &'a str) -> Option<&'a str> {
    let mut rest = after;
    out.push('[');
    if let Some(negated) = rest.strip_prefix('^') {
        out.push('^');
        rest = negated;
    }
    let mut first = true;
    loop {
        if let Some(after) = rest.strip_prefix(']').filter(|_| !first) {
            out.push(']');
            return Some(after);
        }
        first = false;
        if rest.starts_with("[:")
            && let Some(end) = rest.find(":]")
        {
            out.push_str(rest.get(..end + 2)?);
            rest = rest.get(end + 2..)?;
            continue;
        }
        if let Some(escape) = rest.strip_prefix('\\') {
            let character = escape.chars().next()?;
            if let Some(class) = perl_class(character) {
                out.push_str(class);
                rest = escape.get(1..)?;
                continue;
            }
            if matches!(character, 'p' | 'P') {
                rest = rewrite_property(out, escape)?;
                continue;
            }
        }
        let (low, after) = class_literal(rest)?;
        push_literal(out, low);
        rest = after;
        if let Some(high) = rest.strip_prefix('-').filter(|high| !high.starts_with(']')) {
            let (high, after) = class_literal(high)?;
            out.push('-');
            push_literal(out, high);
            rest = after;
        }
    }
}

fn class_literal(text: &str) -> Option<(char, &str)> {
    if let Some(escape) = text.strip_prefix('\\') {
        return escaped_literal(escape);
    }
    let character = text.chars().next()?;
    Some((character, text.get(character.len_utf8()..)?))
}

/// Go's Perl classes know ASCII only. The negated ones are nested brackets, which may stand inside a bracket.
fn perl_class(name: char) -> Option<&'static str> {
    Some(match name {
        'd' => "0-9",
        'D' => "[^0-9]",
        's' => "\\t\\n\\x0c\\r ",
        'S' => "[^\\t\\n\\x0c\\r ]",
        'w' => "0-9A-Za-z_",
        'W' => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

/// `\pN`, `\p{Greek}`: the same in both. `\p{^Greek}` is Go's for `\P{Greek}`.
fn rewrite_property<'a>(out: &mut String, after: &'a str) -> Option<&'a str> {
    let name = after.get(1..)?;
    if let Some(negated) = name.strip_prefix("{^") {
        let (negated, rest) = negated.split_once('}')?;
        let letter = if after.starts_with('p') { 'P' } else { 'p' };
        out.push_str(&format!("\\{letter}{{{negated}}}"));
        return Some(rest);
    }
    let length = match name.strip_prefix('{') {
        Some(inner) => inner.find('}')? + 2,
        None => name.chars().next()?.len_utf8(),
    };
    out.push('\\');
    out.push_str(after.get(..1 + length)?);
    after.get(1 + length..)
}

/// The character that the escape at the start of `text` (after its backslash) stands for.
fn escaped_literal(text: &str) -> Option<(char, &str)> {
    let character = text.chars().next()?;
    let rest = text.get(character.len_utf8()..)?;
    let code = |digits: &str, radix| char::from_u32(u32::from_str_radix(digits, radix).ok()?);
    match character {
        'a' => Some(('\x07', rest)),
        'f' => Some(('\x0c', rest)),
        'n' => Some(('\n', rest)),
        'r' => Some(('\r', rest)),
        't' => Some(('\t', rest)),
        'v' => Some(('\x0b', rest)),
        'x' => match rest.strip_prefix('{') {
            Some(inner) => {
                let (digits, after) = inner.split_once('}')?;
                Some((code(digits, 16)?, after))
            }
            None => Some((code(rest.get(..2)?, 16)?, rest.get(2..)?)),
        },
        '0'..='7' => {
            let digits = text.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
            if character != '0' && digits < 2 {
                return None;
            }
            Some((code(text.get(..digits)?, 8)?, text.get(digits..)?))
        }
        mark if mark.is_ascii() && !mark.is_ascii_alphanumeric() => Some((mark, rest)),
        _ => None,
    }
}

fn push_literal(out: &mut String, literal: char) {
    if literal.is_ascii_alphanumeric() || !literal.is_ascii() {
        out.push(literal);
    } else {
        out.push_str(&format!("\\x{{{:x}}}", u32::from(literal)));
    }
}

/// The text that matches exactly `literal`.
pub(crate) fn quote(literal: &str) -> String {
    let mut pattern = String::with_capacity(literal.len());
    for character in literal.chars() {
        // Written for Go's syntax: the result is rewritten with the pattern around it.
        if character.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let regex = compile(pattern).unwrap();
        for text in yes {
            assert!(regex.is_match(text.as_bytes()), "{pattern} should match {text}");
        }
        for text in no {
            assert!(!regex.is_match(text.as_bytes()), "{pattern} should not match {text}");
        }
    }

    #[test]
    fn means_what_go_means() {
        check(r"^\d+$", &["42"], &["٤٢", "4a"]);
        check(r"^\w+$", &["a_1"], &["é"]);
        check(r"^[\w.-]+$", &["a.b-c_9"], &["a b"]);
        check(r"^[\W]$", &["-", "é"], &["a"]);
        check(r"^[^\D]+$", &["12"], &["1a"]);
        check(r"a\sb", &["a b"], &["a\u{a0}b"]);
        check(r"\bfoo\b", &["a foo b", "éfooé"], &["afoo"]);
        check(r"^[[]x[]]$", &["[x]"], &["x"]);
        check(r"^[]a]+$", &["]a"], &["b"]);
        check(r"^[a-c&&b]+$", &["a&b"], &["d"]);
        check(r"^[+--]$", &["+", ",", "-"], &["."]);
        check(r"^[[:alpha:]_]+$", &["ab_"], &["1"]);
        check(r"^\Qa.b\E+$", &["a.bbb"], &["axb"]);
        check(r"^\Qa.b", &["a.b"], &["acb"]);
        check(r"^a{2}$", &["aa"], &["a{2}"]);
        check(r"^a{,2}$", &["a{,2}"], &["aa"]);
        check(r"^{id}$", &["{id}"], &["id"]);
        check(r"^/x{1,3}}$", &["/xx}"], &["/xx"]);
        check(r"^\x41\x{42}\103$", &["ABC"], &["abc"]);
        check(r"^\<\>\/\-$", &["<>/-"], &["x"]);
        check(r"(?i)^KELVIN$", &["kelvin", "\u{212a}elvin"], &["kel"]);
        check(r"^(?P<year>\d{4})-(?<month>\d\d)$", &["2024-01"], &["24-01"]);
        check(r"^\p{^Greek}\P{^Greek}$", &["aα"], &["αa"]);
        check(r"^a\ b$", &["a b"], &["ab"]);
        check(r"^\p{Greek}+\pN$", &["αβ1"], &["ab1"]);
        check(r"a||b", &["", "x"], &[]);
        check("^.$", &["é", "x"], &["xy", "\n"]);
    }

    #[test]
    fn refuses_what_go_refuses() {
        for pattern in [
            "(", "[a", r"\Z", r"\1", "(?x)a", "(?=a)", r"\x{zz}", "*a", r"\y", "a\\", r"\C", "a**", "a{2}{3}",
            "a{1001}", "a??+",
        ] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
