//! Traefik processes of this machine, as `/proc` shows them: which there are, where they listen, where their
//! code lies.
//!
//! Everything is read while processes come and go: one that ends under the reader is not there, which is no error.

mod container;
mod executable;
mod found;
mod listening;
mod maps;
mod proc;
mod selection;
mod sockets;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

pub(super) use container::{pod_uid, short_id};
pub use found::{Alike, Found, Search, Unlike};
pub use proc::Proc;
pub use selection::Selection;
pub(super) use sockets::{LISTEN, Row};

/// The processes that `selection` names, by pid, in ascending order, from `/proc`.
pub fn find(selection: &Selection) -> Search {
    Proc::of_this_machine().find(selection)
}

/// The addresses on which a process listens for TCP, sorted; empty if it is gone. `[::]` takes IPv4 connections
/// too, unless the process said otherwise, which `/proc` does not tell.
pub fn listening(pid: u32) -> Vec<SocketAddr> {
    Proc::of_this_machine().listening(pid)
}

/// What to add to an address in the executable's file (`lowest` is the lowest virtual address of its loadable
/// segments) to get the address in the process: 0 unless it is position-independent. `None` if the process is gone
/// or does not have its executable mapped.
pub fn load_bias(pid: u32, lowest: u64) -> Option<u64> {
    Proc::of_this_machine().load_bias(pid, lowest)
}
