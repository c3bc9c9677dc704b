//! Bodies arrive in a real store as they were on the wire, and the exchange says where.

use super::*;
use crate::body::sample::{Random, encode};
use crate::export::objects::tests::limits;
use crate::export::objects::tests::server::{S3S_FS, Scratch, Server};
use crate::export::objects::{self, Content, Objects};

const COUNT: u64 = 400;

/// Of any size, some of them compressed.
fn made(number: u64, random: &mut Random) -> Exchange {
    let length = if number.is_multiple_of(50) { 1 << 20 } else { random.below(5000) + 1 };
    let noise = random.bytes(length);
    let text = format!("{{\"number\": {number}, \"text\": \"{}\"}}", "x".repeat(random.below(3000)));
    let mut exchange = match number % 3 {
        0 => posted("image/png", &noise, &noise),
        1 => posted("application/json", text.as_bytes(), text.as_bytes()),
        _ => posted("application/json", &encode("gzip", text.as_bytes()), &encode("br", text.as_bytes())),
    };
    for (at, hop) in (0..).zip(exchange.hops_mut()) {
        let bodies = hop.contents.as_deref_mut().unwrap();
        if number % 3 == 2 {
            bodies.request.as_mut().unwrap().captured.content_encoding = Some("gzip".into());
            bodies.response.as_mut().unwrap().captured.content_encoding = Some("br".into());
        }
        if at == 1 && number.is_multiple_of(2) {
            bodies.response = None;
        }
    }
    let server = exchange.server.as_mut().unwrap();
    server.context.span_id = 2 * number + 1;
    exchange.attempts[0].context.span_id = 2 * number + 2;
    exchange
}

#[test]
fn byte_for_byte_with_its_address() {
    let server = Server::start(S3S_FS, &["traffic"]);
    let kept = Kept::default();
    let stores = vec![Objects::start(&objects::Settings::S3(server.settings()), limits()).unwrap()];
    // Rules that find nothing change nothing.
    let settings = Settings { redaction: redaction(), ..Settings::default() };
    let contents = Contents::start(settings, Outlets { stores, ..kept.outlets() }).unwrap();
    let mut random = Random(11);
    for number in 0..COUNT {
        contents.offer(made(number, &mut random));
        while contents.is_half_full() || contents.told().iter().any(|told| told.bytes > 32 << 20) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let (told, withheld) = contents.finish(LONG);
    assert_eq!(told[0].counts, Counts { delivered: COUNT, ..Counts::default() });
    // Three bodies or four, and a document.
    let objects = COUNT / 2 * 4 + COUNT / 2 * 5;
    let store = told.iter().find(|told| told.name == "objects").unwrap();
    assert_eq!((store.counts, withheld), (Counts { delivered: objects, ..Counts::default() }, 0));

    let (mut random, mut bodies) = (Random(11), 0);
    let told = kept.told();
    assert_eq!(told.len() as u64, COUNT);
    for (number, told) in (0..).zip(&told) {
        let sent = made(number, &mut random);
        for ((before, _), (_, after)) in Content::of(&sent).zip(Content::of(told)) {
            let [url] = after.urls.as_slice() else { panic!("{:?}", after.urls) };
            let key = url.strip_prefix("s3://traffic/").unwrap();
            let stored = std::fs::read(server.bucket("traffic").join(key)).unwrap();
            assert!(stored == before.bytes, "{url} differs");
            bodies += 1;
        }
        let folder = Content::of(told).next().unwrap().1.urls[0].replace("ingress-request", "exchange.json");
        let document = server.bucket("traffic").join(folder.strip_prefix("s3://traffic/").unwrap());
        let document: serde_json::Value = serde_json::from_slice(&std::fs::read(document).unwrap()).unwrap();
        assert_eq!(document["objects"].as_array().unwrap().len(), Content::of(&sent).count());
        assert_eq!(document["ingress"]["request.body"]["urls"][0], document["objects"][0]["url"]);
        assert!(document["ingress"]["request.body"]["text"].is_null(), "bodies lie beside the document");
    }
    assert_eq!(bodies, objects - COUNT);
}

#[test]
fn every_store_gets_every_body() {
    let scratch = [Scratch::new(), Scratch::new()];
    let start = |scratch: &Scratch| {
        let file = objects::File { directory: scratch.0.clone(), prefix: String::new() };
        Objects::start(&objects::Settings::File(file), limits()).unwrap()
    };
    let kept = Kept::default();
    let stores = scratch.iter().map(start).collect();
    let contents = Contents::start(Settings::default(), Outlets { stores, ..kept.outlets() }).unwrap();
    contents.offer(posted("text/plain", b"asked", b"told"));
    contents.finish(LONG);
    let told = kept.told().remove(0);
    for (content, after) in Content::of(&told) {
        assert_eq!(after.urls.len(), 2, "{:?}", after.urls);
        for (url, scratch) in after.urls.iter().zip(&scratch) {
            let path = url.strip_prefix("file://").unwrap();
            assert!(path.starts_with(scratch.0.to_str().unwrap()), "{url}");
            assert_eq!(std::fs::read(path).unwrap(), content.bytes);
        }
    }
}

#[test]
fn details_have_a_document_and_summaries_none() {
    let scratch = Scratch::new();
    let file = objects::File { directory: scratch.0.clone(), prefix: String::new() };
    let stores = vec![Objects::start(&objects::Settings::File(file), limits()).unwrap()];
    let kept = Kept::default();
    let contents = Contents::start(Settings::default(), Outlets { stores, ..kept.outlets() }).unwrap();
    contents.offer(sample::exchange());
    let mut details = sample::detailed();
    details.kept.level = Level::Details;
    contents.offer(details);
    let (told, _) = contents.finish(LONG);
    let store = told.iter().find(|told| told.name == "objects").unwrap();
    assert_eq!((told[0].counts.delivered, store.counts.delivered, kept.told().len()), (1, 1, 2));
}
