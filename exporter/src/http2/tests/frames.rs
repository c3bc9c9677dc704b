//! Frames one by one, and what is not one.

use super::super::Decoder;
use super::*;

#[test]
fn headers() {
    check(&[frame(HEADERS, END_HEADERS, 1, GET)], "headers 1 15 [:method=GET a=b]");
    check(&[frame(HEADERS, END_HEADERS | END, 1, GET)], "headers 1 15 [:method=GET a=b] last, end 1");
    check(&[frame(HEADERS, END_HEADERS | PADDED, 1, b"\x02\x82\0\0")], "headers 1 13 [:method=GET]");
    check(&[frame(HEADERS, END_HEADERS | WITH_PRIORITY, 1, b"\x80\0\0\x03\xff\x82")], "headers 1 15 [:method=GET]");
    check(
        &[frame(HEADERS, END_HEADERS | WITH_PRIORITY | PADDED, 1, b"\x03\x80\0\0\x03\xff\x82\x01\x02\x03")],
        "headers 1 19 [:method=GET]",
    );
    check(&[frame(HEADERS, END_HEADERS, 1, b"")], "headers 1 9 []");
    // More padding than there is: of that there is nothing.
    check(&[frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff\x82\0\0")], "headers 1 13 []");
    // An unknown flag.
    check(&[frame(HEADERS, END_HEADERS | 0x40, 1, GET)], "headers 1 15 [:method=GET a=b]");
}

#[test]
fn continuations() {
    check(
        &[frame(HEADERS, END, 1, &GET[..3]), frame(CONTINUATION, END_HEADERS, 1, &GET[3..])],
        "headers 1 24 [:method=GET a=b] last, end 1",
    );
    check(
        &[
            frame(HEADERS, PADDED, 1, b"\x01\0"),
            frame(CONTINUATION, 0, 1, b"\x82"),
            frame(CONTINUATION, 0, 1, b""),
            // These flags mean nothing here.
            frame(CONTINUATION, END_HEADERS | PADDED | END, 1, b"\x01\x02"),
            frame(DATA, 0, 1, b"x"),
        ],
        "headers 1 41 [:method=GET] incomplete, lost, data 1 1/10 \"x\"",
    );
}

#[test]
fn data() {
    let get = || frame(HEADERS, END_HEADERS, 1, b"\x82");
    let told = |rest: &str| format!("headers 1 10 [:method=GET], {rest}");
    check(&[get(), frame(DATA, 0, 1, b"hello")], &told(r#"data 1 5/14 "hello""#));
    check(&[get(), frame(DATA, END, 1, b"hello")], &told(r#"data 1 5/14 "hello", end 1"#));
    check(&[get(), frame(DATA, END, 1, b"")], &told(r#"data 1 0/9 "", end 1"#));
    check(&[get(), frame(DATA, PADDED | END, 1, b"\x03hello\0\0\0")], &told(r#"data 1 5/18 "hello", end 1"#));
    check(&[get(), frame(DATA, PADDED, 1, b"\0hello")], &told(r#"data 1 5/15 "hello""#));
    check(&[get(), frame(DATA, PADDED | END, 1, b"\0")], &told(r#"data 1 0/10 "", end 1"#));
    check(&[get(), frame(DATA, PADDED, 1, b"\x02\0\0")], &told(r#"data 1 0/12 """#));
    check(&[get(), frame(DATA, PADDED, 1, b"\x03\0\0")], &told(r#"data 1 0/12 """#));
    check(
        &[frame(DATA, 0, 1, b"a"), frame(DATA, 0, 3, b"b"), frame(DATA, 0, 1, b"cd"), frame(DATA, END, 1, b"e")],
        r#"data 1 1/10 "a", data 3 1/10 "b", data 1 3/21 "cde", end 1"#,
    );
}

#[test]
fn trailers() {
    check(
        &[
            frame(HEADERS, END_HEADERS, 5, GET),
            frame(DATA, 0, 5, b"x"),
            frame(HEADERS, END_HEADERS | END, 5, AGAIN),
            frame(HEADERS, END_HEADERS | END, 7, AGAIN),
        ],
        "headers 5 15 [:method=GET a=b], data 5 1/10 \"x\", headers 5 10 [a=b] last, end 5, \
         headers 7 10 [a=b] last, end 7",
    );
}

#[test]
fn control() {
    check(&[frame(RESET, 0, 3, b"\0\0\0\x08")], "reset 3 8");
    check(&[frame(GOAWAY, 0, 0, b"\x80\0\0\x07\0\0\0\x02")], "goaway 7 2");
    check(&[frame(GOAWAY, 0, 0, b"\0\0\0\x07\0\0\0\x0benhance your calm")], "goaway 7 11");
    check(&[frame(SETTINGS, 0, 0, b"")], "settings");
    check(&[frame(SETTINGS, END, 0, b"")], "");
    check(&[frame(SETTINGS, 0, 0, b"\0\x03\0\0\0\x64\0\x01\0\0\x10\0\0\x04\0\0\0\x01")], "settings 4096");
    check(&[frame(SETTINGS, 0, 0, b"\0\x01\0\0\0\0\0\x01\0\x01\0\0")], "settings 65536");
    check(
        &[
            frame(PING, 0, 0, b"12345678"),
            frame(PING, END, 0, b"12345678"),
            frame(WINDOW, 0, 0, b"\0\0\x10\0"),
            frame(WINDOW, 0, 1, b"\0\0\x10\0"),
            frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"),
            frame(0x10, 0, 0, b"\0\0\0\x01u=1"),
            frame(0xbb, 0xff, 9, b"anything"),
            frame(0xbb, 0xff, 9, b""),
            frame(RESET, 0, 3, b"\0\0\0\0"),
        ],
        "reset 3 0",
    );
}

#[test]
fn promises_only_fill_the_table() {
    check(
        &[
            frame(PUSH, END_HEADERS, 1, &[b"\0\0\0\x02", GET].concat()),
            frame(HEADERS, END_HEADERS, 1, AGAIN),
            frame(PUSH, PADDED, 1, b"\x01\0\0\0\x04\x40\x01c\0"),
            frame(CONTINUATION, END_HEADERS, 1, b"\x01d"),
            frame(HEADERS, END_HEADERS, 1, b"\xbe\xbf"),
        ],
        "headers 1 10 [a=b], headers 1 11 [c=d a=b]",
    );
}

#[test]
fn blocks_that_are_interrupted() {
    let next = || frame(HEADERS, END_HEADERS, 3, b"\x82\xbe");
    let lost = "lost, headers 3 11 [:method=GET ?=?]";
    check(&[frame(HEADERS, 0, 1, GET), next()], lost);
    check(&[frame(HEADERS, 0, 1, GET), frame(CONTINUATION, END_HEADERS, 3, GET), next()], lost);
    check(&[frame(CONTINUATION, 0, 3, GET), frame(CONTINUATION, END_HEADERS, 3, GET), next()], lost);
    check(&[frame(HEADERS, END_HEADERS, 1, b""), frame(CONTINUATION, END_HEADERS, 1, GET)], "headers 1 9 [], lost");
    check(
        &[frame(HEADERS, 0, 1, GET), frame(DATA, 0, 1, b"x"), next()],
        &format!("lost, data 1 1/10 \"x\"{}", &lost[4..]),
    );
    check(&[frame(HEADERS, 0, 1, GET), frame(PING, 0, 0, b"12345678"), next()], lost);
}

#[test]
fn malformed_blocks() {
    check(
        &[frame(HEADERS, END_HEADERS | END, 1, b"\x82\x80\x82"), frame(HEADERS, END_HEADERS, 3, b"\x84\xbe")],
        "headers 1 12 [:method=GET] incomplete last, end 1, lost, headers 3 11 [:path=/ ?=?]",
    );
    check(&[frame(PUSH, END_HEADERS, 1, b"\0\0\0\x02\x80"), frame(RESET, 0, 1, b"\0\0\0\0")], "lost, reset 1 0");
}

/// Frames after which no endpoint goes on: what follows is only read from the next piece on, if that starts a frame.
#[test]
fn what_is_no_frame() {
    for bytes in [
        frame(DATA, 0, 0, b"x"),
        frame(DATA, PADDED, 1, b""),
        frame(HEADERS, END_HEADERS, 0, b"\x82"),
        frame(HEADERS, END_HEADERS | WITH_PRIORITY, 1, b"\0\0\0\0"),
        frame(HEADERS, END_HEADERS | WITH_PRIORITY | PADDED, 1, b"\0\0\0\0\0"),
        frame(PUSH, END_HEADERS, 1, b"\0\0\0"),
        frame(PRIORITY, 0, 0, b"\0\0\0\0\x10"),
        frame(RESET, 0, 0, b"\0\0\0\0"),
        frame(RESET, 0, 1, b"\0\0\0"),
        frame(SETTINGS, 0, 1, b""),
        frame(SETTINGS, 0, 0, b"\0"),
        frame(SETTINGS, END, 0, b"\0\0\0\0\0\0"),
        frame(PING, 0, 1, b"12345678"),
        frame(PING, 0, 0, b"1234567"),
        frame(GOAWAY, 0, 0, b"1234567"),
        frame(GOAWAY, 0, 1, b"12345678"),
        frame(WINDOW, 0, 0, b"\0"),
        frame(CONTINUATION, 0, 0, b""),
    ] {
        let next = frame(HEADERS, END_HEADERS, 3, b"\x82\xbe");
        let first = frame(HEADERS, END_HEADERS, 1, GET);
        let pieces = [first.as_slice(), &bytes, &next, &bytes[..9], b"HTTP/1.1 400 Bad Request\r\n"];
        assert_eq!(
            run(Decoder::new(), &pieces.map(Input::Bytes)),
            "headers 1 15 [:method=GET a=b], lost frames, headers 3 11 [:method=GET ?=?], lost frames",
            "{bytes:?}"
        );
        let walked = pieces.map(|bytes| Input::Walked(super::super::Walked { bytes, ..Default::default() }));
        assert_eq!(
            run(Decoder::new(), &walked[..3]),
            "headers 1 15 [:method=GET a=b], lost frames, headers 3 11 [:method=GET ?=?]",
            "{bytes:?}"
        );
    }
}
