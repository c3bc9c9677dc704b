//! hoptap watches a running Traefik from outside and tells what happened to every request on both hops.
//!
//! The modules stand in the order in which the data flows.

pub mod capture;
pub mod event;
pub mod record;
pub mod connection;
pub mod http1;
pub mod http2;
pub mod http3;
pub mod rpc;
pub mod websocket;
pub mod exchange;
pub mod link;
mod regexp;
mod distance;
mod lossy;
pub mod traefik;
pub mod rules;
pub mod pipeline;
pub mod policy;
pub mod body;
pub mod redact;
mod agent;
pub mod counters;
pub mod readiness;
pub mod export;
pub mod serve;
pub mod top;
pub mod config;
pub mod doctor;
pub mod command;
pub mod run;
