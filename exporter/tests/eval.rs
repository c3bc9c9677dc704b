//! `hoptap eval` on the cases of `data/rules.ndjson`: one expression, its input and what it says, on each line.
//!
//! Written by hand after the original engine's source, not recorded from it, except where ours differs on purpose (`not`, precedence,
//! unknown names, cycles, symmetric comparisons).

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn eval(expression: &str, input: &str, macros: &[(String, String)]) -> Output {
    let mut hoptap = Command::new(env!("CARGO_BIN_EXE_hoptap"));
    hoptap.args(["eval", "--input", "-"]);
    for (name, text) in macros {
        hoptap.arg("--macro").arg(format!("{name}={text}"));
    }
    hoptap.arg("--").arg(expression);
    let mut hoptap = hoptap.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // An expression that is refused is refused before its input is read.
    let _ = hoptap.stdin.take().unwrap().write_all(input.as_bytes());
    hoptap.wait_with_output().unwrap()
}

#[test]
fn says_what_the_cases_say() {
    let cases = include_str!("data/rules.ndjson");
    let mut wrong = Vec::new();
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let macros: Vec<(String, String)> = case["macros"].as_object().map_or(Vec::new(), |macros| {
            macros.iter().map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned())).collect()
        });
        let output = eval(case["expr"].as_str().unwrap(), &case["input"].to_string(), &macros);
        let said = match output.status.code() {
            Some(0) => String::from_utf8(output.stdout).unwrap().trim_end().to_owned(),
            Some(64) if output.stderr.contains(&b'^') => "error".to_owned(),
            code => format!("exit {code:?}: {}", String::from_utf8_lossy(&output.stderr)),
        };
        if case["want"] != said.as_str() {
            wrong.push(format!("{line}\n    said {said}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.lines().count(), wrong.join("\n"));
}

/// What a person reads who wrote it wrong.
fn check(expression: &str, macros: &[(&str, &str)], said: &str) {
    let macros: Vec<_> = macros.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let output = eval(expression, "{}", &macros);
    assert_eq!(String::from_utf8_lossy(&output.stderr), said, "{expression}");
    assert_eq!(output.status.code(), Some(64), "{expression}");
}

#[test]
fn points_at_the_fault() {
    check(
        "http.res.status >= 400 adn x",
        &[],
        "hoptap: expression: expected `and`, `or` or the end, found `adn`\n  http.res.status >= 400 adn x\n                         ^^^\n",
    );
    check(
        "is_eror()",
        &[("is_error", "status >= 400")],
        "hoptap: expression: expected a macro or a function, found `is_eror`\n  is_eror()\n  ^^^^^^^\n  help: did you mean is_error()?\n",
    );
    check(
        "a()",
        &[("a", "b()"), ("b", "x and a()")],
        "hoptap: macro b: expected no macro that uses itself, found a -> b -> a\n  x and a()\n        ^\n",
    );
    check(
        "a ==\n  \"x",
        &[],
        "hoptap: expression: expected the end of the text, found none\n    \"x\n    ^^\n  help: close it with \"\n",
    );
}

#[test]
fn input() {
    let bad = |input: &str| {
        let output = eval("true", input, &[]);
        assert_eq!(output.status.code(), Some(64), "{input}");
        String::from_utf8(output.stderr).unwrap()
    };
    for input in ["", "[]", "1", "{", "{\"a\":}"] {
        assert!(bad(input).contains("standard input: expected a JSON object of fields"), "{input}");
    }
}
