//! What backends remember.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

/// What a backend saw of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// X-Request-Id, or `id` of the query.
    pub id: Option<String>,
    pub method: String,
    pub target: String,
    pub version: String,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// Which of the backends.
    pub backend: usize,
    /// It came over TLS.
    pub tls: bool,
    /// Counts the connections of all backends.
    pub connection: u64,
    /// Requests on this connection before it.
    pub ordinal: u64,
    /// Traefik's address.
    pub peer: Option<SocketAddr>,
    /// Bytes of the body after its framing was taken off; `None` where it was not read.
    pub body: Option<u64>,
    /// Of a gRPC call.
    pub rpc: Option<Rpc>,
    /// That the WebSocket session ended with; 0 where it ended without one.
    pub close_code: Option<u16>,
    /// Nanoseconds since 1970, when the head was read.
    pub start: u64,
    /// The same, when the response was sent or given up; 0 while under way.
    pub end: u64,
}

/// Messages that came and went, and how it ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rpc {
    pub received: u64,
    pub sent: u64,
    /// `None` where the server sent none.
    pub status: Option<u16>,
}

impl Received {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        crate::client::find(&self.headers, name)
    }
}

/// Of all backends together.
#[derive(Debug, Default)]
pub(super) struct Memory {
    kept: Mutex<Kept>,
    /// Benchmarks send too many requests to remember them.
    forgets: bool,
}

#[derive(Debug, Default)]
struct Kept {
    list: Vec<Received>,
    /// How often it was cleared: a place in the list is good for one time only.
    epoch: u64,
}

/// Where a request is remembered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(Option<(u64, usize)>);

impl Memory {
    pub(super) fn new(forgets: bool) -> Self {
        Self { forgets, ..Self::default() }
    }

    pub(super) fn all(&self) -> Vec<Received> {
        self.lock().list.clone()
    }

    pub(super) fn clear(&self) {
        let mut kept = self.lock();
        kept.list.clear();
        kept.epoch += 1;
    }

    pub(super) fn begin(&self, received: Received) -> Place {
        if self.forgets {
            return Place(None);
        }
        let mut kept = self.lock();
        kept.list.push(received);
        Place(Some((kept.epoch, kept.list.len() - 1)))
    }

    pub(super) fn update(&self, place: Place, change: impl FnOnce(&mut Received)) {
        let Some((epoch, index)) = place.0 else { return };
        let mut kept = self.lock();
        if kept.epoch == epoch
            && let Some(received) = kept.list.get_mut(index)
        {
            change(received);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
