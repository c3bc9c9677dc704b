//! Bytes that went by unseen.

use super::super::Decoder;
use super::*;
use Input::{Bytes, Gap};

/// The frames, of which the bytes of this range went by unseen; then one that refers to what `GET` inserted.
#[track_caller]
fn check(frames: &[Vec<u8>], unseen: std::ops::Range<usize>, expected: &str) {
    let stream = frames.concat();
    let next = frame(HEADERS, END_HEADERS, 9, AGAIN);
    let (before, after) = (&stream[..unseen.start], &stream[unseen.end..]);
    let input = [Bytes(before), Gap(unseen.len() as u64), Bytes(after), Bytes(&next)];
    let expected = if expected.is_empty() { "headers 9 10 [a=b]" } else { &format!("{expected}, headers 9 10 [a=b]") };
    for input in pieces(&input) {
        // Where the place is lost, pieces matter.
        if !expected.contains("frames") || input[0..] == input[..4] {
            let get = frame(HEADERS, END_HEADERS, 1, GET);
            let trace = run(Decoder::new(), &[&[Bytes(&get)], input.as_slice()].concat());
            let known = if expected.contains("lost") { &expected.replace("a=b", "?=?") } else { expected };
            assert_eq!(trace, format!("headers 1 15 [:method=GET a=b], {known}"), "{input:?}");
        }
    }
}

impl PartialEq for Input<'_> {
    fn eq(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

#[test]
fn bodies() {
    check(&[frame(DATA, END, 1, b"abcdefgh")], 9..17, r#"data 1 8/17 "<8>", end 1"#);
    check(&[frame(DATA, END, 1, b"abcdefgh")], 10..16, r#"data 1 8/17 "a<6>h", end 1"#);
    check(&[frame(DATA, 0, 1, b"abcdefgh"), frame(DATA, END, 1, b"i")], 12..17, r#"data 1 9/27 "abc<5>i", end 1"#);
    check(&[frame(DATA, PADDED, 1, b"\x03hello\0\0\0")], 10..18, r#"data 1 5/18 "<5>""#);
    check(&[frame(DATA, PADDED, 1, b"\x03hello\0\0\0")], 14..17, r#"data 1 5/18 "hell<1>""#);
    check(&[frame(DATA, PADDED, 1, b"\x03hello\0\0\0")], 15..18, r#"data 1 5/18 "hello""#);
    // The length of the padding went by: none is taken for granted.
    check(&[frame(DATA, PADDED, 1, b"\x03hello\0\0\0")], 9..18, r#"data 1 8/18 "<8>""#);
}

#[test]
fn what_does_not_matter() {
    check(&[frame(WINDOW, 0, 1, b"\0\0\0\x01")], 9..13, "");
    check(&[frame(PING, 0, 0, b"12345678")], 10..12, "");
    check(&[frame(0xbb, 0, 0, b"12345678")], 10..17, "");
    check(&[frame(SETTINGS, END, 0, b"")], 9..9, "");
    check(&[frame(GOAWAY, 0, 0, b"\0\0\0\x07\0\0\0\x02text")], 17..21, "goaway 7 2");
}

#[test]
fn parts_of_blocks() {
    let end = END_HEADERS | END;
    check(&[frame(HEADERS, end, 3, GET)], 10..12, "lost, headers 3 15 [] incomplete last, end 3");
    check(&[frame(HEADERS, end, 3, GET)], 9..15, "lost, headers 3 15 [] incomplete last, end 3");
    check(
        &[frame(HEADERS, END, 3, GET), frame(CONTINUATION, END_HEADERS, 3, GET)],
        9..15,
        "lost, headers 3 30 [] incomplete last, end 3",
    );
    check(&[frame(PUSH, END_HEADERS, 3, b"\0\0\0\x02\x82")], 13..14, "lost");
}

#[test]
fn headers_and_what_is_not_to_be_missed() {
    let lost = "lost frames";
    check(&[frame(DATA, 0, 1, b"ab")], 0..1, lost);
    check(&[frame(DATA, 0, 1, b"ab")], 8..10, lost);
    check(&[frame(DATA, 0, 1, b"ab"), frame(DATA, 0, 1, b"")], 10..12, r#"data 1 2/11 "a<1>", lost frames"#);
    check(&[frame(RESET, 0, 1, b"\0\0\0\0")], 9..10, lost);
    check(&[frame(SETTINGS, 0, 0, b"\0\x01\0\0\0\0")], 9..10, lost);
    check(&[frame(GOAWAY, 0, 0, b"\0\0\0\x07\0\0\0\x02text")], 16..21, lost);
    check(&[], 0..0, "");
}

#[test]
fn a_gap_that_never_ends() {
    let data = frame(DATA, 0, 1, b"ab");
    let input = [Bytes(&data[..10]), Gap(u64::MAX), Gap(u64::MAX), Bytes(&data)];
    assert_eq!(run(Decoder::new(), &input), r#"data 1 2/11 "a<1>", lost frames, data 1 2/11 "ab""#);
}
