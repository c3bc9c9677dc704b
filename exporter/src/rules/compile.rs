//! From names to what they stand for: fields become a typed value, macros a number.

use super::Fault;
use super::field::{Field, Names};
use super::literal::Literal;
use super::macros::{Compiled, Found};
use super::near;
use super::parser::{Comparison, Term, TermKind, Tree};

/// Nobody mends more at a time.
const MAX_FAULTS: usize = 32;

pub(super) const FUNCTION: &str = "starts_with";

#[derive(Debug)]
pub(super) enum Node {
    Any(Box<[Node]>),
    All(Box<[Node]>),
    Not(Box<Node>),
    Truth(Side),
    Compare(Side, Comparison, Side),
    StartsWith(Box<[Side; 2]>),
    /// Its place in the list of macros, where those that it uses stand before it.
    Macro(usize),
}

/// One side of a comparison, or what stands alone.
#[derive(Debug)]
pub(super) enum Side {
    Field(Field),
    Literal(Literal),
    List(Box<[Side]>),
    /// Something that is true or false.
    Node(Box<Node>),
    /// A macro that is a value and nothing else.
    Value(usize),
}

/// All names that stand for nothing, at once.
pub(super) fn compile(
    tree: &Tree,
    find: &dyn Fn(&str) -> Found,
    macros: &[Compiled],
    names: &Names,
) -> Result<Node, Vec<Fault>> {
    let mut compiler = Compiler { find, macros, names, faults: Vec::new() };
    let node = compiler.node(tree);
    match node {
        Some(node) if compiler.faults.is_empty() => Ok(node),
        _ => Err(compiler.faults),
    }
}

struct Compiler<'a> {
    find: &'a dyn Fn(&str) -> Found,
    macros: &'a [Compiled],
    names: &'a Names,
    faults: Vec<Fault>,
}

impl Compiler<'_> {
    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }

    fn nodes(&mut self, trees: &[Tree]) -> Option<Box<[Node]>> {
        // Not stopped by the first that fails: all faults are wanted.
        let nodes: Vec<Option<Node>> = trees.iter().map(|tree| self.node(tree)).collect();
        nodes.into_iter().collect()
    }

    fn node(&mut self, tree: &Tree) -> Option<Node> {
        match tree {
            Tree::Any(parts) => Some(Node::Any(self.nodes(parts)?)),
            Tree::All(parts) => Some(Node::All(self.nodes(parts)?)),
            Tree::Not(inner) => Some(Node::Not(Box::new(self.node(inner)?))),
            Tree::Truth(term) => Some(match self.operand(term)? {
                Side::Node(node) => *node,
                Side::Value(index) => Node::Macro(index),
                operand => Node::Truth(operand),
            }),
            Tree::Compare(left, how, right) => {
                let (left, right) = (self.operand(left), self.operand(right));
                Some(Node::Compare(left?, *how, right?))
            }
        }
    }

    fn operand(&mut self, term: &Term) -> Option<Side> {
        match &term.kind {
            TermKind::Literal(literal) => Some(Side::Literal(literal.clone())),
            TermKind::Field(name) => self.field(name, term),
            TermKind::List(items) => {
                let items: Vec<Option<Side>> = items.iter().map(|item| self.operand(item)).collect();
                items.into_iter().collect::<Option<Box<[Side]>>>().map(Side::List)
            }
            TermKind::Call { name, at, arguments } if name == FUNCTION => {
                let operands: Vec<Option<Side>> = arguments.iter().map(|argument| self.operand(argument)).collect();
                let found = operands.len();
                let Ok([value, prefix]) = <[Option<Side>; 2]>::try_from(operands) else {
                    let message = format!("expected {FUNCTION}(value, prefix), found {found} arguments");
                    self.fault(Fault::new(at.start..term.at.end, message));
                    return None;
                };
                Some(Side::Node(Box::new(Node::StartsWith(Box::new([value?, prefix?])))))
            }
            TermKind::Call { name, at, arguments } => {
                if let Some((first, last)) = arguments.first().zip(arguments.last()) {
                    // An unknown function is told as that first.
                    if !matches!((self.find)(name), Found::Nothing(_)) {
                        let at = first.at.start..last.at.end;
                        let fault = Fault::new(at, format!("expected no arguments for the macro {name}"));
                        self.fault(fault.help(format!("write {name}()")));
                        return None;
                    }
                }
                match (self.find)(name) {
                    Found::Macro(index) => Some(match self.macros.get(index).map(|compiled| &compiled.node) {
                        Some(Node::Truth(_)) => Side::Value(index),
                        // A macro that is another one by another name is what that one is.
                        Some(Node::Macro(same)) if self.is_value(*same) => Side::Value(*same),
                        _ => Side::Node(Box::new(Node::Macro(index))),
                    }),
                    // It has been told of its own faults.
                    Found::Broken => None,
                    Found::Nothing(nearest) => {
                        let fault = Fault::new(at.clone(), format!("expected a macro or a function, found `{name}`"));
                        self.fault(fault.help(match nearest {
                            Some(known) => format!("did you mean {known}()?"),
                            None => format!("define it as a macro; the one function is {FUNCTION}(value, prefix)"),
                        }));
                        None
                    }
                }
            }
        }
    }

    fn is_value(&self, index: usize) -> bool {
        matches!(self.macros.get(index).map(|compiled| &compiled.node), Some(Node::Truth(_)))
    }

    fn field(&mut self, name: &str, term: &Term) -> Option<Side> {
        if let Some(field) = Field::parse(name, self.names) {
            return Some(Side::Field(field));
        }
        let fault = Fault::new(term.at.clone(), format!("expected a field, found `{name}`"));
        let is_macro = matches!((self.find)(name), Found::Macro(_) | Found::Broken);
        self.fault(fault.help(if is_macro {
            format!("write {name}() to use the macro")
        } else if name == FUNCTION {
            format!("write {FUNCTION}(value, prefix)")
        } else {
            Field::suggestion(name)
        }));
        None
    }
}

/// The macro or function that `name` may have been meant to be.
pub(super) fn nearest<'a>(name: &str, macros: impl Iterator<Item = &'a str>) -> Option<String> {
    near::nearest(name, macros.chain([FUNCTION])).map(str::to_owned)
}

/// How deep evaluation goes into a node, macros included.
pub(super) fn depth(node: &Node, macros: &[Compiled]) -> usize {
    let operand = |operand: &Side| match operand {
        Side::Node(node) => depth(node, macros),
        Side::Value(index) => macros.get(*index).map_or(0, |compiled| compiled.depth),
        _ => 0,
    };
    1 + match node {
        Node::Any(parts) | Node::All(parts) => parts.iter().map(|part| depth(part, macros)).max().unwrap_or(0),
        Node::Not(inner) => depth(inner, macros),
        Node::Truth(value) => operand(value),
        Node::Compare(left, _, right) => operand(left).max(operand(right)),
        Node::StartsWith(both) => both.iter().map(operand).max().unwrap_or(0),
        Node::Macro(index) => macros.get(*index).map_or(0, |compiled| compiled.depth),
    }
}

/// Calls `found` with each field, in order of appearance; each macro is entered once.
pub(super) fn fields(node: &Node, macros: &[Compiled], found: &mut dyn FnMut(&Field)) {
    let mut seen = vec![false; macros.len()];
    walk(node, macros, &mut seen, found);
}

fn walk(node: &Node, macros: &[Compiled], seen: &mut [bool], found: &mut dyn FnMut(&Field)) {
    match node {
        Node::Any(parts) | Node::All(parts) => parts.iter().for_each(|part| walk(part, macros, seen, found)),
        Node::Not(inner) => walk(inner, macros, seen, found),
        Node::Truth(value) => walk_operand(value, macros, seen, found),
        Node::Compare(left, _, right) => [left, right].into_iter().for_each(|it| walk_operand(it, macros, seen, found)),
        Node::StartsWith(both) => both.iter().for_each(|it| walk_operand(it, macros, seen, found)),
        Node::Macro(index) => enter(*index, macros, seen, found),
    }
}

fn enter(index: usize, macros: &[Compiled], seen: &mut [bool], found: &mut dyn FnMut(&Field)) {
    if let (Some(compiled), Some(seen_it)) = (macros.get(index), seen.get_mut(index))
        && !std::mem::replace(seen_it, true)
    {
        walk(&compiled.node, macros, seen, found);
    }
}

fn walk_operand(operand: &Side, macros: &[Compiled], seen: &mut [bool], found: &mut dyn FnMut(&Field)) {
    match operand {
        Side::Field(field) => found(field),
        Side::Literal(_) => {}
        Side::List(items) => items.iter().for_each(|item| walk_operand(item, macros, seen, found)),
        Side::Node(node) => walk(node, macros, seen, found),
        Side::Value(index) => enter(*index, macros, seen, found),
    }
}
