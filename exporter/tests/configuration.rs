//! Configuration files: those of the guide load as they are, broken ones are refused with all that is wrong with them,
//! and no file at all makes the reader panic or hang. `UPDATE=1` rewrites what is expected of the broken ones.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hoptap::config::{self, Direction, Level, Loaded, ObjectTarget, Report, Severity};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The files below `folder`, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    files
}

fn environment(name: &str) -> Option<String> {
    match name {
        "AWS_ACCESS_KEY_ID" => Some("AKIAIOSFODNN7EXAMPLE".into()),
        "AWS_SECRET_ACCESS_KEY" => Some("environment-secret".into()),
        _ => None,
    }
}

fn read(path: &Path) -> Result<Loaded, Box<Report>> {
    let name = path.file_name().unwrap().to_str().unwrap();
    config::read(name, &fs::read_to_string(path).unwrap(), &environment)
}

fn samples() -> Vec<PathBuf> {
    files(&root().join("../compose/configurations"))
}

fn sample(name: &str) -> Loaded {
    let path = root().join("../compose/configurations").join(name);
    read(&path).unwrap_or_else(|report| panic!("{report}"))
}

/// Says how two texts differ, or rewrites the second.
fn golden(path: &Path, found: &str, wrong: &mut Vec<String>) {
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        fs::write(path, found).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected != found {
        wrong.push(format!("{}: expected\n{expected}\nfound\n{found}", path.display()));
    }
}

/// What people copy first.
#[test]
fn the_readme_has_a_file_that_loads_without_a_warning() {
    let readme = fs::read_to_string(root().join("../README.md")).unwrap();
    let blocks: Vec<&str> =
        readme.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let loaded = config::read("README.md", block, &environment).unwrap_or_else(|report| panic!("{report}"));
        assert!(loaded.warnings.problems().is_empty(), "{}", loaded.warnings);
    }
}

#[test]
fn the_samples_load() {
    let samples = samples();
    assert!(samples.len() >= 8, "{samples:?}");
    for path in samples {
        if let Err(report) = read(&path) {
            panic!("{report}");
        }
    }
}

#[test]
fn the_guide_means_what_it_says() {
    let first = sample("guide-traefik-capture.yaml");
    assert!(first.warnings.is_empty(), "{}", first.warnings);
    let first = first.configuration;
    assert_eq!(first.tap.direction, Direction::All);
    assert_eq!(first.most_detailed(), Level::Full);
    assert_eq!(first.capture().unwrap().format, config::Format::Text);
    assert!(first.prints());

    let services = sample("1-specific-services.yaml").configuration;
    let rules = &services.capture().unwrap().rules;
    let levels: Vec<Level> = rules.iter().map(|rule| rule.level).collect();
    assert_eq!(levels, [Level::Full, Level::Full, Level::Details]);
    assert_eq!(rules.first().unwrap().name, "Service A traffic");

    let ObjectTarget::S3(s3) = sample("4-production-s3.yaml").configuration.services.object_stores.remove(0).to else {
        panic!("expected s3");
    };
    assert_eq!(s3.bucket, "my-company-traefik-traffic");
    assert_eq!(s3.endpoint.as_deref(), Some("s3.amazonaws.com"));
    assert!(s3.tls && !s3.path_style);
    assert_eq!(s3.keys.unwrap().secret_key.expose(), "environment-secret");

    assert_eq!(sample("6-canary.yaml").configuration.tap.direction, Direction::Egress);
}

#[test]
fn the_rule_of_the_guide_that_changes_nothing_is_warned_of() {
    let warnings = sample("5-service-mesh.yaml").warnings.to_string();
    assert!(warnings.contains("the rule `Service mesh traffic` can never change anything"), "{warnings}");
}

/// Each file of the corpus says what is wrong with it as its `.txt` says.
#[test]
fn broken_files_are_refused_with_all_that_is_wrong() {
    let folder = root().join("tests/data/configurations");
    let mut wrong = Vec::new();
    for path in files(&folder) {
        let found = match read(&path) {
            Err(report) => {
                assert!(report.count(Severity::Error) > 0, "{}", path.display());
                report.to_string()
            }
            Ok(loaded) => format!("{}{}", loaded.warnings, loaded.configuration),
        };
        for secret in ["hunter2", "environment-secret", "AKIAIOSFODNN7EXAMPLE"] {
            assert!(!found.contains(secret), "{}: {secret} in\n{found}", path.display());
        }
        golden(&path.with_extension("txt"), &found, &mut wrong);
    }
    assert!(wrong.is_empty(), "UPDATE=1 rewrites what is expected\n{}", wrong.join("\n"));
}

/// Small steps from files that load: nothing panics, and every file is read in a moment.
#[test]
fn no_file_is_too_strange() {
    let mut texts: Vec<String> = samples().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    texts.extend(files(&root().join("tests/data/configurations")).iter().map(|path| fs::read_to_string(path).unwrap()));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let pieces = [
        "\t",
        "\n",
        "  ",
        "- ",
        ": ",
        "'",
        "\"",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "|\n",
        ">\n",
        "#",
        "!",
        "\u{0}",
        "é",
        "---\n",
        "...",
        "<<: *a\n",
        "%YAML 1.2\n",
        "true",
        "1e999",
        "null",
        "level: full",
        "$.a[*]",
        "(",
        "\\",
        "?",
        "\u{feff}",
        "@",
        "`",
        "&&",
        "||",
        "not ",
        "/[/",
    ];
    for round in 0..3_000 {
        let mut text = random.of(&texts).clone();
        for _ in 0..=random.below(4) {
            let mut at = random.below(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            match random.below(4) {
                0 => text.insert_str(at, random.of::<&str>(&pieces)),
                1 => {
                    let end = (at + random.below(12)..=text.len()).find(|end| text.is_char_boundary(*end));
                    text.replace_range(at..end.unwrap_or(text.len()), "");
                }
                2 => text.truncate(at),
                _ => {
                    let lines: Vec<&str> = text.lines().chain([""]).collect();
                    let line = format!("\n{}\n", random.of::<&str>(&lines));
                    text.insert_str(at, &line);
                }
            }
        }
        let begin = Instant::now();
        let said = match config::read("file", &text, &environment) {
            Ok(loaded) => format!("{}{}", loaded.warnings, loaded.configuration),
            Err(report) => report.to_string(),
        };
        assert!(begin.elapsed() < Duration::from_secs(2), "round {round}: {text}");
        assert!(said.len() < 1 << 20, "round {round}: {text}");
    }
}

/// A small generator with a fixed seed: every run tries the same files.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn of<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }
}

/// Files of the largest size that repeat one thing.
#[test]
fn no_file_takes_long() {
    const SIZE: usize = (1 << 20) - 1024;
    let check = |name: &str, head: &str, line: &dyn Fn(usize) -> String| {
        let mut text = head.to_owned();
        for number in 0.. {
            let line = line(number);
            if text.len() + line.len() > SIZE {
                break;
            }
            text.push_str(&line);
        }
        let begin = Instant::now();
        let said = match config::read(name, &text, &environment) {
            Ok(loaded) => format!("{}{}", loaded.warnings, loaded.configuration),
            Err(report) => report.to_string(),
        };
        assert!(begin.elapsed() < Duration::from_secs(10), "{name}: {:?}", begin.elapsed());
        assert!(said.len() < 1 << 20, "{name}: {} bytes said", said.len());
    };
    let stacks =
        "version: 2\nstacks:\n  a:\n    plugins:\n      - type: http_capture\n        config:\n          rules:\n";
    check("the same key", "version: 2\n", &|_| "a: 1\n".into());
    check("unknown keys", "version: 2\n", &|number| format!("tapp{number}: 1\n"));
    check("stacks", "version: 2\nstacks:\n", &|number| format!("  s{number}: {{plugins: []}}\n"));
    check("rules", stacks, &|number| format!("            - {{name: n{number}, expr: tls, level: full}}\n"));
    check("macros", "version: 2\nrulekit:\n  macros:\n", &|n| format!("    - {{name: m{n}, expr: m{}()}}\n", n + 1));
    check("stores", "version: 2\nservices:\n  object_stores:\n", &|n| format!("    - {{type: stdout, id: i{n}}}\n"));
    check("secrets in a line", "version: 2\nredact: {form: [x], a: [", &|_| "{secret: a, b: }, ".into());
    check("opened", "version: 2\ntap: ", &|_| "[".into());
    check("quotes", "version: 2\ntap: ", &|_| "'".into());
    check("anchors", "version: 2\n", &|number| format!("k{number}: &a{number} [x, x, x]\n"));
    check("aliases", "version: 2\na: &a [x, x]\nb: [", &|_| "*a, ".into());
    check("merges", "version: 2\na: &a {b: 1, c: 2}\nd: {", &|_| "<<: *a, ".into());
    check("a long expression", "version: 2\nrulekit: {macros: [{name: a, expr: '", &|_| "tls and ".into());
    check("one long line", "version: 2\ntap: \"", &|_| "x\\t".into());
    check("comments", "version: 2\n", &|_| "#\n".into());
    check("dashes", "version: 2\nredact:\n  json:\n", &|_| "  - $.a[*\n".into());
}
