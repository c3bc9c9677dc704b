//! `docs/commands.md` says what the command line takes: made from the parser itself, so it cannot be stale.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use clap::CommandFactory;
use hoptap::export::otlp::Settings;

fn page() -> String {
    let mut out = String::from(
        "# Commands\n\nMade from the command line's own parser by `UPDATE=1 cargo test -p hoptap --test commands_page`.\n",
    );
    let mut root = hoptap::command::Command::command();
    root.build();
    describe(&mut root, "hoptap", &mut out);
    let names: Vec<String> = root.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    for name in names.iter().filter(|name| *name != "help") {
        describe(root.find_subcommand_mut(name).unwrap(), &format!("hoptap {name}"), &mut out);
    }
    out.push_str("\n## Environment\n\nThe variables of OpenTelemetry that are honoured:\n\n");
    for name in variables() {
        writeln!(out, "- `{name}`").unwrap();
    }
    out
}

/// Every variable that is asked for, once an endpoint and a sampler are set.
fn variables() -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::new());
    let settings = Settings::from_env(&|name| {
        asked.borrow_mut().insert(name.to_owned());
        match name {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("http://localhost:4318".to_owned()),
            "OTEL_TRACES_SAMPLER" => Some("traceidratio".to_owned()),
            _ => None,
        }
    });
    settings.unwrap();
    asked.into_inner()
}

fn describe(command: &mut clap::Command, name: &str, out: &mut String) {
    let command = command.clone().term_width(100);
    let help = command.bin_name(name).render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(out, "\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n")).unwrap();
}

#[test]
fn the_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, &page).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "docs/commands.md is stale; UPDATE=1 rewrites it");
}
