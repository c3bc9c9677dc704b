//! Connections of which the start was not seen.

use super::super::Decoder;
use super::*;

#[test]
fn pieces_that_start_with_a_frame() {
    for (piece, believed) in [
        (frame(DATA, 0, 1, b"x"), true),
        (frame(DATA, 0, 1, &[0; 20]), true),
        (frame(DATA, 0, 1, &[0; 20])[..12].to_vec(), false),
        (frame(DATA, 0, 1, &[0; 504])[..512].to_vec(), true),
        ([frame(DATA, 0, 1, b"x"), frame(DATA, 0, 1, &[0; 20])[..12].to_vec()].concat(), true),
        (frame(DATA, 0, 1, b"")[..8].to_vec(), false),
        (frame(DATA, 0x4, 1, b"x"), false),
        (frame(DATA, 0, 0x8000_0001, b"x"), false),
        (frame(DATA, 0, 0, b"x"), false),
        (frame(HEADERS, END_HEADERS | END | PADDED | WITH_PRIORITY, 1, &[0; 10]), true),
        (frame(HEADERS, 0x2, 1, &[0; 10]), false),
        (frame(HEADERS, 0x40, 1, &[0; 10]), false),
        (frame(SETTINGS, END, 0, b""), true),
        (frame(SETTINGS, END, 1, b""), false),
        (frame(PING, 0, 0, &[0; 8]), true),
        (frame(PING, 0, 0, &[0; 9]), false),
        (frame(WINDOW, 0, 0, &[0; 4]), true),
        (frame(WINDOW, 0, 0, &[0; 5]), false),
        (frame(PRIORITY, 0, 1, &[0; 5]), true),
        (frame(PRIORITY, 0, 1, &[0; 4]), false),
        (frame(0x10, 0, 0, b"\0\0\0\x01u=1"), true),
        (frame(0x10, 0, 1, b"\0\0\0\x01u=1"), false),
        (frame(0xbb, 0, 0, b""), false),
        (frame(CONTINUATION, END_HEADERS, 1, b""), false),
        ([b"\x10\0\0\0\0\0\0\0\x01", [0; 503].as_slice()].concat(), true),
        ([b"\x10\0\x01\0\0\0\0\0\x01", [0; 503].as_slice()].concat(), false),
        // What follows in the piece must be right, too.
        ([frame(DATA, 0, 1, b"x"), frame(DATA, 0, 1, b"x")].concat(), true),
        ([frame(DATA, 0, 1, b"x"), frame(DATA, 0, 0, b"x")].concat(), false),
        ([frame(DATA, 0, 1, b"x"), vec![b'x'; 8]].concat(), true),
        ([frame(DATA, 0, 1, b"x"), vec![b'x'; 9]].concat(), false),
        ([frame(HEADERS, 0, 1, b"x"), frame(CONTINUATION, 0, 1, b"x")].concat(), true),
        ([frame(HEADERS, 0, 1, b"x"), frame(CONTINUATION, 0, 3, b"x")].concat(), false),
        ([frame(HEADERS, 0, 1, b"x"), frame(DATA, 0, 1, b"x")].concat(), false),
        (b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), false),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), false),
        (b"{\"json\": [1, 2, 3]}".to_vec(), false),
        (vec![0; 40], false),
        (vec![0xff; 40], false),
        (vec![], false),
    ] {
        let found = super::super::plausible::starts_frame(&piece);
        assert_eq!(found, believed, "{}", piece.escape_ascii());
    }
}

#[test]
fn what_only_refers_to_later_entries_is_known() {
    let stream = [
        frame(HEADERS, END_HEADERS, 1, b"\x82\xbe\xbf"),
        frame(HEADERS, END_HEADERS, 3, b"\x40\x01a\x01b\xbe\xbf"),
        frame(HEADERS, END_HEADERS, 5, b"\xbe\xbf\x7f\0\x01c"),
        frame(HEADERS, END_HEADERS, 7, b"\xbe\xbf\xc0"),
    ]
    .concat();
    assert_eq!(
        run(Decoder::joined_midway(), &[Input::Bytes(b"\0\0\0\0\0"), Input::Bytes(&stream)]),
        "headers 1 12 [:method=GET ?=? ?=?], headers 3 16 [a=b a=b ?=?], headers 5 15 [a=b ?=? ?=c], \
         headers 7 12 [?=c a=b ?=?]"
    );
}

#[test]
fn the_place_is_looked_for_in_every_piece() {
    let (data, reset) = (frame(DATA, 0, 1, b"ab"), frame(RESET, 0, 1, b"\0\0\0\0"));
    let input = [Input::Bytes(b"noise"), Input::Gap(7), Input::Bytes(&data[1..]), Input::Bytes(&data)];
    assert_eq!(run(Decoder::joined_midway(), &input), r#"data 1 2/11 "ab""#);
    let input = [Input::Bytes(&data), Input::Gap(1), Input::Bytes(&data[1..]), Input::Bytes(&reset[..9])];
    assert_eq!(run(Decoder::joined_midway(), &input), r#"data 1 2/11 "ab", lost frames"#);
}

#[test]
fn a_block_of_which_the_start_was_missed() {
    let stream = [frame(CONTINUATION, END_HEADERS, 1, GET), frame(HEADERS, END_HEADERS, 3, AGAIN)];
    let walked = Input::Walked(super::super::Walked { bytes: &stream.concat(), ..Default::default() });
    assert_eq!(run(Decoder::joined_midway(), &[walked]), "headers 3 10 [?=?]");
}
