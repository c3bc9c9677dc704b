//! What a Content-Type says, and with it what a body may be. Headers lie: outputs look at the bytes as well.

use std::borrow::Cow;

use crate::rpc;

/// What a body says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One value, or one after another (NDJSON and the like).
    Json,
    /// Server-sent events.
    Events,
    Form,
    Multipart,
    Grpc,
    Xml,
    Text,
    /// Declared as something that is never text.
    Binary,
    /// Nothing is said, or nothing that is known.
    Unknown,
}

/// A Content-Type header in its parts, as it was sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Media<'a> {
    essence: &'a str,
    parameters: &'a str,
}

impl<'a> Media<'a> {
    pub fn of(content_type: Option<&'a str>) -> Self {
        let value = content_type.unwrap_or_default();
        let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
        // `a/b, a/b`: the header was sent twice.
        let essence = essence.split(',').next().unwrap_or_default().trim();
        Self { essence, parameters }
    }

    /// `type/subtype` where it can be one; what comes from traffic and cannot is not shown.
    pub fn name(&self) -> Option<&'a str> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+/*".contains(&byte);
        let sound = self.essence.len() <= 100 && self.essence.contains('/') && self.essence.bytes().all(token);
        sound.then_some(self.essence)
    }

    pub fn parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        parameters(self.parameters).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Whether there can be fields of a form in it.
    pub fn has_fields(&self) -> bool {
        matches!(self.kind(), Kind::Form | Kind::Multipart)
    }

    pub fn kind(&self) -> Kind {
        let lower = self.essence.to_ascii_lowercase();
        let Some((top, subtype)) = lower.split_once('/') else { return Kind::Unknown };
        if rpc::Kind::of(lower.as_bytes()).is_some() {
            return Kind::Grpc;
        }
        match (top, subtype) {
            (_, subtype) if is_json(subtype) => Kind::Json,
            (_, subtype) if subtype == "xml" || subtype.ends_with("+xml") => Kind::Xml,
            ("text", "event-stream") => Kind::Events,
            ("application", "x-www-form-urlencoded") => Kind::Form,
            ("multipart", _) => Kind::Multipart,
            ("text", _) => Kind::Text,
            ("image" | "audio" | "video" | "font" | "model", _) => Kind::Binary,
            (_, subtype) if TEXT.contains(&subtype) => Kind::Text,
            (_, subtype) if BINARY.contains(&subtype) => Kind::Binary,
            _ => Kind::Unknown,
        }
    }
}

fn is_json(subtype: &str) -> bool {
    const LINES: [&str; 9] =
        ["json", "x-json", "ndjson", "x-ndjson", "jsonl", "x-jsonlines", "jsonlines", "json-seq", "csp-report"];
    LINES.contains(&subtype) || subtype.ends_with("+json") || subtype.ends_with("+json-seq")
}

const TEXT: [&str; 10] =
    ["javascript", "x-javascript", "ecmascript", "graphql", "yaml", "x-yaml", "toml", "sql", "x-sh", "http"];

const BINARY: [&str; 12] =
    ["pdf", "zip", "gzip", "x-gzip", "x-tar", "zstd", "wasm", "protobuf", "x-protobuf", "msgpack", "x-msgpack", "cbor"];

/// The `; name=value` parameters of a header value, with the quotes of the value removed.
pub fn parameters(mut rest: &str) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start_matches([';', ' ', '\t', '\r', '\n']);
            if rest.is_empty() {
                return None;
            }
            let at = rest.find(['=', ';'])?;
            let (name, after) = rest.split_at(at);
            let Some(after) = after.strip_prefix('=') else {
                rest = after;
                continue;
            };
            let (value, after) = value(after.trim_start_matches([' ', '\t']));
            rest = after;
            return Some((name.trim(), value));
        }
    })
}

fn value(text: &str) -> (Cow<'_, str>, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (Cow::Borrowed(value.trim()), rest);
    };
    let mut escaped = false;
    let end = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    // No end: cut, or broken.
    let (value, rest) = quoted.split_at(end.unwrap_or(quoted.len()));
    let rest = rest.strip_prefix('"').unwrap_or_default();
    (unquoted(value), rest)
}

/// Browsers leave the backslashes of a Windows path as they are: only what must be escaped is taken as escaped.
fn unquoted(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    Cow::Owned(value.replace("\\\"", "\"").replace("\\\\", "\\"))
}
