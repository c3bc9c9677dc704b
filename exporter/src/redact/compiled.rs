//! Settings made ready: every name in the form in which it is compared, paths and expressions compiled.

use std::borrow::Cow;

use super::edits::Edits;
use super::json::{self, Paths};
use super::names::{LONGEST_NAME, Names, any_part, is_built_in_key, is_secret_header, letters};
use super::pattern::Pattern;
use super::{Cookies, Fault, REDACTED, Settings, around_user, cookies, pairs};
use crate::exchange::Headers;

/// What is replaced by [`REDACTED`].
#[derive(Debug, Clone)]
pub struct Redaction {
    /// None: nothing is replaced at all.
    names: Option<Listed>,
    pub(super) form: Names,
    pub(super) json: Paths,
    pub(super) patterns: Vec<Pattern>,
}

#[derive(Debug, Clone, Default)]
struct Listed {
    /// What the configuration names, on top of what is built in.
    headers: Names,
    query: Names,
    /// None: the headers are hidden as a whole.
    cookies: Option<Names>,
}

impl Default for Redaction {
    /// What is built in.
    fn default() -> Self {
        Self { names: Some(Listed::default()), ..Self::nothing() }
    }
}

impl Redaction {
    /// Everything is shown: somebody asked for it.
    pub fn nothing() -> Self {
        Self { names: None, form: Names::default(), json: Paths::default(), patterns: Vec::new() }
    }

    /// All faults at once.
    pub fn new(settings: &Settings) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let header = |name: &str| name.to_ascii_lowercase().into_bytes();
        let key = |name: &str| letters(name).collect();
        let named = match &settings.cookies {
            Cookies::Hidden => None,
            Cookies::Named(list) => Some(names("cookies", list, NAME, header, &mut faults)),
        };
        let listed = Listed {
            headers: names("headers", &settings.headers, NAME, header, &mut faults),
            query: names("query", &settings.query, KEY, key, &mut faults),
            cookies: named,
        };
        let form = names("form", &settings.form, KEY, key, &mut faults);
        let mut paths = Paths::default();
        for (index, path) in settings.json.iter().enumerate() {
            match json::parse(path) {
                Ok(steps) => paths.add(steps),
                Err(fault) => faults.push(Fault { list: "json", index, ..fault }),
            }
        }
        let mut patterns = Vec::new();
        for (index, pattern) in settings.patterns.iter().enumerate() {
            match Pattern::new(pattern) {
                Ok(pattern) => patterns.push(pattern),
                Err(fault) => faults.push(Fault { list: "patterns", index, ..fault }),
            }
        }
        if faults.is_empty() { Ok(Self { names: Some(listed), form, json: paths, patterns }) } else { Err(faults) }
    }

    /// Whether any body can be changed.
    pub fn has_body_rules(&self) -> bool {
        !(self.form.is_empty() && self.json.is_empty() && self.patterns.is_empty())
    }

    /// The header lines as outputs show them.
    pub fn headers<'a>(&self, headers: &'a Headers) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        headers.iter().map(|(name, value)| {
            let value = self.header(&name, value);
            (name, value)
        })
    }

    /// The value of a header: replaced where it is a secret, with the secrets of a URL in it replaced otherwise.
    pub fn header<'a>(&self, name: &str, value: Cow<'a, str>) -> Cow<'a, str> {
        let Some(listed) = &self.names else { return value };
        if listed.headers.contains_in_any_case(name.as_bytes()) {
            return Cow::Borrowed(REDACTED);
        }
        let set = name.eq_ignore_ascii_case("set-cookie");
        if (set || name.eq_ignore_ascii_case("cookie"))
            && let Some(named) = &listed.cookies
        {
            let mut edits = Edits::default();
            let is_secret = |name: &[u8]| named.contains_in_any_case(name);
            cookies::secrets(value.as_bytes(), set, is_secret, |range| edits.secret(range));
            return if edits.is_empty() { value } else { Cow::Owned(edits.apply_to_text(&value)) };
        }
        if is_secret_header(name) {
            return Cow::Borrowed(REDACTED);
        }
        // An authority, which has no scheme to be known by.
        if name.eq_ignore_ascii_case("host")
            && let (_, user, host) = around_user(&value)
            && !user.is_empty()
        {
            return Cow::Owned(format!("{REDACTED}@{host}"));
        }
        match self.in_url(&value) {
            Some(clean) => Cow::Owned(clean),
            None => value,
        }
    }

    /// Whether the configuration names this header: what else tells its value must not, then.
    pub fn names_header(&self, name: &str) -> bool {
        self.names.as_ref().is_some_and(|listed| listed.headers.contains_in_any_case(name.as_bytes()))
    }

    /// A query, without its `?`, with the values of secret keys replaced.
    pub fn query<'a>(&self, query: &'a str) -> Cow<'a, str> {
        let mut edits = Edits::default();
        pairs::secrets(query.as_bytes(), |key| self.is_secret_key(key), |range| edits.secret(range));
        if edits.is_empty() { Cow::Borrowed(query) } else { Cow::Owned(edits.apply_to_text(query)) }
    }

    /// A URL, or a text with URLs in it, with its user and password and the secrets of its query replaced.
    pub fn url<'a>(&self, url: &'a str) -> Cow<'a, str> {
        self.in_url(url).map_or(Cow::Borrowed(url), Cow::Owned)
    }

    /// None where there is nothing to replace.
    fn in_url(&self, text: &str) -> Option<String> {
        self.names.as_ref()?;
        let mut edits = Edits::default();
        pairs::secrets_in_url(text.as_bytes(), |key| self.is_secret_key(key), |range| edits.secret(range));
        let mut at = 0;
        while let Some(found) = text.get(at..).and_then(|rest| memchr::memmem::find(rest.as_bytes(), b"://")) {
            let start = at + found + 3;
            let rest = text.get(start..).unwrap_or_default();
            let ends = |char: char| char.is_whitespace() || "/?#\"<>".contains(char);
            let authority = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or_default();
            if let Some(user) = authority.rfind('@') {
                edits.secret(start..start + user);
            }
            at = start;
        }
        (!edits.is_empty()).then(|| edits.apply_to_text(text))
    }

    fn is_secret_key(&self, key: &[u8]) -> bool {
        let Some(listed) = &self.names else { return false };
        is_built_in_key(key) || !listed.query.is_empty() && any_part(key, |part| listed.query.contains(part))
    }
}

/// What the name of a header or of a cookie cannot have: an entry with it would never match, and hide nothing.
const NAME: &str = ":=;, ";

/// What a part of a key cannot have.
const KEY: &str = "=&;[].";

fn names(
    list: &'static str,
    entries: &[String],
    forbidden: &str,
    normal: impl Fn(&str) -> Vec<u8>,
    faults: &mut Vec<Fault>,
) -> Names {
    let mut names = Names::default();
    for (index, entry) in entries.iter().enumerate() {
        let mut fault = |range, message: &str, help: &str| {
            faults.push(Fault { list, index, range, message: message.to_owned(), help: help.to_owned() });
        };
        let compared = normal(entry);
        let star = entry.find('*').filter(|at| at + 1 != entry.len());
        if compared.is_empty() {
            fault(0..entry.len(), "expected a name, found none", "name it, or leave the entry out");
        } else if let Some(at) = star {
            fault(at..at + 1, "`*` stands before the end of a name", "only `prefix*` is understood");
        } else if compared.len() > LONGEST_NAME {
            fault(0..entry.len(), "this name is too long", "a name has 96 characters at most, or use `prefix*`");
        } else if let Some((at, char)) = entry.char_indices().find(|(_, char)| {
            !char.is_ascii_graphic() && *char != ' ' && !char.is_alphabetic() || forbidden.contains(*char)
        }) {
            let help = match forbidden == KEY {
                true => "name one part of a key: `password` covers `user[password]` and `login.password`",
                false => "write the name alone, without its value",
            };
            fault(at..at + char.len_utf8(), "a name cannot have this character", help);
        } else {
            names.add(&compared);
        }
    }
    names
}
