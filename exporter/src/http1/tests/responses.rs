use super::{Expect, Input, Input::*, ResponseDecoder, pieces, responses};

const HEAD: Expect = Expect { head: true, connect: false };
const GET: Expect = Expect { head: false, connect: false };
const CONNECT: Expect = Expect { head: false, connect: true };

#[track_caller]
fn check(expects: &[Expect], input: &[Input<'_>], expected: &str) {
    for input in pieces(input) {
        assert_eq!(responses(ResponseDecoder::new(), expects, &input), expected, "{input:?}");
    }
}

#[track_caller]
fn stream(bytes: &[u8], expected: &str) {
    check(&[], &[Bytes(bytes)], expected);
}

#[test]
fn heads_and_bodies() {
    stream(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        r#"begin, 200 1.1 length=2 Length(2), body 2/2 "hi", end, begin, 404 1.1 length=0 None, end"#,
    );
    stream(b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "begin, 200 1.1 length=0 None, end");
    stream(b"HTTP/1.1  200\nContent-Length: 0\n\n", "begin, 200 1.1 length=0 None, end");
    stream(b"\r\nHTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "begin, 200 1.1 length=0 None, end");
    stream(b"HTTP/1.1 200 OK\r\nbroken line\r\nContent-Length: 0\r\n\r\n", "begin, 200 1.1 length=0 None, end");
    stream(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n2\r\nhi\r\n0\r\nGrpc-Status: 0\r\n\r\n",
        r#"begin, 200 1.1 Chunked, body 2/28 "hi", trailers Grpc-Status: 0\r\n, end"#,
    );
    stream(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        r#"begin, 200 1.1 Chunked, body 0/5 "", end"#,
    );
    stream(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 1\r\n\r\nx",
        r#"begin, 200 1.1 length=1 Length(1), body 1/1 "x", end"#,
    );
    stream(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n",
        r#"begin, 200 1.1 length=1 close Length(1), body 1/1 "x", end"#,
    );
}

#[test]
fn bodies_that_end_with_the_connection() {
    check(
        &[],
        &[Bytes(b"HTTP/1.0 200 OK\r\n\r\nHTTP/1.1 200"), Gap(10), End],
        r#"begin, 200 1.0 close UntilEnd, body 22/22 "HTTP/1.1 200<10>", end"#,
    );
    check(
        &[],
        &[Bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nxyz"), End],
        r#"begin, 200 1.1 length=1 close UntilEnd, body 3/3 "xyz", end"#,
    );
    // net/http knows no chunks in HTTP/1.0.
    check(
        &[],
        &[Bytes(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), End],
        r#"begin, 200 1.0 close UntilEnd, body 5/5 "0\\r\\n\\r\\n", end"#,
    );
    check(
        &[],
        &[Bytes(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nxHTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nx"), End],
        r#"begin, 200 1.0 length=1 Length(1), body 1/1 "x", end, begin, 200 1.0 length=3 close Length(3), body 1/1 "x", cut"#,
    );
    check(&[], &[Bytes(b"HTTP/1.1 20"), End], "begin, cut");
    check(
        &[],
        &[Bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), End],
        r#"begin, 200 1.1 Chunked, body 3/6 "hel", cut"#,
    );
}

#[test]
fn no_body_whatever_the_head_says() {
    check(
        &[HEAD, GET, HEAD],
        &[Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")],
        r#"begin, 200 1.1 length=5000 None, end, begin, 200 1.1 length=1 Length(1), body 1/1 "x", end, begin, 200 1.1 None, end, begin, 200 1.1 length=0 None, end"#,
    );
    stream(
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        "begin, 204 1.1 length=5 None, end, begin, 304 1.1 length=5 None, end, begin, 204 1.1 None, end",
    );
}

#[test]
fn interim_responses() {
    check(
        &[HEAD, GET],
        &[Bytes(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nHTTP/1.1 199 X\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")],
        r#"begin, interim 100, begin, interim 103, begin, interim 103, begin, 200 1.1 length=3 None, end, begin, interim 199, begin, 200 1.1 length=1 Length(1), body 1/1 "x", end"#,
    );
}

#[test]
fn tunnels() {
    check(
        &[GET],
        &[
            Bytes(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00"),
            Gap(8),
            End,
        ],
        "begin, 101 1.1 upgrade=websocket Tunnel, tunnel 10, end",
    );
    check(&[CONNECT], &[Bytes(b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x01"), End], "begin, 200 1.1 Tunnel, tunnel 3, end");
    check(
        &[CONNECT],
        &[Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), End],
        r#"begin, 200 1.1 length=3 Length(3), body 3/3 "abc", end"#,
    );
    check(
        &[CONNECT],
        &[Bytes(b"HTTP/1.1 403 Forbidden\r\n\r\nabc"), End],
        r#"begin, 403 1.1 close UntilEnd, body 3/3 "abc", end"#,
    );
    let mut decoder = ResponseDecoder::new();
    decoder.tunnel();
    assert_eq!(responses(decoder, &[], &[Bytes(b"HTTP/1.1 200 OK\r\n\r\n"), End]), "tunnel 19");
}

#[test]
fn headers_are_kept_only_when_asked_for() {
    for input in pieces(&[Bytes(b"HTTP/1.1 200 OK\nA: b\nContent-Length: 0\n\n")]) {
        let mut decoder = ResponseDecoder::new();
        decoder.keep_headers(true);
        assert_eq!(responses(decoder, &[], &input), r"begin, 200 1.1 length=0 None [A: b\nContent-Length: 0\n\n], end");
    }
}
