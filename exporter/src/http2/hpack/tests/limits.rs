//! Table sizes, and what is held in memory.

use super::super::Text;
use super::{Decoder, bytes, decode, describe, fields};

/// A literal that is inserted, with a value of this length.
fn insert(name: u8, length: usize) -> Vec<u8> {
    let mut block = vec![0x40, 1, name, 0x7f];
    let mut rest = length - 127;
    while rest >= 128 {
        block.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    block.push(rest as u8);
    block.extend(vec![b'v'; length]);
    block
}

/// Inserts two large values; whether both are known afterwards, the older one first.
#[track_caller]
fn check(announced: Option<u32>, update: &str, lengths: [usize; 2], expected: [bool; 2]) {
    let mut decoder = Decoder::new();
    if let Some(size) = announced {
        decoder.table_size(size);
    }
    decode(&mut decoder, &bytes(update));
    for (name, length) in [b'a', b'b'].into_iter().zip(lengths) {
        decode(&mut decoder, &insert(name, length));
    }
    let known: Vec<_> = fields(&mut decoder, &bytes("bfbe")).iter().map(|field| field.unknown.is_none()).collect();
    assert_eq!(known, expected, "{announced:?} {update} {lengths:?}");
    assert!(decoder.buffered() <= 64 * 1024 + 4096, "{}", decoder.buffered());
}

#[test]
fn sizes() {
    check(None, "", [2015, 2015], [true, true]);
    check(None, "", [2015, 2016], [false, true]);
    check(None, "", [200, 4063], [false, true]);
    check(None, "", [200, 4064], [false, false]);
    check(Some(0), "20", [2015, 2015], [true, true]);
    check(Some(4096), "", [2015, 2016], [false, true]);
    check(Some(8192), "", [4063, 4063], [true, true]);
    check(Some(8192), "", [4063, 4064], [false, true]);
    check(Some(65536), "", [32735, 32735], [true, true]);
    check(Some(65536), "", [32735, 32736], [false, true]);
    check(Some(u32::MAX), "", [32735, 32735], [true, true]);
    check(Some(u32::MAX), "", [32735, 32736], [false, true]);
    // 8192, 65536 and more, in blocks.
    check(None, "3fe1 3f", [4063, 4063], [true, true]);
    check(None, "3fe1 ff03", [32735, 32735], [true, true]);
    check(None, "3fe0 ffff ff0f", [32735, 32736], [false, true]);
    check(None, "3fe1 ff03 20", [32735, 32735], [true, true]);
}

#[test]
fn an_encoder_without_a_table() {
    let mut decoder = Decoder::new();
    decoder.table_size(0);
    assert_eq!(decode(&mut decoder, &bytes("2082 0001 6101 6210 0161 0163")), ":method=GET a=b a=c");
}

#[test]
fn learned_entries_are_bounded() {
    let mut decoder = Decoder::new();
    let references: Vec<_> = (0..300u32)
        .map(|index| {
            // Indices from 190 on, as an integer of two octets.
            let block = [0xff, 0x80 | ((63 + index) & 0x7f) as u8, ((63 + index) >> 7) as u8];
            (block, fields(&mut decoder, &block)[0].unknown.unwrap())
        })
        .collect();
    let known = |decoder: &mut Decoder| {
        references.iter().filter(|(block, _)| fields(decoder, block)[0].unknown.is_none()).count()
    };
    for (_, reference) in &references {
        decoder.learn(*reference, Some(Text::from(b"a" as &[u8])), Some(Text::Static(b"b")));
    }
    assert_eq!(known(&mut decoder), 256);
    // The newest are kept.
    assert_eq!(describe(&fields(&mut decoder, &references[0].0)[0]), "a=b");
    for (_, reference) in &references {
        decoder.learn(*reference, None, Some(Text::from(vec![b'v'; 1023].as_slice())));
    }
    assert_eq!(known(&mut decoder), 64);
    assert!(decoder.buffered() <= 64 * 1024 + 4096);
    decoder.learn(references[0].1, None, Some(Text::from(vec![b'v'; 70_000].as_slice())));
    assert_eq!(known(&mut decoder), 63, "one that is too large is not kept");
}

#[test]
fn many_insertions() {
    let mut decoder = Decoder::new();
    for _ in 0..10_000 {
        decode(&mut decoder, &bytes("7e00"));
        decode(&mut decoder, &bytes("4000 00"));
    }
    assert!(decoder.buffered() <= 4096);
}
