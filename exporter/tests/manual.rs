//! Manual pages and completions say what the command line takes: made from the parser itself.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::process::{Command, Output, Stdio};

use clap::CommandFactory;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hoptap")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn said(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A page has the name of its command in its heading, and every flag of it.
#[test]
fn pages() {
    let mut root = hoptap::command::Command::command();
    root.build();
    let check = |command: &clap::Command, arguments: &[&str], name: &str| {
        let page = said(arguments);
        assert!(page.contains(&format!(".TH {name} 1 ")), "{name}: {page}");
        for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
            // A hyphen that is no hyphenation is written so.
            let flag = format!("--{flag}").replace('-', "\\-");
            assert!(page.contains(&flag), "{name}: expected {flag} in {page}");
        }
    };
    check(&root, &["man"], "hoptap");
    let commands: Vec<&clap::Command> = root.get_subcommands().filter(|command| command.get_name() != "help").collect();
    assert!(commands.len() >= 7, "{commands:?}");
    let whole = said(&["man"]);
    for command in commands {
        let name = format!("hoptap-{}", command.get_name());
        check(command, &["man", command.get_name()], &name);
        let written = format!("{}(1)", name.replace('-', "\\-"));
        assert!(whole.contains(&written), "expected {written} in {whole}");
    }
    let refused = run(&["man", "none"]);
    assert_eq!(refused.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("expected a command of hoptap: check, "));
}

/// Bash itself completes with it.
#[test]
fn completions() {
    for (typed, expected) in [
        ("doc", "doctor"),
        ("doctor --conf", "--config"),
        ("doctor --format j", "json"),
        ("completions z", "zsh"),
        ("--cap", "--capture"),
    ] {
        let script = format!(
            "{}\nCOMP_WORDS=(hoptap {typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _hoptap hoptap \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\necho \"${{COMPREPLY[@]}}\"",
            said(&["completions", "bash"])
        );
        let output = Command::new("bash").args(["--norc", "-c", &script]).output().unwrap();
        let found = String::from_utf8_lossy(&output.stdout);
        assert_eq!(found.trim(), expected, "{typed}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(said(&["completions", "zsh"]).starts_with("#compdef hoptap\n"));
    assert!(said(&["completions", "fish"]).contains("-a \"doctor\""));
    assert_eq!(run(&["completions", "csh"]).status.code(), Some(64));
}
