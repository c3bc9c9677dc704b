//! Which bytes of the file are secrets: no excerpt and no message shows them.
//!
//! Found by their keys before anything is understood, so that a secret in the wrong place, or under a mistyped key,
//! is one as well.

use std::collections::HashSet;
use std::ops::Range;

use super::node::{Node, Value};

/// A key is that of a secret if its letters hold one of these.
const WORDS: [&str; 14] = [
    "secret",
    "token",
    "password",
    "passwd",
    "passphrase",
    "accesskey",
    "apikey",
    "authorization",
    "credential",
    "privatekey",
    "cookie",
    "bearer",
    "signature",
    "headers",
];

/// A shorter text is no secret worth hiding everywhere.
const LEAST: usize = 6;

#[derive(Debug, Clone, Default)]
pub(super) struct Mask(Vec<Range<usize>>);

impl Mask {
    pub(super) fn of(root: &Node) -> Self {
        let mut mask = Self::default();
        mask.walk(root, false);
        mask.order();
        // The same text elsewhere is the same secret: where it has its anchor, or was put by mistake.
        let mut texts = HashSet::new();
        texts_below(root, &mut |node, text| {
            if text.len() >= LEAST && mask.hides(&node.at) {
                texts.insert(text.to_owned());
            }
        });
        texts_below(root, &mut |node, text| {
            if texts.contains(text) {
                mask.hide(node.at.clone());
            }
        });
        mask.order();
        mask
    }

    /// Of text that is no YAML, where only the lines tell: hides what a line says if it, or one that it stands under,
    /// has a key of a secret.
    pub(super) fn of_text(source: &str) -> Self {
        let mut mask = Self::default();
        // The indentation of the key that hides what is below it.
        let mut under: Option<usize> = None;
        let mut harmless = false;
        let mut begin = 0;
        for line in source.split_inclusive('\n') {
            let content = line.trim_start_matches([' ', '\t', '-', '{', '[', ',', '"', '\'']);
            let indent = line.len() - content.len();
            let end = begin + line.trim_end().len();
            if !content.trim().is_empty() {
                if under.is_some_and(|outer| indent <= outer) {
                    under = None;
                }
                if indent == 0 {
                    harmless = content.starts_with("redact:") || content.starts_with("rulekit:");
                }
                let named = content.find(':').is_some_and(|colon| {
                    content.get(..colon).is_some_and(|key| is_secret(key) || key.trim() == "value")
                });
                let inline = content.contains('{') && is_secret(content.split('#').next().unwrap_or_default());
                if !harmless && (under.is_some() || named || inline) {
                    let hidden = content.find(':').map_or(0, |colon| colon + 1);
                    let from = begin + indent + hidden;
                    mask.hide(from + (source.get(from..end).map_or(0, |s| s.len() - s.trim_start().len()))..end);
                }
                if named && under.is_none() {
                    under = Some(indent);
                }
            }
            begin += line.len();
        }
        mask
    }

    fn walk(&mut self, node: &Node, secret: bool) {
        match &node.value {
            Value::Scalar { text, .. } => {
                let credentials = text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
                if (secret || credentials) && !node.is_null() {
                    self.hide(node.at.clone());
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.walk(item, secret)),
            Value::Map(entries) => {
                let by_name = node.get("type").and_then(Node::text) == Some("env");
                for (key, value) in entries {
                    let name = key.text().unwrap_or_default();
                    let reference = name == "value" && by_name && value.text().is_some_and(is_variable);
                    let secret = match name {
                        "type" => secret && !known_kind(value),
                        "value" => !reference && (secret || node.get("type").is_some()),
                        // Its lists name headers, keys and cookies; they hold none.
                        "redact" | "rulekit" => false,
                        // `level: headers` is a value, and expressions are shown in full.
                        _ => secret || is_secret(name),
                    };
                    if name != "redact" && name != "rulekit" {
                        self.walk(value, secret);
                    }
                }
            }
        }
    }

    /// Aliases and merges stand elsewhere than in the order of the file. No two scalars overlap.
    fn order(&mut self) {
        self.0.sort_by_key(|secret| secret.start);
        self.0.dedup();
    }

    fn hide(&mut self, at: Range<usize>) {
        if !at.is_empty() {
            self.0.push(at);
        }
    }

    /// The secret that this byte belongs to, by its place.
    pub(super) fn covering(&self, offset: usize) -> Option<usize> {
        let index = self.0.partition_point(|secret| secret.end <= offset);
        self.0.get(index).filter(|secret| secret.contains(&offset)).map(|_| index)
    }

    pub(super) fn hides(&self, at: &Range<usize>) -> bool {
        let index = self.0.partition_point(|secret| secret.end <= at.start);
        self.0.get(index).is_some_and(|secret| secret.start < at.end)
    }
}

fn texts_below(node: &Node, visit: &mut dyn FnMut(&Node, &str)) {
    match &node.value {
        Value::Scalar { text, .. } => visit(node, text),
        Value::List(items) => items.iter().for_each(|item| texts_below(item, visit)),
        Value::Map(entries) => entries.iter().for_each(|(key, value)| {
            texts_below(key, visit);
            texts_below(value, visit);
        }),
    }
}

fn is_secret(key: &str) -> bool {
    let letters: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    WORDS.iter().any(|word| letters.contains(word))
}

fn known_kind(node: &Node) -> bool {
    node.text().is_some_and(|text| matches!(text, "env" | "text"))
}

/// Whether this is the name of a variable, and not a key that was put where the name belongs: keys have no underscore
/// and often digits.
fn is_variable(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && (text.contains('_') || !text.bytes().any(|byte| byte.is_ascii_digit()))
}
