//! `hoptap man` and `hoptap completions`: made from the definition of the command line, so that they cannot be stale.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::shells::{Bash, Fish, Zsh};

use super::Error;
use crate::command::{Command, Man, Shell};

const NAME: &str = "hoptap";

/// Prints a page in roff: `hoptap.1`, `hoptap-doctor.1`.
pub(super) fn page(man: &Man) -> Result<(), Error> {
    // Subcommands take what is global, and are called `hoptap-doctor`, once the definition is complete.
    let mut root = Command::command();
    root.build();
    let command = match man.command.as_deref() {
        None | Some(NAME) => root,
        Some(name) => {
            let names: Vec<String> = root.get_subcommands().map(|command| command.get_name().to_owned()).collect();
            let found = root.find_subcommand(name).cloned();
            found.ok_or_else(|| {
                Error::Usage(format!("man {name}: expected a command of hoptap: {}", names.join(", ")))
            })?
        }
    };
    let mut page = Vec::new();
    let version = format!("hoptap {}", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command).source(version).render(&mut page).map_err(anyhow::Error::from)?;
    print(&page);
    Ok(())
}

pub(super) fn completions(shell: Shell) -> Result<(), Error> {
    let mut root = Command::command();
    let mut script = Vec::new();
    match shell {
        Shell::Bash => clap_complete::generate(Bash, &mut root, NAME, &mut script),
        Shell::Zsh => clap_complete::generate(Zsh, &mut root, NAME, &mut script),
        Shell::Fish => clap_complete::generate(Fish, &mut root, NAME, &mut script),
    }
    print(&script);
    Ok(())
}

fn print(bytes: &[u8]) {
    // A closed pipe is not worth a message.
    let _ = io::stdout().write_all(bytes);
}
