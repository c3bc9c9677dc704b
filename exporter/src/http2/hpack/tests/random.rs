//! Random lists through the encoders of other crates, decoded from the start and from every later block: what is told
//! is right, and what is not told was inserted before. Random bytes: whatever comes, the decoder stands.

use std::time::{Duration, Instant};

use super::super::huffman;
use super::{Decoder, Field, Random, fields};

type Pair = (Vec<u8>, Vec<u8>);

const NAMES: &[&str] = &[":path", ":status", "cookie", "accept", "x-a", "x-request-id", "traceparent", "a", "etag"];

fn lists(random: &mut Random, values: usize) -> Vec<Vec<Pair>> {
    let mut list = || {
        let pair = |random: &mut Random| {
            let name = NAMES[random.below(NAMES.len())].as_bytes().to_vec();
            let value = match random.below(4) {
                0 => random.bytes(40),
                1 => vec![b'a' + random.below(20) as u8; random.below(200)],
                _ => format!("value-{}", random.below(values)).into_bytes(),
            };
            (name, value)
        };
        (0..random.below(12)).map(|_| pair(random)).collect()
    };
    (0..30).map(|_| list()).collect()
}

/// Blocks of httlib-hpack, which knows Huffman and all representations.
fn with_httlib(random: &mut Random, lists: &[Vec<Pair>], size: u32) -> Vec<Vec<u8>> {
    let mut encoder = httlib_hpack::Encoder::with_dynamic_size(size);
    let encode = |list: &Vec<Pair>| {
        let mut block = Vec::new();
        if random.below(8) == 0 {
            encoder.update_max_dynamic_size(random.below(size as usize + 1) as u32, &mut block).unwrap();
        }
        for (name, value) in list {
            let kind = [0x4, 0x4, 0x4, 0x8, 0x0, 0x10][random.below(6)];
            let flags = kind | random.below(4) as u8;
            encoder.encode((name.clone(), value.clone(), flags), &mut block).unwrap();
        }
        block
    };
    lists.iter().map(encode).collect()
}

fn with_fluke(lists: &[Vec<Pair>]) -> Vec<Vec<u8>> {
    let mut encoder = fluke_hpack::Encoder::new();
    lists.iter().map(|list| encoder.encode(list.iter().map(|(name, value)| (&name[..], &value[..])))).collect()
}

/// Returns how many names and values were not known.
fn compare(decoded: &[Field], sent: &[Pair]) -> usize {
    assert_eq!(decoded.len(), sent.len());
    let mut unknown = 0;
    for (field, (name, value)) in decoded.iter().zip(sent) {
        for (text, sent) in [(&field.name, name), (&field.value, value)] {
            match text {
                Some(text) => assert_eq!(**text, sent[..]),
                None => unknown += 1,
            }
        }
    }
    unknown
}

/// Learns all that is missing, as far as the reference is to an entry and not only to a name.
fn teach(decoder: &mut Decoder, decoded: &[Field], sent: &[Pair]) {
    for (field, (name, value)) in decoded.iter().zip(sent) {
        if let Some(unknown) = field.unknown {
            let value = field.value.is_none().then(|| value[..].into());
            decoder.learn(unknown, Some(name[..].into()), value);
        }
    }
}

#[track_caller]
fn check(lists: &[Vec<Pair>], blocks: &[Vec<u8>], size: u32) {
    for start in 0..blocks.len() {
        for learning in [false, true] {
            let mut decoder = Decoder::new();
            decoder.table_size(size);
            let mut unknown = 0;
            for (block, sent) in blocks.iter().zip(lists).skip(start) {
                let decoded = fields(&mut decoder, block);
                unknown += compare(&decoded, sent);
                if learning {
                    teach(&mut decoder, &decoded, sent);
                }
            }
            assert!(start > 0 || unknown == 0, "all is known from the start");
        }
    }
}

#[test]
fn other_encoders() {
    let mut random = Random(1);
    for size in [0, 100, 4096, 65536] {
        for values in [5, 50] {
            let lists = lists(&mut random, values);
            check(&lists, &with_httlib(&mut random, &lists, size), size);
            check(&lists, &with_fluke(&lists), 4096);
        }
    }
}

#[test]
fn huffman_strings() {
    let mut random = Random(2);
    let check = |plain: &[u8]| {
        let (mut coded, mut decoded) = (Vec::new(), Vec::new());
        httlib_huffman::encode(plain, &mut coded).unwrap();
        assert_eq!(huffman::decode(&coded, &mut decoded), Some(()));
        assert_eq!(decoded, plain);
    };
    (0..=255).for_each(|byte| (0..4).for_each(|count| check(&vec![byte; count])));
    (0..300).for_each(|_| check(&random.bytes(300)));
}

#[test]
fn random_bytes() {
    let (mut random, mut decoder) = (Random(3), Decoder::new());
    let until = Instant::now() + Duration::from_millis(500);
    while Instant::now() < until {
        for _ in 0..100 {
            let block = random.bytes(60);
            decoder.decode(&block, &mut |_, literal| {
                if let Some(literal) = literal {
                    assert!(literal.length_at < literal.octets.start && literal.octets.end <= block.len());
                }
            });
            assert!(decoder.buffered() < 128 * 1024);
        }
    }
}
