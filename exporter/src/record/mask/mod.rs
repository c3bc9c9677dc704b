//! Masks secrets in the bytes of transfers: each byte of a secret becomes `*`, so that lengths and framing stay.
//!
//! It knows nothing of bodies: what looks like a secret header line or a secret query value is masked wherever it
//! stands. Where it cannot tell (after a gap, or on a connection found midway) it masks rather too much.

mod direction;
mod frames;
mod lines;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;

use super::configuration::without_secrets;
use crate::event::{Change, ConnectionId, Direction, Ended, Event, Kind, Origin, Probe, State, Transfer};
use crate::redact::without_user;
use direction::Masked;

/// What stands in place of each byte of a secret.
pub(super) const STAR: u8 = b'*';

/// Directions remembered per generation; two generations are kept. At about 200 bytes each this is under 7 MB,
/// however many sockets lose their last event.
const GENERATION: usize = 16 << 10;

/// Follows every direction of every connection of one event stream.
#[derive(Debug, Default)]
pub struct Masker {
    young: HashMap<Key, Masked>,
    old: HashMap<Key, Masked>,
    bytes: Vec<u8>,
    url: String,
}

type Key = (ConnectionId, Direction);

impl Masker {
    pub fn new() -> Self {
        Self::default()
    }

    /// The event as it may be kept. Events must come in the order of the stream.
    pub fn mask<'a>(&'a mut self, event: &'a Event<'_>) -> Cow<'a, Event<'a>> {
        match &event.kind {
            Kind::Open(open) if open.origin != Origin::Found => {
                for direction in [Direction::Receive, Direction::Send] {
                    self.keep((open.connection, direction), Masked::from_its_start());
                }
            }
            Kind::State(State { connection, change: Change::Gone, .. }) | Kind::Ended(Ended { connection, .. }) => {
                for direction in [Direction::Receive, Direction::Send] {
                    self.take((*connection, direction));
                }
            }
            Kind::Transfer(transfer) if !transfer.bytes.is_empty() => {
                return self.transfer(event, transfer);
            }
            Kind::Configuration(configuration) => {
                let configuration = Box::new(without_secrets(configuration));
                return Cow::Owned(with_kind(event, Kind::Configuration(configuration)));
            }
            Kind::Probe { goroutine, probe: Probe::Service { service, url: Some(url) } } => {
                self.url = without_user(url).into_owned();
                let probe = Probe::Service { service, url: Some(&self.url) };
                return Cow::Owned(with_kind(event, Kind::Probe { goroutine: *goroutine, probe }));
            }
            _ => {}
        }
        Cow::Borrowed(event)
    }

    fn transfer<'a>(&'a mut self, event: &Event<'_>, transfer: &Transfer<'a>) -> Cow<'a, Event<'a>> {
        let key = (transfer.connection, transfer.direction);
        let mut masked = self.take(key).unwrap_or_else(Masked::found_midway);
        let before = (transfer.result <= 0).then(|| masked.clone());
        self.bytes.clear();
        self.bytes.extend_from_slice(transfer.bytes);
        masked.apply(transfer.offset, &mut self.bytes);
        // Nothing moved: the same bytes come again at the same place.
        self.keep(key, before.unwrap_or(masked));
        let kind = Kind::Transfer(Transfer { bytes: &self.bytes, ..transfer.clone() });
        Cow::Owned(with_kind(event, kind))
    }

    fn take(&mut self, key: Key) -> Option<Masked> {
        let young = self.young.remove(&key);
        let old = self.old.remove(&key);
        young.or(old)
    }

    fn keep(&mut self, key: Key, masked: Masked) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, masked);
    }
}

fn with_kind<'a>(event: &Event<'_>, kind: Kind<'a>) -> Event<'a> {
    Event { time: event.time, pid: event.pid, kind }
}
