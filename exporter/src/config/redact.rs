//! `redact`: what leaves no output as it is, besides what never does. What the entries mean is said in `crate::redact`,
//! which makes them ready while the file is read; here they get their places.

use std::sync::Arc;

use super::keys::{Key, Keys, key};
use super::kind::{Kind, Section, Text, one_or_list};
use super::node::{Node, Value};
use super::reader::Reader;
use super::scalar;
use crate::redact::{Cookies, Fault, Redaction, Settings};

pub(super) fn redact(keys: &mut Keys<'_, '_>) -> Option<Arc<Redaction>> {
    let headers = key(
        "headers",
        "[x-session, 'x-internal-*']",
        "Headers whose values are hidden, besides `authorization`, `cookie`, `x-api-key` and the like, which always are.",
    );
    let headers = entries(keys, headers, "a header's name, or `prefix*`");
    let query =
        key("query", "[invite]", "Query keys whose values are hidden, besides `token`, `password` and the like.");
    let query = entries(keys, query, "a query key, or `prefix*`");
    let cookies = key(
        "cookies",
        "[session]",
        "The cookies whose values are hidden, instead of all: the others are shown. `'*'` shows the names alone.",
    );
    // Not given is not the same as none: without names the headers are hidden as a whole.
    let named = keys.peek("cookies").is_some_and(|node| !node.is_null());
    let cookies = entries(keys, cookies, "a cookie's name, or `prefix*`");
    let json = key("json", "[$.user.password, 'cards[*].number']", "Values in JSON bodies, by their path.");
    let json = entries(
        keys,
        json,
        "a path into JSON such as `$.user.password`, `user.password`, `cards[*].number` or `**.token`",
    );
    let form = key("form", "[password]", "Fields of forms, urlencoded and multipart.");
    let form = entries(keys, form, "a field's name, or `prefix*`");
    let patterns = key(
        "patterns",
        "[{name: card, regex: '\\b\\d{16}\\b'}]",
        "What is hidden wherever it stands in a text body: the group `(?P<secret>...)`, else the first group, else all.",
    );
    let patterns = keys.section(patterns, &one_or_list(PatternKind));
    let read = [headers?, query?, cookies?, json?, form?, patterns?];
    let [headers, query, cookies, json, form, patterns] = read.each_ref().map(|list| texts(list));
    let cookies = if named { Cookies::Named(cookies) } else { Cookies::Hidden };
    match Redaction::new(&Settings { headers, query, cookies, json, form, patterns }) {
        Ok(redaction) => Some(Arc::new(redaction)),
        Err(faults) => {
            for (list, name) in read.iter().zip(LISTS) {
                for fault in faults.iter().filter(|fault| fault.list == name) {
                    report(keys.reader, list, fault);
                }
            }
            None
        }
    }
}

/// The fields of [`Settings`], as faults name them, in the order in which they are read.
const LISTS: [&str; 6] = ["headers", "query", "cookies", "json", "form", "patterns"];

fn report(reader: &mut Reader<'_>, list: &[Node], fault: &Fault) {
    let Some(entry) = list.get(fault.index) else { return };
    let at = scalar::place(reader.source, entry, &fault.range);
    reader.error(&at, fault.message.clone(), String::new(), Some(fault.help.clone()));
}

/// Scalars, each with its place.
fn entries(keys: &mut Keys<'_, '_>, key: Key, expected: &'static str) -> Option<Vec<Node>> {
    keys.section(key, &one_or_list(Entry(expected)))
}

fn texts(list: &[Node]) -> Vec<String> {
    list.iter().filter_map(Node::text).map(str::to_owned).collect()
}

struct Entry(&'static str);

impl Kind for Entry {
    type Value = Node;

    fn expected(&self) -> String {
        self.0.to_owned()
    }

    fn read(&self, node: &Node, path: &str, reader: &mut Reader<'_>) -> Option<Node> {
        Text(self.0).read(node, path, reader).map(|_| node.clone())
    }
}

/// A pattern, with a name or without.
struct PatternKind;

const REGEX: Entry = Entry("a regular expression (RE2 syntax)");

impl Kind for PatternKind {
    type Value = Node;

    fn expected(&self) -> String {
        "mappings with `regex` and, for people, `name`".into()
    }

    fn read(&self, node: &Node, path: &str, reader: &mut Reader<'_>) -> Option<Node> {
        match node.value {
            Value::Scalar { .. } => REGEX.read(node, path, reader),
            _ => Section(pattern).read(node, path, reader),
        }
    }

    fn describe(&self, path: &str, reader: &mut Reader<'_>) {
        Section(pattern).describe(path, reader);
    }
}

fn pattern(keys: &mut Keys<'_, '_>) -> Option<Node> {
    keys.optional(key("name", "card", "What is hidden, for people."), &Text("a name"));
    let regex = key("regex", "'\\b\\d{16}\\b'", "In single quotes, where a backslash is only a backslash.");
    keys.required(regex, &REGEX)
}
