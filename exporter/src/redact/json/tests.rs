#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Instant;

use super::super::edits::Edits;
use super::*;

fn paths(list: &str) -> Paths {
    let mut paths = Paths::default();
    for path in list.split(' ') {
        paths.add(parse(path).unwrap());
    }
    paths
}

fn redact(paths: &Paths, text: &[u8]) -> (Result<(), Broken>, String) {
    let mut edits = Edits::default();
    let result = scan(text, paths, &mut |range| edits.quoted(range));
    (result, String::from_utf8(edits.apply(text).0).unwrap().replace("\"REDACTED\"", "◼"))
}

#[test]
fn values_are_found_by_their_paths() {
    let check = |list: &str, text: &str, expected: &str| {
        let paths = paths(list);
        assert_eq!(redact(&paths, text.as_bytes()), (Ok(()), expected.to_owned()), "{list} {text}");
        // However it is cut: read as far as it goes, and nothing that was not secret is gone.
        for (cut, _) in text.char_indices() {
            let (result, got) = redact(&paths, &text.as_bytes()[..cut]);
            assert_eq!(result, Ok(()), "{list} {}", &text[..cut]);
            let known = got.strip_suffix('◼').unwrap_or(&got);
            assert!(expected.starts_with(known), "{list} {}: {got}", &text[..cut]);
        }
    };
    check("$.a", r#"{"a":"x","b":"y"}"#, r#"{"a":◼,"b":"y"}"#);
    check("a", r#" { "a" : "x" , "a":1,"A":null} "#, r#" { "a" : ◼ , "a":◼,"A":◼} "#);
    check(
        "a",
        r#"{"b":{"a":1},"ab":2,"":3,"a":{"x":[1,{"a":"}"}]},"c":4}"#,
        r#"{"b":{"a":1},"ab":2,"":3,"a":◼,"c":4}"#,
    );
    check("a.b", r#"{"b":1,"a":{"b":2,"c":3},"d":{"b":4}}"#, r#"{"b":1,"a":{"b":◼,"c":3},"d":{"b":4}}"#);
    check("a[*].b", r#"{"a":[{"b":1},[],{"c":2,"b":[3]}],"b":4}"#, r#"{"a":[{"b":◼},[],{"c":2,"b":◼}],"b":4}"#);
    check("a[1]", r#"{"a":[1,2,[3,4],5]}"#, r#"{"a":[1,◼,[3,4],5]}"#);
    check("$[0][1].x", r#"[[0,{"x":1}],{"x":2}]"#, r#"[[0,{"x":◼}],{"x":2}]"#);
    check("$[*]", "[1,\"a\",[2],{}]", "[◼,◼,◼,◼]");
    check("$", "\"all\" 12 [1]", "◼ ◼ ◼");
    check("a.*", r#"{"a":{"x":1,"y":[2]},"b":3}"#, r#"{"a":{"x":◼,"y":◼},"b":3}"#);
    check(
        "**.p",
        r#"{"p":1,"a":[{"p":{"p":2}},{"b":{"p":"x"}}],"q":3}"#,
        r#"{"p":◼,"a":[{"p":◼},{"b":{"p":◼}}],"q":3}"#,
    );
    check("$..p", r#"{"p":1,"a":{"p":2}}"#, r#"{"p":◼,"a":{"p":◼}}"#);
    check("a.**.p", r#"{"p":1,"a":{"p":2,"b":{"p":3}}}"#, r#"{"p":1,"a":{"p":◼,"b":{"p":◼}}}"#);
    check(
        "**.a[*].p",
        r#"{"a":[{"p":1}],"b":{"a":[{"a":[{"p":2}]}]}}"#,
        r#"{"a":[{"p":◼}],"b":{"a":[{"a":[{"p":◼}]}]}}"#,
    );
    check(".a", r#"{"a":1,"b":{"a":2}}"#, r#"{"a":◼,"b":{"a":2}}"#);
    check("..p", r#"{"a":{"p":2}}"#, r#"{"a":{"p":◼}}"#);
    check("$..[0]", "[[1,2],3]", "[◼,3]");
    check("**.p a.q", r#"{"a":{"q":1,"p":2},"q":3}"#, r#"{"a":{"q":◼,"p":◼},"q":3}"#);
    check("['a.b']['c\"d']", r#"{"a.b":{"c\"d":1},"a":{"b":2}}"#, r#"{"a.b":{"c\"d":◼},"a":{"b":2}}"#);
    check("password", r#"{"pass\u0077ord":1,"\u0070ass\u0057ORD":2}"#, r#"{"pass\u0077ord":◼,"\u0070ass\u0057ORD":◼}"#);
    check(
        "größe",
        "{\"GRÖSSE\":1,\"gr\\u00f6\\u00dfe\":2,\"x\":\"ö\"}",
        "{\"GRÖSSE\":◼,\"gr\\u00f6\\u00dfe\":◼,\"x\":\"ö\"}",
    );
    check("password", "{\"paſſword\":1}", "{\"paſſword\":◼}");
    check("😀", r#"{"\ud83d\ude00":1,"\ud83d":2}"#, r#"{"\ud83d\ude00":◼,"\ud83d":2}"#);
    check("a", r#"{"a":"x\"y\\","b":"\\"}"#, r#"{"a":◼,"b":"\\"}"#);
    check("a", "{\"a\":-1.5e+3,\"b\":true}", "{\"a\":◼,\"b\":true}");
    check("a", "{\"a\":1}\n{\"a\":[2\n]}\n{\"b\":3}\n", "{\"a\":◼}\n{\"a\":◼}\n{\"b\":3}\n");
    check("a", "\u{1e}{\"a\":1}\n", "\u{1e}{\"a\":◼}\n");
    check("a", "", "");
}

#[test]
fn what_comes_before() {
    let check =
        |text: &str, expected: &str| assert_eq!(redact(&paths("a"), text.as_bytes()), (Ok(()), expected.into()));
    check("\u{feff}{\"a\":1}", "\u{feff}{\"a\":◼}");
    check(")]}',\n{\"a\":1}", ")]}',\n{\"a\":◼}");
}

#[test]
fn what_is_no_json_is_said() {
    let check = |text: &str, byte: usize, members: u64| {
        assert_eq!(redact(&paths("a"), text.as_bytes()).0, Err(Broken::At { byte, members }), "{text}");
    };
    check("<html>", 0, 0);
    check("[info] x", 1, 0);
    check("[2020-01-01] x", 1, 0);
    check("{'a':1}", 1, 0);
    check("{a:1}", 1, 0);
    check(r#"{"b" 1}"#, 5, 1);
    check(r#"{"b":1,}"#, 7, 1);
    check(r#"{"b":1]"#, 6, 1);
    check(r#"[1}"#, 2, 0);
    check(r#"[1,]"#, 3, 0);
    check(r#"{"b":01x}"#, 5, 1);
    check(r#"{"b":NaN}"#, 5, 1);
    check(r#"{"b":--1}"#, 5, 1);
    check(r#"{"b":1} trailing"#, 8, 1);
    check(r#"{"b":1 "c":2}"#, 7, 1);
    check("// comment\n{}", 0, 0);
}

#[test]
fn depth_is_bounded() {
    for open in ["[", "{\"x\":", "[{\"x\":"] {
        let text = open.repeat(DEEPEST + 1);
        assert_eq!(redact(&paths("**.a"), text.as_bytes()).0, Err(Broken::TooDeep), "{open}");
    }
    assert_eq!(redact(&paths("**.a"), "[".repeat(DEEPEST).as_bytes()).0, Ok(()));
}

#[test]
fn long_texts_take_time_as_they_are_long() {
    let began = Instant::now();
    let paths = paths("**.a.**.b **.*.**.c **.d[*] $..e..f");
    for piece in ["{\"a\":1},", "\"\\\\\"", "[", "{\"a\":[", "\"a\\u0061\":", "1", " ", "\\"] {
        for text in [piece.repeat((1 << 20) / piece.len()), format!("[{}", piece.repeat((1 << 20) / piece.len()))] {
            let _ = scan(text.as_bytes(), &paths, &mut |_| {});
        }
    }
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

#[test]
fn faults_in_paths() {
    let check = |path: &str, range: std::ops::Range<usize>, message: &str| {
        let fault = parse(path).unwrap_err();
        assert_eq!((fault.range, &*fault.message), (range, message), "{path}");
        assert!(!fault.help.is_empty());
    };
    check("", 0..0, "expected a path, found none");
    check("$.", 2..2, "expected a name, found none");
    check("a.", 2..2, "expected a name, found none");
    check("a[0", 1..3, "this bracket has no end");
    check("a[x]", 2..3, "this is no index");
    check("a[-1]", 2..4, "indexes count from the start");
    check("a['b]", 1..5, "this name in brackets has no end");
    check("a['b'x]", 1..7, "this name in brackets has no end");
    check("a[0]b", 4..5, "expected `.` or `[`");
    check("$a", 1..2, "expected `.` or `[`");
    check("a.b*", 2..4, "this is no name of a member");
    check("a.**", 0..4, "a path cannot end with `**`");
    check("a..", 3..3, "expected a name, found none");
    check("a[?(@.b)]", 2..8, "this is no index");
    check(&"a.".repeat(65), 130..130, "expected a name, found none");
}
