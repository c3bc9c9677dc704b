//! What a hostile peer may make us keep.

use super::super::HEAD_LIMIT;
use super::{Input::*, RequestDecoder, ResponseDecoder, requests, responses};

/// Feeds `bytes` in pieces of 4 KiB and returns the trace's last words; no more than a head may ever be kept.
fn request_pieces(bytes: &[u8]) -> String {
    let mut decoder = RequestDecoder::new();
    let mut trace = super::Trace::default();
    for piece in bytes.chunks(4096) {
        decoder.feed(Bytes(piece), &mut |output| trace.take(output));
        assert!(decoder.buffered() <= 2 * HEAD_LIMIT, "{}", decoder.buffered());
    }
    trace.finish()
}

fn head_of(length: usize) -> Vec<u8> {
    let mut head = b"GET / HTTP/1.1\r\nHost: a\r\nA: ".to_vec();
    head.resize(length - 4, b'x');
    head.extend_from_slice(b"\r\n\r\n");
    head
}

#[test]
fn request_heads() {
    assert_eq!(request_pieces(&head_of(HEAD_LIMIT)), "begin, GET / host=a 1.1, end");
    assert_eq!(request_pieces(&head_of(HEAD_LIMIT + 1)), "begin, refused 431");
    assert_eq!(request_pieces(&vec![b'A'; 3 * HEAD_LIMIT]), "begin, refused 431");
    assert_eq!(requests(RequestDecoder::new(), &[Bytes(&head_of(HEAD_LIMIT + 1))]), "begin, refused 431");
    let many = [b"GET / HTTP/1.1\r\n".as_slice(), &b"a:\r\n".repeat(HEAD_LIMIT / 4)].concat();
    assert_eq!(request_pieces(&many), "begin, refused 431");
}

#[test]
fn response_heads() {
    let endless = [b"HTTP/1.1 200 ".as_slice(), &vec![b'x'; HEAD_LIMIT]].concat();
    assert_eq!(responses(ResponseDecoder::new(), &[], &[Bytes(&endless)]), "begin, lost HeadTooLong");
}

#[test]
fn chunk_framing() {
    const HEAD: &[u8] = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let cut = |body: &[u8]| request_pieces(&[HEAD, body].concat()).ends_with(", cut");
    assert!(!cut(&[b"1;".as_slice(), &[b'x'; 4000], b"\r\n"].concat()));
    assert!(cut(&[b"1;".as_slice(), &[b'x'; 4200], b"\r\n"].concat()));
    assert!(!cut(&b"1\r\nx\r\n".repeat(10_000)));
    assert!(cut(&[b"1;".as_slice(), &[b'x'; 90], b"\r\nx\r\n"].concat().repeat(1_000)));
    assert!(!cut(&[b"0\r\n".as_slice(), &b"a: b\r\n".repeat(10_000)].concat()));
    assert!(cut(&[b"0\r\n".as_slice(), &b"a: b\r\n".repeat(20_000)].concat()));
    assert!(cut(&[b"0\r\n".as_slice(), &[b'x'; 100_000]].concat()));
    assert!(cut(b"fffffffffffffffff\r\n"));
    assert!(!cut(b"ffffffffffffffff\r\nabc"));
}

#[test]
fn memory_of_a_large_head_is_given_back() {
    let mut decoder = RequestDecoder::new();
    let head = head_of(500_000);
    for piece in head.chunks(4096) {
        decoder.feed(Bytes(piece), &mut |_| {});
    }
    assert!(decoder.buffered() <= 512);
}
