//! The lab: a real Traefik between clients and backends that do what real ones do, and hoptap beside it.
//!
//! What is true is known three times without hoptap: by the client, by Traefik's access log and by the backend.
//! The [`oracle`] compares hoptap's spans with them.

pub mod files;
pub mod process;

pub mod certificates;
pub mod frames;
pub mod grpc;
pub mod s3;
pub mod socket;
pub mod validators;
pub mod websocket;

pub mod backend;
pub mod client;
pub mod http2;
pub mod http3;
pub mod load;
pub mod proxy_protocol;
pub mod traefik;

pub mod doors;
pub mod early;
pub mod streams;
pub mod modern;

pub mod access_log;
pub mod collector;
pub mod cpu;
pub mod dashboard;
pub mod docker;
pub mod echo;
pub mod exposition;
pub mod hoptap;
pub mod prometheus;
pub mod stack;
pub mod jaeger;
pub mod span;
pub mod terminal;

pub mod names;
mod truth;
pub mod case;
pub mod stream_case;
pub mod lab;
pub mod mix;
mod call;
pub mod oracle;
pub mod suite;
pub mod sequence;
