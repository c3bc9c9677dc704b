//! All that is true of single requests over TLS, HTTP/2 and what is spoken on them, by kind.

pub(crate) mod backends;
pub(crate) mod broken;
pub(crate) mod calls;
pub(crate) mod handshakes;
pub(crate) mod idle;
pub(crate) mod ingress;
pub(crate) mod many;
pub(crate) mod middlewares;
pub(crate) mod over_http3;
pub(crate) mod sessions;
pub(crate) mod together;

use hoptap_tests::stream_case::StreamCase;

pub(crate) const ALL: &[(&str, &[StreamCase])] = &[
    ("ingress", ingress::CASES),
    ("backends", backends::CASES),
    ("middlewares", middlewares::CASES),
    ("broken streams", broken::CASES),
    ("calls", calls::CASES),
    ("sessions", sessions::CASES),
    ("HTTP/3", over_http3::CASES),
];
