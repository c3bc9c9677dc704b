//! What people read is true: links lead somewhere, commands parse, files and targets are there, examples load.
//! Names of metrics are checked against the registry, in `semconv/`.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap::error::ErrorKind;
use hoptap::command::Command;
use hoptap::config;

/// One page.
struct Page {
    /// From the root of the repository.
    name: String,
    text: String,
}

/// Flags of other programs that pages name alone.
const OTHERS: [&str; 3] = ["--security-opt", "--all-features", "--network"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pages() -> Vec<Page> {
    let mut names: Vec<String> = ["README.md", "CHANGELOG.md"].map(str::to_owned).into();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            names.push(format!("docs/{name}"));
        }
    }
    assert!(names.len() > 10, "{names:?}");
    names.sort();
    let read = |name: String| Page { text: fs::read_to_string(root().join(&name)).unwrap(), name };
    names.into_iter().map(read).collect()
}

impl Page {
    /// Blocks between fences, with the language that stands behind the first.
    fn blocks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.text.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'))
    }

    /// The page without its blocks.
    fn prose(&self) -> String {
        self.text.split("\n```").step_by(2).collect()
    }

    /// What stands between backticks in the prose.
    fn code(&self) -> Vec<String> {
        self.prose().split('`').skip(1).step_by(2).map(|code| code.replace('\n', " ")).collect()
    }

    fn is_generated(&self) -> bool {
        self.text.lines().take(4).any(|line| line.contains("Made from"))
    }
}

/// A heading as the end of a link names it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_somewhere() {
    let mut count = 0;
    for page in pages() {
        let folder = root().join(&page.name).parent().unwrap().to_owned();
        for link in page.prose().split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.starts_with("http") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { root().join(&page.name) } else { folder.join(file) };
            assert!(target.exists(), "{}: nothing is at {link}", page.name);
            if !heading.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let known =
                    text.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_matches('#')));
                assert!(known.into_iter().any(|known| known == heading), "{}: no heading for {link}", page.name);
            }
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

/// The words of a line, with quotes as a shell takes them.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (c, quote) {
            (' ', None) => words.push(std::mem::take(&mut word)),
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (c, _) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// The words of a line that starts hoptap, from its name on.
fn call(line: &str) -> Option<Vec<String>> {
    let mut words = words(line.trim_start_matches("$ ").split(" #").next().unwrap());
    if words.first().is_some_and(|first| first == "sudo") {
        let program = words.iter().skip(1).position(|word| !word.starts_with('-'))? + 1;
        words.drain(..program);
    }
    let name = words.first()?;
    (name == "hoptap" || name.ends_with("/hoptap")).then_some(words)
}

#[test]
fn commands_parse() {
    let mut count = 0;
    for page in pages().iter().filter(|page| page.name != "docs/commands.md") {
        let blocks = page.blocks().filter(|(language, _)| !["yaml", "text"].contains(language));
        let lines = blocks.flat_map(|(_, block)| block.lines().map(str::to_owned));
        for line in lines.chain(page.code()) {
            let Some(words) = call(&line) else { continue };
            // `hoptap record` in a sentence is a name: it must be one that there is.
            let is_name = words.len() == 2;
            if let Err(error) = Command::read(words) {
                if is_name && error.kind() == ErrorKind::MissingRequiredArgument {
                    continue;
                }
                assert!(!error.use_stderr(), "{}: `{line}`: {error}", page.name);
            }
            count += 1;
        }
    }
    assert!(count > 15, "{count}");
}

#[test]
fn flags_exist() {
    let mut root = Command::command();
    root.build();
    let mut known: BTreeSet<String> = OTHERS.map(str::to_owned).into();
    for command in std::iter::once(&root).chain(root.get_subcommands()) {
        known.extend(command.get_arguments().filter_map(|it| it.get_long()).map(|long| format!("--{long}")));
    }
    for page in pages() {
        for code in page.code().iter().filter(|code| code.starts_with("--")) {
            let flag = code.split([' ', '=']).next().unwrap();
            assert!(known.contains(flag), "{}: hoptap has no {flag}", page.name);
        }
    }
}

#[test]
fn files_and_targets_exist() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let folders: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| format!("{}/", entry.unwrap().file_name().into_string().unwrap()))
        .filter(|name| name != "target/")
        .collect();
    for page in pages().iter().filter(|page| !page.is_generated()) {
        let lines = page.blocks().flat_map(|(_, block)| block.lines().map(str::to_owned));
        for code in lines.chain(page.code()) {
            let code = code.trim_start_matches("$ ");
            if let Some(target) = code.strip_prefix("make ").and_then(|rest| rest.split(' ').next()) {
                assert!(makefile.contains(&format!("\n{target}:")), "{}: no target for `{code}`", page.name);
            }
            for word in code.split([' ', '(', ')', '`']) {
                let is_path = folders.iter().any(|folder| word.starts_with(folder.as_str()));
                assert!(!is_path || root().join(word).exists(), "{}: {word} is not there", page.name);
            }
        }
    }
}

/// Whole files, and parts of one.
#[test]
fn examples_load_without_a_warning() {
    let environment = |name: &str| name.starts_with("AWS_").then(|| "key".to_owned());
    let mut count = 0;
    for page in pages() {
        for (_, block) in page.blocks().filter(|(language, _)| *language == "yaml") {
            let whole = if block.contains("version: ") { block.to_owned() } else { format!("version: 2\n{block}") };
            let loaded = config::read(&page.name, &whole, &environment).unwrap_or_else(|report| panic!("{report}"));
            assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
            count += 1;
        }
    }
    assert!(count >= 3, "{count}");
}

/// The recipes are all of the samples.
#[test]
fn each_sample_has_its_recipe() {
    let page = fs::read_to_string(root().join("docs/scenarios.md")).unwrap();
    for entry in fs::read_dir(root().join("compose/configurations")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let link = format!("(../compose/configurations/{name})");
        assert!(page.contains(&link), "docs/scenarios.md has no recipe for {name}");
    }
}

#[test]
fn the_checks_find_what_is_wrong() {
    assert_eq!(
        anchor(" One service, errors of another, and what is slow"),
        "one-service-errors-of-another-and-what-is-slow"
    );
    assert_eq!(words("a 'b c' \"d\""), ["a", "b c", "d"]);
    assert_eq!(call("sudo -E target/release/hoptap --pid 1"), Some(words("target/release/hoptap --pid 1")));
    assert_eq!(call("make build"), None);
    let page = Page { name: "page".into(), text: "a `b` c\n```yaml\nd: `e`\n```\n`f`\n".into() };
    assert_eq!(page.code(), ["b", "f"]);
    assert_eq!(page.blocks().collect::<Vec<_>>(), [("yaml", "d: `e`")]);
    let wrong = call("hoptap --no-such-flag").unwrap();
    assert!(Command::read(wrong).is_err());
}
