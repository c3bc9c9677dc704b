//! How outputs wait: between two tries, and for the end.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Between three quarters and all of a pause, so that many senders do not come back at once.
pub(crate) fn jittered(pause: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = u32::try_from(RandomState::new().hash_one(()) % 256).unwrap_or(0);
    pause * (768 + random) / 1024
}

/// Returns when there is a deadline and it has passed.
pub(crate) async fn over(until: &mut watch::Receiver<Option<Instant>>) {
    let deadline = match until.wait_for(Option::is_some).await {
        Ok(set) => *set,
        // The other side is gone without a deadline: the queue has ended with it.
        Err(_) => None,
    };
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
