//! What was seen, what was told and what was lost: they must add up, request by request.

use std::sync::atomic::Ordering::Relaxed;

use super::{Pipeline, Sink};
use crate::connection::{Connection, Side};
use crate::counters::Cause;
use crate::event::{ConnectionId, Tally};

impl Pipeline {
    /// Final responses were sent on a connection and not seen.
    pub(super) fn missed(&mut self, id: ConnectionId, missed: u32, sink: &mut impl Sink) {
        let in_order = |it: &Connection| it.side == Side::Ingress && it.streams.is_none();
        if self.connections.get(&id).is_some_and(in_order) {
            self.forget_answered(id, missed, sink);
        }
        let missed = u64::from(missed);
        // A tally may have booked them before this connection told of itself again.
        let booked = missed.min(self.booked);
        self.booked -= booked;
        let missed = missed - booked;
        if missed == 0 {
            return;
        }
        self.heads += missed;
        tracing::debug!(connection = id, missed, "responses went by unseen");
        match self.connections.get(&id).map(|connection| connection.side) {
            Some(Side::Ingress) => self.counters.drops.add(Cause::Gap, missed),
            Some(Side::Own) => self.own_heads += missed,
            Some(Side::Unknown | Side::Egress) | None => self.counters.drops.add(Cause::JoinedMidway, missed),
        }
    }

    pub(super) fn missed_at_end(&mut self, id: ConnectionId, responses: u32, sink: &mut impl Sink) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let missed = connection.missed(responses, true);
        self.missed(id, missed, sink);
    }

    pub(super) fn tally(&mut self, tally: &Tally) {
        self.counters.drops.add(Cause::MapFull, tally.unfollowed.saturating_sub(self.tally.unfollowed));
        self.tally = *tally;
        self.counters.tally(tally);
        // Whatever the kernel counted and no connection accounted for went by while the ring was full. A tally is
        // taken before the ring is read to its end, so nothing that is still on its way is taken for lost.
        let unaccounted = tally.responses.saturating_sub(self.heads);
        if unaccounted > 0 {
            self.counters.drops.add(Cause::RingFull, unaccounted);
            self.heads += unaccounted;
            self.booked += unaccounted;
        }
        self.seen();
    }

    /// Client requests that are known to have been there.
    pub(super) fn seen(&self) {
        let seen = self.tally.responses.max(self.heads) + self.tally.unfollowed + self.unanswered - self.own_heads;
        self.counters.requests_seen.fetch_max(seen, Relaxed);
    }
}
