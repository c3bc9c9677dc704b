//! What works and does not do what its author thinks.

use super::keys::line;
use super::notes::{Notes, PluginNote, RuleNote, StackNote};
use super::reader::Reader;
use super::stacks::Level;
use crate::rules::Constant;

pub(super) fn warn(reader: &mut Reader<'_>) {
    let notes = std::mem::take(&mut reader.notes);
    for plugin in notes.stacks.iter().flat_map(|stack| &stack.plugins) {
        rules(reader, plugin);
    }
    for stack in notes.stacks.iter().filter(|stack| !stack.used) {
        let help = if notes.tap_has_stack || notes.stacks.iter().any(|stack| stack.used) {
            "name it in `tap.http.stack` or in an endpoint, or remove it".to_owned()
        } else {
            format!("add `tap:`, below it `http:`, below it `stack: {}`", stack.name)
        };
        reader.warn(&stack.at, format!("no exchange goes through the stack `{}`", stack.name), help);
    }
    macros(reader, &notes);
    stores(reader, &notes);
}

/// Rules that can never change anything.
fn rules(reader: &mut Reader<'_>, plugin: &PluginNote) {
    let mut closed: Option<&RuleNote> = None;
    for (index, rule) in plugin.rules.iter().enumerate() {
        let before = plugin.rules.get(..index).unwrap_or_default();
        let source = reader.source;
        let why = if let Some(first) = closed {
            Some(format!(
                "the rule `{}` in line {} leaves every exchange out before",
                first.name,
                line(source, first.at.start)
            ))
        } else if rule.expression.constant() == Some(Constant::Never) {
            Some("its expression is never true".to_owned())
        } else if rule.level != Level::None && rule.level <= plugin.level {
            Some(format!("exchanges that no rule matches get `{}` already", name(plugin.level)))
        } else {
            let covers = |earlier: &&RuleNote| {
                let same = squeezed(&earlier.text) == squeezed(&rule.text)
                    || earlier.expression.constant() == Some(Constant::Always);
                same && (earlier.level == Level::None || (rule.level != Level::None && earlier.level >= rule.level))
            };
            before.iter().find(covers).map(|earlier| {
                let number = line(source, earlier.at.start);
                format!(
                    "the rule `{}` in line {number} gives `{}` to all that it matches",
                    earlier.name,
                    name(earlier.level)
                )
            })
        };
        if let Some(why) = why {
            let what = format!("the rule `{}` can never change anything: {why}", rule.name);
            let help = if rule.level != Level::None && rule.level <= plugin.level && closed.is_none() {
                "remove it, raise its level, or lower the `level` above `rules:`; to keep less of some exchanges, \
                 give the others more"
            } else {
                "remove it, or change its expression or its place"
            };
            reader.warn(&rule.at, what, help);
        }
        if rule.level == Level::None && rule.expression.constant() == Some(Constant::Always) && closed.is_none() {
            closed = Some(rule);
        }
    }
}

fn name(level: Level) -> &'static str {
    super::Named::name(level)
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn macros(reader: &mut Reader<'_>, notes: &Notes) {
    let rules = || notes.stacks.iter().flat_map(|stack| &stack.plugins).flat_map(|plugin| &plugin.rules);
    for named in &notes.named {
        let elsewhere = notes.named.iter().filter(|other| other.name != named.name).map(|other| &other.text);
        if !elsewhere.chain(rules().map(|rule| &rule.text)).any(|text| calls(text, &named.name)) {
            let what = format!("no rule calls the macro `{}`", named.name);
            reader.warn(&named.at, what, format!("write `{}()` in the `expr` of a rule, or remove it", named.name));
        }
    }
}

/// Whether `name` stands in `text` as a word of its own, with a parenthesis behind.
fn calls(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-';
        let free = !text.get(..at).unwrap_or_default().ends_with(word);
        free && text.get(at + name.len()..).unwrap_or_default().trim_start().starts_with('(')
    })
}

/// Object stores take what is captured in full.
fn stores(reader: &mut Reader<'_>, notes: &Notes) {
    let levels = |stack: &StackNote| -> Vec<Level> {
        let of = |plugin: &PluginNote| plugin.rules.iter().map(|rule| rule.level).chain([plugin.level]).collect();
        stack.plugins.iter().flat_map(|plugin| -> Vec<Level> { of(plugin) }).collect()
    };
    let used = notes.stacks.iter().filter(|stack| stack.used);
    if used.flat_map(levels).any(|level| level >= Level::Details) {
        return;
    }
    for store in &notes.object_stores {
        let help = "give a rule, or the stack that `tap` names, `level: full`; or remove the store";
        reader.warn(store, "nothing ever reaches this store: no rule gives `level: full` or `details`", help);
    }
}
