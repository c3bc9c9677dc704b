//! What is offered is in the bucket, byte for byte, with its metadata, whatever happens to the server meanwhile.

use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Attribute, ObjectStoreExt};

use super::super::{Content, Keys, Object, Objects, Part, Settings};
use super::server::{MINIO, S3S_FS, Server};
use super::{LONG, Noise, limits, wait};
use crate::exchange::Context;
use crate::export::direction::Direction;
use crate::export::sample;

/// How many, and how large at most.
const COUNT: usize = 5000;
const LARGEST: usize = 1024 * 1024;

const SERVICES: &[&str] = &[
    "service-a@docker",
    "",
    "..",
    "../../../etc/passwd",
    "a/b@file",
    "sp ace#1?x=%2F&y",
    "\u{e4}\u{6f22}\u{1f980}",
    "nul\0new\nline\x1b[2J",
    "\"quoted\"\\'",
    "x-amz-meta-evil: 1\r\nx-amz-acl: public-read",
];

/// The body of one message: mostly small, some empty, some as large as it gets.
fn made(number: usize, noise: &mut Noise, keys: &Keys) -> Object {
    let exchange = sample::detailed();
    let server = exchange.server.as_ref().unwrap();
    let length = match number % 50 {
        0 => 0,
        1 => LARGEST,
        2..10 => noise.below(100_000),
        _ => noise.below(3000),
    };
    let service = SERVICES[number % SERVICES.len()];
    let context = Context { span_id: number as u64, ..server.context.clone() };
    let content = Content {
        direction: if number.is_multiple_of(2) { Direction::Ingress } else { Direction::Egress },
        part: if number % 4 < 2 { Part::Request } else { Part::Response },
        context: &context,
        hop: &server.hop,
        router: Some(service),
        service: Some(service),
        content_type: [None, Some("text/html; charset=utf-8"), Some("a\r\nb"), Some("")][number % 4],
        content_encoding: Some("gzip").filter(|_| number.is_multiple_of(3)),
        seen: 7 + length as u64,
        truncated: true,
        bytes: Bytes::from(noise.bytes(length)),
    };
    content.object(keys).0
}

#[test]
fn everything_arrives_through_an_outage() {
    let mut server = Server::start(S3S_FS, &["traffic"]);
    let objects = Objects::start(&Settings::S3(server.settings()), limits()).unwrap();
    let mut noise = Noise(7);
    let mut offered = 0;
    // Hands objects over as fast as there is room: what is under test is the outage, not the limit.
    let mut offer = |numbers: std::ops::Range<usize>, room: usize| {
        for number in numbers {
            let object = made(number, &mut noise, objects.keys());
            offered += 1;
            assert!(objects.offer(object));
            wait(&objects, offered, "room", |_| objects.bytes_waiting() < room);
        }
    };
    offer(0..COUNT / 3, 8 << 20);
    server.kill();
    offer(COUNT / 3..COUNT / 3 + 1500, 63 << 20);
    std::thread::sleep(Duration::from_secs(3));
    let during = objects.counts();
    assert!(during.waiting >= 1400, "{during:?}");
    assert!(objects.failures().away > 0);
    server.restart();
    offer(COUNT / 3 + 1500..COUNT, 8 << 20);
    // Once more, for less than a pause.
    server.kill();
    server.restart();
    let counts = objects.finish(LONG);
    assert_eq!((counts.delivered, counts.offered()), (COUNT as u64, COUNT as u64), "{counts:?}");

    let keys = Keys::new("hoptap/", "s3://traffic/").unwrap();
    let mut noise = Noise(7);
    let client = server.client();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for number in 0..COUNT {
        let expected = made(number, &mut noise, &keys);
        let file = server.bucket("traffic").join(&expected.key);
        let stored = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(stored == expected.bytes, "{} differs", expected.key);
        // Over the network too, with what the server was told about it.
        if !number.is_multiple_of(7) {
            continue;
        }
        let (attributes, read) = runtime.block_on(async {
            let got = client.get(&Path::parse(&expected.key).unwrap()).await.unwrap();
            (got.attributes.clone(), got.bytes().await.unwrap())
        });
        assert!(read == expected.bytes, "{} differs", expected.key);
        let told = |name: &'static str| {
            attributes.get(&Attribute::Metadata(name.into())).map(|value| value.as_ref().to_owned())
        };
        for (name, value) in expected.safe_metadata() {
            assert_eq!(told(name), Some(value), "{name} of {}", expected.key);
        }
        assert_eq!(told("span-id"), Some(format!("{number:016x}")));
        let content_type = attributes.get(&Attribute::ContentType).map(|value| value.as_ref().to_owned());
        assert_eq!(content_type.as_deref(), Some(expected.safe_content_type()));
    }
}

/// Names longer than any key, which s3s-fs has no room for in its file names.
#[test]
fn a_strict_server_takes_it_too() {
    let server = Server::start(MINIO, &["traffic"]);
    let objects = Objects::start(&Settings::S3(server.settings()), limits()).unwrap();
    let mut noise = Noise(9);
    let mut expected: Vec<Object> = (0..300).map(|number| made(number, &mut noise, objects.keys())).collect();
    let exchange = sample::detailed();
    let of_server = exchange.server.as_ref().unwrap();
    for (number, name) in ["long".repeat(2000), "\u{1f980}".repeat(500)].iter().enumerate() {
        let context = Context { span_id: 9000 + number as u64, ..of_server.context.clone() };
        let content = Content {
            direction: Direction::Egress,
            part: Part::Response,
            context: &context,
            hop: &of_server.hop,
            router: Some(name),
            service: Some(name),
            content_type: Some(name),
            content_encoding: Some(name),
            seen: u64::MAX,
            truncated: true,
            bytes: Bytes::from(noise.bytes(10)),
        };
        expected.push(content.object(objects.keys()).0);
    }
    expected.iter().for_each(|object| assert!(objects.offer(object.clone())));
    let counts = objects.finish(LONG);
    assert_eq!((counts.delivered, counts.offered()), (302, 302), "{counts:?}");
    let client = server.client();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for object in &expected {
        let read = runtime.block_on(async {
            let got = client.get(&Path::parse(&object.key).unwrap()).await.unwrap();
            let told = got.attributes.get(&Attribute::Metadata("trace-id".into())).cloned();
            assert_eq!(told.as_ref().map(AsRef::as_ref), Some("0af7651916cd43dd8448eb211c80319c"));
            got.bytes().await.unwrap()
        });
        assert!(read == object.bytes, "{} differs", object.key);
    }
}

#[test]
fn the_url_is_known_before() {
    let server = Server::start(S3S_FS, &["traffic"]);
    let objects = Objects::start(&Settings::S3(server.settings()), limits()).unwrap();
    let object = made(11, &mut Noise(1), objects.keys());
    let url = objects.url(&object.key);
    objects.offer(object);
    let counts = objects.finish(LONG);
    assert_eq!(counts.delivered, 1);
    let file = url.replace("s3://traffic", server.bucket("traffic").to_str().unwrap());
    assert!(std::fs::exists(file).unwrap(), "{url}");
}
