//! Probes on their way out.

use std::thread::{Builder, JoinHandle};

use aya::programs::uprobe::UProbeLink;

/// Takes probes away, each time on a thread of its own: the kernel waits for whatever may still be in one, and who reads
/// the ring must go on meanwhile. Dropping it waits until all are gone.
#[derive(Debug, Default)]
pub(super) struct Detaching(Vec<JoinHandle<()>>);

impl Detaching {
    pub(super) fn add(&mut self, links: Vec<UProbeLink>) {
        self.0.retain(|thread| !thread.is_finished());
        if !links.is_empty() {
            // Without a thread they are dropped here.
            self.0.extend(Builder::new().name("detaching".into()).spawn(move || drop(links)));
        }
    }
}

impl Drop for Detaching {
    fn drop(&mut self) {
        for thread in self.0.drain(..) {
            // It only drops.
            let _ = thread.join();
        }
    }
}
