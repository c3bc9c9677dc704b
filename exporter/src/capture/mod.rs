//! Finds Traefik processes, attaches to them, and turns what the kernel side sees into events.

pub mod binary;
pub mod btf;
pub mod containers;
pub mod permissions;
pub mod process;

mod ask;
mod clock;
mod convert;
mod object;
mod pod;
mod programs;
mod session;
mod target;
mod traced;

pub use programs::{Error, Hook, Programs, RING_BYTES};
pub use session::{Command, Handler, Session, Settings};
