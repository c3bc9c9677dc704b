//! Finds Traefik processes, attaches to them, and turns what the kernel side sees into events.

pub mod binary;
pub mod btf;
pub mod clock;
pub mod containers;
pub mod permissions;
pub mod process;
pub mod uprobes;

mod ask;
mod convert;
mod detaching;
mod gives;
mod named;
mod object;
mod pod;
mod programs;
mod seccomp;
mod session;
mod target;
mod traced;
mod trial;

pub use ask::Asked;
pub use gives::Gives;
pub use programs::{Error, Hook, Programs, RING_BYTES};
pub use seccomp::filtered_calls;
pub use session::{Command, Handler, Session, Settings};
pub use traced::{NotPlaced, Untraceable};
pub use trial::{Api, Examined, Probe, Trial};
