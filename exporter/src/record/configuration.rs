//! Takes the secrets out of what Traefik's API says about its configuration.
//!
//! `/api/rawdata` shows middlewares whole: the users and hashes of basicAuth and digestAuth, headers with keys in
//! them, the settings of plugins. Nothing below the seam reads them, so only their names and states are kept.

use serde_json::Value;

use crate::event::Configuration;

/// What is left where the answer was not the JSON object that it should be: nothing of it can be trusted.
const NOTHING: &str = "{}";

pub(super) fn without_secrets(configuration: &Configuration) -> Configuration {
    match configuration {
        Configuration::RawData(text) => {
            Configuration::RawData(without_middlewares(text).unwrap_or_else(|| NOTHING.to_owned()))
        }
        other => other.clone(),
    }
}

fn without_middlewares(text: &str) -> Option<String> {
    let mut root: Value = serde_json::from_str(text).ok()?;
    for (section, entries) in root.as_object_mut()? {
        if !section.to_ascii_lowercase().ends_with("middlewares") {
            continue;
        }
        for middleware in entries.as_object_mut()?.values_mut() {
            middleware.as_object_mut()?.retain(|key, _| matches!(key.as_str(), "status" | "usedBy"));
        }
    }
    serde_json::to_string(&root).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let masked = without_secrets(&Configuration::RawData(text.to_owned()));
        assert_eq!(masked, Configuration::RawData(expected.to_owned()));
    }

    #[test]
    fn rawdata() {
        check(
            r#"{"middlewares":{"a@file":{"basicAuth":{"users":["u:$2y$hash"]},"status":"enabled","usedBy":["r@file"]}},"routers":{"r@file":{"rule":"Host(`x`)"}}}"#,
            r#"{"middlewares":{"a@file":{"status":"enabled","usedBy":["r@file"]}},"routers":{"r@file":{"rule":"Host(`x`)"}}}"#,
        );
        check(r#"{"tcpMiddlewares":{"a":{"x":{}}}}"#, r#"{"tcpMiddlewares":{"a":{}}}"#);
        check(r#"{"middlewares":["hash"]}"#, NOTHING);
        check("hash", NOTHING);
        check("", NOTHING);
    }
}
