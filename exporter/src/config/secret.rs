//! Values that must not be seen: where they come from, and how they are kept.

use std::fmt;

use super::keys::{Keys, key};
use super::kind::{Kind, Named, Section, Text, named};
use super::node::{Node, Value};
use super::reader::Reader;

/// A value that no message shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value itself, for whom it is meant.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Where a secret stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Env,
    Text,
}

impl Named for Source {
    const NAMES: &'static [(&'static str, Self)] = &[("env", Self::Env), ("text", Self::Text)];
}

fn section(keys: &mut Keys<'_, '_>) -> Option<Secret> {
    let source = keys.required(key("type", "env", "Where the value is: in the environment or in this file."), &named());
    let value_key = key("value", "MY_SECRET", "The name of the variable, or the value itself.");
    let at = keys.place("value");
    let value = keys.required(value_key, &Text("the name of a variable, or a text"))?;
    let at = at?;
    match source? {
        Source::Text => {
            let what = "a secret stands in the file as it is";
            let help = "put it into a variable of the environment and write `type: env`, `value: NAME`";
            keys.reader.warn(&at, what, help);
            Some(Secret(value))
        }
        Source::Env => match (keys.reader.environment)(&value).filter(|text| !text.is_empty()) {
            Some(text) => Some(Secret(text)),
            None => {
                let shown = !keys.reader.mask.hides(&at);
                let name = if shown { format!("`{value}`") } else { "that is named here".into() };
                let what = format!("the environment variable {name} is not set");
                let help = match shown {
                    true => format!("set it where hoptap is started: `export {value}=...`, `-e {value}` with Docker"),
                    false => "`type: env` wants the name of a variable; for the value itself write `type: text`".into(),
                };
                keys.reader.error(&at, what, "a variable that is set and not empty", Some(help));
                None
            }
        },
    }
}

/// A mapping of `type` and `value`.
pub(super) const SECRET: SecretKind = SecretKind { bare: false };
/// The value of a header: the same, or a text alone.
pub(super) const HEADER: SecretKind = SecretKind { bare: true };

pub(super) struct SecretKind {
    bare: bool,
}

impl Kind for SecretKind {
    type Value = Secret;

    fn expected(&self) -> String {
        let bare = if self.bare { ", or a text" } else { "" };
        format!("`type: env` and `value: NAME`, or `type: text` and `value: TEXT`{bare}")
    }

    fn read(&self, node: &Node, path: &str, reader: &mut Reader<'_>) -> Option<Secret> {
        match &node.value {
            Value::Scalar { text, .. } if self.bare && !text.is_empty() => {
                if secret_header(path) {
                    let what = "a token stands in the file as it is";
                    reader.warn(&node.at, what, "write `type: env` and `value: NAME` below the header's name");
                }
                Some(Secret(text.clone()))
            }
            Value::Scalar { .. } if !self.bare && !node.is_null() => {
                let help = "write `type: env` and `value: NAME` below the key";
                let what = "this value is not accepted here";
                reader.error(&node.at, what, self.expected(), Some(help.into()));
                None
            }
            Value::List(_) => {
                reader.wrong(node, self.expected(), None);
                None
            }
            _ => Section(section).read(node, path, reader),
        }
    }

    fn describe(&self, path: &str, reader: &mut Reader<'_>) {
        Section(section).describe(path, reader);
    }
}

fn secret_header(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    ["auth", "token", "key", "secret", "cookie", "password"].iter().any(|word| name.contains(word))
}
