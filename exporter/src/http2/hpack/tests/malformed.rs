//! Blocks that break the rules: what came before is told, and the table is not believed any more.

use super::check;

/// Inserts `a=b`.
const INSERT: (&str, &str) = ("4001 6101 62", "a=b");

#[test]
fn the_table_is_forgotten() {
    for (block, expected) in [
        ("be82 80", "a=b :method=GET MALFORMED"),
        ("82ff", ":method=GET MALFORMED"),
        ("ffff ffff ffff", "MALFORMED"),
        ("40", "MALFORMED"),
        ("4001", "MALFORMED"),
        ("4001 61", "MALFORMED"),
        ("4001 6102 62", "MALFORMED"),
        ("4001 617f ffff ffff 0f62", "MALFORMED"),
        ("4001 617f ffff ffff ff0f 62", "MALFORMED"),
        ("3fff ffff ffff", "MALFORMED"),
        // The end of string, whole.
        ("0001 6184 ffff fffc", "MALFORMED"),
        ("0001 6184 ffff ffff", "MALFORMED"),
        // Padding of eight ones, and padding with a zero.
        ("0001 6182 1fff", "MALFORMED"),
        ("0001 6181 18", "MALFORMED"),
        ("0001 6181 1e", "MALFORMED"),
        // A code that is cut.
        ("0001 6181 f8be", "a=& a=b"),
        ("0001 6181 fe", "MALFORMED"),
    ] {
        let after = if expected.ends_with("MALFORMED") { "?=?" } else { "a=b" };
        check(&[INSERT, (block, expected), ("be", after)]);
    }
}

#[test]
fn allowed() {
    for (block, expected) in [
        ("", ""),
        ("be", "a=b"),
        ("20be", "a=b"),
        ("be20 82be", "a=b :method=GET a=b"),
        ("0000 00", "="),
        ("0080 80", "="),
        ("0081 1f81 1f", "a=a"),
        ("0f2e 00", "www-authenticate="),
        ("0f2f 0161", "a=a"),
        ("1f2f 0161", "a=a"),
        ("7e01 61bf", "a=a a=b"),
        ("4001 ff01 00", "\\xff=\\x00"),
    ] {
        check(&[INSERT, (block, expected)]);
    }
}
