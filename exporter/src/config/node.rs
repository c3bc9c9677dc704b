//! The file as a tree in which every node knows its place in the text.
//!
//! Names no key and knows no type: what a scalar means is up to who reads it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, Tag};

use super::syntax;

/// What a tree may weigh: one for each node and one for each 16 bytes of text. Aliases repeat what they name, so a
/// few lines of them can say gigabytes.
const MAX_WEIGHT: usize = 200_000;

/// Levels of lists and mappings: the schema needs eight.
const MAX_DEPTH: usize = 64;

#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Bytes of the file. Where a node comes by an alias, those of the alias.
    pub(super) at: Range<usize>,
    pub(super) value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Scalar {
        text: String,
        style: ScalarStyle,
    },
    List(Vec<Node>),
    /// In the order of the file; a key may stand twice.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The text of a scalar, quoted or not.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar that stands without quotes: what may be a number, a truth value or nothing.
    pub(super) fn plain(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, style: ScalarStyle::Plain } => Some(text),
            _ => None,
        }
    }

    /// Whether YAML takes it for a number.
    pub(super) fn is_number(&self) -> bool {
        // Rust reads `inf` and `nan` as well, which are words here.
        let digits = |text: &str| text.trim_start_matches(['+', '-', '.']).starts_with(|c: char| c.is_ascii_digit());
        self.plain().is_some_and(|text| digits(text) && (text.parse::<f64>().is_ok() || text.starts_with("0x")))
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.plain(), Some("" | "~" | "null" | "Null" | "NULL"))
    }

    /// The value of `key`, if this is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value),
            _ => None,
        }
    }

    fn weight(&self) -> usize {
        1 + match &self.value {
            Value::Scalar { text, .. } => text.len() / 16,
            Value::List(items) => items.iter().map(Self::weight).sum(),
            Value::Map(entries) => entries.iter().map(|(key, value)| key.weight() + value.weight()).sum(),
        }
    }
}

/// Why there is no tree: the rest of the file was not looked at.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) at: Range<usize>,
    pub(super) what: String,
    pub(super) expected: String,
    pub(super) help: Option<String>,
}

/// Reads one document; None for a file without any.
pub(super) fn parse(source: &str) -> Result<Option<Node>, Failure> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    let mut builder = Builder { source, ..Builder::default() };
    for event in Parser::new_from_str_with_options(source, options) {
        let (event, span) = event.map_err(|error| syntax::explain(source, &error))?;
        builder.take(event, &span)?;
    }
    Ok(builder.root)
}

#[derive(Default)]
struct Builder<'s> {
    source: &'s str,
    root: Option<Node>,
    documents: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    weight: usize,
}

/// A list or a mapping that is not over; `key` waits for its value.
struct Open {
    start: usize,
    anchor: usize,
    items: Vec<Node>,
    map: Option<Vec<(Node, Node)>>,
    key: Option<Node>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Failure> {
        let at = span.byte_range().unwrap_or_default();
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Failure {
                        at,
                        what: "a second document begins here".into(),
                        expected: "the end of the file".into(),
                        help: Some("keep one configuration in one file; remove this `---` and what follows".into()),
                    });
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let style = if self.tag(tag.as_deref(), &at)? { ScalarStyle::DoubleQuoted } else { style };
                self.add(Node { at, value: Value::Scalar { text: text.into_owned(), style } }, anchor)?;
            }
            Event::SequenceStart(_, anchor, tag) => self.open(&at, anchor, tag.as_deref(), None)?,
            Event::MappingStart(_, anchor, tag) => self.open(&at, anchor, tag.as_deref(), Some(Vec::new()))?,
            Event::SequenceEnd | Event::MappingEnd => self.close(&at)?,
            Event::Alias(anchor) => {
                // A node that holds itself is not finished when its alias stands in it.
                let Some(named) = self.anchors.get(&anchor) else {
                    return Err(Failure {
                        at,
                        what: "this alias names a node that it is part of".into(),
                        expected: "an alias of something that ends before".into(),
                        help: Some("write out what you mean".into()),
                    });
                };
                let copy = Node { at: at.clone(), value: named.value.clone() };
                self.weigh(copy.weight(), &at)?;
                self.add(copy, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether a tag says that this is text. Other tags of YAML's own say what is so anyway.
    fn tag(&self, tag: Option<&Tag>, at: &Range<usize>) -> Result<bool, Failure> {
        match tag {
            None => Ok(false),
            Some(tag) if tag.is_yaml_core_schema() => Ok(tag.is_yaml_core_schema_tag("str")),
            Some(tag) => {
                let tag = tag.original();
                let line = self.source.get(..at.start).unwrap_or_default().rfind('\n').map_or(0, |end| end + 1);
                let begin = self.source.get(line..at.end).unwrap_or_default().find(&tag).map_or(at.start, |i| line + i);
                Err(Failure {
                    at: begin..at.end.max(begin),
                    what: format!("YAML reads `{tag}` as a tag, because it begins with `!`"),
                    expected: "a value".into(),
                    help: Some("put the value in single quotes, or write `not` for `!` in an expression".into()),
                })
            }
        }
    }

    fn weigh(&mut self, more: usize, at: &Range<usize>) -> Result<(), Failure> {
        self.weight += more;
        if self.weight <= MAX_WEIGHT {
            return Ok(());
        }
        Err(Failure {
            at: at.clone(),
            what: "the configuration becomes too large here".into(),
            expected: format!("at most {MAX_WEIGHT} values, those that aliases repeat included"),
            help: Some("use fewer aliases (`*name`)".into()),
        })
    }

    fn open(
        &mut self,
        at: &Range<usize>,
        anchor: usize,
        tag: Option<&Tag>,
        map: Option<Vec<(Node, Node)>>,
    ) -> Result<(), Failure> {
        self.tag(tag, at)?;
        if self.open.len() >= MAX_DEPTH {
            return Err(Failure {
                at: at.clone(),
                what: "lists and mappings are nested too deeply here".into(),
                expected: format!("at most {MAX_DEPTH} levels"),
                help: None,
            });
        }
        self.open.push(Open { start: at.start, anchor, items: Vec::new(), map, key: None });
        Ok(())
    }

    fn close(&mut self, at: &Range<usize>) -> Result<(), Failure> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let end = at.end.max(open.start);
        // A block ends where the next begins, which is lines further down.
        let text = self.source.get(open.start..end).unwrap_or_default();
        let end = open.start + text.trim_end().len();
        let value = match open.map {
            Some(entries) => Value::Map(merged(entries)),
            None => Value::List(open.items),
        };
        self.add(Node { at: open.start..end, value }, open.anchor)
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Failure> {
        self.weigh(1 + node.text().map_or(0, |text| text.len() / 16), &node.at)?;
        if anchor != 0 {
            let weight = node.weight();
            self.weigh(weight, &node.at)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { map: None, items, .. }) => items.push(node),
            Some(Open { map: Some(entries), key, .. }) => match key.take() {
                None => *key = Some(node),
                Some(key) => entries.push((key, node)),
            },
        }
        Ok(())
    }
}

/// Puts in what `<<` names: a key of the mapping itself goes before one that is merged.
fn merged(entries: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
    if !entries.iter().any(|(key, _)| key.plain() == Some("<<")) {
        return entries;
    }
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| key.plain() == Some("<<"));
    let mut known: HashSet<String> = own.iter().filter_map(|(key, _)| key.text().map(str::to_owned)).collect();
    for (key, value) in merges {
        let is_map = |node: &Node| matches!(node.value, Value::Map(_));
        let sources = match value.value {
            Value::Map(_) => vec![value],
            Value::List(items) if items.iter().all(is_map) => items,
            // Not a merge; it stays, and is an unknown key.
            other => {
                own.push((key, Node { at: value.at, value: other }));
                continue;
            }
        };
        for source in sources {
            let Value::Map(entries) = source.value else { continue };
            for (name, node) in entries {
                if name.text().is_none_or(|name| known.insert(name.to_owned())) {
                    own.push((name, node));
                }
            }
        }
    }
    own
}
