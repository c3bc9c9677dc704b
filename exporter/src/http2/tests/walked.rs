//! Records of a walk that are not whole, and what the other tests do not say of them.

use super::super::{Decoder, Walked};
use super::*;
use walk::Record;

fn record(bytes: &[&[u8]], continued: usize, left: u32) -> Record {
    Record { bytes: bytes.concat(), continued, left }
}

/// The header of a frame of which the payload was left out.
fn elided(kind: u8, flags: u8, stream: u32, length: u32) -> Vec<u8> {
    let header = frame(kind, flags, stream | 0x8000_0000, b"");
    [&length.to_be_bytes()[1..], &header[3..]].concat()
}

#[track_caller]
fn check_from(decoder: Decoder, records: &[Record], expected: &str) {
    let inputs: Vec<_> = records.iter().map(Record::input).collect();
    assert_eq!(run(decoder, &inputs), expected, "{records:?}");
}

#[track_caller]
fn check(records: &[Record], expected: &str) {
    check_from(Decoder::new(), records, expected);
}

/// The first bytes of a payload that was left out.
const FIRST: &[u8; 16] = b"0123456789abcdef";

#[test]
fn bodies_left_out() {
    let data = || elided(DATA, END, 1, 100);
    check(&[record(&[&data(), FIRST], 0, 0)], r#"data 1 100/109 "0123456789abcdef<84>", end 1"#);
    check(&[record(&[&data()], 0, 100)], "");
    check(&[record(&[&data(), FIRST], 0, 40)], r#"data 1 60/69 "0123456789abcdef<44>""#);
    check(&[record(&[&data(), FIRST], 0, 40), record(&[], 0, 0)], r#"data 1 100/109 "0123456789abcdef<84>", end 1"#);
    check(
        &[record(&[&data(), FIRST], 0, 40), record(&[], 0, 40), record(&[], 0, 39)],
        r#"data 1 61/70 "0123456789abcdef<45>""#,
    );
    check(
        &[record(&[&data(), &FIRST[..7]], 0, 93), record(&[&FIRST[7..]], 9, 0)],
        r#"data 1 100/109 "0123456789abcdef<84>", end 1"#,
    );
    // The rest of the first never came.
    check(
        &[record(&[&data()], 0, 100), record(&[&data(), FIRST], 0, 100)],
        r#"data 1 100/109 "<100>", end 1, data 1 16/25 "0123456789abcdef""#,
    );
    check(&[record(&[&elided(DATA, END, 1, 0)], 0, 0)], r#"data 1 0/9 "", end 1"#);
    check(&[record(&[&elided(DATA, END, 1, 3), b"abc"], 0, 0)], r#"data 1 3/12 "abc", end 1"#);
    // A walk that counts back is not believed.
    check(&[record(&[&data(), FIRST], 0, 40), record(&[], 0, 50)], r#"data 1 60/69 "0123456789abcdef<44>""#);
}

#[test]
fn padded_bodies_left_out() {
    let data = |length| elided(DATA, END | PADDED, 1, length);
    let first = [b"\x09", &FIRST[1..]].concat();
    let told = r#"data 1 90/109 "123456789abcdef<75>", end 1"#;
    check(&[record(&[&data(100), &first], 0, 0)], told);
    check(&[record(&[&data(100), &first, &data(1), b"\0"], 0, 0)], &format!(r#"{told}, data 1 0/10 "", end 1"#));
    check(&[record(&[&data(100), &first], 0, 5), record(&[], 0, 0)], told);
    check(&[record(&[&data(100)], 0, 100), record(&[&first], 16, 50)], r#"data 1 49/59 "123456789abcdef<34>""#);
    let all = [b"\xff", &FIRST[1..]].concat();
    check(&[record(&[&data(100), &all], 0, 0)], r#"data 1 0/109 "", end 1"#);
    // It never came.
    check(&[record(&[&data(100)], 0, 0), record(&[&elided(PING, 0, 0, 8)], 0, 0)], r#"data 1 99/109 "<99>", end 1"#);
}

#[test]
fn blocks_that_are_continued() {
    let get = frame(HEADERS, END_HEADERS | END, 1, GET);
    let told = "headers 1 15 [:method=GET a=b] last, end 1";
    check(&[record(&[&get[..12]], 0, 3), record(&[&get[12..]], 3, 0)], told);
    check(&[record(&[&get[..12]], 0, 3), record(&[], 0, 0), record(&[&get[12..]], 3, 0)], told);
    check(&[record(&[&get[..9]], 0, 0), record(&[&get[9..]], 6, 0)], told);
    // The rest never comes.
    let next = frame(HEADERS, END_HEADERS, 3, AGAIN);
    check(
        &[record(&[&get[..12]], 0, 3), record(&[&next], 0, 0)],
        "lost, headers 1 15 [] incomplete last, end 1, headers 3 10 [?=?]",
    );
    check(
        &[record(&[&get[..12]], 0, 3), record(&[&get[12..14], &next], 2, 0)],
        "lost, headers 1 15 [] incomplete last, end 1, headers 3 10 [?=?]",
    );
    check(
        &[record(&[&get[..12]], 0, 3), record(&[&get[12..], b"x", &next], 4, 0)],
        "headers 1 15 [:method=GET a=b] last, end 1, lost frames, headers 3 10 [?=?]",
    );
    check(&[record(&[&get, &next[..9]], 0, 1)], told);
    check(
        &[record(&[&get], 0, 0), record(&[b"xyz", &next], 3, 0)],
        &format!("{told}, lost frames, headers 3 10 [?=?]"),
    );
    check(
        &[record(&[&get], 0, 0), record(&[b"xyz"], 4, 0), record(&[&next], 0, 0)],
        &format!("{told}, lost frames, headers 3 10 [?=?]"),
    );
}

#[test]
fn bodies_that_are_kept() {
    let data = frame(DATA, END, 1, b"hello");
    let next = frame(RESET, 0, 3, b"\0\0\0\x01");
    check(
        &[record(&[&data[..11]], 0, 3), record(&[&data[11..], &next], 3, 0)],
        r#"data 1 5/14 "hello", end 1, reset 3 1"#,
    );
    check(&[record(&[&data[..11]], 0, 3), record(&[&next], 0, 0)], r#"data 1 5/14 "he<3>", end 1, reset 3 1"#);
}

#[test]
fn a_walk_that_resumed() {
    let get = frame(HEADERS, END_HEADERS, 1, GET);
    let again = frame(HEADERS, END_HEADERS, 3, AGAIN);
    let resumed = Input::Walked(Walked { bytes: &again, resumed: true, ..Walked::default() });
    let walked = |bytes| Input::Walked(Walked { bytes, ..Walked::default() });
    let told = "headers 1 15 [:method=GET a=b], lost frames, headers 3 10 [?=?]";
    assert_eq!(run(Decoder::new(), &[walked(&get), resumed]), told);
    assert_eq!(run(Decoder::new(), &[walked(&get), walked(&get[..12]), resumed]), told);
    assert_eq!(run(Decoder::new(), &[walked(&get), walked(&get[..5]), resumed]), told);
    assert_eq!(run(Decoder::joined_midway(), &[resumed]), "headers 3 10 [?=?]");
    // Where the place was not known, a walk says where it is: behind what it continues.
    let continued = Record { bytes: [b"xyz", again.as_slice()].concat(), continued: 3, left: 0 };
    check_from(Decoder::joined_midway(), std::slice::from_ref(&continued), "headers 3 10 [?=?]");
    let inputs = [resumed, continued.input()];
    assert_eq!(run(Decoder::joined_midway(), &inputs), "headers 3 10 [?=?], lost frames, headers 3 10 [?=?]");
}

#[test]
fn raw_bytes_and_a_walk_in_turns() {
    let stream = [frame(HEADERS, END_HEADERS, 1, GET), frame(DATA, END, 1, b"hello")].concat();
    let told = r#"headers 1 15 [:method=GET a=b], data 1 5/14 "hello", end 1"#;
    for at in 1..stream.len() {
        let (before, after) = stream.split_at(at);
        let plan = walk::PLANS[0];
        let records = walk::walk([before, after], walk::Plan { whole_headers: false, ..plan });
        assert_eq!(run(Decoder::new(), &[Input::Bytes(before), records[1].input()]), told, "{at}");
        assert_eq!(run(Decoder::new(), &[records[0].input(), Input::Bytes(after)]), told, "{at}");
    }
}
