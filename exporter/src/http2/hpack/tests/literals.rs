//! Where values stand in a block, so that they can be overwritten.

use super::{Decoder, bytes};

#[track_caller]
fn check(block: &str, expected: &[(Option<&str>, usize, std::ops::Range<usize>)]) {
    let mut found = Vec::new();
    Decoder::new().literals(&bytes(block), &mut |name, literal| {
        found.push((name.map(|name| String::from_utf8(name.into()).unwrap()), literal.length_at, literal.octets));
    });
    let expected: Vec<_> =
        expected.iter().map(|(name, at, octets)| (name.map(String::from), *at, octets.clone())).collect();
    assert_eq!(found, expected, "{block}");
}

#[test]
fn literals() {
    check("82", &[]);
    check("4001 6101 62be", &[(Some("a"), 3, 4..5)]);
    check("1001 6101 62", &[(Some("a"), 3, 4..5)]);
    check("0481 63", &[(Some(":path"), 1, 2..3)]);
    check("8204 0161 2041 0162", &[(Some(":path"), 2, 3..4), (Some(":authority"), 6, 7..8)]);
    check("7e01 62", &[(None, 1, 2..3)]);
    check("1f2001 62", &[(Some("max-forwards"), 2, 3..4)]);
    let long = format!("0f 0d 7f 01 {}", "61".repeat(128));
    check(&long, &[(Some("content-length"), 2, 4..132)]);
}
