//! The grammar of a rule: matchers with their arguments under `&&`, `||`, `!` and parentheses.

use super::Error;
use super::lexer::{Token, tokens};

/// Deeper nesting is refused: evaluation recurses, and no rule that a person or a provider writes comes near.
const MAX_DEPTH: usize = 128;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    Call { name: String, arguments: Vec<String> },
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

pub(super) fn parse(rule: &str) -> Result<Expression, Error> {
    let tokens = tokens(rule)?;
    let mut parser = Parser { tokens: &tokens, depth: 0 };
    let expression = parser.any()?;
    // go/parser lets one end of line stand at the end of an expression.
    parser.take(&Token::EndOfLine);
    match parser.next() {
        (_, Token::End) => Ok(expression),
        (at, found) => Err(unexpected(at, "`&&`, `||` or the end of the rule", &found)),
    }
}

fn unexpected(at: usize, expected: &'static str, found: &Token) -> Error {
    let found = match found {
        Token::And => "`&&`".into(),
        Token::Or => "`||`".into(),
        Token::Not => "`!`".into(),
        Token::Open => "`(`".into(),
        Token::Close => "`)`".into(),
        Token::Comma => "`,`".into(),
        Token::Identifier(name) => format!("`{name}`"),
        Token::Text(text) => format!("the text `{text}`"),
        Token::EndOfLine => "the end of a line".into(),
        Token::End => "the end of the rule".into(),
    };
    Error::Unexpected { at, expected, found }
}

struct Parser<'a> {
    tokens: &'a [(usize, Token)],
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> (usize, Token) {
        match self.tokens.split_first() {
            Some((first, rest)) => {
                self.tokens = rest;
                first.clone()
            }
            None => (0, Token::End),
        }
    }

    fn take(&mut self, wanted: &Token) -> bool {
        match self.tokens.split_first() {
            Some(((_, token), rest)) if token == wanted => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Result<Expression, Error> {
        let first = self.all()?;
        if !self.take(&Token::Or) {
            return Ok(first);
        }
        let mut parts = vec![first, self.all()?];
        while self.take(&Token::Or) {
            parts.push(self.all()?);
        }
        Ok(Expression::Any(parts))
    }

    fn all(&mut self) -> Result<Expression, Error> {
        let first = self.operand()?;
        if !self.take(&Token::And) {
            return Ok(first);
        }
        let mut parts = vec![first, self.operand()?];
        while self.take(&Token::And) {
            parts.push(self.operand()?);
        }
        Ok(Expression::All(parts))
    }

    fn operand(&mut self) -> Result<Expression, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::TooDeep { limit: MAX_DEPTH });
        }
        let operand = match self.next() {
            (_, Token::Not) => Expression::Not(Box::new(self.operand()?)),
            (_, Token::Open) => {
                let inner = self.any()?;
                match self.next() {
                    (_, Token::Close) => inner,
                    (at, found) => return Err(unexpected(at, "`)`", &found)),
                }
            }
            (_, Token::Identifier(name)) => Expression::Call { name, arguments: self.arguments()? },
            (at, found) => return Err(unexpected(at, "a matcher, `!` or `(`", &found)),
        };
        self.depth -= 1;
        Ok(operand)
    }

    fn arguments(&mut self) -> Result<Vec<String>, Error> {
        match self.next() {
            (_, Token::Open) => {}
            (at, found) => return Err(unexpected(at, "`(` after the matcher's name", &found)),
        }
        let mut arguments = Vec::new();
        loop {
            match self.next() {
                (_, Token::Close) => return Ok(arguments),
                (_, Token::Text(text)) => arguments.push(text),
                (at, found) => return Err(unexpected(at, "a quoted argument or `)`", &found)),
            }
            match self.next() {
                (_, Token::Close) => return Ok(arguments),
                (_, Token::Comma) => {}
                (at, found) => return Err(unexpected(at, "`,` or `)`", &found)),
            }
        }
    }
}
