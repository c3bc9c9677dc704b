//! Values that are written in an expression.

use std::net::IpAddr;
use std::ops::Range;

use regex::bytes::Regex;

use super::value::{Cidr, Mac, Value, parse_ip};
use super::{Fault, field::Kind};

#[derive(Debug, Clone)]
pub(super) enum Literal {
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Box<str>),
    Bytes(Box<[u8]>),
    Ip(IpAddr),
    Cidr(Cidr),
    Mac(Mac),
    Pattern(Regex),
}

impl Literal {
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Float(value) => Value::Float(*value),
            Self::Text(value) => Value::Text(value),
            Self::Bytes(value) => Value::Bytes(value),
            Self::Ip(value) => Value::Ip(*value),
            Self::Cidr(value) => Value::Cidr(*value),
            Self::Mac(value) => Value::Mac(*value),
            Self::Pattern(value) => Value::Pattern(value),
        }
    }

    /// What it is called in a message.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Bool(_) => "true or false",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "hexadecimal bytes",
            Self::Ip(_) => "an address",
            Self::Cidr(_) => "a range of addresses",
            Self::Mac(_) => "a hardware address",
            Self::Pattern(_) => "a pattern",
        }
    }

    /// Whether a value of this kind can be compared with it at all.
    pub(super) fn comparable(&self, kind: Kind) -> bool {
        match kind {
            Kind::Any | Kind::List => true,
            Kind::Number => matches!(self, Self::Int(_) | Self::Float(_)),
            Kind::Text => !matches!(self, Self::Int(_) | Self::Float(_) | Self::Bool(_)),
            Kind::Address => matches!(self, Self::Ip(_) | Self::Cidr(_) | Self::Text(_) | Self::Pattern(_)),
        }
    }
}

/// `10.0.0.1`, `::1`, `47:45:54`. A lone pair of hexadecimal digits is bytes only where it has a letter: `ab`, not `12`.
pub(super) fn address_or_bytes(word: &str) -> Option<Literal> {
    if let Some(address) = parse_ip(word) {
        return Some(Literal::Ip(address));
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let pair = |pair: &str| {
        let digits = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
        digits.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
    };
    word.split(':').map(pair).collect::<Option<Box<[u8]>>>().map(Literal::Bytes)
}

/// A number as Go reads it (strconv.ParseInt with base 0): `0x1f`, and `010` for 8.
pub(super) fn number(word: &str, at: Range<usize>) -> Result<Literal, Fault> {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    let negative = word.starts_with('-');
    let fault = || Fault::new(at.clone(), format!("expected a number or an address, found `{word}`"));
    if let Some((whole, fraction)) = unsigned.split_once('.') {
        let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
        if digits(whole) && digits(fraction) && !fraction.is_empty() {
            return word.parse().map(Literal::Float).map_err(|_| fault());
        }
        return Err(fault().help("texts are quoted; ranges of addresses are written 10.0.0.0/8"));
    }
    let (radix, digits) = match unsigned.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (16, unsigned.get(2..).unwrap_or_default()),
        Some("0b") => (2, unsigned.get(2..).unwrap_or_default()),
        Some("0o") => (8, unsigned.get(2..).unwrap_or_default()),
        Some(octal) if octal.starts_with('0') => (8, unsigned.get(1..).unwrap_or_default()),
        _ => (10, unsigned),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        let fault = fault();
        let octal = radix == 8 && digits.bytes().all(|digit| digit.is_ascii_digit());
        return Err(if octal { fault.help("a leading 0 makes it octal") } else { fault.help("texts are quoted") });
    }
    let number = i128::from_str_radix(digits, radix).ok().map(|value| if negative { -value } else { value });
    // Only without a sign may it need all 64 bits for its digits.
    let most = if unsigned.len() == word.len() { i128::from(u64::MAX) } else { i128::from(i64::MAX) };
    match number.filter(|value| (i128::from(i64::MIN)..=most).contains(value)) {
        Some(value) => Ok(Literal::Int(value)),
        None => Err(Fault::new(at, format!("expected a number of 64 bits, found `{word}`"))),
    }
}

/// The text between quotes. What reads as an address, a range of them or a hardware address is one.
pub(super) fn quoted(inner: &str, mark: char, start: usize) -> Result<Literal, Fault> {
    let bytes = unescape(inner, mark, start)?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Ok(Literal::Bytes(error.into_bytes().into())),
    };
    if let Some(address) = parse_ip(&text) {
        return Ok(Literal::Ip(address));
    }
    if let Some(cidr) = Cidr::parse(&text) {
        return Ok(Literal::Cidr(cidr));
    }
    Ok(Mac::parse(&text).map_or_else(|| Literal::Text(text.into()), Literal::Mac))
}

/// Go's escapes (strconv.Unquote); of the quotes, only the one around the text can be escaped.
fn unescape(inner: &str, mark: char, start: usize) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(character) = rest.chars().next() {
        let at = start + inner.len() - rest.len();
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        rest = match character {
            '\n' => {
                let fault = Fault::new(at..at + 1, "expected the end of the text on its line, found a new line");
                return Err(fault.help("write \\n for a new line"));
            }
            '\\' => escape(&mut out, after, mark).ok_or_else(|| {
                let length = 1 + after.chars().next().map_or(0, char::len_utf8);
                let found = rest.get(..length).unwrap_or_default();
                let fault = Fault::new(at..at + length, format!("expected an escape of Go, found `{found}`"));
                fault.help("write \\\\ for a backslash")
            })?,
            _ => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                after
            }
        };
    }
    Ok(out)
}

/// `after` follows a backslash; returns what follows the escape.
fn escape<'a>(out: &mut Vec<u8>, after: &'a str, mark: char) -> Option<&'a str> {
    let character = after.chars().next()?;
    let rest = after.get(character.len_utf8()..)?;
    let code = |digits: &str, radix| {
        digits.chars().all(|digit| digit.is_digit(radix)).then(|| u32::from_str_radix(digits, radix).ok()).flatten()
    };
    let simple = match character {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        quote if quote == mark => u8::try_from(quote).ok()?,
        'x' => {
            out.push(u8::try_from(code(rest.get(..2)?, 16)?).ok()?);
            return rest.get(2..);
        }
        '0'..='7' => {
            out.push(u8::try_from(code(after.get(..3)?, 8)?).ok()?);
            return after.get(3..);
        }
        'u' | 'U' => {
            let length = if character == 'u' { 4 } else { 8 };
            let letter = char::from_u32(code(rest.get(..length)?, 16)?)?;
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            return rest.get(length..);
        }
        _ => return None,
    };
    out.push(simple);
    Some(rest)
}
