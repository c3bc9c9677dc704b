//! The binary: parses the command line and runs it.

use std::process::ExitCode;

use hoptap::command::Command;

/// Bad usage (sysexits.h).
const USAGE: u8 = 64;

fn main() -> ExitCode {
    match Command::read(std::env::args_os()) {
        Ok(command) => hoptap::run::run(command),
        Err(error) => {
            let asked = !error.use_stderr();
            // A closed pipe is not worth a second message.
            let _ = error.print();
            if asked { ExitCode::SUCCESS } else { ExitCode::from(USAGE) }
        }
    }
}
