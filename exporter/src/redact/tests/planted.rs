//! Secrets planted at random never come out, in whatever way they are written, and nothing else is changed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;

use super::*;
use crate::body::sample::{CODINGS, Random, encode, header};

const LIMIT: usize = 1 << 16;
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=!*'(){}[]<>\\\" ";

fn secret(random: &mut Random) -> String {
    // The beginning is what cut secrets are known by.
    let rest: String = (0..12 + random.below(30)).map(|_| char::from(random.one_of(ALPHABET))).collect();
    format!("s3c{}{rest}", random.one_of(&["R", "é", "\"", "%", "&"]))
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn quoted(text: &str, random: &mut Random) -> String {
    if random.below(3) == 0 {
        return format!("\"{}\"", text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>());
    }
    serde_json::to_string(text).unwrap()
}

/// A body with a secret in it, and the same with the mark in its place.
struct Planted {
    content_type: &'static str,
    body: String,
    expected: String,
    /// As it is written in the body.
    written: String,
}

fn filler(random: &mut Random) -> String {
    let words = ["1", "\"x\"", "{\"b\":[1,2,{}]}", "[]", "null", "\"\\\"}\"", "-1.5e3"];
    format!("\"k{}\":{}", random.below(100), random.one_of(&words))
}

fn json(random: &mut Random, secret: &str) -> (String, String, String) {
    let value = quoted(secret, random);
    let written = match random.below(3) {
        0 => format!("[1,{value}]"),
        1 => format!("{{\"x\":{{\"y\":{value}}}}}"),
        _ => value,
    };
    let key = random.one_of(&["password", "pass\\u0077ord", "Password"]);
    let space = random.one_of(&["", " ", "\t", "\r"]);
    let (before, after) = (filler(random), filler(random));
    let around = |value: &str| format!("{{{before},\"{key}\"{space}:{space}{value}{space},{after}}}");
    let (mut body, mut expected) = (around(&written), around("\"REDACTED\""));
    for _ in 0..random.below(4) {
        let (open, close) = random.one_of(&[("[", "]"), ("{\"a\":", "}"), ("[0,", ",{}]"), (" ", " ")]);
        (body, expected) = (format!("{open}{body}{close}"), format!("{open}{expected}{close}"));
    }
    (body, expected, written)
}

fn plant(random: &mut Random, secret: &str) -> Planted {
    let part = |headers: &str, content: &str| {
        format!("--b\r\nX: y\r\n\r\n1\r\n--b\r\n{headers}\r\n\r\n{content}\r\n--b--\r\n")
    };
    match random.below(5) {
        0 => {
            let (body, expected, written) = json(random, secret);
            let content_type =
                random.one_of(&["application/json", "", "text/plain", "application/x-www-form-urlencoded"]);
            let sniffed = body.trim_start().starts_with(['{', '[']);
            Planted { content_type: if sniffed { content_type } else { "application/json" }, body, expected, written }
        }
        1 => {
            let written = percent(secret);
            let key = random.one_of(&["password", "pass%77ord", "PASSWORD", "user%5Bpassword%5D"]);
            let around = |value: &str| format!("a=1&{key}={value}&b=2");
            let content_type = random.one_of(&["application/x-www-form-urlencoded", ""]);
            Planted { content_type, body: around(&written), expected: around("REDACTED"), written }
        }
        2 => {
            let headers = "Content-Disposition: form-data; name=\"password\"";
            let content_type = "multipart/form-data; boundary=b";
            Planted {
                content_type,
                body: part(headers, secret),
                expected: part(headers, "REDACTED"),
                written: secret.into(),
            }
        }
        3 => {
            let (body, expected, written) = json(random, secret);
            let headers = "Content-Type: application/json";
            let content_type = "multipart/form-data; boundary=\"b\"";
            Planted { content_type, body: part(headers, &body), expected: part(headers, &expected), written }
        }
        _ => {
            let (body, expected, written) = json(random, secret);
            let around =
                |json: &str| format!("data: hello\n\nevent: e\ndata: {}\n\ndata: [DONE]\n\n", json.replace('\r', " "));
            Planted { content_type: "text/event-stream", body: around(&body), expected: around(&expected), written }
        }
    }
}

fn rules() -> Redaction {
    Redaction::new(&settings("x-secret", "pin", "sid", "**.password", "password")).unwrap()
}

/// No trace of the secret, or of its first characters.
fn absent(shown: &[u8], secret: &str, context: &str) {
    let start: String = secret.chars().take(8).collect();
    for secret in [secret, &start] {
        let json = serde_json::to_string(secret).unwrap();
        let escaped: String = secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let base64 = STANDARD_NO_PAD.encode(secret);
        let base64 = &base64[..base64.len() - 2];
        for written in [secret, &percent(secret), json.trim_matches('"'), &escaped, base64] {
            assert!(
                memchr::memmem::find(shown, written.as_bytes()).is_none(),
                "{context}: {written}\n{}",
                String::from_utf8_lossy(shown)
            );
        }
    }
}

#[test]
fn bodies() {
    let redaction = rules();
    let mut random = Random(11);
    for round in 0..400 {
        let secret = secret(&mut random);
        let planted = plant(&mut random, &secret);
        let content_type = Some(planted.content_type);
        let whole = Bytes::from(planted.body.clone());
        let got = redact_body(&redaction, content_type, None, &whole, false, LIMIT).unwrap();
        assert_eq!(String::from_utf8_lossy(&got.bytes), planted.expected, "{round}");
        absent(&got.bytes, &secret, planted.content_type);
        for coding in CODINGS {
            let coded = Bytes::from(encode(coding, &whole));
            let got = redact_body(&redaction, content_type, Some(header(coding)), &coded, false, LIMIT).unwrap();
            assert!(got.decoded);
            assert_eq!(String::from_utf8_lossy(&got.bytes), planted.expected, "{round} {coding}");
            // Cut at a few places: where, is what the next test goes through.
            for _ in 0..4 {
                let cut = coded.slice(..random.below(coded.len()));
                match redact_body(&redaction, content_type, Some(header(coding)), &cut, true, LIMIT) {
                    Ok(got) => absent(&got.bytes, &secret, coding),
                    Err(failed) => assert!(matches!(failed, Failed::Json(_)), "{coding} {failed:?}"),
                }
            }
        }
    }
}

#[test]
fn bodies_cut_anywhere() {
    let redaction = rules();
    let mut random = Random(12);
    for round in 0..150 {
        let secret = secret(&mut random);
        let planted = plant(&mut random, &secret);
        let start = planted.body.find(&planted.written).unwrap();
        let whole = Bytes::from(planted.body.clone());
        for cut in 0..whole.len() {
            let got = redact_body(&redaction, Some(planted.content_type), None, &whole.slice(..cut), true, LIMIT);
            let got = got.unwrap_or_else(|failed| panic!("{round} {cut}: {failed:?}\n{}", planted.body));
            absent(&got.bytes, &secret, planted.content_type);
            // Before the secret nothing is changed; behind its beginning nothing of it is there.
            let expected = planted.expected.as_bytes();
            if cut <= start {
                let same = got.bytes == whole.slice(..cut) || got.bytes.ends_with(b"REDACTED");
                assert!(same, "{round} {cut} {:?}", got.bytes);
            } else {
                let shown = got.bytes.strip_suffix(b"\"").unwrap_or(&got.bytes);
                assert!(expected.starts_with(shown), "{round} {cut}: {:?}\n{}", got.bytes, planted.expected);
            }
        }
    }
}

#[test]
fn headers_and_queries() {
    let redaction = rules();
    let mut random = Random(13);
    for _ in 0..500 {
        let secret = secret(&mut random);
        let in_url = percent(&secret);
        let in_cookie = secret.replace(';', "");
        let check = |name: &str, value: String, expected: &str| {
            let got = redaction.header(name, value.as_str().into());
            assert_eq!(got, expected, "{name}: {value}");
            absent(got.as_bytes(), &secret, name);
        };
        check("X-Secret", secret.clone(), "REDACTED");
        check("Authorization", format!("Basic {secret}"), "REDACTED");
        check("Cookie", format!("a=1; sid={in_cookie}; b=2"), "a=1; sid=REDACTED; b=2");
        check("Set-Cookie", format!("sid={in_cookie}; HttpOnly"), "sid=REDACTED; HttpOnly");
        check("Referer", format!("https://h/p?a=1&pin={in_url}&b=2"), "https://h/p?a=1&pin=REDACTED&b=2");
        check("Location", format!("https://u:{in_url}@h/#id_token={in_url}"), "https://REDACTED@h/#id_token=REDACTED");
        let query = format!("a=1&p%69n={in_url}&b=2&token={in_url}");
        assert_eq!(redaction.query(&query), "a=1&p%69n=REDACTED&b=2&token=REDACTED");
    }
}
