//! What `/api/rawdata` says, as values. One entry that is not understood never costs the others.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// Routers and services, by their qualified names (`echo@file`).
#[derive(Debug, Default)]
pub struct Configuration {
    pub routers: BTreeMap<String, Router>,
    pub services: BTreeMap<String, Service>,
    /// Entries that were left out, and why.
    pub warnings: Vec<String>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Router {
    #[serde(deserialize_with = "null_is_default")]
    pub entry_points: Vec<String>,
    /// The entrypoints on which it is really served.
    #[serde(deserialize_with = "null_is_default")]
    pub using: Vec<String>,
    /// As written: without a provider it means one of the router's own.
    pub service: String,
    pub rule: String,
    pub rule_syntax: String,
    #[serde(deserialize_with = "null_is_default")]
    pub parent_refs: Vec<String>,
    /// 0 where Traefik did not say: then the length of the rule.
    #[serde(deserialize_with = "priority")]
    pub priority: i64,
    /// The same as text: what a reader that knows only floats cannot spoil.
    pub priority_str: Option<String>,
    #[serde(deserialize_with = "presence")]
    pub tls: bool,
    pub status: String,
    #[serde(deserialize_with = "null_is_default")]
    pub error: Vec<String>,
}

impl Router {
    /// Higher goes first. Traefik takes the rule's length in bytes where none is set.
    pub fn effective_priority(&self) -> i64 {
        let written = self.priority_str.as_deref().and_then(|text| text.parse().ok());
        match written.unwrap_or(self.priority) {
            0 => i64::try_from(self.rule.len()).unwrap_or(i64::MAX),
            set => set,
        }
    }
}

/// Which servers a service leads to, or by way of which services. Traefik's own have nothing of it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    pub load_balancer: Option<LoadBalancer>,
    pub weighted: Option<Weighted>,
    pub highest_random_weight: Option<Weighted>,
    pub mirroring: Option<Mirroring>,
    pub failover: Option<Failover>,
    pub status: String,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LoadBalancer {
    #[serde(deserialize_with = "null_is_default")]
    pub servers: Vec<Url>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Url {
    pub url: String,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Weighted {
    #[serde(deserialize_with = "null_is_default")]
    pub services: Vec<Named>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Named {
    pub name: String,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Mirroring {
    pub service: String,
    #[serde(deserialize_with = "null_is_default")]
    pub mirrors: Vec<Named>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Failover {
    pub service: String,
    pub fallback: String,
}

impl Configuration {
    /// # Errors
    /// The text is not a JSON object.
    pub fn parse(raw_data: &str) -> Result<Self, serde_json::Error> {
        let mut sections: Map<String, Value> = serde_json::from_str(raw_data)?;
        let mut section = |name| match sections.remove(name) {
            Some(Value::Object(entries)) => entries,
            _ => Map::new(),
        };
        let (routers, services) = (section("routers"), section("services"));
        let mut warnings = Vec::new();
        Ok(Self {
            routers: understood(routers, "router", &mut warnings),
            services: understood(services, "service", &mut warnings),
            warnings,
        })
    }
}

fn understood<T: for<'a> Deserialize<'a>>(
    entries: Map<String, Value>,
    what: &str,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, T> {
    entries
        .into_iter()
        // serde would read an array as the fields in their order.
        .filter(|(_, value)| !value.is_array())
        .filter_map(|(name, value)| match serde_json::from_value(value) {
            Ok(entry) => Some((name, entry)),
            Err(error) => {
                warnings.push(format!("{what} {name} of the API's answer is not understood: {error}"));
                None
            }
        })
        .collect()
}

/// `name`, with the provider of `owner` where it names none (Traefik 3.6.12 pkg/server/provider/provider.go:35).
pub(super) fn qualify(name: &str, owner: &str) -> String {
    match (name.contains('@'), provider(owner)) {
        (false, Some(provider)) => format!("{name}@{provider}"),
        _ => name.to_owned(),
    }
}

/// `file` of `echo@file`.
pub(super) fn provider(name: &str) -> Option<&str> {
    name.split('@').nth(1)
}

/// Go writes empty lists and maps as `null` where a field is not left out when empty.
fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn presence<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(!Value::deserialize(deserializer)?.is_null())
}

/// Traefik's own routers reach to the end of int64, which a float cannot say; strings are let pass as well.
fn priority<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text,
        _ => return Ok(0),
    };
    Ok(text.parse().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn odd_entries_cost_only_themselves() {
        let text = r#"{"routers":{
            "a@file":{"rule":"Host(`a`)","service":"s","using":["web"],"priority":9223372036854775807,"tls":{}},
            "b@file":{"rule":["nonsense"]},
            "c@file":{"rule":"Path(`/`)","using":null,"parentRefs":null,"priority":"7","new":{"field":1}},
            "d@file":{"rule":"Path(`/`)","priority":9.2e18,"priorityStr":"9223372036854775806"}},
          "services":{"s@file":{"loadBalancer":{"servers":null}},"t@file":7,"api@internal":{}},
          "middlewares":null,"tcpRouters":{"x":1}}"#;
        let found = Configuration::parse(text).unwrap();
        let priorities: Vec<_> = found
            .routers
            .iter()
            .map(|(name, router)| (name.as_str(), router.effective_priority(), router.tls))
            .collect();
        assert_eq!(priorities, [("a@file", i64::MAX, true), ("c@file", 7, false), ("d@file", i64::MAX - 1, false)]);
        assert_eq!(found.services.len(), 2);
        assert_eq!(found.warnings.len(), 2, "{:?}", found.warnings);
        assert!(Configuration::parse("[]").is_err());
        assert!(Configuration::parse("{}").unwrap().routers.is_empty());
    }

    #[test]
    fn names_take_the_provider_of_their_owner() {
        for (name, owner, expected) in [
            ("be", "r@docker", "be@docker"),
            ("be@file", "r@docker", "be@file"),
            ("be", "r", "be"),
            ("noop@internal", "r@file", "noop@internal"),
        ] {
            assert_eq!(qualify(name, owner), expected);
        }
    }
}
