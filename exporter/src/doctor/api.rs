//! Traefik's own API: where it is, whether it answers, and whether names depend on it.

use super::PATIENCE;
use super::finding::Finding;
use crate::capture::Api;

const CHECK: &str = "API";
const LOST: &str = "names of routers, services and entrypoints";

pub(super) fn check(api: Api) -> Finding {
    let Api { wanted, asked } = api;
    let Some((address, asked)) = asked else {
        let found = "its configuration has none on a port of its own";
        return if wanted {
            Finding::warning(CHECK, format!("{found}, and names have to come from it"))
                .lost(LOST)
                .advice("switch it on (api.insecure: true, on a port that others do not reach), or name it with --api")
        } else {
            Finding::not_applicable(CHECK, format!("{found}; names come from the probes"))
        };
    };
    let error = match asked.wait(PATIENCE) {
        Some(Ok(version)) => {
            let use_ = if wanted { "names come from it" } else { "not needed: names come from the probes" };
            return Finding::ok(CHECK, format!("{address}, version {version}; {use_}"));
        }
        Some(Err(error)) => error.to_string(),
        None => format!("no answer from {address} within {} s", PATIENCE.as_secs()),
    };
    if wanted {
        Finding::warning(CHECK, error).lost(LOST).advice("correct --api, or traefik.api in the file")
    } else {
        Finding::not_applicable(CHECK, format!("{error}; names come from the probes"))
    }
}
