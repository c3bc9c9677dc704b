//! Secrets planted wherever they can stand: no output has one.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hoptap_tests::client::Connection;
use hoptap_tests::collector::Collector;
use hoptap_tests::files;
use hoptap_tests::hoptap::Hoptap;
use hoptap_tests::process::Scratch;

use super::Place;

/// What marks a secret.
const MARK: &str = "s3cr3t";

const FILE: &str = "
version: 2
services:
  event_stores: [{type: stdout}, {type: otlp, endpoint: 'ENDPOINT'}]
  object_stores: [{type: stdout}, {type: file, directory: 'FOLDER'}]
stacks:
  s: {plugins: [{type: http_capture, config: {level: full, format: FORMAT}}]}
tap: {http: {stack: s}}
redact:
  headers: [x-session]
  query: [invite]
  cookies: [session]
  json: [$.user.password, 'cards[*].number', '**.pin']
  form: [passphrase]
  patterns: [{name: token, regex: 'tok_[a-z0-9]+'}]
";

pub(crate) async fn check() -> Result<()> {
    for format in ["json", "text"] {
        told_as(format).await.with_context(|| format!("format {format}"))?;
    }
    Ok(())
}

async fn told_as(format: &str) -> Result<()> {
    let place = Place::start().await?;
    let collector = Collector::start().await?;
    let scratch = Scratch::new("secrets")?;
    let folder = scratch.path().join("objects");
    let endpoint = format!("http://{}", collector.address());
    let file = FILE.replace("ENDPOINT", &endpoint).replace("FOLDER", &folder.display().to_string());
    let path = scratch.path().join("hoptap.yaml");
    std::fs::write(&path, file.replace("FORMAT", format))?;
    let out = scratch.path().join("out");
    let pid = place.traefik.pid().to_string();
    let arguments = ["--config", &path.display().to_string(), "--pid", &pid];
    let mut hoptap = Hoptap::start_to(&arguments, &[], std::fs::File::create(&out)?).await?;
    let mut connection = Connection::open(place.traefik.address("web")?).await?;
    let mut number = 0;
    for (content_type, body) in bodies() {
        number += 1;
        let head = format!(
            "POST /x?seen={number}&token={MARK}{number}&invite={MARK}&page=2 HTTP/1.1\r\nHost: any.test\r\n\
             Content-Type: {content_type}\r\nAuthorization: Bearer {MARK}\r\nX-Api-Key: {MARK}\r\nX-Session: {MARK}\r\n\
             Cookie: session={MARK}; theme=dark\r\nReferer: http://a.test/?password={MARK}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let response = connection.exchange(&[head.as_bytes(), &body].concat()).await?;
        ensure!(response.status == 200, "found {}", response.status);
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    ensure!(hoptap.stop()?.success(), "{}", hoptap.output());

    let told = std::fs::read(&out)?;
    let stored = files::below(&folder)?;
    let spans = collector.spans();
    let sent = number;
    ensure!(spans.len() == sent * 2, "{} spans of {}", spans.len(), sent * 2);
    ensure!(stored.len() == sent * 5, "{} objects of {}", stored.len(), sent * 5);
    let spans = format!("{spans:?}");
    for (what, bytes) in [("standard output", told.as_slice()), ("spans", spans.as_bytes())] {
        ensure!(!holds(bytes), "a secret in {what}: {}", around(bytes));
        // What is not secret is told: it was not all left out.
        ensure!(has(bytes, b"page=2") && has(bytes, b"visible"), "nothing is left of {what}");
        ensure!(has(bytes, b"REDACTED"), "nothing is marked in {what}");
    }
    for (key, bytes) in &stored {
        ensure!(!holds(bytes), "a secret in {key}: {}", around(bytes));
    }
    ensure!(stored.iter().any(|(_, bytes)| has(bytes, b"visible")), "nothing is left of the objects");
    ensure!(!hoptap.output().contains(MARK), "a secret in the log");
    Ok(())
}

/// Bodies with secrets in them that the file names; the answer is the same text with its letters moved on.
fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let json = format!(
        r#"{{"user": {{"name": "visible", "password": "{MARK}"}}, "cards": [{{"number": "{MARK}1"}}, {{"number": "{MARK}2"}}], "deep": [{{"pin": "{MARK}"}}], "note": "tok_{MARK}"}}"#
    );
    let form = format!("name=visible&passphrase={MARK}&note=tok_{MARK}");
    let text = format!("visible text with tok_{MARK} in it");
    vec![
        ("application/json", json.into_bytes()),
        ("application/x-www-form-urlencoded", form.into_bytes()),
        ("text/plain", text.into_bytes()),
    ]
}

fn holds(bytes: &[u8]) -> bool {
    has(bytes, MARK.as_bytes())
}

fn has(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

fn around(bytes: &[u8]) -> String {
    let at = bytes.windows(MARK.len()).position(|window| window == MARK.as_bytes()).unwrap_or_default();
    String::from_utf8_lossy(&bytes[at.saturating_sub(200)..(at + 50).min(bytes.len())]).into_owned()
}
