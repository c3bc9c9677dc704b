//! Blocks and lists that are too large, and what is held in memory.

use super::super::{BLOCK_LIMIT, Decoder};
use super::*;

/// A block of one literal that is not indexed, this long.
fn block(length: usize) -> Vec<u8> {
    let head = b"\0\x01a\x7f";
    let value = length - head.len() - 3;
    let rest = value - 127;
    let length = [rest as u8 & 0x7f | 0x80, (rest >> 7) as u8 & 0x7f | 0x80, (rest >> 14) as u8];
    [head, length.as_slice(), &vec![b'v'; value]].concat()
}

fn frames(block: &[u8]) -> Vec<u8> {
    let mut frames = frame(HEADERS, END, 1, b"");
    for part in block.chunks(16_000) {
        frames.extend(frame(CONTINUATION, 0, 1, part));
    }
    frames.extend(frame(CONTINUATION, END_HEADERS, 1, b""));
    frames
}

/// Runs `AGAIN` after this, with `a: b` in the table before. Returns what was said, with the longest field cut.
fn told(middle: &[u8]) -> String {
    let (first, last) = (frame(HEADERS, END_HEADERS, 9, GET), frame(HEADERS, END_HEADERS, 9, AGAIN));
    let mut decoder = Decoder::new();
    let mut trace = Trace::default();
    for piece in first.chunks(10_000).chain(middle.chunks(10_000)).chain([last.as_slice()]) {
        decoder.feed(Input::Bytes(piece), &mut |output| trace.take(&output));
        assert!(decoder.buffered() < 2 * BLOCK_LIMIT + 64 * 1024);
    }
    assert!(decoder.buffered() <= 8192, "{}", decoder.buffered());
    let text = trace.finish();
    let (before, after) = (text.find("vv").unwrap_or(0), text.rfind("vv").unwrap_or(0));
    [&text[..before], &text[after..]].concat()
}

#[test]
fn blocks() {
    let wire = |length: usize| length + 9 * (2 + length.div_ceil(16_000));
    // A list counts a bit more than its block.
    let largest = BLOCK_LIMIT - 26;
    assert_eq!(
        told(&frames(&block(largest))),
        format!("headers 9 15 [:method=GET a=b], headers 1 {} [a=vv] last, end 1, headers 9 10 [a=b]", wire(largest))
    );
    assert_eq!(
        told(&frames(&block(BLOCK_LIMIT))),
        format!(
            "headers 9 15 [:method=GET a=b], headers 1 {} [] incomplete last, end 1, headers 9 10 [a=b]",
            wire(BLOCK_LIMIT)
        )
    );
    assert_eq!(
        told(&frames(&block(BLOCK_LIMIT + 1))),
        format!(
            "headers 9 15 [:method=GET a=b], lost, headers 1 {} [] incomplete last, end 1, headers 9 10 [?=?]",
            wire(BLOCK_LIMIT + 1)
        )
    );
}

#[test]
fn lists() {
    // An entry of 4 KiB, and an octet for each time that it is told.
    let entry = [b"\x40\x01a\x7f\x81\x1e", vec![b'v'; 3968].as_slice()].concat();
    let bomb = [entry, vec![0xbe; 1 << 20]].concat();
    let mut decoder = Decoder::new();
    let mut told = Vec::new();
    decoder.feed(Input::Bytes(&frames(&bomb)), &mut |output| match output {
        Output::Headers { fields, complete, .. } => told.push((fields.len(), complete)),
        output => assert!(matches!(output, Output::End { .. })),
    });
    assert_eq!(told, [(BLOCK_LIMIT / 4001, false)]);
}

#[test]
fn a_frame_as_long_as_can_be() {
    for kind in [DATA, HEADERS, GOAWAY, 0xbb] {
        let mut decoder = Decoder::new();
        let stream = u8::from(kind != GOAWAY);
        decoder.feed(Input::Bytes(&[0xff, 0xff, 0xff, kind, 0, 0, 0, 0, stream]), &mut |_| {});
        let zeros = vec![0; 65_536];
        for _ in 0..256 {
            decoder.feed(Input::Bytes(&zeros), &mut |output| assert!(!matches!(output, Output::Lost { frames: true })));
            assert!(decoder.buffered() < 2 * BLOCK_LIMIT + 64 * 1024);
        }
        assert!(decoder.buffered() < 16 * 1024);
    }
}
