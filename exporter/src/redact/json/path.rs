//! The paths of a configuration: a small part of JSONPath (RFC 9535), and `**`, which many know from elsewhere.

use std::ops::Range;

use super::fold::fold;
use crate::redact::Fault;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redact) enum Step {
    /// A member, by its folded name.
    Member(String),
    Element(u64),
    /// Any member or element: `*`, `[*]`.
    Any,
    /// Any number of members and elements, also none: `**`, `..`.
    Deep,
}

/// Longest path, in steps. Nobody writes one by hand.
const LONGEST: usize = 64;

/// The fault has no list and no index yet.
pub(in crate::redact) fn parse(path: &str) -> Result<Vec<Step>, Fault> {
    let mut steps = Vec::new();
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    // `a.b` is `$.a.b`.
    let mut bare = rest.len() == path.len();
    if path.is_empty() {
        return Err(fault(
            0..0,
            "expected a path, found none",
            "write a path such as `$.user.password` or `**.password`",
        ));
    }
    while !rest.is_empty() {
        let at = path.len() - rest.len();
        if let Some(inside) = rest.strip_prefix('[') {
            let (step, after) = bracket(inside, at)?;
            steps.push(step);
            rest = after;
        } else {
            let name = match rest.strip_prefix('.') {
                Some(name) => name,
                None if bare => rest,
                None => {
                    return Err(fault(at..path.len(), "expected `.` or `[`", "write `$.a.b`, `a[0].b` or `a['b']`"));
                }
            };
            // `a..b`: the second point begins the next name. RFC 9535 says `..[*]`, too.
            rest = match name.strip_prefix('.') {
                Some(after) => {
                    steps.push(Step::Deep);
                    if after.starts_with('[') { after } else { name }
                }
                _ => {
                    let end = name.find(['.', '[']).unwrap_or(name.len());
                    let (name, after) = name.split_at(end);
                    steps.push(member(name, path.len() - after.len() - name.len())?);
                    after
                }
            };
        }
        bare = false;
    }
    if steps.last() == Some(&Step::Deep) {
        let help = "name what is the secret: `**.password`; or `.*` for every value there";
        return Err(fault(0..path.len(), "a path cannot end with `**`", help));
    }
    if steps.len() > LONGEST {
        return Err(fault(0..path.len(), "this path has more than 64 steps", "use `**` for what is between"));
    }
    Ok(steps)
}

fn member(name: &str, at: usize) -> Result<Step, Fault> {
    let range = at..at + name.len();
    match name {
        "" => Err(fault(at..at, "expected a name, found none", "write `a.b`, or `a['b']` for names with points")),
        "*" => Ok(Step::Any),
        "**" => Ok(Step::Deep),
        name if name.contains(['*', ']', '\'', '"', '$', '@', '(']) => {
            Err(fault(range, "this is no name of a member", "write such a name in brackets: `a['b*']`"))
        }
        name => Ok(Step::Member(fold(name))),
    }
}

/// `inside` is what follows the bracket at `at`.
fn bracket(inside: &str, at: usize) -> Result<(Step, &str), Fault> {
    let help = "write `[0]`, `[*]` or `['name']`";
    if let Some(quote) = inside.chars().next().filter(|first| matches!(first, '\'' | '"')) {
        let text = inside.get(1..).unwrap_or_default();
        let Some((name, after)) =
            text.split_once(quote).and_then(|(name, after)| Some((name, after.strip_prefix(']')?)))
        else {
            return Err(fault(at..at + 1 + inside.len(), "this name in brackets has no end", help));
        };
        return Ok((Step::Member(fold(name)), after));
    }
    let Some((index, after)) = inside.split_once(']') else {
        return Err(fault(at..at + 1 + inside.len(), "this bracket has no end", help));
    };
    let range = at + 1..at + 1 + index.len();
    let step = match index {
        "*" => Step::Any,
        index if index.starts_with('-') => return Err(fault(range, "indexes count from the start", "use `[*]`")),
        index => match index.parse() {
            Ok(index) => Step::Element(index),
            Err(_) => return Err(fault(range, "this is no index", help)),
        },
    };
    Ok((step, after))
}

fn fault(range: Range<usize>, message: &str, help: &str) -> Fault {
    Fault { list: "json", index: 0, range, message: message.to_owned(), help: help.to_owned() }
}
