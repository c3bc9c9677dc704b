use super::*;
use crate::exchange::Headers;

#[test]
fn headers() {
    let redaction = Redaction::new(&settings("X-Tenant x-internal-*", "account", "", "", "")).unwrap();
    let check = |name: &str, value: &str, expected: &str| {
        assert_eq!(redaction.header(name, value.into()), expected, "{name}: {value}");
    };
    check("Authorization", "Bearer x", "REDACTED");
    check("x-tenant", "7", "REDACTED");
    check("X-TENANT", "7", "REDACTED");
    check("X-Tenants", "7", "7");
    check("X-Internal-", "7", "REDACTED");
    check("x-INTERNAL-user", "7", "REDACTED");
    check("x-internal", "7", "7");
    check("Cookie", "a=b", "REDACTED");
    check("Set-Cookie", "a=b; Path=/", "REDACTED");
    check("Referer", "https://h/p?a=1&token=x", "https://h/p?a=1&token=REDACTED");
    check("Referer", "https://h/p?Account=x&b", "https://h/p?Account=REDACTED&b");
    check("Location", "/cb#access_token=x&state=1", "/cb#access_token=REDACTED&state=1");
    check("Location", "/cb?a=b#/r?access_token=x?y&state=1", "/cb?a=b#/r?access_token=REDACTED&state=1");
    check("Location", "http://u:p@h/?u=http://x@y/", "http://REDACTED@h/?u=http://REDACTED@y/");
    check(
        "Link",
        "<https://h/?sig=a,b>; rel=\"next\", </p?token=x>",
        "<https://h/?sig=REDACTED>; rel=\"next\", </p?token=REDACTED>",
    );
    check("Refresh", "0; url=/x?jwt=a", "0; url=/x?jwt=REDACTED");
    check("Accept", "text/html; q=0.5", "text/html; q=0.5");
    check("X-Note", "what? token=x", "what? token=x");
    check("X-Path", "/a?token", "/a?token");
    check("X-Path", "user@h", "user@h");
    check("Host", "user:pass@h:80", "REDACTED@h:80");
    check("Host", "h:80", "h:80");
    let nothing = Redaction::nothing();
    assert_eq!(nothing.header("cookie", "a=b".into()), "a=b");
    assert_eq!(nothing.query("token=a"), "token=a");
    assert_eq!(nothing.url("http://u:p@h?token=a"), "http://u:p@h?token=a");
    let headers = Headers::new(b"Cookie: a\r\nHost: h\r\n");
    let shown: Vec<_> = redaction.headers(&headers).map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(shown, ["Cookie=REDACTED", "Host=h"]);
    // What is configured by name is hidden as a whole, whatever is said of cookies.
    let redaction = Redaction::new(&settings("cookie", "", "sid", "", "")).unwrap();
    assert_eq!(redaction.header("Cookie", "a=b".into()), "REDACTED");
}

#[test]
fn cookies() {
    let check = |names: &str, header: &str, value: &str, expected: &str| {
        let redaction = Redaction::new(&settings("", "", names, "", "")).unwrap();
        assert_eq!(redaction.header(header, value.into()), expected, "{names} {value}");
    };
    check("sid", "cookie", "a=1; sid=x; b=2", "a=1; sid=REDACTED; b=2");
    check("sid", "Cookie", "SID=x=y;sid=;Sid", "SID=REDACTED;sid=;REDACTED");
    check("sid", "cookie", "bare; =x; a=1", "REDACTED; =REDACTED; a=1");
    check("sid", "cookie", "", "");
    check("sess*", "cookie", "session=x; ses=y; SESS=z", "session=REDACTED; ses=y; SESS=REDACTED");
    check("*", "cookie", "a=1; b=2", "a=REDACTED; b=REDACTED");
    check("sid", "set-cookie", "sid=x; Path=/; sid=y", "sid=REDACTED; Path=/; sid=y");
    check("path", "Set-Cookie", "a=x; Path=/", "a=x; Path=/");
}

#[test]
fn queries() {
    let redaction = Redaction::new(&settings("", "account_id x*", "", "", "")).unwrap();
    let check = |query: &str, expected: &str| assert_eq!(redaction.query(query), expected);
    check("a=1&accountid=2&ACCOUNT-ID=3&token=4", "a=1&accountid=REDACTED&ACCOUNT-ID=REDACTED&token=REDACTED");
    check("acc%6funt_id=2;b=1&xyz=1", "acc%6funt_id=REDACTED&xyz=REDACTED");
    check("%20account_id+=2", "%20account_id+=REDACTED");
    check("", "");
}

#[test]
fn all_faults_at_once() {
    let mut wrong = settings("a:b *x", "a.b", "a=b", "ok a[ $..", "x[y]");
    wrong.headers.push(String::new());
    wrong.patterns = ["ok", "a(b", "x*", r"\w{900}{900}", "(?P<secret>a"].map(str::to_owned).to_vec();
    let faults = Redaction::new(&wrong).unwrap_err();
    let said: Vec<_> =
        faults.iter().map(|fault| (fault.list, fault.index, fault.range.clone(), &*fault.message)).collect();
    assert_eq!(
        said,
        [
            ("cookies", 0, 1..2, "a name cannot have this character"),
            ("headers", 0, 1..2, "a name cannot have this character"),
            ("headers", 1, 0..1, "`*` stands before the end of a name"),
            ("headers", 2, 0..0, "expected a name, found none"),
            ("query", 0, 1..2, "a name cannot have this character"),
            ("form", 0, 1..2, "a name cannot have this character"),
            ("json", 1, 1..2, "this bracket has no end"),
            ("json", 2, 3..3, "expected a name, found none"),
            ("patterns", 1, 1..2, "unclosed group"),
            ("patterns", 2, 0..2, "this expression matches an empty text"),
            ("patterns", 3, 0..12, "this expression is too large"),
            ("patterns", 4, 0..1, "unclosed group"),
        ]
    );
    assert!(faults.iter().all(|fault| !fault.help.is_empty()));
}
