use super::{Input, Input::*, RequestDecoder, pieces, requests};

#[track_caller]
fn check(input: &[Input<'_>], expected: &str) {
    for input in pieces(input) {
        assert_eq!(requests(RequestDecoder::new(), &input), expected, "{input:?}");
    }
}

#[track_caller]
fn stream(bytes: &[u8], expected: &str) {
    check(&[Bytes(bytes)], expected);
}

#[test]
fn one_head() {
    stream(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "begin, GET / host=a 1.1, end");
    stream(b"GET / HTTP/1.1\nHost:a\t \n\n", "begin, GET / host=a 1.1, end");
    stream(b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "begin, BREW /pot host=a 1.1, end");
    stream(b"GET /a?b=c?d HTTP/1.1\r\nHost: a\r\n\r\n", "begin, GET /a ?b=c?d host=a 1.1, end");
    stream(b"GET /a? HTTP/1.1\r\nHost: a\r\n\r\n", "begin, GET /a ? host=a 1.1, end");
    stream(b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", "begin, GET /\u{fffd} host=a 1.1, end");
    stream(
        b"GET http://u@b:80/c?d HTTP/1.1\r\nHost: a\r\n\r\n",
        "begin, GET /c ?d absolute=http://u@b:80 host=a 1.1, end",
    );
    stream(b"GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", "begin, GET / absolute=http://b host=a 1.1, end");
    stream(b"GET http://b?c HTTP/1.1\r\nHost: a\r\n\r\n", "begin, GET / ?c absolute=http://b host=a 1.1, end");
    stream(b"GET x:y?z HTTP/1.1\r\nHost: a\r\n\r\n", "begin, GET y ?z absolute=x: host=a 1.1, end");
    stream(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "begin, OPTIONS * host=a 1.1, end");
    stream(b"CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n", "begin, CONNECT b:443 host=b:443 1.1, end");
    stream(
        b"GET / HTTP/1.1\r\nuser-agent: x/1 (y)\r\nHOST: a\r\nUser-Agent: z\r\n\r\n",
        "begin, GET / host=a agent=x/1 (y) 1.1, end",
    );
    stream(
        b"GET / HTTP/1.1\r\nHost: a\r\ntraceparent: 00-1-2-01\r\ntracestate: k=v\r\ntracestate: l=w\r\n\r\n",
        "begin, GET / host=a parent=00-1-2-01 state=k=v 1.1, end",
    );
    stream(
        b"GET / HTTP/1.1\r\nHost:\r\n  a\r\nUser-Agent: b \r\n\t c\r\n\r\n",
        "begin, GET / host=a agent=b c 1.1, end",
    );
}

#[test]
fn headers_are_kept_only_when_asked_for() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n";
    for input in pieces(&[Bytes(head)]) {
        let mut decoder = RequestDecoder::new();
        decoder.keep_headers(true);
        assert_eq!(requests(decoder, &input), r"begin, GET / host=a 1.1 [Host: a\r\nA: b\r\n c\r\n\r\n], end");
    }
}

#[test]
fn bodies() {
    stream(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: b\r\n\r\n",
        r#"begin, POST / host=a 1.1 length=5, body 5/5 "hello", end, begin, GET / host=b 1.1, end"#,
    );
    stream(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "begin, PUT / host=a 1.1 length=0, end");
    stream(
        b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length:  3\r\n\r\nabc",
        r#"begin, PUT / host=a 1.1 length=3, body 3/3 "abc", end"#,
    );
    stream(
        b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n10;x=\"y\"\r\n0123456789abcdef\r\n0\r\n\r\n",
        r#"begin, PUT / host=a 1.1 chunked, body 19/41 "abc0123456789abcdef", end"#,
    );
    stream(
        b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\nZ: w\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
        r#"begin, PUT / host=a 1.1 chunked, body 1/23 "a", trailers X: y\r\nZ: w\r\n, end, begin, GET / host=b 1.1, end"#,
    );
    // What follows broken framing is not served.
    stream(
        b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naXGET / HTTP/1.1\r\nHost: b\r\n\r\n",
        r#"begin, PUT / host=a 1.1 chunked, body 1/5 "a", cut"#,
    );
    stream(
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
        r#"begin, POST / host=a 1.1 length=1 continue, body 1/1 "x", end"#,
    );
    stream(
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 1\r\n\r\nx",
        "begin, POST / host=a 1.1 length=1, refused 417",
    );
}

#[test]
fn one_after_the_other() {
    stream(
        b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
        "begin, GET /1 host=a 1.1, end, begin, GET /2 host=a 1.1, end, begin, GET /3 host=a 1.1, end",
    );
    stream(
        b"GET /1 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        "begin, GET /1 host=a 1.1 close, end",
    );
    stream(b"GET /1 HTTP/1.0\r\n\r\nGET /2 HTTP/1.0\r\n\r\n", "begin, GET /1 1.0 close, end");
    stream(
        b"GET /1 HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
        "begin, GET /1 1.0, end, begin, GET /2 1.0 close, end",
    );
    stream(
        b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        r#"begin, POST /1 host=a 1.1 length=1, body 1/1 "x", end, begin, GET /2 host=a 1.1, end"#,
    );
    stream(
        b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        "begin, GET /1 host=a 1.1, end, begin, refused 400",
    );
}

#[test]
fn ends_of_the_stream() {
    check(&[End], "");
    check(&[Bytes(b"P"), End], "begin, cut");
    check(&[Bytes(b"GET / HT"), End], "begin, cut");
    check(&[Bytes(b"GET / HTTP/1.1\r\nHost: a\r\n"), End], "begin, cut");
    check(&[Bytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), End], "begin, GET / host=a 1.1, end");
    check(
        &[Bytes(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab"), End],
        r#"begin, PUT / host=a 1.1 length=3, body 2/2 "ab", cut"#,
    );
    check(
        &[Bytes(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"), End],
        r#"begin, PUT / host=a 1.1 chunked, body 1/9 "a", cut"#,
    );
    check(&[End, Bytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")], "");
}

#[test]
fn not_http() {
    stream(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "sealed");
    stream(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n\x16\x03\x01", "begin, GET / host=a 1.1, end, begin, refused 400");
    stream(b"\0\0\0\0", "begin, refused 400");
    stream(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", "begin, refused 400");
    stream(b"SSH-2.0-x\r\n", "begin, refused 400");
    // Refused as soon as the line is there, with no wait for the end of the head.
    stream(b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\0", "begin, refused 400");
}

#[test]
fn what_traefik_writes_is_not_refused() {
    const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    let next = "begin, GET /next host=a 1.1, end";
    for (bytes, expected) in [
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n" as &[u8], "begin, GET / host=a 1.1, end"),
        (b"GET /%zz HTTP/1.1\r\n\r\n", "begin, GET /%zz 1.1, end"),
        (b"GET a HTTP/1.1\r\nHost: a/b\r\nb c: \0\r\n\r\n", "begin, GET a host=a/b 1.1, end"),
        (b"GET\r\n", "begin, lost NoMessage"),
        (b"\x16", "begin, lost NoMessage"),
        (
            b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx",
            "begin, PUT / host=a 1.1 chunked, body 0/1 \"\", cut",
        ),
        // No PROXY header stands before requests to a backend.
        (b"PROXY UNKNOWN\r\n", "begin, lost NoMessage"),
    ] {
        let input = [Bytes(bytes), Bytes(NEXT)];
        let trace = requests(RequestDecoder::new().lenient(), &input);
        assert_eq!(trace, format!("{expected}, {next}"));
    }
    let trace = requests(RequestDecoder::joined_midway().lenient(), &[Bytes(b"x"), Bytes(NEXT)]);
    assert_eq!(trace, next);
    let preface = [Bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0")];
    assert_eq!(requests(RequestDecoder::new().lenient(), &preface), "begin, http2");
}

#[test]
fn http2_preface() {
    stream(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "begin, http2");
    stream(b"PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n", "begin, refused 505");
    let mut decoder = RequestDecoder::new();
    let ignore = &mut |_: super::Output<'_>| {};
    assert_eq!(decoder.feed(Bytes(b"PRI * HT"), ignore), 8);
    assert_eq!(decoder.feed(Bytes(b"TP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04"), ignore), 16);
    assert_eq!(decoder.feed(Bytes(b"\0\0\0"), ignore), 0);
}

#[test]
fn proxy_protocol() {
    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let signature = b"\r\n\r\n\0\r\nQUIT\n".as_slice();
    let v4 = b"\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb".as_slice();
    let v4_tlv = b"\x21\x11\0\x0f\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb\x01\0\0".as_slice();
    let v6 = b"\x21\x21\0\x24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\x00\x50\x01\xbb"
        .as_slice();
    let got = |header: &str| format!("{header}, begin, GET / host=a 1.1, end");
    let refused = "begin, refused 400";
    for (parts, expected) in [
        ([b"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n".as_slice(), b""], got("proxy 1.2.3.4:80")),
        ([b"PROXY TCP6 ::1 ::2 80 443\r\n", b""], got("proxy [::1]:80")),
        ([b"PROXY UNKNOWN\r\n", b""], got("proxy -")),
        ([b"PROXY UNKNOWN ffff::1 ::2 1 2\r\n", b""], got("proxy -")),
        ([b"PROXY TCP4 ::1 ::2 80 443\r\n", b""], refused.into()),
        ([b"PROXY TCP4 1.2.3.4 5.6.7.8 80 65536\r\n", b""], refused.into()),
        ([b"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\n", b""], refused.into()),
        ([b"PROXY / HTTP/1.1\r\n", b""], refused.into()),
        (
            [&[b'x'; 0], b"PROXYX / HTTP/1.1\r\nHost: a\r\n\r\n"],
            format!("begin, PROXYX / host=a 1.1, end, {}", &got("")[2..]),
        ),
        ([signature, v4], got("proxy 1.2.3.4:80")),
        ([signature, v4_tlv], got("proxy 1.2.3.4:80")),
        ([signature, v6], got("proxy [::1]:80")),
        ([signature, b"\x20\0\0\0"], got("proxy -")),
        ([signature, b"\x20\0\0\x02xx"], got("proxy -")),
        ([signature, b"\x21\0\0\0"], refused.into()),
        ([signature, b"\x11\x11\0\0"], refused.into()),
        ([signature, b"\x21\x11\0\x0b"], refused.into()),
    ] {
        stream(&[parts.concat().as_slice(), GET].concat(), &expected);
    }
    // Only before the first request.
    stream(
        &[GET, b"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n"].concat(),
        "begin, GET / host=a 1.1, end, begin, refused 400",
    );
    // The longest line that may come has 107 bytes.
    stream(&[b"PROXY UNKNOWN ".as_slice(), &[b'x'; 91], b"\r\n", GET].concat(), &got("proxy -"));
    stream(&[b"PROXY UNKNOWN ".as_slice(), &[b'x'; 92], b"\r\n", GET].concat(), refused);
}

#[test]
fn tunnel() {
    let upgrade = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let mut decoder = RequestDecoder::new();
    assert_eq!(decoder.feed(Bytes(upgrade), &mut |_| {}), upgrade.len());
    decoder.tunnel();
    assert_eq!(decoder.skippable(), u64::MAX);
    assert_eq!(requests(decoder, &[Bytes(b"\x81\x05GET /"), Gap(93), End]), "tunnel 100");
    stream(upgrade, "begin, GET / host=a upgrade=websocket 1.1, end");
    // Without the token in Connection it is a header like any other.
    stream(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", "begin, GET / host=a 1.1, end");
}
