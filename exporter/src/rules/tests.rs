//! What cases cannot say: faults of all macros at once, what is still to come, bounds, and text that is no expression.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::{Duration, Instant};

use super::*;

/// Fields by name: `name=value` is there, `name?` is still to come.
struct Known(Vec<(Field, Option<String>)>);

impl Known {
    fn new(text: &str) -> Self {
        let field = |name: &str| Field::of_exchange(name).unwrap_or_else(|| Field::Named(name.into()));
        Self(
            text.split_whitespace()
                .map(|word| match word.split_once('=') {
                    Some((name, value)) => (field(name), Some(value.to_owned())),
                    None => (field(word.trim_end_matches('?')), None),
                })
                .collect(),
        )
    }
}

impl Fields for Known {
    fn get<'a>(&'a self, field: &Field) -> Answer<'a> {
        match self.0.iter().find(|(known, _)| known == field) {
            None => Answer::Missing,
            Some((_, None)) => Answer::Later,
            Some((_, Some(text))) => {
                Answer::Value(text.parse().map_or_else(|_| Value::Text(text), |number: i64| Value::Int(number.into())))
            }
        }
    }
}

fn compile(text: &str) -> Result<Expression, Vec<Fault>> {
    Expression::compile(text, &Macros::default(), &Names::Any)
}

#[test]
fn what_is_still_to_come() {
    const LATER: Verdict = Verdict::Unknown { later: true };
    const NEVER: Verdict = Verdict::Unknown { later: false };
    let check = |text: &str, fields: &str, expected: Verdict| {
        let found = compile(text).unwrap().evaluate(&Known::new(fields));
        assert_eq!(found, expected, "{text} with {fields}");
    };
    check("a == 1", "a?", LATER);
    check("a == 1", "", NEVER);
    check("a == 1 and b == 2", "a=0 b?", Verdict::False);
    check("a == 1 and b == 2", "a=1 b?", LATER);
    check("a == 1 and b == 2", "b?", NEVER);
    check("a == 1 or b == 2", "b?", LATER);
    check("a == 1 or b == 2", "a=1 b?", Verdict::True);
    check("not (a == 1 and b == 2)", "b?", LATER);
    check("not (a == 1 or b == 2)", "b?", NEVER);
    check("not a == 1", "a?", LATER);
    check("a in [1, b]", "a=1 b?", LATER);
    check("a == b", "a?", NEVER);
    check("starts_with(a, b)", "a? b=x", LATER);
    check("(a and b) or c", "a=1 b? c=1", Verdict::True);
    check("(a and b) or c", "a? c=0", NEVER);
}

#[test]
fn constants() {
    let check = |text: &str, expected: Option<Constant>| {
        let expression = Expression::compile(text, &Macros::default(), &Names::Exchange).unwrap();
        assert_eq!(expression.constant(), expected, "{text}");
    };
    check("true", Some(Constant::Always));
    check("1 == 1 or http.req.path", Some(Constant::Always));
    check("false and http.req.path", Some(Constant::Never));
    check("http.res.status == \"200\"", Some(Constant::Never));
    check("http.res.status matches /5../", Some(Constant::Never));
    check("http.req.path > 5", Some(Constant::Never));
    check("http.res.status == 200", None);
    check("src.ip in 10.0.0.0/8", None);
    check("not http.res.status == 200", None);
    check("tags contains \"a\"", None);
}

#[test]
fn mixed_without_parentheses() {
    let check = |text: &str, expected: &[&str]| {
        let expression = compile(text).unwrap();
        let found: Vec<&str> = expression.mixes_and_or().iter().map(|at| &text[at.clone()]).collect();
        assert_eq!(found, expected, "{text}");
    };
    check("a and b or c", &["a and b or c"]);
    check("a or b and c", &["a or b and c"]);
    check("(a and b) or c", &[]);
    check("a or (b and c)", &[]);
    check("a and b and c", &[]);
    check("x and (a or b and c) ", &["a or b and c"]);
    check("not a and b or c == 1", &["not a and b or c == 1"]);
}

#[test]
fn fields_that_are_asked_for() {
    let macros = Macros::compile(&[("slow", "http.res.duration_ms > 5"), ("x", "slow() or slow()")], &Names::Exchange);
    let text = "x() and http.req.headers.X-Tenant != '' and src.ip in [dst.ip] and src.ip";
    let expression = Expression::compile(text, &macros.unwrap(), &Names::Exchange).unwrap();
    let names: Vec<String> = expression.fields().iter().map(Field::name).collect();
    assert_eq!(names, ["http.res.duration_ms", "http.req.headers.x-tenant", "dst.ip", "src.ip"]);
}

#[test]
fn names_that_nobody_knows() {
    let check = |text: &str, expected: &[&str]| {
        let faults = Expression::compile(text, &Macros::default(), &Names::Exchange).unwrap_err();
        let found: Vec<String> = faults.iter().map(|fault| format!("{}: {fault}", &text[fault.at.clone()])).collect();
        assert_eq!(found, expected, "{text}");
    };
    check(
        "http.req.pth == '/' and http.resp.status > 400 or nope()",
        &[
            "http.req.pth: expected a field, found `http.req.pth`; did you mean http.req.path?",
            "http.resp.status: expected a field, found `http.resp.status`; did you mean http.res.status?",
            "nope: expected a macro or a function, found `nope`; define it as a macro; the one function is \
             starts_with(value, prefix)",
        ],
    );
    check("status == 1", &["status: expected a field, found `status`; did you mean http.res.status?"]);
    check(
        "http.req.header.host == 1",
        &["http.req.header.host: expected a field, found `http.req.header.host`; did you mean http.req.headers.host?"],
    );
    check(
        "start_with(tags, 'a')",
        &["start_with: expected a macro or a function, found `start_with`; did you mean starts_with()?"],
    );
    check(
        "http.req.headers == 1",
        &["http.req.headers: expected a field, found `http.req.headers`; write which header, such as \
           http.req.headers.content-type"],
    );
}

#[test]
fn faults_of_all_macros() {
    let list = [
        ("ok", "direction == 'ingress'"),
        ("ok", "true"),
        ("b", "c() and pth"),
        ("c", "b()"),
        ("starts_with", "true"),
        ("9", "true"),
        ("d", "tags =="),
        ("e", "d() and o()"),
    ];
    let found: Vec<String> = Macros::compile(&list, &Names::Exchange)
        .unwrap_err()
        .iter()
        .map(|it| format!("{} {:?} {}", it.index, it.fault.at, it.fault.message))
        .collect();
    assert_eq!(
        found,
        [
            "1 0..2 expected each name once, found `ok` as macro 1 and 2",
            "2 8..11 expected a field, found `pth`",
            "3 0..1 expected no macro that uses itself, found b -> c -> b",
            "4 0..11 expected another name: starts_with is a function",
            "5 0..1 expected a macro's name, found `9`",
            "6 7..7 expected a field, a value or a macro, found the end of the expression",
            "7 8..9 expected a macro or a function, found `o`",
        ]
    );
}

/// Each macro uses the one before it twice: written out, the last would be as long as all atoms of the world.
#[test]
fn macros_that_double() {
    let list: Vec<(String, String)> = (0..30)
        .map(|index| match index {
            0 => ("m0".to_owned(), "x == 1".to_owned()),
            _ => (format!("m{index}"), format!("not m{0}() and not m{0}() or m{0}()", index - 1)),
        })
        .collect();
    let started = Instant::now();
    let macros = Macros::compile(&list, &Names::Any).unwrap();
    let expression = Expression::compile("m29() or m29()", &macros, &Names::Any).unwrap();
    for fields in ["x=1", "x=2", "x?", ""] {
        expression.evaluate(&Known::new(fields));
        expression.missing(&Known::new(fields));
    }
    assert_eq!(expression.fields().len(), 1);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[test]
fn bounds() {
    let refused = |text: &str, part: &str| {
        let started = Instant::now();
        let said = compile(text).unwrap_err().first().unwrap().to_string();
        assert!(said.contains(part), "{said}");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    };
    refused(&"(".repeat(60_000), "at most 64 levels");
    refused(&"!".repeat(60_000), "at most 64 levels");
    refused(&"starts_with(".repeat(5_000), "at most 64 levels");
    refused(&"a and ".repeat(20_000), "at most 65536 bytes");
    refused(&"a =~ /x/ and ".repeat(100), "at most 64 patterns");
    refused("a =~ /((a{100}){100}){100}/", "expected a regular expression");
    let unknown = vec!["x()"; 9_000].join(" or ");
    assert_eq!(compile(&unknown).unwrap_err().len(), 32);
    let long = vec!["a == 1"; 6_000].join(" or ");
    assert_eq!(compile(&long).unwrap().evaluate(&Known::new("a=2")), Verdict::False);
    let chain: Vec<(String, String)> =
        (0..200).map(|index| (format!("m{index}"), format!("not m{}()", index + 1))).collect();
    let mut chain = chain;
    chain.push(("m200".into(), "x".into()));
    let faults = Macros::compile(&chain, &Names::Any).unwrap_err();
    assert!(faults.first().unwrap().fault.message.contains("at most 128 levels"), "{faults:?}");
    let many: Vec<(String, &str)> = (0..300).map(|index| (format!("m{index}"), "x")).collect();
    assert!(Macros::compile(&many, &Names::Any).is_err());
}

/// A generator that always says the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

#[test]
fn any_text_is_read_or_refused() {
    const WORDS: [&str; 60] = [
        "a",
        "b.c",
        "http.req.path",
        "and",
        "or",
        "not",
        "!",
        "&&",
        "||",
        "(",
        ")",
        "[",
        "]",
        ",",
        "==",
        "!=",
        "<",
        ">=",
        "contains",
        "matches",
        "=~",
        "in",
        "1",
        "-2.5",
        "0x1f",
        "08",
        "\"x\"",
        "'y'",
        "\"",
        "'",
        "/x/",
        "/",
        "|a|",
        "|",
        "10.0.0.1",
        "10.0.0.0/8",
        "::1",
        "::/0",
        "47:45",
        "ab",
        "true",
        "starts_with(",
        "m()",
        "m(",
        "--",
        "/*",
        "*/",
        "\n",
        "\\",
        "é",
        "\u{0}",
        "\u{feff}",
        "=",
        "&",
        ".",
        ":",
        "+",
        "\"10.0.0.1\"",
        "\"\\x\"",
        "[a, 1]",
    ];
    let macros = Macros::compile(&[("m", "a == 1")], &Names::Any).unwrap();
    let mut random = Random(1);
    let mut read = 0;
    for round in 0..60_000 {
        let mut text = String::new();
        for _ in 0..=random.below(12) {
            if round % 3 == 0 {
                text.push(char::from(u8::try_from(random.below(128)).unwrap()));
            } else {
                text.push_str(WORDS[random.below(WORDS.len())]);
                text.push_str([" ", "", " "][random.below(3)]);
            }
        }
        match Expression::compile(&text, &macros, &Names::Any) {
            Ok(expression) => {
                read += 1;
                for fields in ["a=1 b.c=x http.req.path=10.0.0.1", "a? b.c=1", ""] {
                    let known = Known::new(fields);
                    let verdict = expression.evaluate(&known);
                    let missing = expression.missing(&known);
                    let unknown = matches!(verdict, Verdict::Unknown { .. });
                    assert_eq!(unknown, !missing.is_empty(), "{text:?} with {fields}: {verdict:?} {missing:?}");
                }
                expression.constant();
            }
            Err(faults) => {
                for fault in faults {
                    assert!(text.get(fault.at.clone()).is_some(), "{text:?}: {fault:?}");
                    fault.excerpt(&text);
                }
            }
        }
    }
    assert!(read > 1_000, "only {read} were read");
}

/// What Go itself says of patterns and literals: `tests/rules_oracle` wrote it down.
#[test]
fn reads_what_go_reads() {
    let mut wrong = Vec::new();
    for line in include_str!("../../tests/data/rules_go.ndjson").lines() {
        let case: Vec<String> = serde_json::from_str(line).unwrap();
        let [kind, source, expected] = case.as_slice() else { panic!("{line}") };
        let found = match kind.as_str() {
            "pattern" => crate::regexp::compile(source).map_or_else(
                |_| "refused".to_owned(),
                |pattern| TEXTS.iter().map(|text| if pattern.is_match(text.as_bytes()) { '1' } else { '0' }).collect(),
            ),
            "number" => match literal::number(source, 0..source.len()) {
                Ok(literal) => render::Rendered::new(&literal.value())
                    .map_or_else(String::new, |text| String::from_utf8_lossy(text.as_bytes()).into_owned()),
                Err(_) => "refused".to_owned(),
            },
            _ => match literal::quoted(source, '"', 0) {
                Ok(literal::Literal::Text(text)) => format!("text {text}"),
                Ok(literal::Literal::Bytes(bytes)) => format!("bytes {bytes:02x?}"),
                Ok(literal) => {
                    let text = render::Rendered::new(&literal.value());
                    let text =
                        text.map_or_else(String::new, |text| String::from_utf8_lossy(text.as_bytes()).into_owned());
                    format!("{} {text}", literal.describe())
                }
                Err(_) => "refused".to_owned(),
            },
        };
        if found != *expected {
            wrong.push(format!("{line}: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// What the oracle searched with each of its patterns.
const TEXTS: [&str; 16] =
    ["", "a", "ab", "aab", "é", "ABC", "a1 b2", "[x]", "-", "a\nb", "λ", "&", "A", "\u{1}", "{,2}", "/|\"_"];

/// Every macro and rule of the guide that this project answers.
#[test]
fn the_guide() {
    let list = [
        ("is_service_a", r"http.req.path matches /^\/api\/service-a\//"),
        ("is_external", r"http.req.path matches /^\/api\/httpbin\//"),
        ("is_error", "http.res.status >= 400"),
        ("has_service_header", r#"http.req.headers.x-service-name != """#),
        ("is_rate_limited", "http.res.status == 429"),
        ("is_auth_failure", "http.res.status == 401 || http.res.status == 403"),
        ("is_api_path", r"http.req.path matches /^\/api\//"),
        ("is_internal_service", r"http.req.path matches /^\/api\/service-[a-z]\//"),
        ("tenant_a", r"http.req.headers.host matches /^tenant-a\./"),
        ("tenant_b", r"http.req.headers.host matches /^tenant-b\./"),
    ];
    let macros = Macros::compile(&list, &Names::Exchange).unwrap();
    let check = |text: &str, fields: &str, expected: bool| {
        let expression = Expression::compile(text, &macros, &Names::Exchange).unwrap();
        assert!(expression.mixes_and_or().is_empty() && expression.constant().is_none(), "{text}");
        assert_eq!(expression.evaluate(&Known::new(fields)) == Verdict::True, expected, "{text} with {fields}");
    };
    check("is_service_a()", "http.req.path=/api/service-a/users", true);
    check("is_service_a()", "http.req.path=/users", false);
    check("is_external() && is_error()", "http.req.path=/api/httpbin/get http.res.status=500", true);
    check("is_external() && is_error()", "http.req.path=/api/httpbin/get http.res.status=200", false);
    check("http.res.duration_ms > 1000", "http.res.duration_ms=1500", true);
    check("http.res.duration_ms > 1000", "", false);
    check("has_service_header()", "http.req.headers.x-service-name=a", true);
    check("has_service_header()", "", false);
    check("is_rate_limited()", "http.res.status=429", true);
    check("is_auth_failure()", "http.res.status=403", true);
    check("is_api_path() && http.res.status >= 400", "http.req.path=/api/x http.res.status=404", true);
    check("is_internal_service() && http.res.status >= 400", "http.req.path=/api/service-b/ http.res.status=503", true);
    check("is_internal_service()", "http.req.path=/api/service-1/", false);
    check("tenant_a()", "http.req.headers.host=tenant-a.example.com", true);
    check(
        "tenant_b() && http.res.status >= 400",
        "http.req.headers.host=tenant-b.example.com http.res.status=200",
        false,
    );
}
