//! All findings, as people and as programs read them.

use std::fmt;

use super::finding::{Ends, Finding, Outcome};

/// What the doctor says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub sections: Vec<Section>,
}

/// Findings under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub title: String,
    pub findings: Vec<Finding>,
}

/// Columns of a terminal that texts are wrapped at.
const WIDTH: usize = 120;
/// Of the longest result, with the spaces around it.
const RESULT: usize = 11;

impl Section {
    pub(super) fn new(title: impl Into<String>, findings: Vec<Finding>) -> Self {
        Self { title: title.into(), findings }
    }
}

impl Report {
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.sections.iter().flat_map(|section| &section.findings)
    }

    /// How a run would end by itself; None where it would work.
    pub fn ends(&self) -> Option<Ends> {
        let has = |ends| self.findings().any(|finding| finding.result == Outcome::Failed(ends));
        // In the order in which a run comes to them.
        [Ends::Usage, Ends::Unavailable].into_iter().find(|ends| has(*ends))
    }

    /// An array of objects, one a line.
    ///
    /// # Errors
    /// None of the texts in it can cause one.
    pub fn json(&self) -> serde_json::Result<String> {
        let lines: Vec<String> = self.findings().map(serde_json::to_string).collect::<Result<_, _>>()?;
        Ok(format!("[\n  {}\n]\n", lines.join(",\n  ")))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.findings().map(|finding| finding.check.len()).max().unwrap_or(0);
        for section in &self.sections {
            writeln!(formatter, "{}", section.title)?;
            for finding in &section.findings {
                show(formatter, finding, widest)?;
            }
            writeln!(formatter)?;
        }
        self.summary(formatter)
    }
}

impl Report {
    fn summary(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |is: fn(Outcome) -> bool| {
            let mut names: Vec<&str> = Vec::new();
            for finding in self.findings().filter(|finding| is(finding.result)) {
                if !names.contains(&finding.check) {
                    names.push(finding.check);
                }
            }
            names.join(", ")
        };
        let warnings = names(|result| result == Outcome::Warning);
        let failed = names(|result| matches!(result, Outcome::Failed(_)));
        let verdict = match self.ends() {
            None => "A run with these flags captures.",
            Some(Ends::Usage) => "A run with these flags does not start.",
            Some(Ends::Unavailable) => "A run with these flags captures nothing.",
        };
        writeln!(formatter, "{verdict}")?;
        for (word, names) in [("failed", failed), ("warning", warnings)] {
            if !names.is_empty() {
                wrapped(formatter, &format!("{word:>9}  "), RESULT, &names)?;
            }
        }
        Ok(())
    }
}

fn show(formatter: &mut fmt::Formatter<'_>, finding: &Finding, widest: usize) -> fmt::Result {
    let word = match finding.result {
        // It is the least of what is to be read.
        Outcome::NotApplicable => "-",
        result => result.as_str(),
    };
    let indent = RESULT + widest + 2;
    wrapped(formatter, &format!("{word:>9}  {:widest$}  ", finding.check), indent, &finding.found)?;
    for (word, text) in [("lost", &finding.lost), ("do", &finding.advice)] {
        if let Some(text) = text {
            let start = format!("{:indent$}{word:<6}", "");
            wrapped(formatter, &start, indent + 6, text)?;
        }
    }
    Ok(())
}

/// Words after `start`, in lines that begin `indent` columns further in.
fn wrapped(formatter: &mut fmt::Formatter<'_>, start: &str, indent: usize, text: &str) -> fmt::Result {
    let mut line = start.to_owned();
    let mut column = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > WIDTH {
            writeln!(formatter, "{line}")?;
            line = " ".repeat(indent);
            column = indent;
        }
        if column > indent {
            line.push(' ');
            column += 1;
        }
        line.push_str(word);
        column += length;
    }
    writeln!(formatter, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    fn report() -> Report {
        let words = "word ".repeat(30);
        Report {
            sections: vec![
                Section::new(
                    "This machine",
                    vec![
                        Finding::ok("kernel", "Linux 6.18.44, x86_64"),
                        Finding::not_applicable("locked memory", "counted otherwise since Linux 5.11"),
                        Finding::warning("clock", "nothing keeps it right").lost("order").advice(words.trim_end()),
                    ],
                ),
                Section::new(
                    "Traefik, pid 7",
                    vec![Finding::failed("process", Ends::Unavailable, "no Go program").advice("start it").of(7)],
                ),
            ],
        }
    }

    #[test]
    fn text() {
        let expected = "\
This machine
       ok  kernel         Linux 6.18.44, x86_64
        -  locked memory  counted otherwise since Linux 5.11
  warning  clock          nothing keeps it right
                          lost  order
                          do    word word word word word word word word word word word word word word word word word
                                word word word word word word word word word word word word word

Traefik, pid 7
   failed  process        no Go program
                          do    start it

A run with these flags captures nothing.
   failed  process
  warning  clock
";
        assert_eq!(report().to_string(), expected);
    }

    #[test]
    fn json() {
        let text = report().json().unwrap();
        let found: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(found.len(), 4);
        assert_eq!(found[1]["result"], "not applicable");
        assert_eq!(
            found[3],
            serde_json::json!({
                "check": "process", "pid": 7, "result": "failed", "found": "no Go program", "do": "start it"
            })
        );
    }

    /// A configuration that cannot be used ends a run before it comes to the kernel.
    #[test]
    fn what_a_run_comes_to_first() {
        let usage = Finding::failed("listen", Ends::Usage, "taken");
        let unavailable = Finding::failed("CAP_BPF", Ends::Unavailable, "missing");
        let ends = |findings: &[&Finding]| {
            let findings = findings.iter().map(|finding| (*finding).clone()).collect();
            Report { sections: vec![Section::new("", findings)] }.ends()
        };
        assert_eq!(ends(&[]), None);
        assert_eq!(ends(&[&Finding::warning("clock", "wrong")]), None);
        assert_eq!(ends(&[&unavailable]), Some(Ends::Unavailable));
        assert_eq!(ends(&[&unavailable, &usage]), Some(Ends::Usage));
    }
}
