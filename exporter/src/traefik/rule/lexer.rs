//! The words of a rule.
//!
//! Traefik reads rules with Go's own expression parser (vulcand/predicate 1.2.0 over go/parser), so the words are
//! Go's: raw and interpreted strings, comments, and the end of line that ends a statement.

use super::Error;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    And,
    Or,
    Not,
    Open,
    Close,
    Comma,
    Identifier(String),
    Text(String),
    /// An end of line after a word that can end an expression: Go puts a semicolon there.
    EndOfLine,
    End,
}

/// Splits `rule` into tokens; each comes with its byte offset.
pub(super) fn tokens(rule: &str) -> Result<Vec<(usize, Token)>, Error> {
    let mut lexer = Lexer { rule, at: 0 };
    let mut tokens: Vec<(usize, Token)> = Vec::new();
    loop {
        let ends = matches!(tokens.last(), Some((_, Token::Close | Token::Identifier(_) | Token::Text(_))));
        let newline = lexer.skip_blank()?;
        let start = lexer.at;
        if newline && ends {
            tokens.push((start, Token::EndOfLine));
        }
        let token = lexer.token()?;
        let end = token == Token::End;
        tokens.push((start, token));
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    rule: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.rule.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    /// Says whether an end of line was among what was skipped.
    fn skip_blank(&mut self) -> Result<bool, Error> {
        let mut newline = false;
        loop {
            let rest = self.rest();
            if let Some(byte) = rest.bytes().next().filter(|byte| b" \t\r\n".contains(byte)) {
                newline |= byte == b'\n';
                self.at += 1;
            } else if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let end = rest.find("*/").ok_or(Error::Unclosed { at: self.at, what: "comment" })?;
                newline |= rest.get(..end).is_some_and(|comment| comment.contains('\n'));
                self.at += end + 2;
            } else {
                return Ok(newline);
            }
        }
    }

    fn token(&mut self) -> Result<Token, Error> {
        const FIXED: [(&str, Token); 6] = [
            ("&&", Token::And),
            ("||", Token::Or),
            ("!", Token::Not),
            ("(", Token::Open),
            (")", Token::Close),
            (",", Token::Comma),
        ];
        // `!=` is another operator for Go, and none that Traefik has.
        if !self.rest().starts_with("!=") {
            for (word, token) in FIXED {
                if self.take(word) {
                    return Ok(token);
                }
            }
        }
        let start = self.at;
        match self.rest().chars().next() {
            None => Ok(Token::End),
            Some('`') => self.raw(),
            Some('"') => self.interpreted(),
            Some(first) if first.is_alphabetic() || first == '_' => {
                let rest = self.rest();
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                self.at += end;
                Ok(Token::Identifier(rest.get(..end).unwrap_or_default().into()))
            }
            Some(found) => Err(Error::Unexpected {
                at: start,
                expected: "a matcher, `!`, `&&`, `||`, a parenthesis or a quoted argument",
                found: found.to_string(),
            }),
        }
    }

    fn raw(&mut self) -> Result<Token, Error> {
        let rest = self.rest().get(1..).unwrap_or_default();
        let end = rest.find('`').ok_or(Error::Unclosed { at: self.at, what: "backtick" })?;
        self.at += end + 2;
        Ok(Token::Text(rest.get(..end).unwrap_or_default().replace('\r', "")))
    }

    fn interpreted(&mut self) -> Result<Token, Error> {
        let unclosed = Error::Unclosed { at: self.at, what: "double quote" };
        let mut text = String::new();
        let body = self.rest().get(1..).unwrap_or_default();
        let mut rest = body;
        loop {
            let mut chars = rest.chars();
            match chars.next() {
                None | Some('\n') => return Err(unclosed),
                Some('"') => {
                    self.at += 2 + (body.len() - rest.len());
                    return Ok(Token::Text(text));
                }
                Some('\\') => {
                    let (character, after) = escaped(chars.as_str()).ok_or(Error::Escape { at: self.at })?;
                    text.push(character);
                    rest = after;
                }
                Some(character) => {
                    text.push(character);
                    rest = chars.as_str();
                }
            }
        }
    }
}

/// What follows a backslash in an interpreted string. Escapes of single bytes above 0x7f are refused: a rule of
/// Traefik that has one would have to match text that is no text.
fn escaped(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    let plain = match chars.next()? {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' => '\\',
        '"' => '"',
        'x' => return coded(chars.as_str(), 2, 16).filter(|(c, _)| c.is_ascii()),
        'u' => return coded(chars.as_str(), 4, 16),
        'U' => return coded(chars.as_str(), 8, 16),
        '0'..='7' => return coded(text, 3, 8).filter(|(c, _)| c.is_ascii()),
        _ => return None,
    };
    Some((plain, chars.as_str()))
}

fn coded(text: &str, digits: usize, radix: u32) -> Option<(char, &str)> {
    let code = text.get(..digits).filter(|code| code.chars().all(|c| c.is_digit(radix)))?;
    let character = char::from_u32(u32::from_str_radix(code, radix).ok()?)?;
    Some((character, text.get(digits..)?))
}
