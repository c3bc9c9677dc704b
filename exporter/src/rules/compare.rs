//! What two values say of one another. Values of types that have nothing in common are never equal, nor unequal.

use std::cmp::Ordering;

use super::parser::Comparison;
use super::render::Rendered;
use super::value::{Cidr, Items, Mac, Value, parse_ip};

pub(super) fn holds(left: &Value<'_>, how: Comparison, right: &Value<'_>) -> bool {
    if let Value::List(items) = right {
        // No list holds a list.
        return how != Comparison::Contains && some(*items, how, |item, how| holds(left, how, item));
    }
    if let Value::List(items) = left {
        // In a list, `contains` asks for the value itself, not for a part of one.
        let how = if how == Comparison::Contains { Comparison::Equal } else { how };
        return some(*items, how, |item, how| holds(item, how, right));
    }
    match how {
        Comparison::Equal => equal(left, right) == Some(true),
        Comparison::NotEqual => equal(left, right) == Some(false),
        Comparison::Contains => contains(left, right),
        Comparison::Matches => matches(left, right),
        Comparison::Less => order(left, right) == Some(Ordering::Less),
        Comparison::LessOrEqual => matches!(order(left, right), Some(Ordering::Less | Ordering::Equal)),
        Comparison::Greater => order(left, right) == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => matches!(order(left, right), Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// Whether it holds for one of them at least; `!=` for none that is equal.
fn some(items: &dyn Items, how: Comparison, test: impl Fn(&Value<'_>, Comparison) -> bool) -> bool {
    let any = |how| (0..items.len()).any(|index| test(&items.item(index), how));
    if how == Comparison::NotEqual { !any(Comparison::Equal) } else { any(how) }
}

/// None where they cannot be compared.
fn equal(left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    if let Some(order) = order(left, right) {
        return Some(order == Ordering::Equal);
    }
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left == right),
        (Value::Ip(left), Value::Ip(right)) => Some(left.to_canonical() == right.to_canonical()),
        (Value::Ip(address), Value::Cidr(range)) | (Value::Cidr(range), Value::Ip(address)) => {
            Some(range.contains(*address))
        }
        (Value::Cidr(left), Value::Cidr(right)) => Some(left == right),
        (Value::Mac(left), Value::Mac(right)) => Some(left == right),
        (Value::Mac(mac), Value::Bytes(bytes)) | (Value::Bytes(bytes), Value::Mac(mac)) => {
            Some(mac.as_bytes() == *bytes)
        }
        (Value::Text(text), Value::Ip(address)) | (Value::Ip(address), Value::Text(text)) => {
            Some(parse_ip(text) == Some(address.to_canonical()))
        }
        (Value::Text(text), Value::Cidr(range)) | (Value::Cidr(range), Value::Text(text)) => Some(within(text, range)),
        (Value::Text(text), Value::Mac(mac)) | (Value::Mac(mac), Value::Text(text)) => {
            Some(Mac::parse(text) == Some(*mac))
        }
        (Value::Pattern(pattern), value) | (value, Value::Pattern(pattern)) => {
            with_text(value, |text| pattern.is_match(text))
        }
        _ => Some(octets(left)? == octets(right)?),
    }
}

/// The address that a text reads as, or the very range.
fn within(text: &str, range: &Cidr) -> bool {
    match parse_ip(text) {
        Some(address) => range.contains(address),
        None => Cidr::parse(text) == Some(*range),
    }
}

fn contains(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::Cidr(_), Value::Ip(_) | Value::Text(_)) | (Value::Ip(_), Value::Cidr(_)) => {
            return equal(left, right) == Some(true);
        }
        (Value::Text(text), Value::Cidr(range)) if parse_ip(text).is_some() => return within(text, range),
        (Value::Mac(mac), Value::Bytes(part)) => return memchr::memmem::find(mac.as_bytes(), part).is_some(),
        (Value::Bool(_) | Value::Int(_) | Value::Float(_), _)
        | (_, Value::Bool(_) | Value::Int(_) | Value::Float(_)) => {
            return false;
        }
        (_, Value::Pattern(pattern)) => return with_text(left, |text| pattern.is_match(text)) == Some(true),
        _ => {}
    }
    with_text(left, |whole| with_text(right, |part| memchr::memmem::find(whole, part).is_some())) == Some(Some(true))
}

/// Texts only, and what is written as one: addresses.
fn matches(left: &Value<'_>, right: &Value<'_>) -> bool {
    match right {
        Value::Pattern(pattern) => with_text(left, |text| pattern.is_match(text)) == Some(true),
        _ => false,
    }
}

pub(super) fn starts_with(value: &Value<'_>, prefix: &Value<'_>) -> bool {
    with_any_text(value, |text| with_any_text(prefix, |prefix| text.starts_with(prefix))) == Some(Some(true))
}

fn octets<'a>(value: &'a Value<'_>) -> Option<&'a [u8]> {
    match value {
        Value::Text(text) => Some(text.as_bytes()),
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// Numbers have no text here: `"200" == 200` is false, and so is `200 matches /200/`.
fn with_text<R>(value: &Value<'_>, use_it: impl FnOnce(&[u8]) -> R) -> Option<R> {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => None,
        value => with_any_text(value, use_it),
    }
}

fn with_any_text<R>(value: &Value<'_>, use_it: impl FnOnce(&[u8]) -> R) -> Option<R> {
    match octets(value) {
        Some(text) => Some(use_it(text)),
        None => Rendered::new(value).map(|text| use_it(text.as_bytes())),
    }
}

/// None for what is not a number.
#[expect(clippy::cast_precision_loss, reason = "Go compares a whole number with a fraction as two fractions, too")]
fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Float(right)) => (*left as f64).partial_cmp(right),
        (Value::Float(left), Value::Int(right)) => left.partial_cmp(&(*right as f64)),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        _ => None,
    }
}
