use super::*;
use bytes::Bytes;

fn check(pattern: &str, text: &str, cut: bool, expected: &str) {
    let redaction = patterns(&[pattern]);
    let got =
        redact_body(&redaction, Some("text/plain"), None, &Bytes::copy_from_slice(text.as_bytes()), cut, 0).unwrap();
    let got = String::from_utf8(got.bytes.to_vec()).unwrap().replace("REDACTED", "◼");
    assert_eq!(got, expected, "{pattern} {text}");
}

#[test]
fn matches_are_replaced() {
    check(r"\d{4}", "pin 1234, 56789", false, "pin ◼, ◼9");
    check(r"key=(\w+)", "key=abc; key=def", false, "key=◼; key=◼");
    check(r"(?P<name>\w+)=(?P<secret>\w+)", "a=b c=d", false, "a=◼ c=◼");
    check(r"a(b)|c", "ab c", false, "a◼ ◼");
    check(r"(?i)größe: \S+", "GRÖSSE GRÖßE: 1", false, "GRÖSSE ◼");
    check(r"x", "nothing", false, "nothing");
    check(r"^\w+$", "all", false, "◼");
}

#[test]
fn what_is_cut_may_have_been_a_match() {
    check(r"key=(\w{8})", "a key=abc", true, "a ◼");
    check(r"key=(\w{8})", "a key=abc", false, "a key=abc");
    check(r"key=(\w{8})", "a key=abcdefgh ke", true, "a key=◼ ◼");
    check(r"key=(\w{8})", "a key=abc ", true, "a key=abc ");
    check(r"(?s)-----BEGIN KEY-----.+?-----END KEY-----", "x -----BEGIN KEY-----abc\ndef-----END", true, "x ◼");
    check(r"(?s)BEGIN.+?END", "BEGIN x END BEG", true, "◼ ◼");
    check(r"\bsecret\b", "a secre", true, "a ◼");
    check(r"\bsecret\b", "asecre", true, "asecre");
    check(r"\d{16}", "4111111", true, "◼");
    let long = format!("-BEGIN-{}", "x".repeat(9000));
    check(r"(?s)-BEGIN-.+?-END-", &long, true, "◼");
}
