//! One mapping of the file and its definition at once: each key is asked for with its kind, its default, an example
//! and its meaning. What was never asked for is unknown; asked without a file, the same calls make the reference.

use std::collections::HashMap;
use std::ops::Range;

use super::kind::Kind;
use super::mask::Mask;
use super::node::{Node, Value};
use super::page::{Entry, Presence};
use super::reader::{Reader, did_you_mean, one_of};

/// What is said of a key besides its kind.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// In YAML, as it may stand behind the colon.
    pub(super) example: &'static str,
    pub(super) meaning: &'static str,
}

pub(super) const fn key(name: &'static str, example: &'static str, meaning: &'static str) -> Key {
    Key { name, example, meaning }
}

/// What a mapping can be besides others, by its `type`.
pub(super) struct Variant<T> {
    pub(super) name: &'static str,
    pub(super) read: fn(&mut Keys<'_, '_>) -> Option<T>,
}

pub(super) struct Keys<'k, 'a> {
    pub(super) reader: &'k mut Reader<'a>,
    /// None: the file has no such mapping, so all keys have their defaults.
    node: Option<&'k Node>,
    path: String,
    known: Vec<&'static str>,
    /// Which keys there are cannot be told.
    open: bool,
}

impl<'k, 'a> Keys<'k, 'a> {
    /// Reads the mapping `node` by `read`; what it did not ask for is unknown.
    pub(super) fn read<T>(
        reader: &'k mut Reader<'a>,
        node: Option<&'k Node>,
        path: &str,
        read: fn(&mut Keys<'_, '_>) -> Option<T>,
    ) -> Option<T> {
        let node = match node {
            Some(node) if node.is_null() => None,
            Some(Node { value: Value::Map(_), .. }) | None => node,
            Some(other) => {
                let names = || one_of(keys_of(read)).replace("one of ", "");
                let help = match &other.value {
                    Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Map(_))) => {
                        "remove the `-` before its keys".to_owned()
                    }
                    _ => format!("write its keys in lines of their own, indented: {}", names()),
                };
                reader.wrong(other, "a mapping: `key: value` lines, indented", Some(help));
                return None;
            }
        };
        let mut keys = Keys { reader, node, path: path.to_owned(), known: Vec::new(), open: false };
        let value = read(&mut keys);
        keys.finish();
        value
    }

    /// The node of a key, noted as known.
    fn node(&mut self, name: &'static str) -> Option<&'k Node> {
        self.known.push(name);
        self.node?.get(name)
    }

    /// Where the value of a key stands, if the file has it.
    pub(super) fn place(&self, name: &str) -> Option<Range<usize>> {
        Some(self.node?.get(name)?.at.clone())
    }

    /// The node of a key, which is asked for besides.
    pub(super) fn peek(&self, name: &str) -> Option<&'k Node> {
        self.node?.get(name)
    }

    /// The mapping's first key.
    pub(super) fn first(&self) -> Option<Range<usize>> {
        match &self.node?.value {
            Value::Map(entries) => entries.first().map(|(key, value)| key.at.start..value.at.end),
            _ => None,
        }
    }

    pub(super) fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn describe<K: Kind>(&mut self, key: Key, kind: &K, presence: Presence) {
        let path = self.path(key.name);
        let variant = self.reader.variant;
        if let Some(page) = &mut self.reader.page {
            page.push(Entry { path: path.clone(), kind: kind.expected(), presence, variant, key });
            kind.describe(&path, self.reader);
            #[cfg(test)]
            self.try_example(key, kind);
        }
    }

    /// What the reference shows must be accepted.
    #[cfg(test)]
    fn try_example<K: Kind>(&mut self, key: Key, kind: &K) {
        let text = format!("{}: {}", key.name, key.example);
        let root = super::node::parse(&text);
        let node = root.as_ref().ok().and_then(Option::as_ref).and_then(|root| root.get(key.name));
        let environment: super::Lookup<'_> = &|_| Some("x".to_owned());
        let mut reader = Reader::new(&text, environment, Mask::default());
        reader.notes.stacks.push(super::notes::StackNote {
            name: "errors".to_owned(),
            at: 0..0,
            plugins: Vec::new(),
            used: false,
        });
        let read = node.and_then(|node| kind.read(node, key.name, &mut reader)).is_some();
        if !read || !reader.problems.is_empty() {
            let what = format!("{}: example `{text}`: {:?}", self.path(key.name), reader.problems);
            self.reader.error(&(0..0), what, "", None);
        }
    }

    fn value<K: Kind>(&mut self, key: Key, kind: &K) -> Option<Option<K::Value>> {
        let node = self.node(key.name)?;
        let path = self.path(key.name);
        Some(kind.read(node, &path, self.reader))
    }

    /// A key that may be left out.
    pub(super) fn optional<K: Kind>(&mut self, key: Key, kind: &K) -> Option<K::Value> {
        self.describe(key, kind, Presence::Optional);
        self.value(key, kind).flatten()
    }

    /// A key that is `default` where it is left out.
    pub(super) fn or<K: Kind>(&mut self, key: Key, kind: &K, default: K::Value) -> K::Value {
        self.describe(key, kind, Presence::Default(kind.show(&default)));
        self.value(key, kind).flatten().unwrap_or(default)
    }

    /// A key without which there is no value. None is reported.
    pub(super) fn required<K: Kind>(&mut self, key: Key, kind: &K) -> Option<K::Value> {
        self.describe(key, kind, Presence::Required);
        match self.value(key, kind) {
            Some(value) => value,
            None => {
                self.missing(key, &kind.expected());
                None
            }
        }
    }

    /// A mapping or a list that is empty where it is left out.
    pub(super) fn section<K: Kind>(&mut self, key: Key, kind: &K) -> Option<K::Value> {
        self.describe(key, kind, Presence::Optional);
        match self.value(key, kind) {
            Some(value) => value,
            None => kind.absent(&self.path(key.name), self.reader),
        }
    }

    fn missing(&mut self, key: Key, expected: &str) {
        if self.reader.page.is_some() {
            return;
        }
        let at = match self.node {
            Some(Node { value: Value::Map(entries), at }) => {
                entries.first().map_or_else(|| at.clone(), |(first, _)| first.at.clone())
            }
            Some(node) => node.at.clone(),
            None => 0..0,
        };
        let place = if self.path.is_empty() { "the file".to_owned() } else { format!("`{}`", self.path) };
        self.reader.error(
            &at,
            format!("{place} has no `{}`", key.name),
            format!("`{}:` {expected}", key.name),
            Some(format!("add `{}: {}` here: {}", key.name, key.example, lower(key.meaning))),
        );
    }

    /// The rest of the keys are those of the variant that `type` names.
    pub(super) fn variants<T>(&mut self, meaning: &'static str, variants: &[Variant<T>]) -> Option<T> {
        let names: Vec<&'static str> = variants.iter().map(|variant| variant.name).collect();
        let key = key("type", names.first().copied().unwrap_or_default(), meaning);
        if self.reader.page.is_some() {
            let path = self.path(key.name);
            let presence = Presence::Required;
            let entry =
                Entry { path, kind: one_of(names.iter().copied()), presence, variant: self.reader.variant, key };
            self.reader.page.get_or_insert_default().push(entry);
            let outer = self.reader.variant;
            for variant in variants {
                // One alone needs no telling.
                self.reader.variant = if variants.len() > 1 { Some(variant.name) } else { outer };
                (variant.read)(self);
            }
            self.reader.variant = outer;
            return None;
        }
        let Some(node) = self.node(key.name) else {
            self.missing(key, &one_of(names.iter().copied()));
            self.open = true;
            return None;
        };
        let Some(variant) = variants.iter().find(|variant| node.text() == Some(variant.name)) else {
            let help = node.text().and_then(|text| did_you_mean(text, names.iter().copied()));
            self.reader.wrong(node, one_of(names.iter().copied()), help);
            self.open = true;
            return None;
        };
        let value = (variant.read)(self);
        self.others(variants, variant.name);
        value
    }

    /// Keys that another variant has are said to be that one's.
    fn others<T>(&mut self, variants: &[Variant<T>], chosen: &'static str) {
        let Some(Node { value: Value::Map(entries), .. }) = self.node else { return };
        if entries.iter().all(|(name, _)| self.known.iter().any(|known| name.text() == Some(known))) {
            return;
        }
        for variant in variants.iter().filter(|variant| variant.name != chosen) {
            let keys = keys_of(variant.read);
            for (name, _) in entries {
                let Some(owned) = keys.iter().find(|key| name.text() == Some(**key)) else { continue };
                if self.known.contains(owned) {
                    continue;
                }
                self.known.push(*owned);
                self.reader.error(
                    &name.at,
                    format!("`{owned}` belongs to `type: {}`, and this is `type: {chosen}`", variant.name),
                    one_of(self.known.iter().copied().filter(|known| known != owned)),
                    Some(format!("remove it, or change the type to `{}`", variant.name)),
                );
            }
        }
    }

    /// Reports what was never asked for, and what stands twice.
    fn finish(&mut self) {
        let Some(Node { value: Value::Map(entries), .. }) = self.node else { return };
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for (name, value) in entries {
            if self.reader.is_full() {
                return;
            }
            let Some(text) = name.text() else {
                self.reader.wrong(name, "the name of a key", None);
                continue;
            };
            if let Some(first) = seen.insert(text, name.at.start) {
                let line = line(self.reader.source, first);
                self.reader.error(
                    &name.at,
                    format!("`{text}` stands twice in the same mapping, first in line {line}"),
                    "each key once",
                    Some("keep one of the two, or put both their contents under one".into()),
                );
                continue;
            }
            if self.known.contains(&text) || self.open {
                continue;
            }
            let known = self.known.iter().copied();
            let help = elsewhere(&self.path, text, value).or_else(|| did_you_mean(text, known.clone()));
            let place = if self.path.is_empty() { "at the top".to_owned() } else { format!("in `{}`", self.path) };
            let help = help.or_else(|| Some("remove it; docs/configuration.md lists every key".into()));
            self.reader.error(&name.at, format!("unknown key `{text}` {place}"), one_of(known), help);
        }
    }
}

/// The keys that `read` asks for.
fn keys_of<T>(read: fn(&mut Keys<'_, '_>) -> Option<T>) -> Vec<&'static str> {
    let nothing: super::Lookup<'_> = &|_| None;
    let mut reader = Reader::new("", nothing, Mask::default());
    reader.page = Some(Vec::new());
    let mut keys = Keys { reader: &mut reader, node: None, path: String::new(), known: Vec::new(), open: true };
    read(&mut keys);
    keys.known
}

/// Keys of Qtap that have no meaning here, and keys that stand one level off.
fn elsewhere(path: &str, name: &str, value: &Node) -> Option<String> {
    let help = match (path, name) {
        ("tap" | "tap.endpoints[]", "redis" | "mysql" | "kafka") => "remove it: hoptap tells HTTP only",
        ("", "event_stores" | "object_stores") => "indent it below `services:`",
        ("", "macros") => "indent it below `rulekit:`",
        ("", "direction" | "ignore_loopback" | "filters" | "endpoints" | "http") => "indent it below `tap:`",
        ("", "plugins") => "plugins belong to a stack: `stacks:`, its name, then `plugins:`",
        ("tap", "stack") => "write `http:` and below it `stack:`",
        ("services.object_stores[]", "path" | "dir") => "did you mean `directory`?",
        (path, "level" | "format" | "rules") if path.ends_with("plugins[]") => "indent it below `config:`",
        (path, "mode") if path.ends_with(".config") => "did you mean `level`?",
        ("", "<<") | (_, "<<") if !matches!(value.value, Value::Map(_)) => "`<<` merges a mapping: `<<: *name`",
        _ => return None,
    };
    Some(help.to_owned())
}

pub(super) fn line(source: &str, at: usize) -> usize {
    source.get(..at).unwrap_or_default().matches('\n').count() + 1
}

fn lower(meaning: &str) -> String {
    let end = meaning.find(". ").unwrap_or(meaning.len());
    let sentence = meaning.get(..end).unwrap_or(meaning).trim_end_matches('.');
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}
