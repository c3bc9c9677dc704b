//! Why a file cannot be read as a Go executable.

use thiserror::Error;

/// Why [`Binary::read`](super::Binary::read) gave up. None of them says anything about the process that runs the file.
#[derive(Debug, Error)]
pub enum Error {
    #[error("cannot read the executable: {0}")]
    Io(#[from] std::io::Error),

    #[error("expected an ELF executable, found {0}")]
    NotElf(&'static str),

    #[error(
        "expected 64-bit little-endian code for x86-64 or AArch64, found {found}: this build of Traefik cannot be probed"
    )]
    Unsupported { found: String },

    #[error("the file is cut short: its segments need {needed} bytes, it has {length}")]
    Truncated { needed: u64, length: u64 },

    #[error(
        "expected the function table and module data of Go 1.20 or later, found neither: not a Go program, or packed"
    )]
    NotGo,

    #[error(
        "expected the function table of Go 1.20 or later, found none in a program of {go_version}: built by an older \
         Go, or its .gopclntab was taken out"
    )]
    NoFunctions { go_version: String },

    #[error("{table} is damaged near address {address:#x}")]
    Damaged { table: &'static str, address: u64 },

    #[error("address {address:#x} is not in the file")]
    Address { address: u64 },

    #[error("the tables of the file point back and forth: gave up after reading {read} bytes")]
    Costly { read: u64 },
}
