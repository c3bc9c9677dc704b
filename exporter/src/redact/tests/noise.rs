use std::time::Instant;

use bytes::Bytes;

use super::*;
use crate::body::sample::{CODINGS, Random, encode, header};

const TYPES: [&str; 8] = [
    "",
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "text/event-stream",
    "text/plain; charset=utf-16",
    "text/html; charset=shift_jis",
    "image/png",
];

fn everything() -> Redaction {
    let mut all = settings("x-*", "a b*", "c", "**.a b[*].c", "a b*");
    all.patterns = [r"a(\w+)b", r"(?s)x.*?y"].map(str::to_owned).to_vec();
    Redaction::new(&all).unwrap()
}

#[test]
fn noise_does_no_harm() {
    let redaction = everything();
    let mut random = Random(3);
    // What means something, in any order.
    let pieces: [&[u8]; 24] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"a\"",
        b":",
        b",",
        b"\"",
        b"\\",
        b"\\u00",
        b"1",
        b"data: ",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"--b",
        b"--",
        b"Content-Disposition: x; name=\"a\"",
        b"a=",
        b"&",
        b"%",
        b"%6",
        b"\xff\xfe",
        b"x",
    ];
    for round in 0..6000 {
        let bytes = if round % 4 == 0 {
            let length = random.below(200);
            random.bytes(length)
        } else {
            (0..random.below(40)).flat_map(|_| random.one_of(&pieces).to_vec()).collect()
        };
        let coding = random.one_of(&CODINGS);
        let content_type = Some(random.one_of(&TYPES));
        let coded = if round % 8 == 0 { bytes.clone() } else { encode(coding, &bytes) };
        let cut = random.below(2) == 0;
        let _ = redact_body(&redaction, content_type, Some(header(coding)), &coded.into(), cut, 100);
        let _ = redact_body(&redaction, content_type, None, &bytes.clone().into(), cut, 100);
        let text = String::from_utf8_lossy(&bytes);
        for name in ["cookie", "set-cookie", "x", "location"] {
            redaction.header(name, text.clone());
        }
        redaction.query(&text);
    }
}

#[test]
fn long_bodies_take_time_as_they_are_long() {
    let redaction = everything();
    let pieces = [
        "--b\r\n",
        "--b",
        "--b\r\n\r\n",
        "a=",
        "&",
        "a=&",
        "data: {\"a\":\ndata:1}\n\n",
        "data:\n",
        "data: [\n",
        "{\"a\":[",
        "\r\n",
        "--b\r\nContent-Disposition: x; name=\"a",
        "?",
        "x",
        "a%6",
        "://",
        "--c\ncontent-",
    ];
    for piece in pieces {
        let text = piece.repeat((256 << 10) / piece.len());
        for content_type in TYPES {
            let began = Instant::now();
            let _ = redact_body(
                &redaction,
                Some(content_type),
                None,
                &Bytes::copy_from_slice(text.as_bytes()),
                true,
                1 << 20,
            );
            assert!(began.elapsed().as_secs() < 2, "{content_type} {piece:?} {:?}", began.elapsed());
        }
        let began = Instant::now();
        for name in ["cookie", "x", "location"] {
            redaction.header(name, text.as_str().into());
        }
        redaction.query(&text);
        assert!(began.elapsed().as_secs() < 2, "{piece:?} {:?}", began.elapsed());
    }
}
