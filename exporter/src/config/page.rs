//! `docs/configuration.md`, made by asking the definition what there is.

use std::fmt::Write;

use super::configuration::configuration;
use super::keys::{Key, Keys};
use super::mask::Mask;
use super::reader::Reader;

/// One key.
pub(super) struct Entry {
    /// `services.object_stores[].bucket`.
    pub(super) path: String,
    pub(super) kind: String,
    pub(super) presence: Presence,
    /// The `type` that has it.
    pub(super) variant: Option<&'static str>,
    pub(super) key: Key,
}

pub(super) enum Presence {
    Required,
    Optional,
    Default(String),
}

const HEAD: &str = "# Configuration

Made from the definition that reads the file, by `UPDATE=1 cargo test -p hoptap --test configuration_page`.

`hoptap --config FILE` runs with a file, `hoptap check FILE` says what is wrong with it and what it would do. Without a
file hoptap finds every Traefik, prints summaries and serves `/metrics`. Files that were written for Qtap load as they
are.

Flags beat the standard `OTEL_*` variables, and both beat the file. A file that has a mistake is refused as a whole, with
every mistake at once and exit code 64; nothing is started then.

A smallest file:

```yaml
version: 2
services:
  event_stores:
    - type: stdout
  object_stores:
    - type: file
      directory: /var/lib/hoptap
stacks:
  errors:
    plugins:
      - type: http_capture
        config:
          level: summary
          rules:
            - name: Errors
              expr: http.res.status >= 500
              level: full
tap:
  http:
    stack: errors
```

In the keys below, `[]` stands for each item of a list, and a word in capitals for a name that you choose. Sizes are
bytes, or have a unit: `64KiB`, `1MiB`, `1MB`.
";

/// The definition, asked what there is.
pub(super) fn described() -> Reader<'static> {
    let mut reader = Reader::new("", &|_| None, Mask::default());
    reader.page = Some(Vec::new());
    Keys::read(&mut reader, None, "", configuration);
    reader
}

/// Every key with its place, kind, default, meaning and an example.
pub fn page() -> String {
    let entries = described().page.unwrap_or_default();
    let mut out = HEAD.to_owned();
    let mut section = "";
    for entry in &entries {
        let top = entry.path.split('.').next().unwrap_or_default();
        if top != section {
            section = top;
            let _ = write!(out, "\n## `{top}`\n\n");
            let inside = entries.iter().any(|other| other.path.starts_with(&format!("{top}.")));
            if inside {
                let _ = write!(out, "{}\n\n", entry.key.meaning);
            }
            out.push_str("| key | value | default | meaning | example |\n|---|---|---|---|---|\n");
            if inside {
                continue;
            }
        }
        let default = match &entry.presence {
            Presence::Required => "required".to_owned(),
            Presence::Optional => String::new(),
            Presence::Default(text) if text.is_empty() => "empty".to_owned(),
            Presence::Default(text) => format!("`{text}`"),
        };
        let only = entry.variant.map(|variant| format!("`type: {variant}`: ")).unwrap_or_default();
        let _ = writeln!(
            out,
            "| `{}` | {} | {default} | {only}{} | `{}` |",
            entry.path,
            cell(&entry.kind),
            cell(entry.key.meaning),
            cell(entry.key.example)
        );
    }
    out
}

/// A `|` would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
