//! The reader of Go executables against the Go toolchain, against a real Traefik, and against hostile files.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod hostile;
mod toolchain;
mod traefik;
