//! The query of a request as Go's `url.Query` reads it (Go 1.26 net/url `parseQuery`).

/// Above this many pairs Go gives up on the whole query (`defaultMaxParams`).
const MAX_PAIRS: usize = 10_000;

/// Key and value, decoded, in order. Pairs that are not well encoded are left out.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(Vec<u8>, Vec<u8>)>);

impl Query {
    /// `encode_semicolons` is the entrypoint's `encodeQuerySemicolons`: without it Traefik reads `;` as `&`
    /// (net/http `AllowQuerySemicolons`), with it as part of a value.
    pub(super) fn parse(text: &str, encode_semicolons: bool) -> Self {
        let splits = |c: char| c == '&' || (c == ';' && !encode_semicolons);
        if text.matches(splits).count() >= MAX_PAIRS {
            return Self::default();
        }
        let pairs = text.split(splits).filter(|pair| !pair.is_empty());
        Self(
            pairs
                .filter_map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    Some((decode(key)?, decode(value)?))
                })
                .collect(),
        )
    }

    pub(super) fn values(&self, key: &str) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter(move |(found, _)| found == key.as_bytes()).map(|(_, value)| value.as_slice())
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let spaced: Vec<u8> = text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    super::path::unescape(&spaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, encode_semicolons: bool, key: &str, expected: &[&str]) {
        let query_ = Query::parse(query, encode_semicolons);
        let found: Vec<_> = query_.values(key).map(String::from_utf8_lossy).collect();
        assert_eq!(found, expected, "{query} {key}");
    }

    #[test]
    fn reads_as_go_does() {
        check("a=1&b=2&a=3", false, "a", &["1", "3"]);
        check("a", false, "a", &[""]);
        check("a=", false, "a", &[""]);
        check("=x", false, "", &["x"]);
        check("&&a=1&", false, "a", &["1"]);
        check("a=x+y%20z", false, "a", &["x y z"]);
        check("a=%zz&a=2", false, "a", &["2"]);
        check("%61=1", false, "a", &["1"]);
        check("a=1;b=2", false, "b", &["2"]);
        check("a=1;b=2", true, "a", &["1;b=2"]);
        check("a=b=c", false, "a", &["b=c"]);
        check("A=1", false, "a", &[]);
        check(&"a=1&".repeat(10_001), false, "a", &[]);
    }
}
