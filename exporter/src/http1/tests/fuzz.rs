//! Random input from a fixed seed: whatever comes, the decoders stand; what was built as messages comes back as such.

use super::super::HEAD_LIMIT;
use super::{Expect, Input, Output, RequestDecoder, ResponseDecoder, Trace};

/// xorshift64*: good enough, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// Words that lead far into the decoders, and some that lead astray.
const WORDS: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\n",
    b"POST /a?b HTTP/1.1\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n",
    b"PRI * HTTP/2.0\r\n\r\n",
    b"SM\r\n\r\n",
    b"PROXY TCP4 ",
    b"1.2.3.4 ",
    b"\r\n\r\n\0\r\nQUIT\n",
    b"\x21\x11\0\x0c",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"HTTP/1.1 101 S\r\n",
    b"Host: a\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b"Content-Length: 5\r\n",
    b"Content-Length: 99999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"Upgrade: x\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"0\r\n",
    b"ffffffffffffffff\r\n",
    b"A: b\r\n",
    b"hello",
    b"\0",
    b"\xff\xfe",
    b"%",
    b"/",
];

/// Every message that began has one end.
#[derive(Default)]
struct Ends {
    open: bool,
    lost: bool,
}

impl Ends {
    fn take(&mut self, output: &Output<'_>) {
        match output {
            Output::Begin => {
                assert!(!self.open, "two messages at once");
                (self.open, self.lost) = (true, false);
            }
            Output::End { .. } | Output::Refused(_) | Output::Http2 | Output::Interim(_) => {
                assert!(self.open, "an end without a message: {output:?}");
                self.open = false;
            }
            Output::Lost(_) => {
                assert!(!self.lost, "one loss said twice");
                (self.open, self.lost) = (false, true);
            }
            Output::Request(_) | Output::Response(_) | Output::Body { .. } | Output::Trailers(_) => {
                assert!(self.open, "out of a message: {output:?}");
            }
            Output::ProxyHeader(_) | Output::Tunnel { .. } | Output::Sealed => {}
        }
    }
}

#[test]
fn anything_may_come() {
    for seed in 1..=3_000 {
        let mut random = Random(seed);
        let mut request = match seed % 3 {
            0 => RequestDecoder::new().lenient(),
            _ => RequestDecoder::new(),
        };
        let mut response = ResponseDecoder::new();
        let (mut request_ends, mut response_ends) = (Ends::default(), Ends::default());
        for _ in 0..random.below(60) {
            let mut piece = Vec::new();
            for _ in 0..=random.below(6) {
                piece.extend_from_slice(random.pick(WORDS));
            }
            if random.below(8) == 0 {
                let at = random.below(piece.len());
                piece[at] = random.next() as u8;
            }
            piece.truncate(1 + random.below(piece.len() * 2));
            let input = match random.below(40) {
                0 => Input::Gap(random.next() % 20),
                1 => Input::Gap(u64::MAX),
                2 if random.below(8) == 0 => Input::End,
                3 => Input::Gap(request.skippable().min(response.skippable())),
                _ => Input::Bytes(&piece),
            };
            if random.below(4) == 0 {
                response.expect(Expect { head: random.below(2) == 0, connect: random.below(2) == 0 });
            }
            request.feed(input, &mut |output| request_ends.take(&output));
            response.feed(input, &mut |output| response_ends.take(&output));
            assert!(request.buffered() < HEAD_LIMIT && response.buffered() < HEAD_LIMIT);
        }
        request.feed(Input::End, &mut |output| request_ends.take(&output));
        response.feed(Input::End, &mut |output| response_ends.take(&output));
        assert!(!request_ends.open && !response_ends.open, "seed {seed}: a message without an end");
    }
}

/// The skippable bytes of a stream may be left out of it: sizes stay what they were.
#[test]
fn messages_come_back() {
    for seed in 1..=2_000 {
        let mut random = Random(seed);
        let (mut stream, mut expected, mut expects) = (Vec::new(), String::new(), Vec::new());
        let to_server = seed % 2 == 0;
        for number in 0..=random.below(8) {
            if !expected.is_empty() {
                expected.push_str(", ");
            }
            let message = match to_server {
                true => request(&mut random, number, &mut stream),
                false => response(&mut random, &mut stream, &mut expects),
            };
            expected.push_str(&message);
        }
        let mut trace = Trace::default();
        let mut request = RequestDecoder::new();
        let mut response = ResponseDecoder::new();
        expects.iter().for_each(|expect| response.expect(*expect));
        let mut rest = stream.as_slice();
        let longest = 1 + random.below(200);
        while !rest.is_empty() {
            let skippable = match to_server {
                true => request.skippable(),
                false => response.skippable(),
            };
            let length = (1 + random.below(longest)).min(rest.len());
            let (piece, after) = rest.split_at(length);
            rest = after;
            let input = match skippable >= length as u64 && random.below(3) == 0 {
                true => Input::Gap(length as u64),
                false => Input::Bytes(piece),
            };
            let mut take = |output: Output<'_>| trace.take(without_content(output));
            match to_server {
                true => request.feed(input, &mut take),
                false => response.feed(input, &mut take),
            };
        }
        assert_eq!(trace.finish(), expected, "seed {seed}");
    }
}

fn without_content(output: Output<'_>) -> Output<'_> {
    match output {
        Output::Body { size, wire, .. } => Output::Body { size, wire, data: &[] },
        other => other,
    }
}

fn request(random: &mut Random, number: usize, stream: &mut Vec<u8>) -> String {
    let method = random.pick(&["GET", "POST", "DELETE", "PURGE"]);
    let end = random.pick(&["\r\n", "\n"]);
    stream.extend_from_slice(format!("{method} /{number} HTTP/1.1{end}Host: a{end}").as_bytes());
    filler(random, stream, end);
    let (framing, body, _) = body(random, stream, end);
    format!("begin, {method} /{number} host=a 1.1{framing}{body}, end")
}

fn response(random: &mut Random, stream: &mut Vec<u8>, expects: &mut Vec<Expect>) -> String {
    let end = random.pick(&["\r\n", "\n"]);
    let mut words = String::new();
    for _ in 0..random.below(3) {
        stream.extend_from_slice(format!("HTTP/1.1 103 Early Hints{end}{end}").as_bytes());
        words.push_str("begin, interim 103, ");
    }
    let head = random.below(4) == 0;
    expects.push(Expect { head, connect: false });
    stream.extend_from_slice(format!("HTTP/1.1 200 OK{end}").as_bytes());
    filler(random, stream, end);
    if head {
        stream.extend_from_slice(format!("Content-Length: 77{end}{end}").as_bytes());
        return format!("{words}begin, 200 1.1 length=77 None, end");
    }
    let (_, body, framing) = body(random, stream, end);
    format!("{words}begin, 200 1.1{framing}{body}, end")
}

fn filler(random: &mut Random, stream: &mut Vec<u8>, end: &str) {
    for _ in 0..random.below(5) {
        let value = "v".repeat(random.below(40));
        stream.extend_from_slice(format!("X-Filler: {value}{end}").as_bytes());
    }
}

/// Adds the framing header, the empty line and a body; returns the words for a request head, for the body, and for a
/// response head.
fn body(random: &mut Random, stream: &mut Vec<u8>, end: &str) -> (String, String, String) {
    let size = random.below(3) * random.below(300);
    if random.below(2) == 0 {
        stream.extend_from_slice(format!("Content-Length: {size}{end}{end}").as_bytes());
        stream.resize(stream.len() + size, b'b');
        let framing = match size {
            0 => " length=0 None".to_string(),
            _ => format!(" length={size} Length({size})"),
        };
        return (format!(" length={size}"), content(size, size), framing);
    }
    stream.extend_from_slice(format!("Transfer-Encoding: chunked{end}{end}").as_bytes());
    let start = stream.len();
    let mut left = size;
    while left > 0 {
        let chunk = 1 + random.below(left);
        let extension = random.pick(&["", ";a", "  "]);
        stream.extend_from_slice(format!("{chunk:x}{extension}\r\n").as_bytes());
        stream.resize(stream.len() + chunk, b'b');
        stream.extend_from_slice(b"\r\n");
        left -= chunk;
    }
    let trailer = random.below(3) == 0;
    stream.extend_from_slice(if trailer { b"0\r\nX: y\r\n\r\n" } else { b"0\r\n\r\n" });
    let mut words = content(size, stream.len() - start);
    if trailer {
        words.push_str(r", trailers X: y\r\n");
    }
    (" chunked".into(), words, " Chunked".into())
}

fn content(size: usize, wire: usize) -> String {
    match (size, wire) {
        (_, 0) => String::new(),
        (0, _) => format!(", body 0/{wire} \"\""),
        _ => format!(", body {size}/{wire} \"<{size}>\""),
    }
}
