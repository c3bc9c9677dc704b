//! The kinds of values: what a node must be, in words and in code.

use std::marker::PhantomData;

use super::keys::Keys;
use super::node::{Node, Value};
use super::reader::{Reader, did_you_mean, one_of};

pub(super) trait Kind {
    type Value;
    /// What to write, for messages and for the reference.
    fn expected(&self) -> String;
    /// None has been reported.
    fn read(&self, node: &Node, path: &str, reader: &mut Reader<'_>) -> Option<Self::Value>;
    /// A default, as YAML.
    fn show(&self, _value: &Self::Value) -> String {
        String::new()
    }
    /// What the kind holds, into the reference.
    fn describe(&self, _path: &str, _reader: &mut Reader<'_>) {}
    /// Whether it is written as a mapping.
    fn is_mapping(&self) -> bool {
        false
    }
    /// The value where the key is left out, of kinds that can be empty.
    fn absent(&self, _path: &str, _reader: &mut Reader<'_>) -> Option<Self::Value> {
        None
    }
}

/// A set of names with a meaning each.
pub trait Named: Copy + PartialEq + 'static {
    /// The first name of a value is the one that is shown.
    const NAMES: &'static [(&'static str, Self)];

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, value)| *value == self).map_or("", |(name, _)| name)
    }
}

/// One of the names of `T`.
pub(super) struct OneOf<T>(PhantomData<T>);

pub(super) fn named<T: Named>() -> OneOf<T> {
    OneOf(PhantomData)
}

impl<T: Named> Kind for OneOf<T> {
    type Value = T;

    fn expected(&self) -> String {
        one_of(T::NAMES.iter().map(|(name, _)| *name))
    }

    fn read(&self, node: &Node, _: &str, reader: &mut Reader<'_>) -> Option<T> {
        let text = node.text().unwrap_or_default();
        let found = T::NAMES.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let help = did_you_mean(text, T::NAMES.iter().map(|(name, _)| *name));
            reader.wrong(node, self.expected(), help);
        }
        found
    }

    fn show(&self, value: &T) -> String {
        value.name().to_owned()
    }
}

pub(super) struct Bool;

impl Kind for Bool {
    type Value = bool;

    fn expected(&self) -> String {
        "`true` or `false`".into()
    }

    fn read(&self, node: &Node, _: &str, reader: &mut Reader<'_>) -> Option<bool> {
        match node.plain() {
            Some("true" | "True" | "TRUE") => Some(true),
            Some("false" | "False" | "FALSE") => Some(false),
            _ => {
                let help = match node.text().map(str::to_ascii_lowercase).as_deref() {
                    Some("yes" | "on" | "y" | "1") => Some("write `true`".to_owned()),
                    Some("no" | "off" | "n" | "0") => Some("write `false`".to_owned()),
                    Some("true" | "false") => Some("remove the quotes".to_owned()),
                    _ => None,
                };
                reader.wrong(node, self.expected(), help);
                None
            }
        }
    }

    fn show(&self, value: &bool) -> String {
        value.to_string()
    }
}

/// Any text that is not empty; numbers and truth values need quotes, because what YAML makes of them is not always
/// what was written (`0x1F`, `1_000`).
pub(super) struct Text(pub(super) &'static str);

impl Kind for Text {
    type Value = String;

    fn expected(&self) -> String {
        self.0.to_owned()
    }

    fn read(&self, node: &Node, _: &str, reader: &mut Reader<'_>) -> Option<String> {
        let plain = node.plain();
        let unquoted = plain.is_some_and(|text| matches!(text, "true" | "false")) || node.is_number();
        match node.text() {
            Some(text) if !unquoted && !node.is_null() && !text.trim().is_empty() => Some(text.to_owned()),
            _ => {
                let help = match plain {
                    Some(text) if unquoted && !reader.mask.hides(&node.at) => {
                        Some(format!("put it in quotes to make it text: \"{text}\""))
                    }
                    _ => None,
                };
                reader.wrong(node, self.0, help);
                None
            }
        }
    }

    fn show(&self, value: &String) -> String {
        value.clone()
    }
}

/// A scalar that `parse` understands, quoted or not.
pub(super) struct Parsed<T> {
    pub(super) expected: &'static str,
    /// Err is what to do, or empty.
    pub(super) parse: fn(&str) -> Result<T, String>,
    pub(super) show: fn(&T) -> String,
}

impl<T> Kind for Parsed<T> {
    type Value = T;

    fn expected(&self) -> String {
        self.expected.to_owned()
    }

    fn read(&self, node: &Node, _: &str, reader: &mut Reader<'_>) -> Option<T> {
        let parsed = match node.text() {
            Some(text) if !node.is_null() => (self.parse)(text.trim()),
            _ => Err(String::new()),
        };
        match parsed {
            Ok(value) => Some(value),
            Err(help) => {
                // Help may repeat what was written.
                let text = node.text().unwrap_or_default();
                let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
                let tells = reader.mask.hides(&node.at) && help.contains(rest);
                let help = (!help.is_empty() && !tells).then_some(help);
                reader.wrong(node, self.expected, help);
                None
            }
        }
    }

    fn show(&self, value: &T) -> String {
        (self.show)(value)
    }
}

/// A mapping with keys of its own.
pub(super) struct Section<T>(pub(super) fn(&mut Keys<'_, '_>) -> Option<T>);

impl<T> Kind for Section<T> {
    type Value = T;

    fn is_mapping(&self) -> bool {
        true
    }

    fn expected(&self) -> String {
        "a mapping".into()
    }

    fn read(&self, node: &Node, path: &str, reader: &mut Reader<'_>) -> Option<T> {
        Keys::read(reader, Some(node), path, self.0)
    }

    fn describe(&self, path: &str, reader: &mut Reader<'_>) {
        Keys::read(reader, None, path, self.0);
    }

    fn absent(&self, path: &str, reader: &mut Reader<'_>) -> Option<T> {
        // The keys were described above.
        let page = reader.page.take();
        let value = Keys::read(reader, None, path, self.0);
        reader.page = page;
        value
    }
}

/// Items of one list, and names of one mapping: what looks for one looks at all.
const MOST: usize = 1000;

fn too_many(node: &Node, count: usize, reader: &mut Reader<'_>) {
    let help = Some("is it a configuration of hoptap? else split it over several hoptaps".into());
    reader.error(&node.at, format!("{count} items are too many"), format!("at most {MOST}"), help);
}

pub(super) struct List<K> {
    pub(super) of: K,
    /// A single item may stand without a list around it.
    pub(super) one: bool,
}

pub(super) fn list<K: Kind>(of: K) -> List<K> {
    List { of, one: false }
}

pub(super) fn one_or_list<K: Kind>(of: K) -> List<K> {
    List { of, one: true }
}

impl<K: Kind> Kind for List<K> {
    type Value = Vec<K::Value>;

    fn expected(&self) -> String {
        let alone = if self.one { ", or one alone" } else { "" };
        match self.of.expected().as_str() {
            "a mapping" => format!("a list of mappings{alone}"),
            of => format!("a list: {of}{alone}"),
        }
    }

    fn read(&self, node: &Node, path: &str, reader: &mut Reader<'_>) -> Option<Self::Value> {
        let path = format!("{path}[]");
        match &node.value {
            Value::List(items) if items.len() > MOST => {
                too_many(node, items.len(), reader);
                None
            }
            Value::List(items) => Some(items.iter().filter_map(|item| self.of.read(item, &path, reader)).collect()),
            // A list whose items are all commented out.
            _ if node.is_null() => Some(Vec::new()),
            Value::Scalar { .. } if self.one => self.of.read(node, &path, reader).map(|item| vec![item]),
            _ => {
                let expected = format!("{}, each behind a `-`", self.expected());
                let help = match node.value {
                    Value::Map(_) => Some("put `- ` before the first key and two spaces before the others".to_owned()),
                    _ if reader.mask.hides(&node.at) => None,
                    _ if self.of.is_mapping() => {
                        Some("write each item in lines of its own below the key, as `- key: value`".to_owned())
                    }
                    _ => node.text().map(|text| format!("write `[{text}]`")),
                };
                reader.wrong(node, expected, help);
                None
            }
        }
    }

    fn describe(&self, path: &str, reader: &mut Reader<'_>) {
        self.of.describe(&format!("{path}[]"), reader);
    }

    fn absent(&self, _: &str, _: &mut Reader<'_>) -> Option<Self::Value> {
        Some(Vec::new())
    }
}

/// A mapping whose keys are names that the author gives.
pub(super) struct Names<K> {
    pub(super) of: K,
    /// What stands for the name in the reference.
    pub(super) placeholder: &'static str,
    pub(super) expected: &'static str,
}

impl<K: Kind> Kind for Names<K> {
    type Value = Vec<(String, K::Value)>;

    fn expected(&self) -> String {
        self.expected.to_owned()
    }

    fn read(&self, node: &Node, path: &str, reader: &mut Reader<'_>) -> Option<Self::Value> {
        let Value::Map(entries) = &node.value else {
            if node.is_null() {
                return Some(Vec::new());
            }
            reader.wrong(node, self.expected, None);
            return None;
        };
        if entries.len() > MOST {
            too_many(node, entries.len(), reader);
            return None;
        }
        let mut named: Vec<(String, K::Value)> = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for (key, value) in entries {
            let name = match key.text() {
                Some(name) if !name.trim().is_empty() => name,
                _ => {
                    reader.wrong(key, "a name", None);
                    continue;
                }
            };
            if seen.contains(&name) {
                let what = format!("`{name}` stands twice in the same mapping");
                reader.error(&key.at, what, "each name once", Some("give one of the two another name".into()));
                continue;
            }
            seen.push(name);
            if let Some(value) = self.of.read(value, &format!("{path}.{name}"), reader) {
                named.push((name.to_owned(), value));
            }
        }
        Some(named)
    }

    fn describe(&self, path: &str, reader: &mut Reader<'_>) {
        self.of.describe(&format!("{path}.{}", self.placeholder), reader);
    }

    fn absent(&self, _: &str, _: &mut Reader<'_>) -> Option<Self::Value> {
        Some(Vec::new())
    }
}
