use bytes::Bytes;

use super::*;
use crate::body::sample::{CODINGS, encode, header};
use crate::body::{Captured, Content, End};

const LIMIT: usize = 1 << 20;

fn rules() -> Redaction {
    Redaction::new(&settings("", "", "", "password **.token", "password card*")).unwrap()
}

#[track_caller]
fn check(content_type: &str, body: &str, expected: &str) {
    let content_type = (!content_type.is_empty()).then_some(content_type);
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let got = redact_body(&rules(), content_type, None, &bytes, false, LIMIT).unwrap();
    let shown = String::from_utf8(got.bytes.to_vec()).unwrap();
    assert_eq!(shown.replace("\"REDACTED\"", "◼").replace("REDACTED", "◼"), expected, "{content_type:?}");
    assert_eq!(got.values > 0, body != expected);
    assert!(!got.decoded && !got.utf8 && !got.truncated);
}

#[test]
fn json_of_any_name() {
    for name in ["application/json", "application/problem+json; charset=utf-8", "text/json", "Application/JSON", ""] {
        check(name, r#"{"password":"x","a":{"token":1}}"#, r#"{"password":◼,"a":{"token":◼}}"#);
    }
    check("text/plain", r#" [{"token":"x"}]"#, " [{\"token\":◼}]");
    check("application/x-www-form-urlencoded", r#"{"password":"x"}"#, r#"{"password":◼}"#);
    check("application/x-ndjson", "{\"password\":1}\n{\"token\":\"x\"}\n", "{\"password\":◼}\n{\"token\":◼}\n");
    check("application/json", "{}", "{}");
    check("text/plain", "[info] token", "[info] token");
    check("text/html", "<p>{\"token\":1}", "<p>{\"token\":1}");
}

#[test]
fn forms() {
    let form = "application/x-www-form-urlencoded";
    check(form, "user=a&password=b&CARD_number=1&x", "user=a&password=◼&CARD_number=◼&x");
    check(form, "pass%77ord=b%20c;d&user%5Bpassword%5D=e", "pass%77ord=◼&user%5Bpassword%5D=◼");
    check(form, "password=b\r\nc d", "password=◼");
    check(form, "Password=&password", "Password=◼&password");
    check("", "a=1&password=b", "a=1&password=◼");
    check("text/plain", "set password=b", "set password=b");
}

#[test]
fn events() {
    let check = |body: &str, expected: &str| check("text/event-stream", body, expected);
    check("data: {\"token\":1}\n\ndata: [DONE]\n\n", "data: {\"token\":◼}\n\ndata: [DONE]\n\n");
    check("event: x\r\ndata:{\"token\":1}\r\nid: 7\r\n\r\n", "event: x\r\ndata:{\"token\":◼}\r\nid: 7\r\n\r\n");
    check(
        "data: {\ndata: \"a\":1,\ndata: \"token\":\ndata:  \"x\"}\n\n",
        "data: {\ndata: \"a\":1,\ndata: \"token\":\ndata:  ◼}\n\n",
    );
    check("data: {\"token\":[1,\rdata: 2],\rdata: \"b\":3}\r\r", "data: {\"token\":◼,\rdata: \"b\":3}\r\r");
    check(": {\"token\":1}\ndata: text\ndata\n\n", ": {\"token\":1}\ndata: text\ndata\n\n");
    check("data: {\"token\":\"x", "data: {\"token\":◼");
    check("data: {\"a\":1}\ndata: {\"token\":1}\n\n", "data: {\"a\":1}\ndata: {\"token\":◼}\n\n");
}

#[test]
fn multipart() {
    let body = |parts: &[(&str, &str)]| {
        let part = |(headers, content): &(&str, &str)| format!("--b\r\n{headers}\r\n\r\n{content}\r\n");
        parts.iter().map(part).collect::<String>() + "--b--\r\n"
    };
    let form = "multipart/form-data; boundary=b";
    let check_as = |content_type: &str, headers: &str, content: &str, expected: &str| {
        let around = |content: &str| {
            body(&[("Content-Disposition: form-data; name=\"a\"", "1"), (headers, content), ("X: y", "--b? \n--")])
        };
        check(content_type, &around(content), &around(expected));
    };
    let check_one = |headers: &str, content: &str, expected: &str| check_as(form, headers, content, expected);
    check_one("Content-Disposition: form-data; name=\"password\"", "x\r\ny", "◼");
    check_one("content-disposition: form-data; name=PassWord", "x", "◼");
    check_one("Content-Disposition: form-data; filename=f; name=\"user[password]\"", "x", "◼");
    check_one("Content-Disposition: form-data; name*=utf-8''pass%77ord", "x", "◼");
    check_one("Content-Disposition: form-data; name=\"pass\\word\"", "x", "◼");
    check_one("Content-Disposition: form-data;\r\n name=\"password\"", "x", "◼");
    check_one("Content-Disposition: form-data; name=\"other\"", "password=x", "password=◼");
    check_one("Content-Type: application/json", "{\"token\":1}", "{\"token\":◼}");
    check_one("Content-Type: image/png", "{\"token\":1}", "{\"token\":1}");
    check_one("X: y", "{\"token\":1}", "{\"token\":◼}");
    check_one("Content-Type: application/x-www-form-urlencoded", "password=x&y", "password=◼&y");
    check_as("", "Content-Disposition: form-data; name=password", "x", "◼");
    check_as("multipart/form-data", "Content-Disposition: form-data; name=password", "x", "◼");
    check_as("multipart/form-data; boundary=other", "Content-Disposition: form-data; name=password", "x", "◼");
    let inner = "--c\r\nContent-Disposition: form-data; name=password\r\n\r\nx\r\n--c--";
    check_one("Content-Type: multipart/mixed; boundary=c", inner, &inner.replace('x', "◼"));
    check(
        form,
        "--b\nContent-Disposition: form-data; name=password\n\nx\n--b--\n",
        "--b\nContent-Disposition: form-data; name=password\n\n◼\n--b--\n",
    );
}

#[test]
fn what_fails() {
    let check = |content_type: &str, encoding: &str, body: &[u8], expected: Failed| {
        let bytes = Bytes::copy_from_slice(body);
        let got = redact_body(&rules(), Some(content_type), Some(encoding), &bytes, true, LIMIT);
        assert_eq!(got, Err(expected), "{content_type} {encoding}");
        assert!(!expected.to_string().is_empty());
        // Without rules nothing is looked at.
        let got = redact_body(&Redaction::default(), Some(content_type), Some(encoding), &bytes, true, LIMIT).unwrap();
        assert_eq!(got.bytes, bytes);
    };
    check("application/json", "", b"<html>", Failed::Json(0));
    check("application/json", "", b"{\"a\":1]", Failed::Json(6));
    check("text/plain", "", b"{\"a\":1, oops", Failed::Json(8));
    check("application/json", "", &b"[".repeat(json::DEEPEST + 1), Failed::Deep);
    check("", "", &b"[".repeat(json::DEEPEST + 1), Failed::Deep);
    check("text/event-stream", "", b"data: {\"a\":1]\n\n", Failed::Json(12));
    check("multipart/form-data; boundary=b", "", b"no parts", Failed::Boundary);
    check("multipart/form-data", "", b"no parts", Failed::Boundary);
    let encoded = b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--b--";
    check("multipart/form-data; boundary=b", "", encoded, Failed::Encoded);
    let nested: String = ('a'..='e')
        .map(|name| {
            format!("--{name}\r\nContent-Type: multipart/mixed; boundary={}\r\n\r\n", char::from(name as u8 + 1))
        })
        .collect();
    check("multipart/mixed; boundary=a", "", nested.as_bytes(), Failed::Nested);
    check("application/json; charset=utf-16", "", b"{\0}\0\0\xd8\0\0", Failed::Charset);
    check("application/json", "compress", b"{}", Failed::Coding(End::Unsupported));
    check("application/json", "gzip", b"{}", Failed::Coding(End::Corrupt(crate::body::coding::Coding::Gzip)));
    check("", "br", b"\xff\xff\xff", Failed::Coding(End::Corrupt(crate::body::coding::Coding::Brotli)));
}

#[test]
fn compressed_bodies() {
    let (secret, plain) = (br#"{"token":"x","a":1}"#, br#"{"a":1}"#);
    for coding in CODINGS {
        let encoding = Some(header(coding));
        let json = Some("application/json");
        let bytes = Bytes::from(encode(coding, plain));
        let got = redact_body(&rules(), json, encoding, &bytes, false, LIMIT).unwrap();
        assert_eq!(got, Redacted { bytes: bytes.clone(), values: 0, decoded: false, utf8: false, truncated: false });
        // More than the limit: what was not looked at is not there.
        let got = redact_body(&rules(), json, encoding, &bytes, false, 3).unwrap();
        assert_eq!((&*got.bytes, got.decoded, got.truncated), (&plain[..3], true, true), "{coding}");
        let bytes = Bytes::from(encode(coding, secret));
        let got = redact_body(&rules(), json, encoding, &bytes, false, LIMIT).unwrap();
        assert_eq!(
            (&*got.bytes, got.decoded, got.values),
            (&br#"{"token":"REDACTED","a":1}"#[..], true, 1),
            "{coding}"
        );
        // Images are nobody's business.
        let bytes = Bytes::from(encode(coding, &[0x89; 100]));
        let got = redact_body(&rules(), Some("image/png"), encoding, &bytes, false, 10).unwrap();
        assert_eq!(got.bytes, bytes);
    }
}

#[test]
fn other_charsets() {
    let wide: Vec<u8> = "{\"token\":\"ö\",\"a\":\"ü\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let captured = Captured {
        seen: wide.len() as u64,
        bytes: wide.into(),
        content_type: Some("application/json; charset=utf-16le".into()),
        ..Captured::default()
    };
    let unsaid = Captured { content_type: None, ..captured.clone() };
    let clean = unsaid.redacted(&rules(), LIMIT).unwrap();
    assert_eq!(clean.content(LIMIT), Content::Text("{\"token\":\"REDACTED\",\"a\":\"ü\"}".into()));
    let clean = captured.redacted(&rules(), LIMIT).unwrap();
    assert_eq!(clean.content(LIMIT), Content::Text("{\"token\":\"REDACTED\",\"a\":\"ü\"}".into()));
    assert_eq!(clean.content_type.as_deref(), Some("application/json; charset=utf-8"));
    let latin = Bytes::from_static(b"{\"token\":\"\xf6\",\"a\":\"\xfc\"}");
    let got = redact_body(&rules(), Some("application/json; charset=latin1"), None, &latin, false, LIMIT).unwrap();
    assert_eq!(&*got.bytes, b"{\"token\":\"REDACTED\",\"a\":\"\xfc\"}");
}
