//! Where there is no room, or no time, exchanges are told without their bodies.

use super::*;
use crate::export::objects::tests::server::free_port;
use crate::export::objects::tests::{limits, s3};
use crate::export::objects::{self, Limits, Objects};

#[test]
fn a_full_queue_costs_bodies_and_no_exchange() {
    let kept = Kept::default();
    let settings = Settings { bytes: 100_000, ..Settings::default() };
    let contents = Contents::start(settings, kept.outlets()).unwrap();
    let closed = kept.gate.lock().unwrap();
    let begun = Instant::now();
    for number in 0..100_u64 {
        contents.offer(posted("text/plain", &[b'x'; 4000], &[b'y'; 4000]));
        let counts = contents.counts();
        assert_eq!(counts.offered(), number + 1, "{counts:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "the reader is held up: {:?}", begun.elapsed());
    let counts = contents.counts();
    assert!(counts.queue_full >= 90 && counts.waiting >= 5, "{counts:?}");
    let stripped = kept.told();
    assert_eq!(stripped.len() as u64, counts.queue_full, "told at once");
    for exchange in &stripped {
        assert_eq!(exchange.content_bytes(), 0);
        let content = exchange.attempts[0].hop.contents.as_ref().unwrap().response.as_ref().unwrap();
        assert!(content.captured.truncated && content.captured.seen == 4000);
    }
    drop(closed);
    let (told, _) = contents.finish(LONG);
    assert_eq!((told[0].counts.delivered, told[0].counts.queue_full), (counts.waiting, counts.queue_full));
    let whole = kept.told().iter().filter(|exchange| exchange.content_bytes() == 16_000).count();
    assert_eq!((whole as u64, kept.told().len()), (counts.waiting, 100));
}

#[test]
fn what_has_no_time_at_the_end_is_told_without_bodies() {
    let kept = Kept::default();
    let contents = Contents::start(Settings::default(), kept.outlets()).unwrap();
    let closed = kept.gate.lock().unwrap();
    (0..20).for_each(|_| contents.offer(posted("text/plain", b"a", b"b")));
    let opener = kept.gate.clone();
    let (told, _) = std::thread::scope(|scope| {
        let finished = scope.spawn(|| contents.finish(Duration::from_millis(50)));
        std::thread::sleep(Duration::from_millis(300));
        drop(closed);
        let last = finished.join().unwrap();
        drop(opener);
        last
    });
    // The one that was under way at the time is whole.
    assert_eq!((told[0].counts.delivered, told[0].counts.shutdown), (1, 19), "{told:?}");
    assert_eq!(kept.told().iter().filter(|exchange| exchange.content_bytes() > 0).count(), 1);
    assert_eq!(kept.told().len(), 20);
}

#[test]
fn a_dead_store_holds_nobody_up() {
    let kept = Kept::default();
    let limits = Limits { bytes: 1 << 20, ..limits() };
    let dead = objects::Settings::S3(s3(&format!("127.0.0.1:{}", free_port())));
    let stores = vec![Objects::start(&dead, limits).unwrap()];
    let contents = Contents::start(Settings::default(), Outlets { stores, ..kept.outlets() }).unwrap();
    let begun = Instant::now();
    for _ in 0..1000 {
        contents.offer(posted("text/plain", &[b'x'; 1000], &[b'y'; 1000]));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "the reader is held up: {:?}", begun.elapsed());
    wait(&contents, "all through the stage", |counts| counts.delivered == 1000);
    assert_eq!(kept.told().len(), 1000, "told while the store is away");
    let store = contents.told().into_iter().find(|told| told.name == "objects").unwrap();
    // Four bodies and a document of each.
    assert_eq!(store.counts.offered(), 5000, "{store:?}");
    assert!(store.counts.waiting > 100 && store.counts.queue_full > 1000 && store.counts.delivered == 0, "{store:?}");
    assert!(store.bytes > 0 && store.bytes <= 1 << 20);
    let (told, _) = contents.finish(Duration::from_millis(300));
    let store = told.iter().find(|told| told.name == "objects").unwrap();
    assert_eq!((store.counts.lost(), store.counts.waiting), (5000, 0), "{store:?}");
}
