//! The words of an expression. Each takes as many characters as it can.

use std::ops::Range;

use super::Fault;
use super::literal::{self, Literal};

/// Longer text is refused before it is read: nobody writes it, and it bounds all that comes after.
const MAX_LENGTH: usize = 64 << 10;
/// Patterns of one expression; each may compile to a megabyte.
const MAX_PATTERNS: usize = 64;

#[derive(Debug, Clone)]
pub(super) enum Token {
    And,
    Or,
    Not,
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    Matches,
    In,
    Literal(Literal),
    Name(String),
    End,
}

#[derive(Debug, Clone)]
pub(super) struct Word {
    pub at: Range<usize>,
    pub token: Token,
}

static KEYWORDS: [(&str, Token); 12] = [
    ("and", Token::And),
    ("or", Token::Or),
    ("not", Token::Not),
    ("eq", Token::Equal),
    ("ne", Token::NotEqual),
    ("lt", Token::Less),
    ("le", Token::LessOrEqual),
    ("gt", Token::Greater),
    ("ge", Token::GreaterOrEqual),
    ("contains", Token::Contains),
    ("matches", Token::Matches),
    ("in", Token::In),
];

/// The longer ones first.
static SIGNS: [(&str, Token); 15] = [
    ("&&", Token::And),
    ("||", Token::Or),
    ("==", Token::Equal),
    ("=~", Token::Matches),
    ("!=", Token::NotEqual),
    ("<=", Token::LessOrEqual),
    (">=", Token::GreaterOrEqual),
    ("!", Token::Not),
    ("<", Token::Less),
    (">", Token::Greater),
    ("(", Token::Open),
    (")", Token::Close),
    ("[", Token::OpenList),
    ("]", Token::CloseList),
    (",", Token::Comma),
];

/// The words of `text`; the last is the end.
pub(super) fn words(text: &str) -> Result<Vec<Word>, Fault> {
    if text.len() > MAX_LENGTH {
        let message = format!("expected at most {MAX_LENGTH} bytes, found {}", text.len());
        return Err(Fault::new(0..0, message).help("move parts of it into macros"));
    }
    let mut lexer = Lexer { text, at: 0, patterns: 0 };
    let mut words = Vec::new();
    loop {
        lexer.skip_blank()?;
        let start = lexer.at;
        let token = lexer.token()?;
        let end = matches!(token, Token::End);
        words.push(Word { at: start..lexer.at, token });
        if end {
            return Ok(words);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    patterns: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_blank(&mut self) -> Result<(), Fault> {
        loop {
            let rest = self.rest();
            let length = if rest.starts_with("--") {
                rest.find('\n').unwrap_or(rest.len())
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    let fault = Fault::new(self.at..self.at + 2, "expected the end of the comment, found none");
                    return Err(fault.help("close it with */"));
                };
                end + 4
            } else {
                rest.len() - rest.trim_start().len()
            };
            if length == 0 {
                return Ok(());
            }
            self.at += length;
        }
    }

    fn token(&mut self) -> Result<Token, Fault> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        if let Some((sign, token)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            self.at += sign.len();
            return Ok(token.clone());
        }
        match first {
            '"' | '\'' => self.quoted(first),
            '/' | '|' => self.pattern(first),
            'a'..='z' | 'A'..='Z' | '_' => self.name(),
            '0'..='9' | '+' | '-' | '.' | ':' => self.number(),
            _ => {
                let fault = Fault::new(
                    self.at..self.at + first.len_utf8(),
                    format!("expected a field, a value or an operator, found `{}`", first.escape_debug()),
                );
                Err(match first {
                    '=' => fault.help("write == to compare"),
                    '&' => fault.help("write && or `and`"),
                    '`' | '“' | '”' | '‘' | '’' => fault.help("quote texts with \" or '"),
                    _ => fault,
                })
            }
        }
    }

    /// The bytes up to the `mark` that closes what the first byte opens; a backslash takes the next character.
    fn delimited(&mut self, mark: char, what: &str) -> Result<(&'a str, Range<usize>), Fault> {
        let start = self.at;
        let rest = self.rest().get(1..).unwrap_or_default();
        let mut escaped = false;
        for (index, character) in rest.char_indices() {
            if escaped {
                escaped = false;
            } else if character == '\\' {
                escaped = true;
            } else if character == mark {
                self.at += index + 2;
                return Ok((rest.get(..index).unwrap_or_default(), start..self.at));
            }
        }
        let fault = Fault::new(start..self.text.len(), format!("expected the end of the {what}, found none"));
        Err(fault.help(format!("close it with {mark}")))
    }

    fn quoted(&mut self, mark: char) -> Result<Token, Fault> {
        let (inner, at) = self.delimited(mark, "text")?;
        literal::quoted(inner, mark, at.start + 1).map(Token::Literal)
    }

    fn pattern(&mut self, mark: char) -> Result<Token, Fault> {
        let (inner, at) = self.delimited(mark, "pattern")?;
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            let fault = Fault::new(at, format!("expected at most {MAX_PATTERNS} patterns in an expression"));
            return Err(fault.help("join some of them with | inside one pattern"));
        }
        match crate::regexp::compile(inner) {
            Ok(pattern) => Ok(Token::Literal(Literal::Pattern(pattern))),
            Err(reason) => {
                let message = format!("expected a regular expression of Go (RE2), found `{inner}`: {reason}");
                Err(Fault::new(at, message))
            }
        }
    }

    /// A word that begins with a letter: a keyword, a name, or bytes and addresses such as `fe80::1`.
    fn name(&mut self) -> Result<Token, Fault> {
        let rest = self.rest();
        let run = |allowed: fn(char) -> bool| {
            let end = rest.find(|c: char| !allowed(c)).unwrap_or(rest.len());
            rest.get(..end).unwrap_or_default()
        };
        let name = run(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        let digits = run(|c| c.is_ascii_hexdigit() || ":.".contains(c));
        if digits.len() >= name.len()
            && let Some(literal) = self.with_prefix(digits)
        {
            return Ok(Token::Literal(literal));
        }
        self.at += name.len();
        if let Some((_, token)) = KEYWORDS.iter().find(|(word, _)| name.eq_ignore_ascii_case(word)) {
            return Ok(token.clone());
        }
        if name.eq_ignore_ascii_case("true") || name.eq_ignore_ascii_case("false") {
            return Ok(Token::Literal(Literal::Bool(name.eq_ignore_ascii_case("true"))));
        }
        Ok(Token::Name(name.to_owned()))
    }

    /// A word that begins with a digit, a sign, a dot or a colon.
    fn number(&mut self) -> Result<Token, Fault> {
        let rest = self.rest();
        let unsigned = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let length = unsigned.find(|c: char| !c.is_ascii_alphanumeric() && !"_.:".contains(c));
        let length = rest.len() - unsigned.len() + length.unwrap_or(unsigned.len());
        let word = rest.get(..length).unwrap_or_default();
        if let Some(literal) = self.with_prefix(word) {
            return Ok(Token::Literal(literal));
        }
        let at = self.at..self.at + length.max(1);
        self.at = at.end;
        literal::number(word, at).map(Token::Literal)
    }

    /// `word` as an address or as bytes, with the `/24` that may follow it.
    fn with_prefix(&mut self, word: &str) -> Option<Literal> {
        let rest = self.rest();
        if let Some(after) = rest.get(word.len()..)?.strip_prefix('/') {
            let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            let whole = rest.get(..word.len() + 1 + digits)?;
            if let Some(cidr) = super::Cidr::parse(whole) {
                self.at += whole.len();
                return Some(Literal::Cidr(cidr));
            }
        }
        let literal = literal::address_or_bytes(word)?;
        self.at += word.len();
        Some(literal)
    }
}
