//! The templates of the v2 syntax: text with `{name}` and `{name:pattern}` in it.
//!
//! After containous/mux (the fork of gorilla/mux that Traefik 3.6.12 builds with), regexp.go `newRouteRegexp`.

use regex::bytes::Regex;

use super::Error;
use super::pattern as compile;
use crate::regexp::quote;

pub(super) fn host(template: &str) -> Result<Regex, Error> {
    compile(&format!("(?i)^{}$", expand(template, "[^.]+")?))
}

pub(super) fn path(template: &str) -> Result<Regex, Error> {
    compile(&format!("^{}$", expand(template, "[^/]+")?))
}

pub(super) fn path_prefix(template: &str) -> Result<Regex, Error> {
    compile(&format!("^{}", expand(template, "[^/]+")?))
}

/// The key whose first value is asked for, and the pattern over `key=value`.
pub(super) fn query(key: &str, value: &str) -> Result<(String, Regex), Error> {
    let template = format!("{key}={value}");
    let (key, value) = template.split_once('=').unwrap_or((&template, ""));
    let any = if value.is_empty() { ".*" } else { "" };
    let pattern = compile(&format!("^{}{any}$", expand(&template, ".*")?))?;
    Ok((key.to_owned(), pattern))
}

fn expand(template: &str, default: &str) -> Result<String, Error> {
    let malformed = |reason: &str| Error::Pattern { pattern: template.into(), reason: reason.into() };
    let mut pattern = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some(open) = rest.find(['{', '}']) {
        let (text, braced) = rest.split_at(open);
        pattern.push_str(&quote(text));
        let length = variable(braced).ok_or_else(|| malformed("unbalanced braces"))?;
        let variable = braced.get(1..length - 1).unwrap_or_default();
        let (name, inner) = variable.split_once(':').unwrap_or((variable, default));
        if name.is_empty() || inner.is_empty() {
            return Err(malformed("a variable without a name or without a pattern"));
        }
        // gorilla compiles each variable's pattern on its own as well: it may not lean on what stands around it.
        compile(&format!("^{inner}$"))?;
        pattern.push('(');
        pattern.push_str(inner);
        pattern.push(')');
        rest = braced.get(length..).unwrap_or_default();
    }
    pattern.push_str(&quote(rest));
    Ok(pattern)
}

/// Length of the variable with which `text` starts, braces included; braces nest.
fn variable(text: &str) -> Option<usize> {
    let mut level = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => level += 1,
            b'}' => {
                level = level.checked_sub(1)?;
                if level == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}
