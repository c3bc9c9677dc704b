//! What cannot be stored waits within the limit, is counted, and is stored once somebody has mended it.

use std::time::{Duration, Instant};

use super::super::{Failures, Limits, Objects, S3, Secret, Settings};
use super::server::{MINIO, S3S_FS, Server, free_port};
use super::{LONG, limits, object, s3, wait};

fn start(settings: S3, limits: Limits) -> Objects {
    Objects::start(&Settings::S3(settings), limits).unwrap()
}

#[test]
fn wrong_keys_are_told_and_tried_again() {
    let server = Server::start(MINIO, &["traffic"]);
    let settings = S3 { secret_key: Some(Secret("wrong".into())), ..server.settings() };
    assert!(!format!("{settings:?}").contains("wrong"));
    let objects = start(settings, limits());
    (0..20).for_each(|number| assert!(objects.offer(object(&format!("{number}"), vec![1; 100]))));
    wait(&objects, 20, "denied", |_| objects.failures().denied >= 10);
    // A server that is still starting is away.
    let Failures { full, object, .. } = objects.failures();
    assert_eq!((full, object), (0, 0));
    let counts = objects.finish(Duration::from_millis(300));
    assert_eq!((counts.shutdown, counts.delivered), (20, 0), "{counts:?}");
}

#[test]
fn a_bucket_that_is_made_later_gets_what_waited() {
    let server = Server::start(MINIO, &[]);
    let objects = start(server.settings(), limits());
    (0..20).for_each(|number| assert!(objects.offer(object(&format!("{number}"), vec![1; 100]))));
    wait(&objects, 20, "no bucket", |_| objects.failures().denied >= 10);
    std::fs::create_dir(server.bucket("traffic")).unwrap();
    wait(&objects, 20, "delivered", |counts| counts.delivered == 20);
    assert_eq!(objects.finish(LONG).delivered, 20);
}

#[test]
fn past_the_limit_the_oldest_goes() {
    let port = free_port();
    let limits = Limits { bytes: 1 << 20, ..limits() };
    let objects = start(s3(&format!("127.0.0.1:{port}")), limits);
    let begun = Instant::now();
    for number in 0..1000 {
        assert!(objects.offer(object(&format!("{number:04}"), vec![1; 10_000])));
        let counts = objects.counts();
        assert_eq!(counts.offered(), number + 1, "{counts:?}");
        assert!(objects.bytes_waiting() <= limits.bytes);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "the reader is held up: {:?}", begun.elapsed());
    let counts = wait(&objects, 1000, "tries", |_| objects.failures().away > 3);
    assert!(counts.waiting >= 95 && counts.queue_full >= 890 && counts.delivered == 0, "{counts:?}");
    let waiting = counts.waiting;
    let server = Server::start_on(S3S_FS, port, &["traffic"]);
    wait(&objects, 1000, "delivered", |counts| counts.delivered == waiting);
    assert_eq!(objects.finish(LONG).lost(), 1000 - waiting);
    let kept: Vec<bool> =
        (0..1000).map(|number| server.bucket("traffic").join(format!("{number:04}")).exists()).collect();
    // What was under way when the rest was dropped is older than it.
    let newest = kept.iter().rev().take_while(|kept| **kept).count() as u64;
    assert!(newest + limits.uploads as u64 >= waiting, "{newest} of {waiting}");
}

#[test]
fn an_object_that_is_not_taken_stands_in_nobodys_way() {
    let server = Server::start(S3S_FS, &["traffic"]);
    // Files cannot be where folders are.
    std::fs::create_dir_all(server.bucket("traffic").join("poison/inside")).unwrap();
    let objects = start(server.settings(), Limits { last_pause: Duration::from_millis(20), ..limits() });
    assert!(objects.offer(object("poison", vec![1; 100])));
    (0..500).for_each(|number| assert!(objects.offer(object(&format!("{number}"), vec![1; 100]))));
    let counts = wait(&objects, 501, "all but one", |counts| counts.delivered + counts.lost() == 501);
    assert_eq!((counts.delivered, counts.export_failed), (500, 1), "{counts:?} {:?}", objects.failures());
    objects.finish(LONG);
}

#[test]
fn the_end_waits_no_longer_than_it_may() {
    let port = free_port();
    let objects = start(s3(&format!("127.0.0.1:{port}")), Limits::default());
    (0..10).for_each(|number| assert!(objects.offer(object(&format!("{number}"), vec![1; 100]))));
    let begun = Instant::now();
    let counts = objects.finish(Duration::from_millis(300));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!((counts.shutdown, counts.offered(), counts.waiting), (10, 10, 0), "{counts:?}");
}
