//! The grammar: tests under `or`, `and`, `not` and parentheses, each binding tighter than the one before.

use std::ops::Range;

use super::Fault;
use super::lexer::{Token, Word, words};
use super::literal::Literal;

/// Deeper nesting is refused: evaluation recurses, and nobody writes it.
pub(super) const MAX_DEPTH: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    Matches,
}

#[derive(Debug)]
pub(super) enum Tree {
    Any(Vec<Tree>),
    All(Vec<Tree>),
    Not(Box<Tree>),
    Truth(Term),
    Compare(Term, Comparison, Term),
}

/// One side of a comparison, with its place.
#[derive(Debug)]
pub(super) struct Term {
    pub at: Range<usize>,
    pub kind: TermKind,
}

#[derive(Debug)]
pub(super) enum TermKind {
    Literal(Literal),
    Field(String),
    List(Vec<Term>),
    /// `at`: the name only.
    Call {
        name: String,
        at: Range<usize>,
        arguments: Vec<Term>,
    },
}

pub(super) struct Parsed {
    pub tree: Tree,
    /// Where `and` and `or` meet without parentheses.
    pub mixes: Vec<Range<usize>>,
}

pub(super) fn parse(text: &str) -> Result<Parsed, Fault> {
    let words = words(text)?;
    let mut parser = Parser { text, words: &words, depth: 0, end: 0, mixes: Vec::new() };
    if matches!(parser.peek(), Token::End) {
        return Err(Fault::new(0..text.len(), "expected an expression, found nothing"));
    }
    let (tree, _) = parser.any()?;
    match parser.peek() {
        Token::End => Ok(Parsed { tree, mixes: parser.mixes }),
        _ => Err(parser.unexpected("`and`, `or` or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    words: &'a [Word],
    depth: usize,
    /// Where the last word that was taken ends.
    end: usize,
    mixes: Vec<Range<usize>>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a Token {
        self.words.first().map_or(&Token::End, |word| &word.token)
    }

    fn place(&self) -> Range<usize> {
        self.words.first().map_or(self.text.len()..self.text.len(), |word| word.at.clone())
    }

    fn next(&mut self) -> (Range<usize>, &'a Token) {
        let at = self.place();
        let token = self.peek();
        if !matches!(token, Token::End) {
            self.words = self.words.get(1..).unwrap_or_default();
            self.end = at.end;
        }
        (at, token)
    }

    fn take(&mut self, wanted: impl Fn(&Token) -> bool) -> bool {
        let found = wanted(self.peek());
        if found {
            self.next();
        }
        found
    }

    fn unexpected(&self, expected: &str) -> Fault {
        let at = self.place();
        match self.peek() {
            Token::End => Fault::new(at, format!("expected {expected}, found the end of the expression")),
            _ => {
                let found: String = self.text.get(at.clone()).unwrap_or_default().chars().take(40).collect();
                Fault::new(at, format!("expected {expected}, found `{}`", found.escape_debug()))
            }
        }
    }

    /// Says whether it was joined by `or` outside of parentheses.
    fn any(&mut self) -> Result<(Tree, bool), Fault> {
        let start = self.place().start;
        let (first, mut mixed) = self.all()?;
        let mut parts = vec![first];
        while self.take(|token| matches!(token, Token::Or)) {
            let (part, joined) = self.all()?;
            mixed |= joined;
            parts.push(part);
        }
        if parts.len() > 1 {
            if mixed {
                self.mixes.push(start..self.end);
            }
            return Ok((Tree::Any(parts), true));
        }
        Ok((parts.pop().unwrap_or(Tree::Any(Vec::new())), false))
    }

    /// Says whether it was joined by `and` outside of parentheses.
    fn all(&mut self) -> Result<(Tree, bool), Fault> {
        let first = self.unary()?;
        if !matches!(self.peek(), Token::And) {
            return Ok((first, false));
        }
        let mut parts = vec![first];
        while self.take(|token| matches!(token, Token::And)) {
            parts.push(self.unary()?);
        }
        Ok((Tree::All(parts), true))
    }

    fn unary(&mut self) -> Result<Tree, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let fault =
                Fault::new(self.place(), format!("expected at most {MAX_DEPTH} levels of `not` and parentheses"));
            return Err(fault.help("move parts of it into macros"));
        }
        let tree = if self.take(|token| matches!(token, Token::Not)) {
            Tree::Not(Box::new(self.unary()?))
        } else if self.take(|token| matches!(token, Token::Open)) {
            let (inner, _) = self.any()?;
            if !self.take(|token| matches!(token, Token::Close)) {
                return Err(self.unexpected("`)`, `and` or `or`"));
            }
            inner
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(tree)
    }

    fn test(&mut self) -> Result<Tree, Fault> {
        let left = self.term(true)?;
        let comparison = match self.peek() {
            Token::Equal => Comparison::Equal,
            Token::NotEqual => Comparison::NotEqual,
            Token::Less => Comparison::Less,
            Token::LessOrEqual => Comparison::LessOrEqual,
            Token::Greater => Comparison::Greater,
            Token::GreaterOrEqual => Comparison::GreaterOrEqual,
            Token::Contains => Comparison::Contains,
            Token::Matches => Comparison::Matches,
            Token::In => {
                self.next();
                return self.membership(left);
            }
            _ => return Ok(Tree::Truth(left)),
        };
        let (sign, _) = self.next();
        let right = self.term(true)?;
        match comparison {
            Comparison::Matches if !matches!(right.kind, TermKind::Literal(Literal::Pattern(_))) => {
                let found = self.text.get(right.at.clone()).unwrap_or_default();
                let fault =
                    Fault::new(right.at.clone(), format!("expected a pattern after `matches`, found `{found}`"));
                return Err(fault.help("write it between slashes, such as /^\\/api/"));
            }
            Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => {
                let sign = self.text.get(sign).unwrap_or_default();
                ordered(&left, sign)?;
                ordered(&right, sign)?;
            }
            _ => {}
        }
        Ok(Tree::Compare(left, comparison, right))
    }

    /// What follows `in`: `x in [a, b]` asks whether the list contains x.
    fn membership(&mut self, left: Term) -> Result<Tree, Fault> {
        match self.peek() {
            Token::OpenList => Ok(Tree::Compare(self.term(true)?, Comparison::Contains, left)),
            Token::Literal(Literal::Cidr(_)) => Ok(Tree::Compare(left, Comparison::Equal, self.term(true)?)),
            _ => {
                let fault = self.unexpected("a list or a range of addresses after `in`");
                Err(fault.help("write [\"a\", \"b\"] or 10.0.0.0/8; the other way round it is LIST contains VALUE"))
            }
        }
    }

    /// `whole`: a list or a call may stand here.
    fn term(&mut self, whole: bool) -> Result<Term, Fault> {
        let expected = if whole { "a field, a value or a macro" } else { "a field or a value" };
        match self.peek() {
            Token::Literal(_) | Token::Name(_) => {}
            Token::OpenList if whole => {
                let (at, _) = self.next();
                let items = self.list(at.start)?;
                return Ok(Term { at: at.start..self.end, kind: TermKind::List(items) });
            }
            Token::OpenList => return Err(self.unexpected(expected).help("lists cannot be nested")),
            _ => return Err(self.unexpected(expected)),
        }
        let (at, token) = self.next();
        let kind = match token {
            Token::Name(name) if whole && matches!(self.peek(), Token::Open) => {
                let arguments = self.arguments()?;
                let call = TermKind::Call { name: name.clone(), at: at.clone(), arguments };
                return Ok(Term { at: at.start..self.end, kind: call });
            }
            Token::Name(name) => TermKind::Field(name.clone()),
            Token::Literal(literal) => TermKind::Literal(literal.clone()),
            _ => return Err(Fault::new(at, format!("expected {expected}"))),
        };
        Ok(Term { at, kind })
    }

    fn list(&mut self, start: usize) -> Result<Vec<Term>, Fault> {
        if matches!(self.peek(), Token::CloseList) {
            return Err(Fault::new(start..self.place().end, "expected a value in the list, found none"));
        }
        let mut items = vec![self.term(false)?];
        loop {
            if self.take(|token| matches!(token, Token::CloseList)) {
                return Ok(items);
            }
            if !self.take(|token| matches!(token, Token::Comma)) {
                return Err(self.unexpected("`,` or `]`"));
            }
            items.push(self.term(false)?);
        }
    }

    fn arguments(&mut self) -> Result<Vec<Term>, Fault> {
        self.next();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::new(self.place(), format!("expected at most {MAX_DEPTH} levels of calls")));
        }
        let mut arguments = Vec::new();
        if !self.take(|token| matches!(token, Token::Close)) {
            loop {
                arguments.push(self.term(true)?);
                if self.take(|token| matches!(token, Token::Close)) {
                    break;
                }
                if !self.take(|token| matches!(token, Token::Comma)) {
                    return Err(self.unexpected("`,` or `)`"));
                }
            }
        }
        self.depth -= 1;
        Ok(arguments)
    }
}

/// `<` and its like want numbers, or fields that may hold one.
fn ordered(term: &Term, sign: &str) -> Result<(), Fault> {
    let found = match &term.kind {
        TermKind::Field(_) | TermKind::Literal(Literal::Int(_) | Literal::Float(_)) => return Ok(()),
        TermKind::Literal(literal) => literal.describe(),
        TermKind::List(_) => "a list",
        TermKind::Call { .. } => "a call",
    };
    Err(Fault::new(term.at.clone(), format!("expected a number or a field beside `{sign}`, found {found}")))
}
