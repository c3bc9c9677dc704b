//! Programs that were started on this machine: a container may be among them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crate::event::Pid;

/// More than are started between two questions; beyond them the census is taken anew.
const MOST: usize = 4096;

/// Written by who hears of them, read by who looks for containers.
#[derive(Debug, Default)]
pub(super) struct Started {
    count: AtomicU64,
    pids: Mutex<Vec<Pid>>,
}

impl Started {
    pub(super) fn note(&self, pid: Pid) {
        self.count.fetch_add(1, Relaxed);
        let mut pids = self.pids.lock().unwrap_or_else(PoisonError::into_inner);
        if pids.len() <= MOST {
            pids.push(pid);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// Those that were noted since this was last asked. None: too many.
    pub(super) fn take(&self) -> Option<Vec<Pid>> {
        let pids = std::mem::take(&mut *self.pids.lock().unwrap_or_else(PoisonError::into_inner));
        (pids.len() <= MOST).then_some(pids)
    }
}
