//! Random rules and requests over a vocabulary small enough that they meet.

/// xorshift64*: the same cases at every run.
pub(crate) struct Random(u64);

/// What is sent, before it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) entrypoint: &'static str,
    pub(crate) method: &'static str,
    pub(crate) version: &'static str,
    /// Scheme and authority of the target, if it is in absolute form.
    pub(crate) absolute: Option<&'static str>,
    pub(crate) host: Option<&'static str>,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) client: &'static str,
}

const HOSTS: [&str; 20] = [
    "a.test",
    "A.Test:8080",
    "b.test",
    "b.test.",
    "sub.a.test",
    "x1.a.test",
    "api.test",
    "tree.test",
    "tree.test",
    "mirror.test",
    "fail.test",
    "hash.test",
    "both.test",
    "gone.test",
    "half.test",
    "tie.test",
    "low.test",
    "api.internal.test",
    "[::1]:80",
    "127.0.0.1",
];
const SEGMENTS: [&str; 34] = [
    "a",
    "b",
    "1",
    "api",
    "apix",
    "foo bar",
    "x",
    "y",
    "who",
    ".",
    "..",
    "",
    "",
    "%61",
    "%2e%2e",
    "%2F",
    "%2f",
    "%20",
    "%C3%A9",
    "%ff",
    "é",
    "foo%20bar",
    "a,b;c",
    "a+b",
    "a%2Bb",
    "%25",
    "%3B",
    "~u",
    "(x)",
    "x^y",
    "\"q\"",
    "a:b@c",
    "42",
    "UPPER",
];
const QUERIES: [&str; 16] = [
    "", "k", "k=", "k=1", "k=1&k=2", "k=2;j=1", "j=1", "k=x+y", "k=x%20y", "k=%zz", "%6b=1", "k=a=b", "j=&k=10", "K=1",
    "k=%ff", "q=1&&j=2",
];
const METHODS: [&str; 10] = ["GET", "GET", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "get", "PURGE"];
const HEADERS: [(&str, &str); 17] = [
    ("X-Tenant", "one"),
    ("x-tenant", "two"),
    ("X-Tenant", "ONE"),
    ("X-Tenant", "one"),
    ("X-Empty", ""),
    ("Content-Type", "application/json"),
    ("Cookie", "a=1; canary=yes"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "b.test"),
    ("X-Real-Ip", "127.0.0.3"),
    ("X-Forwarded-Port", "80"),
    ("Connection", "X-Tenant"),
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("X-Forwarded-Prefix", "/p"),
    ("Pragma", "no-cache"),
    ("X-Forwarded-Server", "spoof"),
];
const CLIENTS: [&str; 4] = ["127.0.0.1", "127.0.0.1", "127.0.0.3", "127.0.1.9"];

const V3: [&str; 48] = [
    "Host(`a.test`)",
    "HOST(`B.test`)",
    "host(`b.test.`)",
    "Host(`::1`)",
    "Host(\"api.test\")",
    "HostRegexp(`^[a-z0-9]+\\.a\\.test$`)",
    "HostRegexp(`\\d`)",
    "hostregexp(`(?i)^A`)",
    "HostRegexp(`^$`)",
    "Path(`/`)",
    "Path(`/a`)",
    "Path(`/a/`)",
    "Path(`/foo bar`)",
    "Path(`/%2F`)",
    "Path(`/é`)",
    "Path(`/b`)",
    "PathPrefix(`/a`)",
    "PathPrefix(`/api`)",
    "PathPrefix(`/a/b`)",
    "Pathprefix(`/x`)",
    "PATHPREFIX(`/1`)",
    "PathRegexp(`^/\\w+/\\w+$`)",
    "PathRegexp(`^/.$`)",
    "PathRegexp(`[[:upper:]]`)",
    "PathRegexp(`/[^/]{3,}`)",
    "PathRegexp(`\\bb\\b`)",
    "PathRegexp(`%2[BF]`)",
    "Method(`GET`)",
    "Method(`post`)",
    "METHOD(`Purge`)",
    "Header(`X-Tenant`, `one`)",
    "header(`x-tenant`,`two`,)",
    "Header(`X-Empty`, ` `)",
    "Header(`Host`, `a.test`)",
    "HeaderRegexp(`X-Tenant`, `(?i)^one$`)",
    "HeaderRegexp(`Cookie`, `(^|; )canary=yes`)",
    "Header(`X-Forwarded-Proto`, `http`)",
    "Header(`X-Forwarded-Host`, `b.test`)",
    "HeaderRegexp(`Connection`, `.`)",
    "Header(`Cache-Control`, `no-cache`)",
    "Query(`k`)",
    "Query(`k`, `1`)",
    "Query(`k`, `x y`)",
    "QueryRegexp(`k`, `^\\d+$`)",
    "QueryRegexp(`j`)",
    "QueryRegexp(`k`, `.`)",
    "ClientIP(`127.0.0.1`)",
    "ClientIP(`127.0.0.0/24`)",
];
const V2: [&str; 32] = [
    "Host(`a.test`, `B.TEST`)",
    "HostHeader(`api.test`)",
    "Host(`b.test.`)",
    "HostRegexp(`{sub:[a-z0-9]+}.a.test`)",
    "HostRegexp(`{any}.test`)",
    "HostRegexp(`a.test`, `{x:.+}`)",
    "HostRegexp(`{n:[0-9.]+}`)",
    "Path(`/`)",
    "Path(`/a`, `/b`)",
    "Path(`/{seg}`)",
    "Path(`/{id:[0-9]+}`)",
    "Path(`/a/{rest:.*}`)",
    "Path(`/foo bar`)",
    "PathPrefix(`/a`)",
    "PathPrefix(`/{x:a|b}/`)",
    "PathPrefix(`/api`, `/x`)",
    "PathPrefix(`/{n:\\d{2}}`)",
    "Method(`GET`, `post`)",
    "Method(`PURGE`)",
    "Headers(`X-Tenant`, `one`)",
    "headers(`x-tenant`, `two`)",
    "HeadersRegexp(`X-Tenant`, `^(one|two)$`)",
    "HeadersRegexp(`Cookie`, `canary`)",
    "Query(`k=1`)",
    "Query(`k=`)",
    "Query(`k=`, `j=1`)",
    "Query(`k={v:[0-9]+}`)",
    "Query(`j={v}`)",
    "Query(`k`, `1`)",
    "ClientIP(`127.0.0.1`)",
    "ClientIP(`127.0.1.0/24`, `127.0.0.3`)",
    "Headers(`X-Forwarded-Port`, `80`)",
];

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % bound
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let index = self.below(from.len());
        from[index]
    }

    pub(crate) fn rule(&mut self, v2: bool, depth: usize) -> String {
        if depth == 0 || self.one_in(4) {
            return self.pick(if v2 { &V2[..] } else { &V3[..] }).to_owned();
        }
        let (left, right) = (self.rule(v2, depth - 1), self.rule(v2, depth - 1));
        match self.below(7) {
            0 | 1 => format!("{left} && {right}"),
            2 | 3 => format!("{left} || {right}"),
            4 => format!("!({left} || {right})"),
            5 => format!("({left})&&! ({right}\n)"),
            _ => format!("!{left} ||\n\t{right}"),
        }
        // go/parser ends a statement at a line that could end there.
        .replace("\n)", ")")
    }

    pub(crate) fn request(&mut self, pick: Option<&str>) -> Plan {
        let mut path = String::new();
        for _ in 0..=self.below(4) {
            path.push('/');
            // A space cannot stand in a request line.
            path.push_str(&self.pick(&SEGMENTS).replace(' ', "%20"));
        }
        if self.one_in(12) {
            path.push('/');
        }
        if self.one_in(40) {
            path.push_str(["%", "%4", "%zz", "#x", "#"][self.below(5)]);
        }
        let mut headers: Vec<(String, String)> = Vec::new();
        headers.extend(pick.map(|name| ("X-Pick".to_owned(), name.to_owned())));
        for _ in 0..self.below(4) {
            let (name, value) = self.pick(&HEADERS);
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut plan = Plan {
            entrypoint: self.pick(&["web", "web", "raw", "model"]),
            method: self.pick(&METHODS),
            version: "HTTP/1.1",
            absolute: None,
            host: Some(self.pick(&HOSTS)),
            path,
            query: None,
            headers,
            client: self.pick(&CLIENTS),
        };
        if self.one_in(2) {
            plan.query = Some(self.pick(&QUERIES).to_owned());
        }
        match self.below(40) {
            0 => plan.absolute = Some("http://b.test"),
            1 => {
                plan.absolute = Some("http://A.test:90");
                plan.path.clear();
            }
            2 => {
                plan.version = "HTTP/1.0";
                plan.host = None;
            }
            _ => {}
        }
        plan
    }
}
