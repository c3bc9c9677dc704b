//! The bounded queue between the one thread that reads and the thread of each output.
//!
//! The reader never waits. When the queue is full the newest item is dropped and counted: that costs the reader
//! nothing (to drop the oldest it would have to free what another thread was about to read), what waits already
//! stays whole and in order, and the batch processors of OpenTelemetry do the same.

use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

use tokio::sync::Notify;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

/// Makes a queue that holds at most `capacity` units: spans, or transactions, as the output counts them.
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    bounded_by(capacity, usize::MAX)
}

/// Makes a queue that holds at most `capacity` units of at most `bytes` together.
pub fn bounded_by<T>(capacity: usize, bytes: usize) -> (Sender<T>, Receiver<T>) {
    // Unbounded underneath: a bounded channel counts items, and one item can weigh more than one unit.
    let (sender, receiver) = mpsc::unbounded_channel();
    let level = Arc::new(Level::new(capacity, bytes));
    let call = Arc::new(Call {
        wanted: AtomicUsize::new(usize::MAX),
        wanted_bytes: AtomicUsize::new(usize::MAX),
        ended: AtomicBool::new(false),
        bell: Notify::new(),
    });
    (Sender { sender, level: Arc::clone(&level), call: Arc::clone(&call) }, Receiver { receiver, level, call })
}

/// How an output that fills a batch is woken once for all of it: to wake a thread costs more than most items.
#[derive(Debug)]
struct Call {
    /// Units at which the output wants to be woken; the greatest number where it does not.
    wanted: AtomicUsize,
    /// Bytes likewise; counts only where the units do.
    wanted_bytes: AtomicUsize,
    /// The reader is gone.
    ended: AtomicBool,
    bell: Notify,
}

impl Call {
    fn ring(&self) {
        self.wanted.store(usize::MAX, SeqCst);
        self.bell.notify_one();
    }
}

/// Takes the wish back when the wait is over or cancelled.
struct Wish<'a>(&'a Call);

impl Drop for Wish<'_> {
    fn drop(&mut self) {
        self.0.wanted.store(usize::MAX, SeqCst);
    }
}

/// What can be seen of a queue from outside, in units.
#[derive(Debug)]
pub struct Level {
    capacity: usize,
    length: AtomicUsize,
    byte_capacity: usize,
    bytes: AtomicUsize,
    accepted: AtomicU64,
    dropped: AtomicU64,
}

impl Level {
    fn new(capacity: usize, byte_capacity: usize) -> Self {
        Self {
            capacity,
            length: AtomicUsize::new(0),
            byte_capacity,
            bytes: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// The most units that may wait.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Units that wait now.
    pub fn length(&self) -> usize {
        self.length.load(Relaxed)
    }

    /// Bytes that wait now, where they are counted.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// Half of the units or of the bytes that may wait do.
    pub fn is_half_full(&self) -> bool {
        self.length() > self.capacity / 2 || self.bytes() > self.byte_capacity / 2
    }

    /// Units that were taken in since the start.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    /// Units that found no room, or nobody to read them, since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    fn reserve(&self, Weight { units, bytes }: Weight) -> bool {
        // SeqCst here and in `filled`: of two threads that write one number and read the other's, one sees the other.
        let before = self.length.fetch_add(units, SeqCst);
        let held = self.bytes.fetch_add(bytes, SeqCst);
        // An empty queue takes anything: an item heavier than the whole queue would never pass otherwise.
        let room = before == 0
            || before.saturating_add(units) <= self.capacity && held.saturating_add(bytes) <= self.byte_capacity;
        if !room {
            self.release(Weight { units, bytes });
        }
        room
    }

    fn release(&self, Weight { units, bytes }: Weight) {
        self.length.fetch_sub(units, Relaxed);
        self.bytes.fetch_sub(bytes, Relaxed);
    }
}

/// What one item takes of the queue.
#[derive(Debug, Clone, Copy)]
struct Weight {
    units: usize,
    bytes: usize,
}

/// The reader's end. Dropping the last one ends the queue: the other side reads what waits, then sees the end.
#[derive(Debug)]
pub struct Sender<T> {
    sender: mpsc::UnboundedSender<(Weight, T)>,
    level: Arc<Level>,
    call: Arc<Call>,
}

impl<T> Sender<T> {
    /// Appends an item, or drops and counts it. Never waits. Returns whether it was taken in.
    pub fn push(&self, item: T, units: usize) -> bool {
        self.push_heavy(item, units, 0)
    }

    /// The same for an item whose bytes count.
    pub fn push_heavy(&self, item: T, units: usize, bytes: usize) -> bool {
        self.give(item, units, bytes).is_ok()
    }

    /// The same, for who knows what else to do with an item that found no room.
    ///
    /// # Errors
    /// The item, which was counted as dropped.
    pub fn give(&self, item: T, units: usize, bytes: usize) -> Result<(), T> {
        let weight = Weight { units, bytes };
        let taken = self.level.reserve(weight);
        let wanted = self.call.wanted.load(SeqCst);
        let sent = if taken { self.sender.send((weight, item)).map_err(|refused| refused.0.1) } else { Err(item) };
        let Err(item) = sent else {
            self.level.accepted.fetch_add(units as u64, Relaxed);
            let heavy = || wanted != usize::MAX && self.level.bytes() >= self.call.wanted_bytes.load(SeqCst);
            if self.level.length() >= wanted || heavy() {
                self.call.ring();
            }
            return Ok(());
        };
        // What waits can be less than the output wants, and yet leave no room for this.
        if wanted != usize::MAX {
            self.call.ring();
        }
        if taken {
            self.level.release(weight);
        }
        self.level.dropped.fetch_add(units as u64, Relaxed);
        Err(item)
    }

    pub fn level(&self) -> &Arc<Level> {
        &self.level
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.call.ended.store(true, SeqCst);
        self.call.ring();
    }
}

/// The output's end. Dropping it makes every later push a counted drop.
#[derive(Debug)]
pub struct Receiver<T> {
    receiver: mpsc::UnboundedReceiver<(Weight, T)>,
    level: Arc<Level>,
    call: Arc<Call>,
}

impl<T> Receiver<T> {
    /// The next item; None when the queue has ended. Safe to cancel.
    pub async fn next(&mut self) -> Option<T> {
        let (weight, item) = self.receiver.recv().await?;
        self.level.release(weight);
        Some(item)
    }

    /// Waits until so many units wait, or so many bytes of them, or there is no room for more, or the queue has ended:
    /// what waits can then be [`poll`](Self::poll)ed. Safe to cancel.
    pub async fn filled(&mut self, units: usize, bytes: usize) {
        let wish = Wish(&self.call);
        let units = units.min(self.level.capacity);
        let bytes = bytes.min(self.level.byte_capacity);
        loop {
            wish.0.wanted_bytes.store(bytes, SeqCst);
            wish.0.wanted.store(units, SeqCst);
            let waiting = self.level.length.load(SeqCst);
            let heavy = self.level.bytes.load(SeqCst) >= bytes;
            if waiting >= units || heavy || wish.0.ended.load(SeqCst) {
                return;
            }
            wish.0.bell.notified().await;
            if wish.0.wanted.load(SeqCst) == usize::MAX {
                return;
            }
        }
    }

    /// The next item, for a thread without a runtime; None when the queue has ended.
    pub fn wait(&mut self) -> Option<T> {
        let (weight, item) = self.receiver.blocking_recv()?;
        self.level.release(weight);
        Some(item)
    }

    /// The next item if one waits.
    ///
    /// # Errors
    /// `Empty` where nothing waits now, `Disconnected` where nothing will ever come.
    pub fn poll(&mut self) -> Result<T, TryRecvError> {
        let (weight, item) = self.receiver.try_recv()?;
        self.level.release(weight);
        Ok(item)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    /// Pushes items of these weights into a queue of `capacity` that nobody reads, and says which were taken.
    #[track_caller]
    fn check(capacity: usize, weights: &[usize], taken: &[bool]) {
        let (sender, mut receiver) = bounded(capacity);
        let got: Vec<bool> = weights.iter().enumerate().map(|(index, units)| sender.push(index, *units)).collect();
        assert_eq!(got, taken, "capacity {capacity}, weights {weights:?}");

        let level = Arc::clone(sender.level());
        let kept: usize = weights.iter().zip(taken).filter(|(_, kept)| **kept).map(|(units, _)| units).sum();
        let total: usize = weights.iter().sum();
        assert_eq!(level.length(), kept);
        assert_eq!(level.accepted(), kept as u64);
        assert_eq!(level.dropped(), (total - kept) as u64);

        drop(sender);
        let left: Vec<usize> = std::iter::from_fn(|| receiver.wait()).collect();
        let expected: Vec<usize> = (0..weights.len()).filter(|index| taken[*index]).collect();
        assert_eq!(left, expected, "what was taken comes out, in order");
        assert_eq!(level.length(), 0);
    }

    #[test]
    fn the_newest_is_dropped_and_counted_by_weight() {
        check(3, &[1, 1, 1, 1, 1], &[true, true, true, false, false]);
        check(4, &[2, 2, 1], &[true, true, false]);
        check(4, &[2, 3, 2], &[true, false, true]);
        check(2, &[80, 1], &[true, false]);
        check(0, &[1, 1], &[true, false]);
    }

    /// An output that wants `wanted` units, and a reader that pushes these weights meanwhile.
    #[track_caller]
    fn check_filled(capacity: usize, wanted: usize, weights: &[usize], wakes: bool) {
        let (sender, mut receiver) = bounded(capacity);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let woken = runtime.block_on(async {
            let long = std::time::Duration::from_millis(50);
            let filled = tokio::time::timeout(long, receiver.filled(wanted, usize::MAX));
            let push = async {
                tokio::task::yield_now().await;
                for units in weights {
                    sender.push((), *units);
                }
            };
            tokio::join!(filled, push).0.is_ok()
        });
        assert_eq!(woken, wakes, "{capacity} {wanted} {weights:?}");
        drop(sender);
        assert!(
            runtime.block_on(async {
                let long = std::time::Duration::from_millis(50);
                tokio::time::timeout(long, receiver.filled(usize::MAX, usize::MAX)).await.is_ok()
            }),
            "the end wakes"
        );
    }

    #[test]
    fn an_output_is_woken_when_enough_waits() {
        check_filled(8, 3, &[1, 1], false);
        check_filled(8, 3, &[1, 1, 1], true);
        check_filled(8, 3, &[5], true);
        check_filled(8, 8, &[7], false);
        check_filled(8, 8, &[7, 2], true);
        check_filled(8, 100, &[8], true);
        check_filled(8, 3, &[], false);
    }

    #[test]
    fn bytes_are_a_limit_of_their_own() {
        let check = |weights: &[usize], taken: &[bool]| {
            let (sender, mut receiver) = bounded_by(4, 100);
            let got: Vec<bool> = weights.iter().map(|bytes| sender.push_heavy((), 1, *bytes)).collect();
            assert_eq!(got, taken, "{weights:?}");
            while receiver.poll().is_ok() {}
            assert_eq!((sender.level().length(), sender.level().bytes()), (0, 0));
        };
        check(&[50, 50, 1, 0], &[true, true, false, true]);
        check(&[101, 0], &[true, false]);
        check(&[10, 10, 10, 10, 10], &[true, true, true, true, false]);

        let (sender, mut receiver) = bounded_by(4, 100);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let push = async {
                tokio::task::yield_now().await;
                sender.push_heavy((), 1, 40);
                tokio::task::yield_now().await;
                sender.push_heavy((), 1, 40);
            };
            tokio::join!(receiver.filled(4, 60), push);
        });
        assert_eq!(sender.level().length(), 2, "woken by the bytes");
    }

    #[test]
    fn an_output_that_ended_costs_its_own_items_only() {
        let (sender, receiver) = bounded(8);
        assert!(sender.push("one", 1));
        drop(receiver);
        assert!(!sender.push("two", 2));
        assert_eq!(sender.level().dropped(), 2);
    }

    #[test]
    fn many_threads_lose_nothing_uncounted() {
        let (sender, mut receiver) = bounded(64);
        let sender = Arc::new(sender);
        let pushers: Vec<_> = (0..4)
            .map(|_| {
                let sender = Arc::clone(&sender);
                std::thread::spawn(move || {
                    for item in 0..10_000 {
                        sender.push(item, 1 + item % 3);
                    }
                })
            })
            .collect();
        let level = Arc::clone(sender.level());
        drop(sender);
        let mut received = 0;
        while let Some(item) = receiver.wait() {
            received += 1 + item as u64 % 3;
        }
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        let sent: u64 = 4 * (0..10_000).map(|item| 1 + item % 3).sum::<u64>();
        assert_eq!(received, level.accepted());
        assert_eq!(sent, level.accepted() + level.dropped());
        assert!(level.dropped() > 0, "the queue was never full: the test shows nothing");
    }
}
