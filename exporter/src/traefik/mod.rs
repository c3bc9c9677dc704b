//! What a running Traefik is configured to do: its entrypoints, its routing table, and who would serve a request.
//!
//! Pure but for `api`, which asks Traefik. Used where the probes cannot say the names, and held against them in tests.

pub mod api;
pub mod configuration;
pub mod entrypoints;
mod forwarded;
pub mod names;
mod network;
pub mod path;
mod query;
pub mod request;
pub mod rule;
pub mod server;
pub mod static_configuration;
pub mod table;

pub use entrypoints::EntryPoint;
pub use names::Names;
pub use request::Request;
pub use server::{Branch, Server};
pub use table::{Resolution, Table};
