//! The header tables over the frames of a connection.

use super::super::{Decoder, Text, Unknown};
use super::*;

/// All fields of all blocks, with what is unknown.
fn references(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Option<Unknown>> {
    let mut all = Vec::new();
    decoder.feed(Input::Bytes(bytes), &mut |output| {
        if let Output::Headers { fields, .. } = output {
            all.extend(fields.iter().map(|field| field.unknown));
        }
    });
    all
}

fn decoded(decoder: &mut Decoder, bytes: &[u8]) -> String {
    let mut trace = Trace::default();
    decoder.feed(Input::Bytes(bytes), &mut |output| trace.take(&output));
    trace.finish()
}

#[test]
fn learned_entries_heal_a_table_joined_midway() {
    let mut decoder = Decoder::joined_midway();
    let block = frame(HEADERS, END_HEADERS, 1, b"\xbe\xbf");
    let [Some(newest), Some(_)] = references(&mut decoder, &block)[..] else { panic!() };
    decoder.learn(newest, Some(Text::Static(b"a")), Some(Text::from(b"b" as &[u8])));
    assert_eq!(decoded(&mut decoder, &block), "headers 1 11 [a=b ?=?]");
    decoder.lost(&mut |output| assert!(matches!(output, Output::Lost { frames: true })));
    decoder.learn(newest, Some(Text::Static(b"a")), None);
    assert_eq!(decoded(&mut decoder, &block), "headers 1 11 [?=? ?=?]");
}

#[test]
fn a_loss_is_said_once() {
    let mut decoder = Decoder::new();
    let mut trace = Trace::default();
    let mut lost = |decoder: &mut Decoder| decoder.lost(&mut |output| trace.take(&output));
    lost(&mut decoder);
    lost(&mut decoder);
    Decoder::joined_midway().lost(&mut |_| panic!("nothing was known"));
    decoder.feed(Input::Bytes(&frame(RESET, 0, 1, b"\0\0\0\0")), &mut |_| {});
    lost(&mut decoder);
    assert_eq!(trace.finish(), "lost frames, lost frames");
}

#[test]
fn announced_sizes() {
    let value = [b"\x40\x01a\x7f\xa1\x1f", vec![b'v'; 4128].as_slice()].concat();
    for (announced, expected) in [(0, "[?=?]"), (65536, "[a=v]")] {
        let mut decoder = Decoder::new();
        decoder.table_size(announced);
        decoded(&mut decoder, &frame(HEADERS, END_HEADERS, 1, &value));
        let again = decoded(&mut decoder, &frame(HEADERS, END_HEADERS, 3, AGAIN)).replace(&"v".repeat(4128), "v");
        assert_eq!(again, format!("headers 3 10 {expected}"));
    }
}

#[test]
fn a_decoder_can_be_sent() {
    fn sent<T: Send>(_: T) {}
    sent(Decoder::new());
    sent(Text::Static(b""));
}
