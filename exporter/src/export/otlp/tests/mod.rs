//! The whole of the export, from variables to a collector on loopback that misbehaves as it is told to.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

pub(in crate::export) mod collector;
pub(in crate::export) mod delivery;
mod encoding;
mod logs;
mod outage;
mod random;
mod settings;
