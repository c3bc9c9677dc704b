//! Entries from before we looked.

use super::super::{Text, Unknown};
use super::{Decoder, bytes, check, decode, fields};

#[test]
fn what_is_known_of_a_table_joined_midway() {
    check(&[("be", "?=?"), ("bf82", "?=? :method=GET"), ("4001 6101 62", "a=b"), ("bebf", "a=b ?=?")]);
    // A name from an unknown entry, inserted as such, and used as a name again.
    check(&[("7e01 62", "?=b"), ("bebf", "?=b ?=?"), ("7e01 63", "?=c"), ("bebf", "?=c ?=b")]);
    // Not inserted.
    check(&[("0f2f 0162", "?=b"), ("1f2f 0163", "?=c"), ("be", "?=?")]);
}

fn text(text: &'static str) -> Option<Text> {
    Some(Text::from(text.as_bytes()))
}

fn unknown(decoder: &mut Decoder, block: &str) -> Unknown {
    fields(decoder, &bytes(block))[0].unknown.unwrap()
}

#[test]
fn references_are_stable() {
    let mut decoder = Decoder::new();
    let first = unknown(&mut decoder, "be");
    let second = unknown(&mut decoder, "bf");
    assert_ne!(first, second);
    assert!(second < first, "older ones are less");
    decode(&mut decoder, &bytes("4001 6101 62"));
    assert_eq!(unknown(&mut decoder, "bf"), first);
    assert_eq!(unknown(&mut decoder, "c0"), second);
    assert_eq!(unknown(&mut decoder, "0f3000"), first, "a name from it");
    assert_eq!(unknown(&mut decoder, "7f0000").max(first), first);
    decoder.forget();
    assert_ne!(unknown(&mut decoder, "be"), first);
    assert_ne!(unknown(&mut decoder, "c0"), second);
}

#[test]
fn learned() {
    let mut decoder = Decoder::new();
    assert_eq!(decode(&mut decoder, &bytes("7e01 62bfc0")), "?=b ?=? ?=?");
    let newest = unknown(&mut decoder, "bf");
    assert_eq!(unknown(&mut decoder, "be"), newest, "the name is that of the entry it was taken from");
    decoder.learn(newest, text("cookie"), None);
    assert_eq!(decode(&mut decoder, &bytes("bebfc0")), "cookie=b cookie=? ?=?");
    decoder.learn(newest, None, text("x"));
    assert_eq!(decode(&mut decoder, &bytes("bebfc0")), "cookie=b cookie=x ?=?");
    // Entries move on as new ones come.
    assert_eq!(decode(&mut decoder, &bytes("7f00 0163bebfc0c1")), "cookie=c cookie=c cookie=b cookie=x ?=?");
    // One of which only the value was found out.
    let older = unknown(&mut decoder, "c1");
    decoder.learn(older, None, text("y"));
    assert_eq!(decode(&mut decoder, &bytes("c17f0200")), "?=y ?=");
    decoder.learn(older, text("n"), None);
    assert_eq!(decode(&mut decoder, &bytes("bec2")), "n= n=y");
    // After a loss the reference says nothing.
    decoder.forget();
    decoder.learn(newest, text("wrong"), text("wrong"));
    assert_eq!(decode(&mut decoder, &bytes("bebfc0c1c2c3")), "?=? ?=? ?=? ?=? ?=? ?=?");
}

#[test]
fn what_was_too_old_to_be_kept() {
    let mut decoder = Decoder::new();
    decode(&mut decoder, &bytes("4001 6101 62"));
    let filler = ["4001 617f a11f".to_string(), "76".repeat(4128)].concat();
    decode(&mut decoder, &bytes(&filler));
    let lost = unknown(&mut decoder, "bf");
    assert_eq!(decode(&mut decoder, &bytes("4001 6301 64bec0")), "c=d c=d ?=?");
    decoder.learn(lost, text("a"), text("b"));
    assert_eq!(decode(&mut decoder, &bytes("bec0")), "c=d a=b");
}
