//! What was told, by the id that stands at the end of each path.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{Level, Sent};

/// Everything that standard output and the store have.
pub(super) struct Seen {
    /// Anonymised events, one for each hop.
    events: Vec<Value>,
    exchanges: Vec<Value>,
    /// Blocks of text.
    blocks: Vec<String>,
    /// Key and content.
    objects: Vec<(String, Vec<u8>)>,
}

impl Seen {
    pub(super) fn read(told: &str, objects: &[(String, Vec<u8>)]) -> Result<Self> {
        let mut seen =
            Self { events: Vec::new(), exchanges: Vec::new(), blocks: Vec::new(), objects: objects.to_vec() };
        for block in told.split("=== HTTP Transaction ===\n").skip(1) {
            seen.blocks.push(block.to_owned());
        }
        for line in told.lines().filter(|line| line.starts_with("{\"") && line.contains("span_id")) {
            let value: Value = serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
            let list = if value["hoptap.hop.direction"].is_string() { &mut seen.events } else { &mut seen.exchanges };
            list.push(value);
        }
        Ok(seen)
    }

    /// Of everything that is told there are events, without what is of a person.
    pub(super) fn events(&self, sent: &Sent, ingress: bool) -> Result<()> {
        let mine: Vec<&Value> =
            self.events.iter().filter(|event| is_of(event["url.path"].as_str(), &sent.id)).collect();
        let hops = usize::from(ingress) + usize::from(sent.routed);
        let expected = if sent.level == Level::None { 0 } else { hops };
        ensure!(mine.len() == expected, "expected {expected} events, found {mine:#?}");
        for event in mine {
            let text = event.to_string();
            ensure!(!text.contains("http.request.header") && !text.contains("url.query"), "{text}");
            ensure!(event["client.address"].as_str().is_none_or(|address| address == "127.0.0.0"), "{text}");
        }
        Ok(())
    }

    /// The exchange, as JSON or as text.
    pub(super) fn exchange(&self, sent: &Sent, ingress: bool) -> Result<()> {
        if !self.blocks.is_empty() {
            return self.text(sent);
        }
        let of = |hop: &Value| {
            let path = hop["url.path"].as_str().or(hop["url.full"].as_str());
            is_of(path.and_then(|path| path.split('?').next()), &sent.id)
        };
        let hops = |line: &Value| -> Vec<Value> {
            let egress = line["egress"].as_array().cloned().unwrap_or_default();
            line["ingress"].as_object().map(|_| line["ingress"].clone()).into_iter().chain(egress).collect()
        };
        let mine: Vec<&Value> = self.exchanges.iter().filter(|line| hops(line).iter().any(of)).collect();
        if sent.level == Level::None {
            ensure!(mine.is_empty(), "expected nothing, found {mine:#?}");
            return Ok(());
        }
        let [line] = mine.as_slice() else { bail!("expected one line, found {mine:#?}") };
        let hops = hops(line);
        ensure!(hops.len() == usize::from(ingress) + usize::from(sent.routed), "{line:#}");
        for hop in hops {
            ensure!(level(&hop) == sent.level, "expected {:?}, found {:?}: {hop:#}", sent.level, level(&hop));
            if sent.level == Level::Full {
                ensure!(hop["request.body"]["text"].as_str() == Some(&sent.body), "{hop:#}");
                ensure!(hop["response.body"]["text"].as_str().map(str::as_bytes) == Some(&sent.answer), "{hop:#}");
            }
        }
        ensure!(!line.to_string().contains("hidden-"), "a secret: {line:#}");
        Ok(())
    }

    fn text(&self, sent: &Sent) -> Result<()> {
        let of = |block: &&String| {
            let url = block.lines().find_map(|line| line.strip_prefix("URL: "));
            is_of(url.and_then(|url| url.split('?').next()), &sent.id)
        };
        let mine: Vec<&String> = self.blocks.iter().filter(of).collect();
        ensure!(mine.len() == 1 + usize::from(sent.routed), "found {mine:#?}");
        for block in mine {
            ensure!(block.contains("--- Request Headers ---"), "{block}");
            ensure!(block.contains(&format!("--- Request Body ---\n{}\n", sent.body)), "{block}");
            ensure!(block.contains("--- Response Body ---\n"), "{block}");
            ensure!(!block.contains("hidden-") && block.contains("Authorization: REDACTED"), "{block}");
        }
        Ok(())
    }

    /// What the store has of it: at level full both bodies of both hops, byte for byte.
    pub(super) fn objects(&self, sent: &Sent) -> Result<()> {
        let documents = self.objects.iter().filter(|(key, _)| key.ends_with("/exchange.json"));
        let mut mine = Vec::new();
        for (key, content) in documents {
            let value: Value = serde_json::from_slice(content).with_context(|| key.clone())?;
            if is_of(value["ingress"]["url.path"].as_str(), &sent.id) {
                mine.push((key, value));
            }
        }
        if matches!(sent.level, Level::None | Level::Summary) {
            ensure!(mine.is_empty(), "expected nothing in the store, found {mine:#?}");
            return Ok(());
        }
        let [(key, document)] = mine.as_slice() else { bail!("expected one document, found {mine:#?}") };
        ensure!(!document.to_string().contains("hidden-"), "a secret: {document:#}");
        let trace = document["trace_id"].as_str().context("no trace id")?;
        ensure!(key.contains(trace), "{key} does not lead to {trace}");
        let bodies: Vec<_> =
            self.objects.iter().filter(|(key, _)| key.contains(trace) && !key.ends_with(".json")).collect();
        let expected: &[(&str, &[u8])] = match sent.level {
            Level::Full => &[
                ("ingress-request", sent.body.as_bytes()),
                ("ingress-response", &sent.answer),
                ("egress-request", sent.body.as_bytes()),
                ("egress-response", &sent.answer),
            ],
            _ => &[],
        };
        ensure!(bodies.len() == expected.len(), "found {:?}", bodies.iter().map(|it| &it.0).collect::<Vec<_>>());
        for (name, content) in expected {
            let found = bodies.iter().find(|(key, _)| key.ends_with(name)).with_context(|| format!("no {name}"))?;
            ensure!(found.1 == *content, "{name} is not what went by");
        }
        Ok(())
    }

    /// Every line is of a request that was sent.
    pub(super) fn nothing_else(&self, sent: &[Sent]) -> Result<()> {
        let known = |path: Option<&str>| sent.iter().any(|sent| is_of(path, &sent.id));
        let unknown = self.events.iter().find(|event| !known(event["url.path"].as_str()));
        ensure!(unknown.is_none(), "{unknown:#?}");
        for sent in sent.iter().filter(|sent| sent.routed && sent.level != Level::None) {
            let path = &sent.backend_path;
            let found = self.events.iter().any(|event| event["url.path"].as_str() == Some(path));
            ensure!(found, "expected an event of {path}");
        }
        Ok(())
    }
}

fn is_of(path: Option<&str>, id: &str) -> bool {
    path.is_some_and(|path| path.rsplit('-').next() == Some(id))
}

/// How much a hop says.
fn level(hop: &Value) -> Level {
    let Some(hop) = hop.as_object() else { return Level::None };
    let has = |start: &str| hop.keys().any(|key| key.starts_with(start));
    if has("request.body") || has("response.body") {
        Level::Full
    } else if has("http.request.header.") {
        Level::Details
    } else {
        Level::Summary
    }
}
