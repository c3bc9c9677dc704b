//! Gaps, garbage and connections that were joined midway. Where the place is lost, pieces matter: such cases are run
//! as they stand.

use super::{Input, Input::*, RequestDecoder, ResponseDecoder, pieces, requests, responses};

const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[track_caller]
fn check_requests(input: &[Input<'_>], expected: &str) {
    assert_eq!(requests(RequestDecoder::new(), input), expected);
}

#[track_caller]
fn check_responses(input: &[Input<'_>], expected: &str) {
    assert_eq!(responses(ResponseDecoder::new(), &[], input), expected);
}

#[test]
fn gaps_inside_a_body_lose_nothing() {
    for input in pieces(&[
        Bytes(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nabc"),
        Gap(10),
        Bytes(b"defghij"),
        Bytes(NEXT),
    ]) {
        assert_eq!(
            requests(RequestDecoder::new(), &input),
            r#"begin, PUT / host=a 1.1 length=20, body 20/20 "abc<10>defghij", end, begin, GET /next host=a 1.1, end"#
        );
    }
    for input in pieces(&[
        Bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n"),
        Gap(20),
        Bytes(b"\r\n2\r\nab\r\n0\r\n\r\n"),
        Bytes(ANSWER),
    ]) {
        assert_eq!(
            responses(ResponseDecoder::new(), &[], &input),
            r#"begin, 200 1.1 Chunked, body 22/38 "<20>ab", end, begin, 200 1.1 length=0 None, end"#
        );
    }
}

#[test]
fn gaps_in_framing_are_said_once() {
    check_requests(&[Gap(5), Gap(5), Bytes(b"noise"), Bytes(NEXT)], "lost Head, begin, GET /next host=a 1.1, end");
    check_requests(
        &[Bytes(b"GET / HTTP/1.1\r\nHo"), Gap(3), Bytes(b"a\r\n\r\n"), Bytes(NEXT)],
        "begin, lost Head, begin, GET /next host=a 1.1, end",
    );
    check_requests(
        &[Bytes(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na"), Gap(2), Bytes(NEXT)],
        r#"begin, PUT / host=a 1.1 length=2, body 2/2 "a<1>", end, lost Head, begin, GET /next host=a 1.1, end"#,
    );
    check_requests(
        &[
            Bytes(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na"),
            Gap(2),
            Bytes(b"\n0\r\n\r\n"),
            Bytes(NEXT),
        ],
        r#"begin, PUT / host=a 1.1 chunked, body 2/5 "a<1>", lost Chunk, begin, GET /next host=a 1.1, end"#,
    );
    check_responses(
        &[Bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Gap(1), Bytes(b"\r\n"), Bytes(ANSWER)],
        "begin, 200 1.1 Chunked, lost Chunk, begin, 200 1.1 length=0 None, end",
    );
    check_responses(&[Gap(7), Bytes(ANSWER), Gap(1)], "lost Head, begin, 200 1.1 length=0 None, end, lost Head");
    // Where nothing is understood nothing can be lost.
    check_requests(&[Bytes(b"\0"), Gap(9), Bytes(NEXT)], "begin, refused 400");
    check_requests(&[End, Gap(9)], "");
}

#[test]
fn what_is_no_response() {
    check_responses(&[Bytes(b"SSH-2.0"), Bytes(ANSWER)], "begin, lost NoMessage, begin, 200 1.1 length=0 None, end");
    check_responses(&[Bytes(b"HTTP/1.1 2x0 OK\r\n\r\n")], "begin, lost NoMessage");
    check_responses(&[Bytes(b"HTTP/1.1 2000 OK\r\n\r\n")], "begin, lost NoMessage");
    check_responses(&[Bytes(b"HTTP/1.1\r\n\r\n")], "begin, lost NoMessage");
    // Broken chunks: the reader hangs up, and so the rest of the piece is noise.
    check_responses(
        &[Bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Bytes(ANSWER)],
        r#"begin, 200 1.1 Chunked, body 0/1 "", cut, begin, 200 1.1 length=0 None, end"#,
    );
}

#[test]
fn a_loss_forgets_what_was_expected() {
    let head = super::Expect { head: true, connect: false };
    assert_eq!(
        responses(ResponseDecoder::new(), &[head], &[Gap(1), Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")]),
        r#"lost Head, begin, 200 1.1 length=1 Length(1), body 1/1 "x", end"#
    );
}

/// Who types a request, or sends it byte by byte, sends no piece that looks like one.
#[test]
fn joined_midway_by_a_request_in_small_pieces() {
    let trace = |pieces: &[&'static [u8]]| {
        let input: Vec<Input<'_>> = pieces.iter().map(|piece| Bytes(piece)).collect();
        requests(RequestDecoder::joined_midway(), &input)
    };
    let bytes: Vec<&[u8]> = NEXT.chunks(1).collect();
    for (pieces, expected) in [
        (&*bytes, "begin, GET /next host=a 1.1, end"),
        (&[b"G", b"ET /next HTTP/1.1\r\nHost: a\r\n\r\n"], "begin, GET /next host=a 1.1, end"),
        (&[b"GET", b" /next HT", b"TP/1.1\r\nHost: a\r", b"\n\r\n"], "begin, GET /next host=a 1.1, end"),
        (&[b"the end of a body", b"GET /n", b"ext HTTP/1.1\r\nHost: a\r\n\r\n"], "begin, GET /next host=a 1.1, end"),
        // It might have become one, and what came instead is one.
        (&[b"BODY", b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"], "begin, GET /next host=a 1.1, end"),
        (&[b"BODY", b" of it", b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"], "begin, GET /next host=a 1.1, end"),
        (&[b"O", b"S", b"T /x HTTP/1.1\r\nHost: a\r\n\r\n"], ""),
        (&[b"AB", b"C"], ""),
        (&[b"GET /ne", b"xt and more"], ""),
        (&[b"G\n", b"ET /next HTTP/1.1\r\n\r\n"], ""),
    ] as [(&[&'static [u8]], &str); _]
    {
        assert_eq!(trace(pieces), expected, "{pieces:?}");
    }
    let input = [Bytes(b"GET /ne"), Gap(1), Bytes(b"t HTTP/1.1\r\nHost: a\r\n\r\n")];
    assert_eq!(requests(RequestDecoder::joined_midway(), &input), "");
}

#[test]
fn joined_midway() {
    for (piece, believed) in [
        (NEXT, true),
        (b"POST /a HTTP/1.1\r\n", true),
        (b"M-SEARCH * HTTP/1.1\r\n", true),
        (b"GET http://a/ HTTP/1.0\n", true),
        (b"CONNECT a:443 HTTP/1.1\r\n", true),
        (b"GET /a-target-that-is-cut", true),
        (b"GET /a-target HTTP/1.", true),
        (b"GET /", false),
        (b"GET a-target-that-is-cut", false),
        (b"get /a HTTP/1.1\r\n", false),
        (b"GET /a HTTP/2.0\r\n", false),
        (b"GET /a HTTP/1.1 x\r\n", false),
        (b"GET /a\r\n", false),
        (b"HTTP/1.1 200 OK\r\n", false),
        (b"{\"json\": 1}", false),
    ] as [(&[u8], bool); _]
    {
        let text = String::from_utf8_lossy(piece);
        let trace = requests(RequestDecoder::joined_midway(), &[Bytes(b"noise"), Gap(1), Bytes(piece)]);
        assert_eq!(trace.starts_with("begin"), believed, "{text}: {trace}");
    }
    for (piece, believed) in [
        (ANSWER, true),
        (b"HTTP/1.0 200\r\n", true),
        (b"HTTP/1.1 20", false),
        (b"HTTP/1.1 2000", false),
        (b"HTTP/2.0 200 OK", false),
        (b"xHTTP/1.1 200 OK\r\n", false),
    ] as [(&[u8], bool); _]
    {
        let text = String::from_utf8_lossy(piece);
        let trace = responses(ResponseDecoder::joined_midway(), &[], &[Bytes(b"noise"), Gap(1), Bytes(piece)]);
        assert_eq!(trace.starts_with("begin"), believed, "{text}: {trace}");
    }
}

#[test]
fn skippable() {
    for (bytes, expected) in [
        (b"" as &[u8], 0),
        (b"PUT / HTTP/1.1\r\n", 0),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", 9),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", 6),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na", 0),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 0),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc", 13),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na", 0),
        (b"GET / HTTP/1.0\r\n\r\n", u64::MAX),
        (b"\0", u64::MAX),
    ] {
        let mut decoder = RequestDecoder::new();
        decoder.feed(Bytes(bytes), &mut |_| {});
        assert_eq!(decoder.skippable(), expected, "{}", String::from_utf8_lossy(bytes));
    }
    for (bytes, expected) in [
        (b"" as &[u8], 0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 6),
        (b"HTTP/1.1 200 OK\r\n\r\n", u64::MAX),
        (b"HTTP/1.1 101 X\r\n\r\n", u64::MAX),
        (b"HTTP/1.1 204 X\r\n\r\n", 0),
        (b"HTTP/1.1 204 X\r\nConnection: close\r\n\r\n", u64::MAX),
    ] {
        let mut decoder = ResponseDecoder::new();
        decoder.feed(Bytes(bytes), &mut |_| {});
        assert_eq!(decoder.skippable(), expected, "{}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(RequestDecoder::joined_midway().skippable(), 0);
}
