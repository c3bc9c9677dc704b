//! `redact`: what leaves no output as it is, besides what never does.

use super::keys::{Keys, key};
use super::kind::{Kind, Section, Text, one_or_list};
use super::node::{Node, Value};
use super::reader::Reader;
use super::values::{JSON_PATH, JsonPath, REGEX};

/// On top of the built-in lists.
#[derive(Debug, Clone, Default)]
pub struct Redact {
    /// In lower case.
    pub headers: Vec<String>,
    pub query: Vec<String>,
    pub cookies: Vec<String>,
    pub json: Vec<JsonPath>,
    pub form: Vec<String>,
    pub patterns: Vec<Pattern>,
}

/// Text that is hidden wherever it stands in a body.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub name: Option<String>,
    pub regex: regex::bytes::Regex,
}

pub(super) fn redact(keys: &mut Keys<'_, '_>) -> Option<Redact> {
    let headers = key(
        "headers",
        "[x-session]",
        "Headers whose values are hidden, besides `authorization`, `cookie`, `x-api-key` and the like, which always are.",
    );
    let headers = keys.section(headers, &one_or_list(Text("a header's name")));
    let query =
        key("query", "[invite]", "Query keys whose values are hidden, besides `token`, `password` and the like.");
    let query = keys.section(query, &one_or_list(Text("a query key")));
    let cookies = key("cookies", "[session]", "Cookies whose values are hidden where the cookie header is shown.");
    let cookies = keys.section(cookies, &one_or_list(Text("a cookie's name")));
    let json = key("json", "[$.user.password, 'cards[*].number']", "Values in JSON bodies, by their path.");
    let json = keys.section(json, &one_or_list(JSON_PATH));
    let form = keys.section(key("form", "[password]", "Fields of forms."), &one_or_list(Text("a field's name")));
    let patterns = key(
        "patterns",
        "[{name: card, regex: '\\b\\d{16}\\b'}]",
        "What matches is hidden wherever it stands in a body.",
    );
    let patterns = keys.section(patterns, &one_or_list(PatternKind));
    let headers = headers?;
    for name in &headers {
        let at = keys.peek("headers").and_then(|node| item(node, name)).map(|node| node.at.clone());
        if let (Err(_), Some(at)) = (name.parse::<hyper::header::HeaderName>(), at) {
            keys.reader.error(&at, format!("`{name}` is not the name of a header"), "a header's name", None);
        }
    }
    let headers = headers.into_iter().map(|name| name.to_ascii_lowercase()).collect();
    Some(Redact { headers, query: query?, cookies: cookies?, json: json?, form: form?, patterns: patterns? })
}

fn item<'n>(list: &'n Node, text: &str) -> Option<&'n Node> {
    match &list.value {
        Value::List(items) => items.iter().find(|item| item.text() == Some(text)),
        _ => Some(list),
    }
}

/// A pattern, with a name or without.
struct PatternKind;

impl Kind for PatternKind {
    type Value = Pattern;

    fn expected(&self) -> String {
        "mappings with `regex` and, for people, `name`".into()
    }

    fn read(&self, node: &Node, path: &str, reader: &mut Reader<'_>) -> Option<Pattern> {
        match node.value {
            Value::Scalar { .. } => Some(Pattern { name: None, regex: REGEX.read(node, path, reader)? }),
            _ => Section(pattern).read(node, path, reader),
        }
    }

    fn describe(&self, path: &str, reader: &mut Reader<'_>) {
        Section(pattern).describe(path, reader);
    }
}

fn pattern(keys: &mut Keys<'_, '_>) -> Option<Pattern> {
    let name = keys.optional(key("name", "card", "What is hidden, for people."), &Text("a name"));
    let regex = key("regex", "'\\b\\d{16}\\b'", "In single quotes, where a backslash is only a backslash.");
    Some(Pattern { regex: keys.required(regex, &REGEX)?, name })
}
