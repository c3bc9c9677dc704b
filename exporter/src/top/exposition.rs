//! Samples of Prometheus's text format and of OpenMetrics, line by line: a page may be many megabytes, and nothing of
//! it is kept here.

use std::borrow::Cow;

/// One line of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    pub name: &'a str,
    labels: Vec<(&'a str, Cow<'a, str>)>,
    pub value: f64,
}

impl<'a> Sample<'a> {
    /// None for comments, empty lines, and what is no sample. Timestamps and exemplars are left out.
    pub fn parse(line: &'a str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let (name, mut rest) = line.split_at_checked(line.find(['{', ' '])?)?;
        let mut labels = Vec::new();
        if let Some(inner) = rest.strip_prefix('{') {
            rest = inner.trim_start();
            while !rest.starts_with('}') {
                let (key, after) = rest.split_once("=\"")?;
                let (value, after) = quoted(after)?;
                labels.push((key.trim(), value));
                rest = after.trim_start_matches([',', ' ']);
            }
            rest = rest.strip_prefix('}')?;
        }
        let value = rest.split_whitespace().next()?.parse().ok()?;
        Some(Self { name, labels, value })
    }

    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_ref())
    }

    /// In the order of the page.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(key, value)| (*key, value.as_ref()))
    }
}

/// Up to the closing quote, without its escapes, and what follows the quote.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = text.find(['"', '\\'])?;
    if text[end..].starts_with('"') {
        return Some((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((Cow::Owned(value), &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample as `name key=value … number`; `-` where there is none.
    #[track_caller]
    fn check(line: &str, expected: &str) {
        let found = Sample::parse(line).map_or("-".to_owned(), |sample| {
            let labels: String = sample.labels().map(|(key, value)| format!("{key}={value} ")).collect();
            format!("{} {labels}{}", sample.name, sample.value)
        });
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn samples() {
        check("a_total 3", "a_total 3");
        check("a{} 3", "a 3");
        check("a{b=\"c\"} 2.5", "a b=c 2.5");
        check("a{b=\"c\",d=\"e f\",} 1 1700000000000", "a b=c d=e f 1");
        check("a{ b=\"c\", d=\"e\" } 1", "a b=c d=e 1");
        check("a_bucket{le=\"+Inf\"} 2 # {trace_id=\"ab\"} 0.1 1.5", "a_bucket le=+Inf 2");
        check("a{b=\"x\\\"y\\\\z\\n}\"} 1", "a b=x\"y\\z\n} 1");
        check("a{b=\"ü{=\\\"\"} 1", "a b=ü{=\" 1");
        check("a NaN", "a NaN");
        check("a +Inf", "a inf");
        check("a 1e-05", "a 0.00001");
    }

    #[test]
    fn what_is_no_sample() {
        for line in [
            "",
            "# HELP a b",
            "# EOF",
            "a",
            "a{",
            "a{b",
            "a{b=\"",
            "a{b=\"c",
            "a{b=\"c\"",
            "a{b=\"c\"}",
            "a{b=\"\\",
            "a x",
        ] {
            check(line, "-");
        }
    }
}
