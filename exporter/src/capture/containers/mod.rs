//! Which container has the other end of a socket: asked when a connection is new, answered by an event.
//!
//! Whose a socket is the socket tables say, so that it is right whatever networks there are; no runtime is asked for
//! that. Docker and Podman are asked for names only. All of it happens on one thread of its own.

mod asking;
mod census;
mod directory;
mod end;
mod engine;
mod names;
mod owner;
mod request;
mod settings;
mod started;
mod watch;

pub use settings::{Settings, Socket};

pub(super) use asking::Asking;
pub use directory::Directory;
pub(super) use names::pod_of;
