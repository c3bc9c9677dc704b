#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::event::{Goroutine, Open, State};

/// What is written in `⟨⟩` must come out as stars, everything else as it is.
fn planted(text: &str) -> (Vec<u8>, Vec<u8>) {
    let (mut sent, mut expected) = (Vec::new(), Vec::new());
    let mut secret = false;
    for character in text.chars() {
        match character {
            '⟨' => secret = true,
            '⟩' => secret = false,
            _ => {
                let mut bytes = [0; 4];
                let bytes = character.encode_utf8(&mut bytes).as_bytes();
                sent.extend_from_slice(bytes);
                if secret {
                    expected.extend(std::iter::repeat_n(STAR, bytes.len()));
                } else {
                    expected.extend_from_slice(bytes);
                }
            }
        }
    }
    (sent, expected)
}

fn event(kind: Kind<'_>) -> Event<'_> {
    Event { time: 1, pid: 1, kind }
}

fn transfer(connection: u64, offset: usize, bytes: &[u8], result: i64) -> Event<'_> {
    event(Kind::Transfer(Transfer {
        connection,
        direction: Direction::Receive,
        fd: 3,
        goroutine: Goroutine::default(),
        offset: offset as u64,
        result,
        bytes,
        responses: 0,
        plain: false,
        frames: None,
    }))
}

fn open(masker: &mut Masker, connection: u64, origin: Origin) {
    let address = "127.0.0.1:1".parse().unwrap();
    let open = Open { connection, local: address, peer: address, origin, fd: 3, goroutine: Goroutine::default() };
    masker.mask(&event(Kind::Open(open)));
}

fn masked(masker: &mut Masker, connection: u64, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let sent = transfer(connection, offset, bytes, bytes.len() as i64);
    match &masker.mask(&sent).kind {
        Kind::Transfer(transfer) => transfer.bytes.to_vec(),
        other => unreachable!("{other:?}"),
    }
}

/// Sends `sent` in the given pieces and gives what comes out.
fn in_pieces(origin: Origin, sent: &[u8], pieces: &[usize]) -> Vec<u8> {
    let mut masker = Masker::new();
    open(&mut masker, 1, origin);
    let mut found = Vec::new();
    let mut rest = sent;
    for length in pieces.iter().copied().chain([usize::MAX]) {
        let (piece, after) = rest.split_at(length.min(rest.len()));
        if !piece.is_empty() {
            found.extend(masked(&mut masker, 1, found.len(), piece));
        }
        rest = after;
    }
    found
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whole, byte by byte, and cut in two at every place.
#[track_caller]
fn check(text: &str) {
    let (sent, expected) = planted(text);
    for cut in 0..=sent.len() {
        let found = in_pieces(Origin::Accepted, &sent, &[cut]);
        assert_eq!(show(&found), show(&expected), "cut at {cut}");
    }
    let found = in_pieces(Origin::Accepted, &sent, &vec![1; sent.len()]);
    assert_eq!(show(&found), show(&expected), "byte by byte");
}

#[test]
fn header_lines() {
    check("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: ⟨Bearer abc=⟩\r\nAccept: */*\r\n\r\n");
    check("GET / HTTP/1.1\r\ncOOKIE:⟨a=b; c=d⟩\r\nX-API-Key: \t⟨k⟩\r\n\r\n");
    check("HTTP/1.1 200 OK\r\nSet-Cookie: ⟨a=b⟩\r\nSet-Cookie: ⟨c⟩\r\n\r\nbody: kept");
    check("GET / HTTP/1.1\nProxy-Authorization: ⟨Basic x:y⟩\nHost: a\n\n");
    check("GET / HTTP/1.1\r\nAuthorization : ⟨x⟩\r\nA: b\r\n Cookie: ⟨x⟩\r\n\r\n");
    check("GET / HTTP/1.1\r\nCookie: ⟨a⟩\r\n ⟨folded: on⟩\r\nHost: a\r\n\r\n");
    check("GET / HTTP/1.1\r\nCookie:\r\nHost: a\r\n\r\n");
    check("GET / HTTP/1.1\r\nX-Cookie: a\r\nCookies: b\r\nMy-Authorization: c\r\n\r\n");
    check("GET / HTTP/1.1\r\nCookie: ⟨a⟩\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\nCookie: ⟨c⟩\r\n\r\n");
}

#[test]
fn query_values() {
    check("GET /?token=⟨abc⟩&a=b HTTP/1.1\r\n\r\n");
    check("GET /x?a=b&SIG=⟨a%20b⟩&password=⟨p;\"#?q⟩ HTTP/1.1\r\nHost: a:80\r\n\r\n");
    check("GET /x?a=b;access_token=⟨t⟩ HTTP/1.1\r\n\r\n");
    check("GET /?api%5Fkey=⟨t:u⟩&user[password]=⟨u⟩ HTTP/1.1\r\nHost: a\r\n\r\n");
    check("GET /?token HTTP/1.1\r\nA: b=c\r\n\r\n");
    check("GET /?token=&tokens=1&mytoken=2 HTTP/1.1\r\n\r\n");
    check("HTTP/1.1 302 Found\r\nLocation: https://a/b?c=d#access_token=⟨t⟩&x=y\r\n\r\n");
    check("GET / HTTP/1.1\r\nReferer: http://a/?X-Goog-Signature=⟨s⟩\r\n\r\n");
    check("POST / HTTP/1.1\r\n\r\nusername=me&password=⟨hunter2⟩");
    check("POST / HTTP/1.1\r\n\r\npassword=⟨hunter2⟩&username=me");
}

/// Bytes that were not seen lie between the two parts.
#[track_caller]
fn check_gap(origin: Origin, before: &str, gap: usize, after: &str) {
    let mut masker = Masker::new();
    open(&mut masker, 1, origin);
    let (sent, expected) = planted(before);
    if !sent.is_empty() {
        let found = masked(&mut masker, 1, 0, &sent);
        assert_eq!(show(&found), show(&expected));
    }
    let offset = sent.len() + gap;
    let (sent, expected) = planted(after);
    let found = masked(&mut masker, 1, offset, &sent);
    assert_eq!(show(&found), show(&expected));
}

#[test]
fn gaps() {
    let known = Origin::Accepted;
    let head = "GET / HTTP/1.1\r\n";
    check_gap(known, &format!("{head}Cookie: ⟨a⟩"), 5, "⟨b⟩\r\nHost: a\r\n");
    check_gap(known, &format!("{head}Cook"), 5, "⟨: value⟩\r\nHost: a\r\nCookie: ⟨c⟩\r\n");
    check_gap(known, &format!("{head}A: b\r\n"), 9, "⟨c⟩\r\n ⟨d⟩\r\nE: f\r\n");
    check_gap(known, &format!("{head}\r\nbody"), 99, "GET /?sig=⟨a⟩ HTTP/1.1\r\nA: b\r\n");
    check_gap(known, &format!("{head}\r\nbody"), 99, "⟨GET /?sig=a⟩");
    check_gap(known, "HTTP/1.1 200 OK\r\n\r\n", 9, "HTTP/1.1 200 OK\r\nA: b\r\n");
    // The start was lost, or the connection was open before.
    check_gap(known, "", 9, "⟨a\r\nHost: b\r\n⟩");
    check_gap(Origin::Found, "", 0, "⟨Cookie: a\r\nHost: b\r\n⟩");
    check_gap(Origin::Found, "", 0, "GET / HTTP/1.1\r\nHost: a\r\nCookie: ⟨b⟩\r\n");
    check_gap(Origin::Found, "⟨b\r\n⟩", 0, "HTTP/1.1 200 OK\r\nSet-Cookie: ⟨b⟩\r\n");
}

#[test]
fn failed_sends_come_again() {
    let mut masker = Masker::new();
    open(&mut masker, 1, Origin::Dialled);
    let head = b"GET / HTTP/1.1\r\nCookie: a\r\n";
    masker.mask(&transfer(1, 0, head, -11));
    assert_eq!(show(&masked(&mut masker, 1, 0, head)), "GET / HTTP/1.1\r\nCookie: *\r\n");
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream];
    frame.extend_from_slice(payload);
    frame
}

#[test]
fn http2_field_blocks() {
    let client = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]),
        frame(1, 4, 1, b"\x82\x0a\x0dfields"),
        frame(0, 1, 1, b"body\r\nCookie: kept"),
    ];
    let server = [
        frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]),
        frame(4, 1, 0, b""),
        frame(1, 0, 1, b"fields"),
        frame(9, 4, 1, b"more"),
        frame(0, 1, 1, b"body"),
    ];
    for frames in [client.as_slice(), &server] {
        let sent = frames.concat();
        let expected: Vec<u8> = frames
            .iter()
            .flat_map(|frame| match frame.as_slice() {
                [a, b, c, kind @ (1 | 9), d, e, f, g, h, payload @ ..] => {
                    let mut masked = vec![*a, *b, *c, *kind, *d, *e, *f, *g, *h];
                    masked.extend(std::iter::repeat_n(STAR, payload.len()));
                    masked
                }
                other => other.to_vec(),
            })
            .collect();
        for cut in 0..=sent.len() {
            let found = in_pieces(Origin::Accepted, &sent, &[cut]);
            assert_eq!(found, expected, "cut at {cut}");
        }
        let found = in_pieces(Origin::Accepted, &sent, &vec![1; sent.len()]);
        assert_eq!(found, expected, "byte by byte");
    }
    // Found midway: the first frame says what it is; what is no frame is masked until one comes.
    let sent = frame(1, 4, 3, b"fields");
    let found = in_pieces(Origin::Found, &sent, &[]);
    assert!(found.ends_with(b"******") && found.starts_with(&[0, 0, 6, 1, 4]));
    let mut masker = Masker::new();
    let bytes = [frame(0, 0, 1, b"body"), b"\xff\xff\xff no frame".to_vec()].concat();
    let found = masked(&mut masker, 1, 0, &bytes);
    assert!(found.starts_with(b"\0\0\x04\0\0\0\0\0\x01body\xff\xff\xff") && found.ends_with(b"**"));
    assert_eq!(masked(&mut masker, 1, found.len(), b"fields"), b"******");
}

/// xorshift64*: the same run every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices.get(self.below(choices.len())).unwrap()
    }

    fn word(&mut self, alphabet: &str, longest: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..=self.below(longest)).map(|_| *alphabet.get(self.below(alphabet.len())).unwrap()).collect()
    }

    fn case(&mut self, text: &str) -> String {
        text.chars()
            .map(|letter| match self.below(2) {
                0 => letter.to_ascii_uppercase(),
                _ => letter.to_ascii_lowercase(),
            })
            .collect()
    }
}

/// A request with secrets in the places where they are, in `⟨⟩`.
fn request(random: &mut Random) -> String {
    const PLAIN: &str = "abcdefghijklmnopqrstuvwxyz0123456789-._~%/+";
    let mut text = "GET /x?".to_owned();
    for _ in 0..random.below(4) {
        if random.below(2) == 0 {
            let key = random.of(&crate::redact::SECRET_QUERY_KEYS);
            let secret = random.word(&format!("{PLAIN}SECRET=?:;"), 40);
            text += &format!("{}=⟨{secret}⟩&", random.case(key));
        } else {
            text += &format!("q{}={}&", random.below(9), random.word(PLAIN, 9));
        }
    }
    text += " HTTP/1.1\r\n";
    for _ in 0..random.below(6) {
        if random.below(2) == 0 {
            let name = random.of(&crate::redact::SECRET_HEADERS);
            // It starts with what is not white space: that before a value is kept.
            let secret = random.word(&format!("{PLAIN} =:\",;?&"), 60);
            text += &format!("{}: ⟨!{secret}⟩\r\n", random.case(name));
        } else {
            text += &format!("X-{}: {}\r\n", random.below(9), random.word(PLAIN, 30));
        }
    }
    text + "\r\n"
}

#[test]
fn random_secrets_random_cuts() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..3000 {
        let text: String = (0..=random.below(3)).map(|_| request(&mut random)).collect();
        let (sent, expected) = planted(&text);
        let pieces: Vec<usize> = (0..random.below(20)).map(|_| random.below(60)).collect();
        let found = in_pieces(Origin::Accepted, &sent, &pieces);
        assert_eq!(show(&found), show(&expected), "round {round}: {text}");
    }
}

/// With parts of the stream not seen, no byte of a secret may come out, whatever else is masked.
#[test]
fn random_gaps() {
    let mut random = Random(7);
    for round in 0..3000 {
        let text: String = (0..3).map(|_| request(&mut random)).collect();
        let (sent, expected) = planted(&text);
        let mut masker = Masker::new();
        let origin = [Origin::Accepted, Origin::Found][round % 2];
        open(&mut masker, 1, origin);
        let mut at = 0;
        while at < sent.len() {
            let end = (at + 1 + random.below(80)).min(sent.len());
            if random.below(3) > 0 {
                let found = masked(&mut masker, 1, at, sent.get(at..end).unwrap());
                assert_eq!(found.len(), end - at);
                for (place, found) in (at..end).zip(found) {
                    let (sent, expected) = (*sent.get(place).unwrap(), *expected.get(place).unwrap());
                    assert!(
                        found == STAR || (found == sent && sent == expected),
                        "round {round}, byte {place}: {text}"
                    );
                }
            }
            at = end;
        }
    }
}

#[test]
fn memory_is_bounded() {
    let mut masker = Masker::new();
    for connection in 0..100_000 {
        masked(&mut masker, connection, 0, b"GET / HTTP/1.1\r\nCookie: a");
    }
    assert!(masker.young.len() + masker.old.len() <= 2 * GENERATION);
    // Dropped state: masked rather too much.
    assert_eq!(show(&masked(&mut masker, 0, 25, b"b\r\nA: b")), "*******");
    // A connection that is gone leaves nothing.
    let mut masker = Masker::new();
    open(&mut masker, 1, Origin::Accepted);
    masker.mask(&event(Kind::State(State {
        connection: 1,
        change: Change::Gone,
        goroutine: Goroutine::default(),
        error: 0,
        responses: 0,
        sealed: false,
    })));
    assert!(masker.young.is_empty() && masker.old.is_empty());
}
