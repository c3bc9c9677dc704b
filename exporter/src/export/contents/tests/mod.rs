//! Bodies on their way through the stage: what arrives, what does not, and that all of it is counted.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod collected;
mod planted;
mod room;
mod stored;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Contents, Outlets, Settings};
use crate::exchange::{Contents as Bodies, Exchange, Level};
use crate::export::{Counts, Output, sample};
use crate::redact::{self, Redaction};

const LONG: Duration = Duration::from_secs(60);

/// An output that keeps what it is told, and makes the stage wait while its gate is closed.
#[derive(Debug, Clone, Default)]
struct Kept {
    told: Arc<Mutex<Vec<Arc<Exchange>>>>,
    gate: Arc<Mutex<()>>,
}

impl Kept {
    fn told(&self) -> Vec<Arc<Exchange>> {
        self.told.lock().unwrap().clone()
    }

    fn outlets(&self) -> Outlets {
        Outlets { outputs: vec![Box::new(self.clone())], ..Outlets::default() }
    }
}

impl Output for Kept {
    fn name(&self) -> &'static str {
        "kept"
    }

    fn offer(&self, exchange: &Arc<Exchange>) {
        if std::thread::current().name() == Some("contents") {
            let _open = self.gate.lock().unwrap();
        }
        self.told.lock().unwrap().push(Arc::clone(exchange));
    }

    fn counts(&self) -> Counts {
        Counts { delivered: self.told.lock().unwrap().len() as u64, ..Counts::default() }
    }

    fn capacity(&self) -> usize {
        0
    }

    fn finish(self: Box<Self>, _: Duration) -> Counts {
        self.counts()
    }
}

/// A POST of this body, with an answer, and one attempt with the same.
fn posted(content_type: &str, request: &[u8], response: &[u8]) -> Exchange {
    let mut exchange = sample::detailed();
    exchange.kept.level = Level::Full;
    for hop in exchange.hops_mut() {
        let request = Some(sample::content(content_type, request.to_vec()));
        let response = Some(sample::content(content_type, response.to_vec()));
        hop.contents = Some(Box::new(Bodies { request, response }));
    }
    exchange
}

fn redaction() -> Arc<Redaction> {
    let settings = redact::Settings {
        headers: vec!["X-Tenant".into(), "user-agent".into()],
        query: vec!["invite".into()],
        cookies: redact::Cookies::Named(vec!["sid".into()]),
        json: vec!["**.password".into()],
        form: vec!["password".into()],
        patterns: vec!["key-([0-9a-zA-Z]+)".into()],
    };
    Arc::new(Redaction::new(&settings).unwrap())
}

#[track_caller]
fn wait(contents: &Contents, what: &str, until: impl Fn(&Counts) -> bool) -> Counts {
    let begun = Instant::now();
    loop {
        let counts = contents.counts();
        if until(&counts) {
            return counts;
        }
        assert!(begun.elapsed() < LONG, "{what}: not after {LONG:?}: {counts:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn without_bodies_nothing_waits() {
    let kept = Kept::default();
    let contents = Contents::start(Settings::default(), kept.outlets()).unwrap();
    let _closed = kept.gate.lock().unwrap();
    contents.offer(sample::exchange());
    contents.offer(sample::detailed());
    assert_eq!(kept.told().len(), 2, "told by the thread that offered them");
    assert_eq!(contents.counts(), Counts::default());
}

#[test]
fn what_cannot_be_searched_is_withheld() {
    let kept = Kept::default();
    let settings = Settings { redaction: redaction(), ..Settings::default() };
    let contents = Contents::start(settings, kept.outlets()).unwrap();
    contents.offer(posted("application/json", b"{\"password\": \"s3cret", b"{\"a\": 1}"));
    contents.offer(posted("application/json", b"{\"password\": \"s3cret\"} {nonsense s3cret", b"{}"));
    let (told, withheld) = contents.finish(LONG);
    assert_eq!(told[0].counts, Counts { delivered: 2, ..Counts::default() });
    let mut hidden = 0;
    for exchange in kept.told() {
        for mut hop in [exchange.server.as_ref().unwrap().hop.clone(), exchange.attempts[0].hop.clone()] {
            let bodies = hop.contents.take().unwrap();
            let request = bodies.request.unwrap();
            assert!(!String::from_utf8_lossy(&request.captured.bytes).contains("s3cret"));
            if request.withheld.is_some() {
                hidden += 1;
                assert!(request.captured.bytes.is_empty() && request.captured.truncated);
                assert!(request.captured.seen > 0);
            }
            assert!(bodies.response.unwrap().withheld.is_none());
        }
    }
    assert!(hidden >= 2, "{hidden}");
    assert_eq!(withheld, hidden);
}
