//! The language in which rules select exchanges: compiled once, then asked of each exchange.
//!
//! Follows rulekit, Qtap's engine, except where it is at fault: `not` negates, `and` binds tighter than `or`, names
//! that nobody knows and macros that use themselves are errors. Owns no level and no configuration.

mod compare;
mod compile;
mod evaluate;
mod fault;
mod field;
mod lexer;
mod literal;
mod macros;
mod near;
mod parser;
mod render;
mod value;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

pub use fault::{Fault, MacroFault};
pub use field::{Container, Field, Names, Process};
pub use macros::Macros;
pub use value::{Cidr, Items, Mac, Value};

use compile::Node;
use evaluate::{Context, Outcome};

/// What a source of fields knows of one.
#[derive(Debug, Clone, Copy)]
pub enum Answer<'a> {
    Value(Value<'a>),
    /// Not there, and it will not come.
    Missing,
    /// Not known yet: the exchange is not over.
    Later,
}

/// Where the values of fields come from: an exchange, or a JSON object.
pub trait Fields {
    fn get<'a>(&'a self, field: &Field) -> Answer<'a>;
}

/// What an expression says of an exchange. Only `True` is a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    True,
    False,
    /// A missing field decides it. `later`: what is still to come can make it true; otherwise nothing can.
    Unknown {
        later: bool,
    },
}

/// What an expression says whatever the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant {
    Always,
    Never,
}

/// A compiled expression. Evaluation allocates nothing, except that a pattern fills its own bounded cache the first
/// times it is used.
#[derive(Debug, Clone)]
pub struct Expression {
    root: Arc<Node>,
    macros: Arc<[macros::Compiled]>,
    mixes: Vec<Range<usize>>,
}

impl Expression {
    /// Reads `text`; the macros it may use are those of `macros`, the fields those that `names` knows.
    ///
    /// # Errors
    /// A fault of the syntax, which is one, or else all names that nobody knows and all values that cannot be read.
    pub fn compile(text: &str, macros: &Macros, names: &Names) -> Result<Self, Vec<Fault>> {
        let parsed = parser::parse(text).map_err(|fault| vec![fault])?;
        let root = compile::compile(&parsed.tree, &|name| macros.find(name), &macros.compiled, names)?;
        Ok(Self { root: Arc::new(root), macros: Arc::clone(&macros.compiled), mixes: parsed.mixes })
    }

    pub fn evaluate(&self, fields: &impl Fields) -> Verdict {
        let context = Context::new(fields, &self.macros);
        evaluate::outcome(&self.root, &context).verdict()
    }

    /// Every field that it can ask for, itself or by its macros, in order of appearance.
    pub fn fields(&self) -> Vec<Field> {
        let mut found = Vec::new();
        compile::fields(&self.root, &self.macros, &mut |field| {
            if !found.contains(field) {
                found.push(field.clone());
            }
        });
        found
    }

    /// The fields whose absence makes it unknown, in order of appearance; none where it is true or false.
    pub fn missing(&self, fields: &impl Fields) -> Vec<Field> {
        let context = Context::new(fields, &self.macros);
        let mut found = Vec::new();
        evaluate::missing(&self.root, &context, &mut found);
        found
    }

    /// Where `and` and `or` meet without parentheses: the bytes of what `or` joins, whole. The original reads these
    /// the other way round.
    pub fn mixes_and_or(&self) -> &[Range<usize>] {
        &self.mixes
    }

    /// Whether it is the same for all exchanges, as far as its literals and the types of its fields tell.
    pub fn constant(&self) -> Option<Constant> {
        let context = Context::new(&evaluate::Nothing, &self.macros);
        match evaluate::outcome(&self.root, &context) {
            Outcome::TRUE => Some(Constant::Always),
            outcome if !outcome.can_be_true() => Some(Constant::Never),
            _ => None,
        }
    }
}
