//! `rulekit` and `stacks`: which exchanges are kept, and how much of them.

use super::keys::{Key, Keys, Variant, key};
use super::kind::{Kind, List, Named, Names, Section, Text, list, named};
use super::node::{Node, Value};
use super::notes::{MacroNote, PluginNote, RuleNote, StackNote};
use super::reader::Reader;
use super::scalar;
pub use crate::exchange::{Format, Level};
use crate::rules::{self, Expression, Fault, Macros};

impl Named for Level {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("summary", Self::Summary),
        ("details", Self::Details),
        ("headers", Self::Details),
        ("full", Self::Full),
    ];
}

impl Named for Format {
    const NAMES: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

/// A named expression that rules may call.
#[derive(Debug, Clone)]
pub struct Macro {
    pub name: String,
    /// As it is written.
    pub expression: String,
}

#[derive(Debug, Clone)]
pub struct Stack {
    pub name: String,
    pub capture: Vec<HttpCapture>,
}

/// The plugin `http_capture`.
#[derive(Debug, Clone)]
pub struct HttpCapture {
    /// Of exchanges that no rule matches.
    pub level: Level,
    pub format: Format,
    /// Read from the top: a matching rule of level none ends the reading, otherwise the most detailed level of all
    /// that match applies.
    pub rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
pub struct Rule {
    pub name: String,
    /// As it is written.
    pub text: String,
    pub expression: Expression,
    pub level: Level,
}

/// Plugins of Qtap that have another place here.
const OTHER_PLUGINS: [(&str, &str); 7] = [
    ("access_logs", "remove it: `http_capture` prints exchanges, as text or JSON"),
    ("http_access_logs", "remove it: `http_capture` prints exchanges, as text or JSON"),
    ("http_metrics", "remove it: `/metrics` is always there, see `metrics.listen`"),
    ("report_usage", "remove it: hoptap reports its own usage on `/metrics` and nowhere else"),
    ("error_detection", "write a rule of `http_capture` instead, such as `expr: http.res.status >= 400`"),
    ("detect_errors", "write a rule of `http_capture` instead, such as `expr: http.res.status >= 400`"),
    ("debug", "remove it: `--log-level debug` says more"),
];

const NAME: Key = key("name", "is_error", "What rules call it: `is_error()`.");

pub(super) fn rulekit(keys: &mut Keys<'_, '_>) -> Option<Vec<Macro>> {
    let macros = key("macros", "[{name: is_error, expr: http.res.status >= 400}]", "Expressions that rules can call.");
    let node = keys.peek("macros");
    let list = keys.section(macros, &list(Section(one_macro)));
    if let Some(node) = node {
        compile_macros(node, keys.reader);
    }
    list
}

fn one_macro(keys: &mut Keys<'_, '_>) -> Option<Macro> {
    let name = keys.required(NAME, &Text("a name"));
    let expr = key("expr", "http.res.status >= 400", "An expression; it may call other macros.");
    let expression = keys.required(expr, &Written);
    Some(Macro { name: name?, expression: expression? })
}

/// Compiles all of them at once, because they may call one another in any order.
fn compile_macros(node: &Node, reader: &mut Reader<'_>) {
    let Value::List(items) = &node.value else { return };
    let mut nodes: Vec<(&Node, &Node)> = Vec::new();
    for item in items {
        if let (Some(name), Some(expr)) = (item.get("name"), item.get("expr"))
            && name.text().is_some()
            && expr.text().is_some()
        {
            nodes.push((name, expr));
        }
    }
    let pair = |(name, expr): &(&Node, &Node)| -> (String, String) {
        (name.text().unwrap_or_default().to_owned(), expr.text().unwrap_or_default().to_owned())
    };
    let mut pairs: Vec<(String, String)> = nodes.iter().map(pair).collect();
    let names = rules::Names::Exchange;
    let mut nameless = Vec::new();
    let compiled = Macros::compile(&pairs, &names);
    if let Err(faults) = &compiled {
        for found in faults {
            let Some((name, expr)) = nodes.get(found.index) else { continue };
            report(reader, if found.in_name { name } else { expr }, &found.fault);
            // What calls a broken macro is not at fault itself.
            if let Some((_, text)) = pairs.get_mut(found.index) {
                "true".clone_into(text);
            }
            if found.in_name {
                nameless.push(found.index);
            }
        }
    }
    let broken: Vec<usize> = compiled.as_ref().err().into_iter().flatten().map(|fault| fault.index).collect();
    let mut index = 0..;
    pairs.retain(|_| index.next().is_none_or(|index| !nameless.contains(&index)));
    reader.notes.macros = compiled.ok().or_else(|| Macros::compile(&pairs, &names).ok());
    for (index, (name, expr)) in nodes.iter().enumerate() {
        let (name_text, text) = pair(&(*name, *expr));
        reader.notes.named.push(MacroNote { name: name_text, at: name.at.clone(), text: text.clone() });
        if let (false, Some(macros)) = (broken.contains(&index), &reader.notes.macros)
            && let Ok(expression) = Expression::compile(&text, macros, &names)
        {
            warn_of_mixes(reader, expr, &expression);
        }
    }
}

/// The text of an expression, which YAML may take for a number or a truth value.
struct Written;

impl Kind for Written {
    type Value = String;

    fn expected(&self) -> String {
        "an expression".into()
    }

    fn read(&self, node: &Node, _: &str, reader: &mut Reader<'_>) -> Option<String> {
        match node.text() {
            Some(text) if !text.trim().is_empty() => Some(text.to_owned()),
            _ => {
                let help =
                    matches!(node.value, Value::Map(_)).then(|| "put the expression in single quotes".to_owned());
                reader.wrong(node, "an expression such as http.res.status >= 400", help);
                None
            }
        }
    }
}

/// An expression, compiled.
struct Compiled;

impl Kind for Compiled {
    type Value = (String, Expression);

    fn expected(&self) -> String {
        "an expression".into()
    }

    fn read(&self, node: &Node, path: &str, reader: &mut Reader<'_>) -> Option<Self::Value> {
        let text = Written.read(node, path, reader)?;
        let none = Macros::default();
        // Without usable macros every call would look like a mistake.
        let usable = reader.notes.macros.is_some() || reader.notes.named.is_empty();
        let compiled =
            Expression::compile(&text, reader.notes.macros.as_ref().unwrap_or(&none), &rules::Names::Exchange);
        match compiled {
            Ok(expression) => {
                warn_of_mixes(reader, node, &expression);
                Some((text, expression))
            }
            Err(faults) => {
                for fault in faults.iter().filter(|_| usable) {
                    report(reader, node, fault);
                }
                None
            }
        }
    }
}

fn report(reader: &mut Reader<'_>, node: &Node, fault: &Fault) {
    let at = scalar::place(reader.source, node, &fault.at);
    reader.error(&at, fault.message.clone(), String::new(), fault.help.clone());
}

fn warn_of_mixes(reader: &mut Reader<'_>, node: &Node, expression: &Expression) {
    for mix in expression.mixes_and_or() {
        let at = scalar::place(reader.source, node, mix);
        reader.warn(
            &at,
            "`and` and `or` are mixed without parentheses",
            "`and` binds tighter here, and Qtap reads it the other way: put parentheses around what belongs together",
        );
    }
}

/// The stacks, by the names that the author gives them.
pub(super) fn stacks(keys: &mut Keys<'_, '_>) -> Option<Vec<Stack>> {
    let stacks = key(
        "stacks",
        "{errors: {plugins: [{type: http_capture, config: {level: full}}]}}",
        "What is done with exchanges, by a name for `tap`.",
    );
    let kind = Names { of: StackKind, placeholder: "NAME", expected: "a mapping from names to stacks" };
    let places = keys.peek("stacks").map(|node| match &node.value {
        Value::Map(entries) => entries.iter().filter_map(|(key, _)| Some((key.text()?, key.at.clone()))).collect(),
        _ => Vec::new(),
    });
    for (name, at) in places.unwrap_or_default() {
        keys.reader.notes.stacks.push(StackNote { name: name.to_owned(), at, plugins: Vec::new(), used: false });
    }
    let named = keys.section(stacks, &kind)?;
    Some(named.into_iter().map(|(name, capture)| Stack { name, capture }).collect())
}

/// One stack; takes its notes along.
struct StackKind;

impl Kind for StackKind {
    type Value = Vec<HttpCapture>;

    fn is_mapping(&self) -> bool {
        true
    }

    fn expected(&self) -> String {
        "a mapping".into()
    }

    fn read(&self, node: &Node, path: &str, reader: &mut Reader<'_>) -> Option<Self::Value> {
        let before = reader.notes.plugins.len();
        let stack = Section(stack).read(node, path, reader);
        let plugins = reader.notes.plugins.split_off(before);
        let name = path.strip_prefix("stacks.").unwrap_or(path);
        if let Some(note) = reader.notes.stacks.iter_mut().find(|note| note.name == name) {
            note.plugins = plugins;
        }
        stack
    }

    fn describe(&self, path: &str, reader: &mut Reader<'_>) {
        Section(stack).describe(path, reader);
    }
}

fn stack(keys: &mut Keys<'_, '_>) -> Option<Vec<HttpCapture>> {
    keys.required(
        key("plugins", "[{type: http_capture, config: {level: summary}}]", "What looks at each exchange."),
        &List { of: PluginKind, one: false },
    )
}

/// One plugin; those of Qtap that hoptap does not have are told what to write instead.
struct PluginKind;

impl Kind for PluginKind {
    type Value = HttpCapture;

    fn is_mapping(&self) -> bool {
        true
    }

    fn expected(&self) -> String {
        "mappings with `type` and `config`".into()
    }

    fn read(&self, node: &Node, path: &str, reader: &mut Reader<'_>) -> Option<HttpCapture> {
        let kind = node.get("type");
        let other = kind.and_then(|kind| OTHER_PLUGINS.iter().find(|(name, _)| kind.text() == Some(name)));
        if let (Some(kind), Some((name, help))) = (kind, other) {
            reader.error(&kind.at, format!("hoptap has no plugin `{name}`"), "`http_capture`", Some((*help).into()));
            return None;
        }
        if let (Some(name), false) = (node.text(), node.is_null()) {
            reader.wrong(node, self.expected(), Some(format!("write `- type: {name}`")));
            return None;
        }
        Section(plugin).read(node, path, reader)
    }

    fn describe(&self, path: &str, reader: &mut Reader<'_>) {
        Section(plugin).describe(path, reader);
    }
}

fn plugin(keys: &mut Keys<'_, '_>) -> Option<HttpCapture> {
    keys.variants("Which plugin.", &[Variant { name: "http_capture", read: http_capture }])
}

fn http_capture(keys: &mut Keys<'_, '_>) -> Option<HttpCapture> {
    keys.section(
        key("config", "{level: summary, format: json}", "What is kept, and how it is printed."),
        &Section(config),
    )
}

fn config(keys: &mut Keys<'_, '_>) -> Option<HttpCapture> {
    let level = key(
        "level",
        "summary",
        "How much is kept of an exchange that no rule matches. `details` and `headers` are the same.",
    );
    let level = keys.or(level, &named(), Level::Summary);
    let format = keys.or(key("format", "json", "How stores of `type: stdout` print it."), &named(), Format::Text);
    let before = keys.reader.notes.rules.len();
    let rules = key(
        "rules",
        "[{name: Errors, expr: http.res.status >= 400, level: full}]",
        "Read from the top. A matching rule of level `none` ends it: the exchange is left out. Otherwise the most \
         detailed level among all rules that match applies.",
    );
    let rules = keys.section(rules, &list(Section(rule)));
    let notes = keys.reader.notes.rules.split_off(before);
    if keys.reader.page.is_none() {
        keys.reader.notes.plugins.push(PluginNote { level, rules: notes });
    }
    Some(HttpCapture { level, format, rules: rules? })
}

fn rule(keys: &mut Keys<'_, '_>) -> Option<Rule> {
    let at = keys.first();
    let name = keys.required(key("name", "Errors", "What the rule is called, for people."), &Text("a name"));
    let expr = key("expr", "http.res.status >= 400", "Which exchanges, over both of their hops.");
    let expression = keys.required(expr, &Compiled);
    let level = keys.required(key("level", "full", "How much is kept of those."), &named());
    let (text, expression) = expression?;
    let rule = Rule { name: name?, text, expression, level: level? };
    keys.reader.notes.rules.push(RuleNote {
        at: at.unwrap_or_default(),
        name: rule.name.clone(),
        text: rule.text.clone(),
        expression: rule.expression.clone(),
        level: rule.level,
    });
    Some(rule)
}
