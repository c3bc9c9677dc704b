//! Everything that exchanges and their bodies go to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::exchange::Exchange;
use crate::export::Output;
use crate::export::counts::Counts;
use crate::export::objects::Objects;
use crate::export::otlp::Logs;

/// Outputs take exchanges; stores and logs take bodies.
#[derive(Default)]
pub struct Outlets {
    pub outputs: Vec<Box<dyn Output>>,
    pub stores: Vec<Objects>,
    pub logs: Vec<Logs>,
}

/// What became of what one outlet was offered.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// One of the values of `hoptap.queue.name`.
    pub name: &'static str,
    pub counts: Counts,
    /// The most units that may wait.
    pub capacity: usize,
    /// That wait; 0 where they are not counted.
    pub bytes: usize,
}

type Finish<'a> = Box<dyn FnOnce() -> Counts + Send + 'a>;

impl Outlets {
    pub(super) fn is_empty(&self) -> bool {
        self.outputs.is_empty() && self.stores.is_empty() && self.logs.is_empty()
    }

    pub(super) fn has_stores(&self) -> bool {
        !self.stores.is_empty()
    }

    pub(super) fn tell(&self, exchange: Exchange) {
        if self.outputs.is_empty() {
            return;
        }
        let exchange = Arc::new(exchange);
        self.outputs.iter().for_each(|output| output.offer(&exchange));
    }

    pub(super) fn told(&self) -> impl Iterator<Item = Told> {
        let outputs = self.outputs.iter();
        let outputs = outputs.map(|output| Told {
            name: output.name(),
            counts: output.counts(),
            capacity: output.capacity(),
            bytes: output.bytes_waiting(),
        });
        let stores = self.stores.iter();
        let stores = stores.map(|store| Told {
            name: store.name(),
            counts: store.counts(),
            capacity: store.capacity(),
            bytes: store.bytes_waiting(),
        });
        let logs = self.logs.iter();
        let logs = logs.map(|logs| Told {
            name: logs.name(),
            counts: logs.counts(),
            capacity: logs.capacity(),
            bytes: logs.bytes_waiting(),
        });
        outputs.chain(stores).chain(logs)
    }

    /// All at once: a store that is away takes nothing of the time of the others. In the order of [`told`](Self::told).
    pub(super) fn finish(self, within: Duration) -> Vec<Told> {
        let known: Vec<Told> = self.told().collect();
        let outputs = self.outputs.into_iter();
        let outputs = outputs.map(|output| -> Finish<'_> { Box::new(move || output.finish(within)) });
        let stores = self.stores.into_iter();
        let stores = stores.map(|store| -> Finish<'_> { Box::new(move || store.finish(within)) });
        let logs = self.logs.into_iter().map(|logs| -> Finish<'_> { Box::new(move || logs.finish(within)) });
        let all: Vec<Finish<'_>> = outputs.chain(stores).chain(logs).collect();
        std::thread::scope(|scope| {
            let running: Vec<_> = all.into_iter().map(|finish| scope.spawn(finish)).collect();
            let ended = running.into_iter().zip(known).map(|(running, known)| {
                let counts = running.join().unwrap_or_else(|_| {
                    let Counts { shutdown, waiting, .. } = known.counts;
                    Counts { shutdown: shutdown + waiting, waiting: 0, ..known.counts }
                });
                Told { counts, bytes: 0, ..known }
            });
            ended.collect()
        })
    }
}

impl fmt::Debug for Outlets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.told().map(|told| told.name).collect();
        f.debug_tuple("Outlets").field(&names).finish()
    }
}
