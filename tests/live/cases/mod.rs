//! All that is true of single requests, by kind. The lab checks it against Traefik itself, `hops` against hoptap.

pub(crate) mod bodies;
pub(crate) mod failures;
pub(crate) mod malformed;
pub(crate) mod middlewares;
pub(crate) mod routing;

use hoptap_tests::case::Case;

pub(crate) const ALL: &[(&str, &[Case])] = &[
    ("routing", routing::CASES),
    ("bodies", bodies::CASES),
    ("middlewares", middlewares::CASES),
    ("malformed", malformed::CASES),
    ("failures", failures::CASES),
];
