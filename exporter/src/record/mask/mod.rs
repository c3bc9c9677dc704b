//! Masks secrets in the bytes of transfers: each byte of a secret becomes `*`, so that lengths and framing stay.
//!
//! It knows nothing of bodies: what looks like a secret header line or a secret query value is masked wherever it
//! stands. Where it cannot tell (after a gap, or on a connection found midway) it masks rather too much.

mod direction;
mod frames;
mod lines;
#[cfg(test)]
mod tests;
mod walked;

use std::borrow::Cow;
use std::collections::HashMap;

use super::configuration::without_secrets;
use crate::event::{Change, ConnectionId, Direction, Ended, Event, Kind, Origin, Probe, State, Table, Transfer};
use crate::redact::without_user;
use direction::Masked;
use walked::Walked;

/// What stands in place of each byte of a secret.
pub(super) const STAR: u8 = b'*';

/// Directions remembered per generation; two generations are kept. At about 200 bytes each this is under 7 MB,
/// however many sockets lose their last event.
const GENERATION: usize = 16 << 10;

/// Follows every direction of every connection of one event stream.
#[derive(Debug, Default)]
pub struct Masker {
    young: HashMap<Key, Follows>,
    old: HashMap<Key, Follows>,
    bytes: Vec<u8>,
    url: String,
}

/// How a direction is followed.
#[derive(Debug)]
enum Follows {
    Bytes(Masked),
    /// The kernel side walks over its frames.
    Frames(Box<Walked>),
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
                    self.keep((open.connection, direction), Follows::Bytes(Masked::from_its_start()));
                }
            }
            Kind::State(State { connection, change: Change::Gone, .. }) | Kind::Ended(Ended { connection, .. }) => {
                for direction in [Direction::Receive, Direction::Send] {
                    self.take((*connection, direction));
                }
            }
            // What came before was encrypted.
            Kind::Tls(tls) => {
                for direction in [Direction::Receive, Direction::Send] {
                    self.keep((tls.connection, direction), Follows::Bytes(Masked::from_its_start()));
                }
            }
            Kind::Transfer(transfer) if !transfer.bytes.is_empty() => {
                return self.transfer(event, transfer);
            }
            Kind::Table(table) => {
                self.bytes.clear();
                self.bytes.extend_from_slice(table.entries);
                walked::mask_table(&mut self.bytes);
                return Cow::Owned(with_kind(event, Kind::Table(Table { entries: &self.bytes, ..table.clone() })));
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
        if let Some(frames) = transfer.frames {
            let mut walked = match self.take(key) {
                Some(Follows::Frames(walked)) => walked,
                _ => Box::default(),
            };
            self.bytes.clear();
            self.bytes.extend_from_slice(transfer.bytes);
            walked.mask(frames, &mut self.bytes);
            self.keep(key, Follows::Frames(walked));
            let kind = Kind::Transfer(Transfer { bytes: &self.bytes, ..transfer.clone() });
            return Cow::Owned(with_kind(event, kind));
        }
        let mut masked = match self.take(key) {
            Some(Follows::Bytes(masked)) => masked,
            _ => Masked::found_midway(),
        };
        let before = (transfer.result <= 0).then(|| masked.clone());
        self.bytes.clear();
        self.bytes.extend_from_slice(transfer.bytes);
        masked.apply(transfer.offset, &mut self.bytes);
        // Nothing moved: the same bytes come again at the same place.
        self.keep(key, Follows::Bytes(before.unwrap_or(masked)));
        let kind = Kind::Transfer(Transfer { bytes: &self.bytes, ..transfer.clone() });
        Cow::Owned(with_kind(event, kind))
    }

    fn take(&mut self, key: Key) -> Option<Follows> {
        let young = self.young.remove(&key);
        let old = self.old.remove(&key);
        young.or(old)
    }

    fn keep(&mut self, key: Key, masked: Follows) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, masked);
    }
}

fn with_kind<'a>(event: &Event<'_>, kind: Kind<'a>) -> Event<'a> {
    Event { time: event.time, pid: event.pid, kind }
}
