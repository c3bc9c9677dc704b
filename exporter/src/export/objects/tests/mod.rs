//! Stores that are real: a server of S3 with failures, a directory that fills up.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod directory;
mod outage;
pub(in crate::export) mod server;
mod upload;

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Limits, Object, Objects, S3, Secret};
use crate::export::counts::Counts;

const LONG: Duration = Duration::from_secs(60);

/// Settings for a server on the loopback.
pub(in crate::export) fn s3(endpoint: &str) -> S3 {
    S3 {
        endpoint: Some(endpoint.into()),
        region: "us-east-1".into(),
        bucket: "traffic".into(),
        access_key: Some(Secret("AKIATEST".into())),
        secret_key: Some(Secret("s3cret-key".into())),
        session_token: None,
        prefix: "hoptap/".into(),
        path_style: true,
        insecure: true,
    }
}

/// Pauses short enough for a test.
pub(in crate::export) fn limits() -> Limits {
    Limits {
        first_pause: Duration::from_millis(20),
        last_pause: Duration::from_millis(200),
        slow_pause: Duration::from_millis(300),
        timeout: Duration::from_secs(5),
        ..Limits::default()
    }
}

fn object(key: &str, bytes: Vec<u8>) -> Object {
    let metadata = vec![("span-id", key.replace('/', "-")), ("service", "\u{e4}  \"x\"".to_owned())];
    Object { key: key.into(), content_type: "text/plain; charset=utf-8".into(), metadata, bytes: Bytes::from(bytes) }
}

/// Waits until the counts are so; they balance meanwhile.
#[track_caller]
fn wait(objects: &Objects, offered: u64, what: &str, until: impl Fn(&Counts) -> bool) -> Counts {
    let begun = Instant::now();
    loop {
        let counts = objects.counts();
        assert_eq!(counts.offered(), offered, "{counts:?}");
        if until(&counts) {
            return counts;
        }
        assert!(begun.elapsed() < LONG, "{what}: not after {LONG:?}: {counts:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Deterministic noise.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or(0)
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(length);
        bytes
    }
}
