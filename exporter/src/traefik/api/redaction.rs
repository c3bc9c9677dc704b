//! What of `/api/rawdata` must not be kept: it is recorded, and may be logged.
//!
//! Middlewares hold password hashes and API keys, health checks hold header fields, URLs may hold credentials.

use serde_json::{Map, Value};

use crate::redact::without_user;

/// Sections that are kept; whatever else a later Traefik adds is not.
const KEPT: [&str; 6] = ["routers", "services", "tcpRouters", "tcpServices", "udpRouters", "udpServices"];
/// Of these only the names are kept.
const NAMES_ONLY: [&str; 2] = ["middlewares", "tcpMiddlewares"];

/// None: not an object.
pub(super) fn raw_data(value: Value) -> Option<Value> {
    let Value::Object(mut sections) = value else {
        return None;
    };
    sections.retain(|name, section| {
        if NAMES_ONLY.contains(&name.as_str())
            && let Value::Object(entries) = section
        {
            entries.values_mut().for_each(|body| *body = Value::Object(Map::new()));
            return true;
        }
        KEPT.contains(&name.as_str())
    });
    if let Some(Value::Object(services)) = sections.get_mut("services") {
        services.values_mut().for_each(service);
    }
    Some(Value::Object(sections))
}

fn service(service: &mut Value) {
    if let Some(Value::Object(balancer)) = service.get_mut("loadBalancer") {
        balancer.remove("healthCheck");
        if let Some(Value::Array(servers)) = balancer.get_mut("servers") {
            for server in servers {
                if let Some(Value::String(url)) = server.get_mut("url") {
                    *url = without_user(url).into_owned();
                }
            }
        }
    }
    if let Some(Value::Object(status)) = service.get_mut("serverStatus") {
        *status =
            std::mem::take(status).into_iter().map(|(url, status)| (without_user(&url).into_owned(), status)).collect();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn secrets_are_gone_and_the_rest_stays() {
        let text = r#"{
            "routers":{"r@file":{"rule":"Path(`/`)","priority":9223372036854775807}},
            "middlewares":{"m@file":{"basicAuth":{"users":["u:SECRET"]}},"p@file":{"plugin":{"k":{"key":"SECRET"}}}},
            "tcpMiddlewares":{"t@file":{"any":"SECRET"}},
            "services":{"s@file":{"loadBalancer":{
                "servers":[{"url":"http://u:SECRET@10.0.0.1:80/x@y"},{"url":"http://10.0.0.2/a@b"}],
                "healthCheck":{"headers":{"Authorization":"SECRET"}}},
              "serverStatus":{"http://u:SECRET@10.0.0.1:80":"UP"}}},
            "certificates":{"key":"SECRET"}}"#;
        let found = raw_data(serde_json::from_str(text).unwrap()).unwrap().to_string();
        assert!(!found.contains("SECRET"), "{found}");
        for kept in [
            "9223372036854775807",
            "m@file",
            "p@file",
            "t@file",
            "http://10.0.0.1:80/x@y",
            "http://10.0.0.2/a@b",
            "\"http://10.0.0.1:80\":\"UP\"",
        ] {
            assert!(found.contains(kept), "{kept} in {found}");
        }
        assert_eq!(raw_data(Value::Array(Vec::new())), None);
    }
}
