#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::borrow::Cow;
use std::time::Instant;

use super::coding::Coding;
use super::sample::{CODINGS, Random, encode, header};
use super::*;

const LIMIT: usize = 64 * 1024;

fn text() -> Vec<u8> {
    (0..3000).flat_map(|line| format!("line {line} of {}\n", line * 7919).into_bytes()).take(50_000).collect()
}

fn check(encoding: &str, bytes: &[u8], expected: &[u8], end: End) {
    let decoded = decode(Some(encoding), bytes, LIMIT);
    assert_eq!(decoded.end, end, "{encoding}");
    assert!(*decoded.bytes == *expected, "{encoding}: {} bytes, expected {}", decoded.bytes.len(), expected.len());
}

#[test]
fn codings_are_removed() {
    let text = text();
    for coding in CODINGS {
        let coded = encode(coding, &text);
        check(header(coding), &coded, &text, End::Whole);
        check(header(coding), &encode(coding, b""), b"", End::Whole);
        check(header(coding), b"", b"", End::Whole);
        let again = encode("br", &coded);
        check(&format!("{}, br", header(coding)), &again, &text, End::Whole);
        check(&format!(" identity,{} ,BR,", header(coding)), &again, &text, End::Whole);
    }
    check("X-GZIP", &encode("gzip", &text), &text, End::Whole);
    for none in ["", "identity", " , identity"] {
        check(none, &text, &text, End::Whole);
    }
    for unknown in ["compress", "aws-chunked", "gzip, what", "br,br,br,br,br,br"] {
        check(unknown, &text, &text, End::Unsupported);
    }
}

/// Made by the `zstd` command, level 19 with a checksum, of `hoptap ` a thousand times: what other encoders write.
const OTHER_ZSTD: &[u8] = &[
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x68, 0x7d, 0x00, 0x00, 0x38, 0x68, 0x6f, 0x70, 0x74, 0x61, 0x70, 0x20, 0x01, 0x00,
    0x4e, 0xab, 0xbe, 0x18, 0x01, 0xf1, 0x4c, 0xe5, 0xfc,
];

#[test]
fn frames_of_other_encoders() {
    check("zstd", OTHER_ZSTD, &b"hoptap ".repeat(1000), End::Whole);
    let empty_frame_and_skippable = [OTHER_ZSTD, b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc", OTHER_ZSTD].concat();
    check("zstd", &empty_frame_and_skippable, &b"hoptap ".repeat(2000), End::Whole);
    // A window of 16 MiB, and one of 2 TiB.
    for window in [0x70, 0xf8] {
        check(
            "zstd",
            &[0x28, 0xb5, 0x2f, 0xfd, 0, window, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            b"",
            End::Corrupt(Coding::Zstd),
        );
    }
    // Every optional field of a gzip header.
    let coded = encode("gzip", b"abc");
    let mut all = coded[..10].to_vec();
    all[3] = 2 | 4 | 8 | 16;
    all.extend(b"\x02\x00xxname\0comment\0cc");
    all.extend(&coded[10..]);
    check("gzip", &all, b"abc", End::Whole);
}

#[test]
fn several_members() {
    let (a, b) = (encode("gzip", b"first,"), encode("gzip", b"second"));
    let both = [a.clone(), b].concat();
    check("gzip", &both, b"first,second", End::Whole);
    check("gzip", &[&a[..], b"\0\0\0"].concat(), b"first,", End::Trailing);
    check("gzip", &[&a[..], b"\x1f"].concat(), b"first,", End::Cut);
    for coding in ["deflate", "br", "zstd"] {
        check(coding, &[&encode(coding, b"first")[..], b"\xff\xff\xff\xff\xff"].concat(), b"first", End::Trailing);
    }
}

#[test]
fn what_is_cut_gives_what_there_is() {
    let text = text();
    for coding in CODINGS {
        let coded = encode(coding, &text);
        let mut most = 0;
        for cut in (1..coded.len()).step_by(97) {
            let decoded = decode(Some(header(coding)), &coded[..cut], LIMIT);
            assert_eq!(decoded.end, End::Cut, "{coding} {cut}");
            assert!(text.starts_with(&decoded.bytes), "{coding} {cut}");
            assert!(decoded.bytes.len() >= most, "{coding} {cut}");
            most = decoded.bytes.len();
        }
        assert!(coding == "zstd" || most > text.len() / 2, "{coding}: {most}");
    }
    // A raw block is given as far as it came.
    let noise = Random(7).bytes(5000);
    let coded = encode("zstd", &noise);
    assert_eq!(decode(Some("zstd"), &coded[..4000], LIMIT).bytes.len(), 4000 - (coded.len() - noise.len()).min(20));
}

#[test]
fn what_is_corrupt_gives_what_was_before() {
    let text = text();
    for coding in CODINGS {
        let coded = encode(coding, &text);
        let mut random = Random(42);
        let mut faults = 0;
        for _ in 0..200 {
            let mut broken = coded.clone();
            let at = random.below(broken.len());
            broken[at] ^= 1 << random.below(8);
            let decoded = decode(Some(header(coding)), &broken, LIMIT);
            faults += usize::from(decoded.end != End::Whole);
        }
        // Only these two have a checksum that is looked at.
        assert!(faults == 200 || !matches!(coding, "gzip" | "deflate"), "{coding}: {faults}");
        let half = coded.len() / 2;
        let broken = [&coded[..half], &vec![0xff; half][..]].concat();
        let decoded = decode(Some(header(coding)), &broken, LIMIT);
        assert!(matches!(decoded.end, End::Corrupt(_) | End::Cut), "{coding} {:?}", decoded.end);
        let same = decoded.bytes.iter().zip(&text).take_while(|(got, sent)| got == sent).count();
        // All of this text is one block of zstd.
        assert!(same > 20_000 || coding == "zstd", "{coding}: {same}");
    }
    check("gzip", b"no gzip", b"", End::Corrupt(Coding::Gzip));
    check("zstd", b"no zstd", b"", End::Corrupt(Coding::Zstd));
    check("deflate", b"\xff\xffno deflate", b"", End::Corrupt(Coding::Deflate));
    let mut wrong_sum = encode("gzip", b"abc");
    let at = wrong_sum.len() - 8;
    wrong_sum[at] ^= 1;
    check("gzip", &wrong_sum, b"abc", End::Corrupt(Coding::Gzip));
}

#[test]
fn bombs_stop_at_the_limit() {
    let zeros = vec![0; 10 << 20];
    for coding in CODINGS {
        let coded = encode(coding, &zeros);
        check(header(coding), &coded, &zeros[..LIMIT], End::Limit);
        let exact = encode(coding, &zeros[..LIMIT]);
        check(header(coding), &exact, &zeros[..LIMIT], End::Whole);
        check(&format!("{}, gzip", header(coding)), &encode("gzip", &coded), &zeros[..LIMIT], End::Limit);
        check(
            &format!("{}, br, zstd", header(coding)),
            &encode("zstd", &encode("br", &coded)),
            &zeros[..LIMIT],
            End::Limit,
        );
        assert_eq!(decode(Some(header(coding)), &coded, 0).end, End::Limit, "{coding}");
    }
}

#[test]
fn many_frames_are_no_bomb_either() {
    let began = Instant::now();
    for coding in ["gzip", "zstd"] {
        let empty = encode(coding, b"");
        let decoded = decode(Some(coding), &empty.repeat((1 << 20) / empty.len()), LIMIT).end;
        assert_eq!(decoded, End::Limit, "{coding}");
    }
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

#[test]
fn noise_does_no_harm() {
    let mut random = Random(1);
    let texts = [b"hello".to_vec(), text()];
    let types = [
        "",
        "text/plain",
        "application/json; charset=utf-16",
        "multipart/form-data; boundary=b",
        "application/grpc",
        "text/html; charset=\"shift_jis",
        "text/xml",
        "a/b;;=;x",
    ];
    for round in 0..3000 {
        let coding = random.one_of(&CODINGS);
        let length = random.below(300);
        let bytes = match round % 3 {
            0 => random.bytes(length),
            1 => [encode(coding, &texts[0])[..length.min(6)].to_vec(), random.bytes(length)].concat(),
            _ => {
                let mut coded = encode(coding, &texts[round / 3 % 2][..(length * 20).min(texts[round / 3 % 2].len())]);
                for _ in 0..3 {
                    let at = random.below(coded.len());
                    coded[at] = random.next() as u8;
                }
                coded
            }
        };
        for encoding in [None, Some(header(coding)), Some("br,gzip")] {
            let body = Captured {
                seen: bytes.len() as u64,
                truncated: random.below(2) == 0,
                bytes: bytes.clone().into(),
                content_type: Some(random.one_of(&types).into()),
                content_encoding: encoding.map(Into::into),
            };
            body.content(LIMIT);
            if let Shown::Text { text, .. } = body.show(LIMIT) {
                assert!(charset::is_printable(&text));
            }
        }
    }
}

fn captured(content_type: &str, encoding: &str, bytes: &[u8]) -> Captured {
    Captured {
        bytes: bytes.to_vec().into(),
        seen: bytes.len() as u64,
        truncated: false,
        content_type: (!content_type.is_empty()).then(|| content_type.into()),
        content_encoding: (!encoding.is_empty()).then(|| encoding.into()),
    }
}

#[test]
fn shown_to_people() {
    let check = |content_type: &str, bytes: &[u8], expected: &str| {
        let body = captured(content_type, "", bytes);
        match body.show(LIMIT) {
            Shown::Text { text, note } => assert_eq!((&*text, note), (expected, None), "{content_type}"),
            Shown::Binary { note } => assert_eq!(note, expected, "{content_type}"),
        }
        let text = matches!(body.content(LIMIT), Content::Text(_));
        assert!(text != expected.contains("[binary"), "{content_type}");
    };
    check("", b"", "");
    check("application/json", br#"{"a":1}"#, r#"{"a":1}"#);
    check("", "größe\r\n\t".as_bytes(), "größe\r\n\t");
    check("text/plain", b"\x1b[2J", "[binary, 4 bytes, text/plain]");
    check("text/plain", b"a\0b", "[binary, 3 bytes, text/plain]");
    check("text/plain", b"gr\xf6\xdfe", "[binary, 5 bytes, text/plain]");
    check("text/plain; charset=iso-8859-1", b"gr\xf6\xdfe", "größe");
    check("text/plain; charset=\"ISO-8859-1\"", "größe".as_bytes(), "größe");
    check("text/plain; charset=utf-16le", b"a\0b\0", "ab");
    check("text/plain; charset=utf-16", b"\xfe\xff\0a\0b", "ab");
    check("", b"\xff\xfea\0", "a");
    check("", b"a\0b\0", "ab");
    check("", b"\0a\0b", "ab");
    check("", b"\x01\0\x02\0", "[binary, 4 bytes]");
    check("", b"\xef\xbb\xbfa", "a");
    check("text/plain; charset=shift_jis", b"\x83\x65", "テ");
    check("text/plain; charset=nonsense", b"abc", "abc");
    check("text/xml", b"<?xml version='1.0' encoding='latin1'?>\xf6", "<?xml version='1.0' encoding='latin1'?>ö");
    check("image/png", &[0x89; 5120], "[binary, 5,120 bytes, image/png]");
    check("image/svg+xml", b"<svg/>", "<svg/>");
    check("image/png", b"not found", "not found");
    check("e\x1bvil/x", b"\0", "[binary, 1 bytes]");
    check("text/event-stream", b"data: {}\n\n", "data: {}\n\n");
    check("application/x-ndjson", b"{}\n{}\n", "{}\n{}\n");
    check(
        "application/grpc",
        b"\0\0\0\0\x02hi\0\0\0\x04\0",
        "[binary, 12 bytes, application/grpc, 2 messages of 2, 1,024 bytes]",
    );
    check("application/grpc+proto", b"", "[binary, 0 bytes, application/grpc+proto, no messages]");
    check("application/grpc-web-text", b"AAAA", "[binary, 4 bytes, application/grpc-web-text]");
}

#[test]
fn parts_are_shown_each_as_it_is() {
    let bytes = b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\ntext\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n\x89\0\0\r\n--b--\r\n";
    let body = captured("multipart/form-data; boundary=b", "", bytes);
    let Shown::Text { text, .. } = body.show(LIMIT) else { panic!() };
    assert_eq!(
        text.replace("\r\n", "\n"),
        "--b\nContent-Disposition: form-data; name=\"a\"\n\ntext\n--b\nContent-Disposition: form-data; name=\"f\"; \
         filename=\"x.png\"\nContent-Type: image/png\n\n[binary, 3 bytes, image/png]\n--b--\n"
    );
    assert!(matches!(body.content(LIMIT), Content::Bytes(_)));
    // No such boundary, and text anyway.
    let body = captured("multipart/form-data; boundary=c", "", b"--b\r\n\r\nx");
    assert!(matches!(body.show(LIMIT), Shown::Text { text: Cow::Borrowed("--b\r\n\r\nx"), .. }));
}

#[test]
fn notes_say_what_is_missing() {
    let check = |body: &Captured, limit: usize, expected: (&str, &str)| match body.show(limit) {
        Shown::Text { text, note } => assert_eq!((&*text, note.as_deref().unwrap_or("")), expected),
        Shown::Binary { note } => assert_eq!(("", &*note), expected),
    };
    let mut cut = captured("text/plain", "", "größe".as_bytes().get(..3).unwrap());
    cut.seen = 1234;
    cut.truncated = true;
    check(&cut, LIMIT, ("gr", "[truncated, 3 of 1,234 bytes captured]"));
    let gzip = captured("text/plain", "gzip", &encode("gzip", b"hello"));
    check(&gzip, LIMIT, ("hello", "[decoded from gzip]"));
    check(&gzip, 4, ("hell", "[decoded from gzip, truncated at 4 decoded bytes]"));
    let mut half = captured("text/plain", "gzip", &encode("gzip", b"hello")[..18]);
    let (seen, decoded) = (half.seen, decode(Some("gzip"), &half.bytes, LIMIT).bytes.into_owned());
    let decoded = String::from_utf8(decoded).unwrap();
    check(&half, LIMIT, (&decoded, "[decoded from gzip, cut before its end]"));
    half.truncated = true;
    half.seen = seen + 7;
    check(&half, LIMIT, (&decoded, "[truncated, 18 of 25 bytes captured, decoded from gzip]"));
    let wrong = captured("text/plain", "br", b"\xff\xff\xff");
    check(&wrong, LIMIT, ("", "[binary, 3 bytes, text/plain, sent as br, corrupt br]"));
    let other = captured("text/plain", "compress", b"abc");
    check(&other, LIMIT, ("", "[binary, 3 bytes, text/plain, in a content coding that is not supported]"));
    let mut unseen = captured("text/plain", "", b"");
    unseen.seen = 77;
    unseen.truncated = true;
    check(&unseen, LIMIT, ("", "[binary, 77 bytes, 0 captured, text/plain]"));
}
