#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::exchange::{Headers, Version};
use crate::traefik::request::Request;

/// `METHOD host target`, then header fields as `Name:value` and the client as `@address`; `-` is no host.
fn matches(rule: &Rule, request: &str) -> bool {
    let mut words = request.split(' ');
    let mut word = || words.next().unwrap();
    let (method, host, target) = (word(), word(), word());
    let mut client = "192.0.2.1";
    let mut block = String::new();
    for word in words {
        match word.strip_prefix('@') {
            Some(address) => client = address,
            None => block.push_str(&format!("{}\r\n", word.replace('_', " "))),
        }
    }
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let headers = Headers::new(block.as_bytes());
    let request = Request {
        entrypoint: "web",
        tls: false,
        version: Version::Http11,
        method,
        host: if host == "-" { "" } else { host },
        path,
        query,
        headers: &headers,
        client: client.parse().ok(),
    };
    rule.matches(&View::new(request, None).unwrap())
}

fn check(syntax: Syntax, rule: &str, yes: &[&str], no: &[&str]) {
    let compiled = Rule::parse(rule, syntax).unwrap_or_else(|error| panic!("{rule}: {error}"));
    for request in yes {
        assert!(matches(&compiled, request), "{rule} should match {request}");
    }
    for request in no {
        assert!(!matches(&compiled, request), "{rule} should not match {request}");
    }
}

fn v3(rule: &str, yes: &[&str], no: &[&str]) {
    check(Syntax::V3, rule, yes, no);
}

fn v2(rule: &str, yes: &[&str], no: &[&str]) {
    check(Syntax::V2, rule, yes, no);
}

#[test]
fn hosts() {
    v3(
        "Host(`shop.test`)",
        &["GET shop.test /", "GET SHOP.test:8443 /", "GET shop.test. /"],
        &["GET - /", "GET www.shop.test /", "GET shop.test.. /", "GET shop.testing /"],
    );
    v3("Host(`Shop.Test.`)", &["GET shop.test /", "GET shop.test. /"], &["GET shop.tes /"]);
    v3("Host(`::1`)", &["GET [::1]:80 /", "GET [::1] /"], &["GET ::2 /"]);
    v3("HostRegexp(`shop`)", &["GET a.shop.test /", "GET SHOP /"], &["GET sho.p /", "GET - /"]);
    v3("HostRegexp(`^SHOP$`)", &[], &["GET SHOP /", "GET shop /"]);
    v3(r"HostRegexp(`^\d+\.test$`)", &["GET 42.test:1 /"], &["GET x.test /", "GET 42.test. /"]);
    // The flattened name is asked as well, and is empty.
    v3("HostRegexp(`^$`)", &["GET - /", "GET shop.test /"], &[]);
    v2("Host(`a.test`, `B.test`)", &["GET a.test /", "GET b.TEST:1 /", "GET b.test. /"], &["GET - /", "GET c.test /"]);
    v2("HostHeader(`a.test`)", &["GET a.test /"], &["GET b.test /"]);
    v2(
        "HostRegexp(`{sub:[a-z]+}.a.test`)",
        &["GET x.a.test /", "GET X.A.test:1 /"],
        &["GET x.y.a.test /", "GET 1.a.test /"],
    );
    v2("HostRegexp(`{any}.test`, `b`)", &["GET x.test /", "GET b /"], &["GET x.y.test /", "GET test /"]);
    v2("HostRegexp(`{n:[0-9]{2}}.test`)", &["GET 42.test /"], &["GET 4.test /", "GET 421.test /"]);
}

#[test]
fn paths() {
    v3(
        "Path(`/a`)",
        &["GET h /a", "GET h /b/../a", "GET h //a", "GET h /%61", "GET h /./a"],
        &["GET h /a/", "GET h /A", "GET h /a/b"],
    );
    v3("Path(`/`)", &["GET h /", "GET h /..", "GET h //"], &["GET h /a"]);
    v3("Path(`/a b`)", &["GET h /a%20b"], &["GET h /a+b"]);
    v3("Path(`/a/b`)", &[], &["GET h /a%2Fb"]);
    v3("Path(`/a%2Fb`)", &["GET h /a%2Fb", "GET h /a%2fb"], &["GET h /a/b"]);
    v3("Path(`/é`)", &["GET h /%C3%A9", "GET h /é", "GET h /%c3%a9"], &["GET h /e"]);
    v3(
        "PathPrefix(`/api`)",
        &["GET h /api", "GET h /api/", "GET h /apix", "GET h /x/../api/y"],
        &["GET h /ap", "GET h /x/api"],
    );
    v3(r"PathRegexp(`\.(css|js)$`)", &["GET h /x.css", "GET h /a/b.js"], &["GET h /x.css/", "GET h /xcss"]);
    v3("PathRegexp(`^/.$`)", &["GET h /é", "GET h /%ff", "GET h /x"], &["GET h /xy", "GET h /"]);
    v3(r"PathRegexp(`^/\w$`)", &["GET h /x"], &["GET h /é"]);
    v2("Path(`/a`, `/b`)", &["GET h /a", "GET h /b"], &["GET h /a/", "GET h /c"]);
    v2("Path(`/{id:[0-9]+}/x`)", &["GET h /42/x"], &["GET h /a/x", "GET h /42/xx"]);
    v2("Path(`/{seg}`)", &["GET h /anything"], &["GET h /a/b", "GET h /"]);
    v2("Path(`/a.b`)", &["GET h /a.b"], &["GET h /axb"]);
    v2("PathPrefix(`/{v:v[12]}/`)", &["GET h /v1/x", "GET h /v2/"], &["GET h /v3/", "GET h /v1"]);
}

#[test]
fn methods_and_clients() {
    v3("Method(`get`)", &["GET h /"], &["get h /", "POST h /"]);
    v2("Method(`GET`, `post`)", &["GET h /", "POST h /"], &["PUT h /"]);
    v3(
        "ClientIP(`10.0.0.0/8`)",
        &["GET h / @10.9.8.7", "GET h / @::ffff:10.0.0.1"],
        &["GET h / @11.0.0.1", "GET h / X-Forwarded-For:10.0.0.1"],
    );
    v3("ClientIP(`::1`)", &["GET h / @::1"], &["GET h / @127.0.0.1"]);
    v2("ClientIP(`10.0.0.1`, `2001:db8::/32`)", &["GET h / @10.0.0.1", "GET h / @2001:db8::9"], &["GET h /"]);
}

#[test]
fn header_fields() {
    v3(
        "Header(`x-tenant`, `one`)",
        &["GET h / X-Tenant:one", "GET h / X-TENANT:_one_", "GET h / X-Tenant:two X-Tenant:one"],
        &["GET h /", "GET h / X-Tenant:ONE", "GET h / X-Tenant:one,two"],
    );
    v3(
        "HeaderRegexp(`Cookie`, `canary=(yes|always)`)",
        &["GET h / Cookie:a=1;canary=yes"],
        &["GET h / Cookie:canary=no", "GET h /"],
    );
    v3("HeaderRegexp(`X-Any`, ``) || Path(`/`)".replace("``", "`.*`").as_str(), &["GET h /"], &["GET h /x"]);
    v3("Header(`Host`, `h`)", &[], &["GET h / Host:h"]);
    v3("Header(`X-Forwarded-Proto`, `http`)", &["GET h /", "GET h / X-Forwarded-Proto:https"], &[]);
    v3("Header(`X-Real-Ip`, `192.0.2.1`)", &["GET h / X-Real-Ip:1.1.1.1"], &["GET h / @192.0.2.2"]);
    v3("Header(`X-Forwarded-Port`, `8080`)", &["GET h:8080 /"], &["GET h /"]);
    v3(
        "Header(`X-Forwarded-Proto`, `ws`)",
        &["GET h / Connection:Upgrade Upgrade:websocket"],
        &["GET h / Upgrade:websocket"],
    );
    v3(
        "HeaderRegexp(`Connection`, `.`)",
        &["GET h / Connection:keep-alive,_upgrade Upgrade:x"],
        &["GET h / Connection:close"],
    );
    v3("Header(`X-Hop`, `1`)", &["GET h / X-Hop:1"], &["GET h / X-Hop:1 Connection:X-Hop"]);
    v2("Headers(`X-A`, `1`, `X-B`, `2`)", &["GET h / X-A:1 X-B:2"], &["GET h / X-A:1", "GET h / X-A:2 X-B:2"]);
    v2("HeadersRegexp(`X-A`, `^[0-9]+$`)", &["GET h / X-A:42"], &["GET h / X-A:x", "GET h /"]);
}

#[test]
fn queries() {
    v3(
        "Query(`k`)",
        &["GET h /?k", "GET h /?k=", "GET h /?a=1&k", "GET h /?k=1&k="],
        &["GET h /", "GET h /?k=1", "GET h /?K"],
    );
    v3("Query(`k`, `a b`)", &["GET h /?k=a+b", "GET h /?k=a%20b", "GET h /?k=x;k=a+b"], &["GET h /?k=ab"]);
    v3("QueryRegexp(`k`)", &["GET h /?k"], &["GET h /?k=1"]);
    v3("QueryRegexp(`k`, `^[0-9]+$`)", &["GET h /?k=x&k=42"], &["GET h /?k=x", "GET h /?k", "GET h /?j=42"]);
    v3("QueryRegexp(`k`, `^.$`)", &["GET h /?k=%ff", "GET h /?k=%C3%A9"], &["GET h /?k=%ff%fe"]);
    v2("Query(`k=1`, `j=2`)", &["GET h /?j=2&k=1"], &["GET h /?k=1", "GET h /?k=2&k=1&j=2"]);
    v2("Query(`k`, `1`)", &["GET h /?k=1"], &["GET h /?k=2"]);
    v2("Query(`k=`)", &["GET h /?k=anything", "GET h /?k"], &["GET h /", "GET h /?j=1"]);
    v2("Query(`k={v:[0-9]+}`)", &["GET h /?k=42"], &["GET h /?k=x", "GET h /?k="]);
    v2("Query(`k=a.b`)", &["GET h /?k=a.b"], &["GET h /?k=axb"]);
}

#[test]
fn operators() {
    let (a, b, c) = ("GET a /", "GET b /", "GET c /");
    for (rule, yes, no) in [
        ("Host(`a`) || Host(`b`)", vec![a, b], vec![c]),
        ("Host(`a`) && Path(`/`)", vec![a], vec![b, "GET a /x"]),
        ("!Host(`a`)", vec![b, c], vec![a]),
        ("!!Host(`a`)", vec![a], vec![b]),
        ("!(Host(`a`) || Host(`b`))", vec![c], vec![a, b]),
        ("!(Host(`a`) && Path(`/`))", vec![b, "GET a /x"], vec![a]),
        ("!Host(`a`) && !Host(`b`)", vec![c], vec![a, b]),
        // `&&` binds tighter, `!` tighter still.
        ("Host(`a`) || Host(`b`) && Path(`/x`)", vec![a, "GET b /x"], vec![b]),
        ("(Host(`a`) || Host(`b`)) && Path(`/x`)", vec!["GET a /x", "GET b /x"], vec![a, b]),
        ("!Host(`a`) || Host(`a`)", vec![a, b], vec![]),
        ("((Host(`a`)))", vec![a], vec![b]),
        ("Host(\"a\")", vec![a], vec![b]),
        ("Host(\"\\x61\")", vec![a], vec![b]),
        ("Host(\"\\u0061\\u002e\\u0074\")", vec!["GET a.t /"], vec![a]),
        ("Host(`a`,)", vec![a], vec![b]),
        ("  Host ( `a` ) ", vec![a], vec![b]),
        ("Host(`a`) ||\n  Host(`b`)\n", vec![a, b], vec![c]),
        ("Host(`a`) /* one */ || Host(`b`) // two", vec![a, b], vec![c]),
        ("host(`a`)", vec![a], vec![b]),
        ("HOST(`a`)", vec![a], vec![b]),
        ("Pathprefix(`/`)", vec![a], vec![]),
        ("pathprefix(`/`) && PATHPREFIX(`/`) && clientip(`192.0.2.1`)", vec![a], vec!["GET a / @10.0.0.1"]),
    ] {
        v3(rule, &yes, &no);
    }
}

#[test]
fn refusals() {
    let deep = format!("{}Host(`a`){}", "(".repeat(200), ")".repeat(200));
    for (rule, expected) in [
        ("", "expected a matcher, `!` or `(` at byte 0 of the rule, found the end of the rule"),
        ("Host(`a`", "expected `,` or `)` at byte 8 of the rule, found the end of the rule"),
        ("Host(`a)", "the backtick opened at byte 5 of the rule is never closed"),
        ("Host(\"a)", "the double quote opened at byte 5 of the rule is never closed"),
        ("Host(\"\\q\")", "found an escape that Go does not know in the string at byte 5 of the rule"),
        (
            "Host('a')",
            "expected a matcher, `!`, `&&`, `||`, a parenthesis or a quoted argument at byte 5 of the rule, found '",
        ),
        ("Host(`a`) Host(`b`)", "expected `&&`, `||` or the end of the rule at byte 10 of the rule, found `Host`"),
        ("Host(`a`)\n&& Host(`b`)", "expected `&&`, `||` or the end of the rule at byte 10 of the rule, found `&&`"),
        ("Host(`a`\n)", "expected `,` or `)` at byte 9 of the rule, found the end of a line"),
        ("Host(`a`) && ", "expected a matcher, `!` or `(` at byte 13 of the rule, found the end of the rule"),
        ("Host(Path(`/`))", "expected a quoted argument or `)` at byte 5 of the rule, found `Path`"),
        ("Host", "expected `(` after the matcher's name at byte 4 of the rule, found the end of the rule"),
        ("`a`", "expected a matcher, `!` or `(` at byte 0 of the rule, found the text `a`"),
        (
            "Host(`a`) & Host(`b`)",
            "expected a matcher, `!`, `&&`, `||`, a parenthesis or a quoted argument at byte 10 of the rule, found &",
        ),
        ("HostSNI(`a`)", "expected one of Traefik's matchers, found `HostSNI`"),
        ("hOST(`a`)", "expected one of Traefik's matchers, found `hOST`"),
        ("Headers(`a`, `b`)", "expected one of Traefik's matchers, found `Headers`"),
        ("Host()", "expected at least one argument for `Host`, found 0"),
        ("Host(``)", "found an empty argument for `Host`"),
        ("Query(`a`, ``)", "found an empty argument for `Query`"),
        ("Host(`a`, `b`)", "expected one argument for `Host`, found 2"),
        ("Header(`a`)", "expected two arguments for `Header`, found 1"),
        ("Query(`a`, `b`, `c`)", "expected one or two arguments for `Query`, found 3"),
        ("Host(`é`)", "expected a name of ASCII characters only (punycode) for `Host`, found `é`"),
        ("Path(`a`)", "expected a path that starts with `/` for `Path`, found `a`"),
        ("ClientIP(`localhost`)", "expected an IP address or CIDR range for `ClientIP`, found `localhost`"),
        (&deep, "the rule nests deeper than 128 levels"),
    ] {
        assert_eq!(Rule::parse(rule, Syntax::V3).unwrap_err().to_string(), expected, "{rule}");
    }
    for rule in [
        "Header(`a`, `b`)",
        "Headers(`a`)",
        "Headers(`a`, `b`, `c`)",
        "Query(`a`)",
        "Path(`{x}`)",
        "Path(`/{x`)",
        "Path(`/x}`)",
        "Path(`/{}`)",
        "Path(`/{x:}`)",
        "HostRegexp(`{x:(}`)",
        "HeadersRegexp(`a`, `(`)",
        "PathRegexp(`/`)",
        "ClientIP(`10.0.0.1`, `x`)",
    ] {
        assert!(Rule::parse(rule, Syntax::V2).is_err(), "{rule}");
    }
}

#[test]
fn long_rules_do_not_nest() {
    let rule = vec!["Host(`nobody`)"; 5000].join(" || ") + " || Host(`a`)";
    v3(&rule, &["GET a /"], &["GET b /"]);
}
