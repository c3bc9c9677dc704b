//! OpenMetrics text as Prometheus's text format 0.0.4, which older readers and other tools want.
//!
//! They differ in four ways: counters are declared with their `_total`, there are no units, no exemplars, and no end
//! mark.

use std::fmt;

/// Takes what our own encoder writes, in pieces of any size, and appends it to a page line by line: a page of many
/// series is large enough that there must not be two of it.
pub(super) struct Classic<'a> {
    page: &'a mut String,
    line: String,
    help: String,
}

impl<'a> Classic<'a> {
    pub(super) fn new(page: &'a mut String) -> Self {
        Self { page, line: String::new(), help: String::new() }
    }

    fn end_of_line(&mut self) {
        if let Some(help) = self.line.strip_prefix("# HELP ") {
            help.clone_into(&mut self.help);
        } else if let Some(rest) = self.line.strip_prefix("# TYPE ") {
            declare(self.page, self.help.split_once(' '), rest);
            self.help.clear();
        } else if !self.line.starts_with('#') {
            self.page.extend([without_exemplar(&self.line), "\n"]);
        }
        self.line.clear();
    }
}

impl fmt::Write for Classic<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive('\n') {
            match piece.strip_suffix('\n') {
                Some(end) => {
                    self.line.push_str(end);
                    self.end_of_line();
                }
                None => self.line.push_str(piece),
            }
        }
        Ok(())
    }
}

fn declare(out: &mut String, help: Option<(&str, &str)>, rest: &str) {
    let (name, kind) = rest.split_once(' ').unwrap_or((rest, "untyped"));
    let (suffix, kind) = match kind {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        "unknown" => ("", "untyped"),
        other => ("", other),
    };
    if let Some((_, text)) = help {
        out.extend(["# HELP ", name, suffix, " ", text, "\n"]);
    }
    out.extend(["# TYPE ", name, suffix, " ", kind, "\n"]);
}

/// Up to the `#` that is not within a label's value.
fn without_exemplar(line: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    let end = line.bytes().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'#' => return !quoted,
            _ => {}
        }
        false
    });
    end.and_then(|end| line.get(..end)).unwrap_or(line).trim_end()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[track_caller]
    fn check(openmetrics: &str, classic: &str) {
        for size in [1, 3, usize::MAX] {
            let mut page = String::new();
            let mut writer = Classic::new(&mut page);
            let characters: Vec<char> = openmetrics.chars().collect();
            for piece in characters.chunks(size) {
                let _ = writer.write_str(&piece.iter().collect::<String>());
            }
            assert_eq!(page, classic, "in pieces of {size}");
        }
    }

    #[test]
    fn declarations() {
        check(
            "# HELP a x y.\n# TYPE a counter\na_total 1\n# EOF\n",
            "# HELP a_total x y.\n# TYPE a_total counter\na_total 1\n",
        );
        check("# TYPE a gauge\na 1\n", "# TYPE a gauge\na 1\n");
        check("# HELP a_s x.\n# TYPE a_s histogram\n# UNIT a_s s\n", "# HELP a_s x.\n# TYPE a_s histogram\n");
        check("# TYPE a unknown\n", "# TYPE a untyped\n");
        check("# TYPE a info\na_info 1\n", "# TYPE a_info gauge\na_info 1\n");
        check("", "");
    }

    #[test]
    fn exemplars_are_cut_and_values_are_not() {
        check("a_bucket{le=\"1\"} 2 # {trace_id=\"00ab\"} 0.5 12.5\n", "a_bucket{le=\"1\"} 2\n");
        check("a{b=\"x # {y\"} 2\n", "a{b=\"x # {y\"} 2\n");
        check("a{b=\"x\\\" # y\"} 2 # {} 1\n", "a{b=\"x\\\" # y\"} 2\n");
        check("a{b=\"x\\\\\"} 2 # {} 1\n", "a{b=\"x\\\\\"} 2\n");
        check("a{b=\"ü#\"} 2\n", "a{b=\"ü#\"} 2\n");
    }
}
