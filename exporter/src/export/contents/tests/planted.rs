//! Secrets at random, in every place where traffic has one, come out of nothing that leaves.

use std::path::Path;

use bytes::Bytes;

use super::*;
use crate::body::sample::{Random, encode};
use crate::exchange::{Headers, Method, Role};
use crate::export::objects::tests::limits;
use crate::export::objects::tests::server::Scratch;
use crate::export::objects::{self, Content, Objects};
use crate::export::otlp::logs::Record;
use crate::export::otlp::{self, Encoder};
use crate::export::{bodies, events, json, text};

fn secret(random: &mut Random) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    (0..20).map(|_| char::from(random.one_of(LETTERS))).collect()
}

fn body(secret: &str, random: &mut Random) -> (&'static str, Vec<u8>, Option<&'static str>) {
    let (content_type, text) = match random.below(4) {
        0 => ("application/json", format!("{{\"user\": {{\"password\": \"{secret}\"}}, \"a\": [1, 2]}}")),
        1 => ("application/x-www-form-urlencoded", format!("a=1&user[password]={secret}&b=2")),
        2 => ("text/plain", format!("before key-{secret} after")),
        _ => {
            let part = format!("--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n{secret}\r\n--b--\r\n");
            ("multipart/form-data; boundary=b", part)
        }
    };
    match random.one_of(&["", "gzip", "br", "zstd"]) {
        "" => (content_type, text.into_bytes(), None),
        coding => (content_type, encode(coding, text.as_bytes()), Some(coding)),
    }
}

/// With a secret of its own in every place.
fn planted(number: u64, random: &mut Random, secrets: &mut Vec<String>) -> Exchange {
    let mut exchange = sample::retried();
    exchange.kept.level = Level::Full;
    let mut new = |random: &mut Random| {
        let made = secret(random);
        secrets.push(made.clone());
        made
    };
    for hop in exchange.hops_mut() {
        hop.user_agent = Some(new(random).into());
        hop.host = Some(format!("u:{}@a.test", new(random)).into());
        hop.query = Some(format!("page=2&token={}&invite={}", new(random), new(random)).into());
        let lines = format!(
            "Host: u:{}@a.test\r\nAuthorization: Bearer {}\r\nCookie: theme=dark; sid={}\r\nX-Tenant: {}\r\nX-Api-Key: {}\r\n\
             Referer: https://u:{}@a.test/?sig={}\r\n",
            new(random),
            new(random),
            new(random),
            new(random),
            new(random),
            new(random),
            new(random),
        );
        hop.request_headers = Headers::new(lines.as_bytes());
        let lines = format!("Set-Cookie: sid={}; Path=/\r\nLocation: /x?invite={}\r\n", new(random), new(random));
        hop.response_headers = Headers::new(lines.as_bytes());
        let mut content = |random: &mut Random| {
            let (content_type, bytes, coding) = body(&new(random), random);
            let mut content = sample::content(content_type, bytes);
            content.captured.content_encoding = coding.map(Into::into);
            if random.below(5) == 0 {
                let cut = random.below(content.captured.bytes.len());
                content.captured.bytes = content.captured.bytes.slice(..cut);
                content.captured.truncated = true;
            }
            content
        };
        let request = Some(content(random));
        let response = Some(content(random));
        hop.contents = Some(Box::new(Bodies { request, response }));
    }
    let of = |at: u64| 10 * number + at;
    exchange.server.as_mut().unwrap().context.span_id = of(0);
    (1..).zip(&mut exchange.attempts).for_each(|(at, attempt)| attempt.context.span_id = of(at));
    exchange.attempts[0].role = Role::Mirror;
    // The target of a tunnel.
    exchange.attempts[0].hop.method = Method::Connect;
    exchange.attempts[0].hop.path = format!("u:{}@b.test:443", secret(random)).into();
    secrets.push(exchange.attempts[0].hop.path.get(2..22).unwrap().to_owned());
    let server = exchange.server.as_mut().unwrap();
    server.hop.method = Method::Connect;
    server.hop.path = exchange.attempts[0].hop.path.clone();
    exchange
}

/// Everything that leaves but objects, as text.
fn said(exchange: &Arc<Exchange>) -> String {
    let mut said = String::new();
    text::write(exchange, &redaction(), &mut said);
    json::write(exchange, &redaction(), &mut said);
    events::write(exchange, &mut said);
    for protocol in ["http/protobuf", "http/json"] {
        let settings =
            otlp::Settings::from_env(&|name| (name == "OTEL_EXPORTER_OTLP_PROTOCOL").then(|| protocol.to_owned()));
        let mut encoder = Encoder::new(&settings.unwrap(), redaction());
        encoder.add(exchange);
        said.push_str(&String::from_utf8_lossy(&encoder.finish().unwrap()));
    }
    for (content, kept) in Content::of(exchange) {
        let text = bodies::text(kept).map(|(text, _)| Bytes::from(text.into_owned()));
        let record = Record::of_content(&exchange.process, exchange.pid, &content, text, 0);
        said.push_str(&format!("{record:?}"));
    }
    said
}

fn files(folder: &Path, out: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, out) } else { out.push(std::fs::read(path).unwrap()) }
    }
}

#[test]
fn no_secret_leaves() {
    let scratch = Scratch::new();
    let file = objects::File { directory: scratch.0.clone(), prefix: String::new() };
    let stores = vec![Objects::start(&objects::Settings::File(file), limits()).unwrap()];
    let kept = Kept::default();
    let settings = Settings { redaction: redaction(), ..Settings::default() };
    let contents = Contents::start(settings, Outlets { stores, ..kept.outlets() }).unwrap();
    let (mut random, mut secrets) = (Random(23), Vec::new());
    for number in 0..150 {
        contents.offer(planted(number, &mut random, &mut secrets));
    }
    let (told, _) = contents.finish(LONG);
    assert_eq!(told[0].counts, Counts { delivered: 150, ..Counts::default() });
    let mut stored = Vec::new();
    files(&scratch.0, &mut stored);
    assert!(stored.len() > 600, "{}", stored.len());
    let mut all: Vec<String> = kept.told().iter().map(said).collect();
    assert!(all.iter().all(|said| said.matches("REDACTED").count() > 50));
    // What was compressed and holds a secret was decoded to take it out; what is still compressed was searched in vain.
    all.extend(stored.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
    let all = all.concat();
    let finder = |secret: &str| memchr::memmem::find(all.as_bytes(), secret.get(..8).unwrap().as_bytes());
    for secret in &secrets {
        if let Some(at) = finder(secret) {
            let around = String::from_utf8_lossy(&all.as_bytes()[at.saturating_sub(200)..at + 100]).into_owned();
            panic!("{secret} in {around}");
        }
    }
}
