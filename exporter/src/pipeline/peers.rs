//! Which container had an address when a request went there.

use std::collections::VecDeque;
use std::net::SocketAddr;

use rustc_hash::FxHashMap;

use super::{Pipeline, Sink};
use crate::connection::Clock;
use crate::event::{Name, Owner, Peer, Pid, Time};
use crate::exchange::{Exchange, Hop};

/// Addresses that are known at once; the capture asks for fewer.
const MAX_PEERS: usize = 16_384;

/// Exchanges that wait for a name at once. What comes on top does not wait.
const MAX_WAITING: usize = 1024;

/// How long an exchange waits for a name: an answer takes a few milliseconds, unless the machine has no time.
const PATIENCE: Time = 1_000_000_000;

#[derive(Debug, Default)]
pub(super) struct Peers {
    known: FxHashMap<(Pid, SocketAddr), Known>,
    /// Exchanges that are complete but for a name, with the time until which they wait.
    waiting: VecDeque<(Time, Exchange)>,
    /// Something became known since those were looked at.
    learned: bool,
}

#[derive(Debug, Default)]
struct Known {
    asked: Option<Time>,
    now: Option<Tenure>,
    /// Who had it before: what is told late went there.
    before: Option<Tenure>,
}

/// A container's time with an address.
#[derive(Debug, Clone)]
struct Tenure {
    name: Name,
    since: Time,
    until: Option<Time>,
}

impl Known {
    fn end(&mut self, time: Time) {
        if let Some(now) = &mut self.now {
            now.until.get_or_insert(time);
        }
    }

    fn begin(&mut self, name: Name, since: Time, time: Time) {
        if let Some(now) = self.now.as_mut().filter(|now| now.until.is_none() && *now.name == *name) {
            now.since = now.since.min(since);
            return;
        }
        self.end(time);
        if let Some(before) = self.now.take() {
            // Nobody else had it before that one had left it.
            let since = since.max(before.until.unwrap_or(time));
            self.before = Some(before);
            self.now = Some(Tenure { name, since, until: None });
        } else {
            self.now = Some(Tenure { name, since, until: None });
        }
    }

    /// Who had it when the answer came. Where none did: when the request left, or at its end if it waited until then for
    /// somebody to be there.
    fn answered(&self, hop: &Hop, clock: Clock) -> Option<&Name> {
        match hop.first_byte {
            Some(first) => self.at(first, clock),
            None => self.at(hop.start, clock).or_else(|| self.at(hop.end, clock)),
        }
    }

    /// Who had it at a time since 1970.
    fn at(&self, unix: u64, clock: Clock) -> Option<&Name> {
        let had = |tenure: &&Tenure| {
            clock.unix(tenure.since) <= unix && tenure.until.is_none_or(|until| unix < clock.unix(until))
        };
        [&self.now, &self.before].into_iter().flatten().find(had).map(|tenure| &tenure.name)
    }
}

impl Peers {
    fn waits(&self, pid: Pid, peer: SocketAddr) -> bool {
        self.known.get(&(pid, peer)).is_some_and(|known| known.asked.is_some())
    }

    /// Names the attempts; says whether a name is still to come.
    fn name(&self, exchange: &mut Exchange, clock: Clock) -> bool {
        let mut waits = false;
        for attempt in &mut exchange.attempts {
            let peer = attempt.hop.peer;
            let known = self.known.get(&(exchange.pid, peer));
            attempt.container = known.and_then(|known| known.answered(&attempt.hop, clock)).cloned();
            waits |= attempt.container.is_none() && self.waits(exchange.pid, peer);
        }
        waits
    }

    pub(super) fn len(&self) -> usize {
        self.known.len() + self.waiting.len()
    }
}

impl Pipeline {
    pub(super) fn peer(&mut self, time: Time, pid: Pid, peer: &Peer) {
        let key = (pid, peer.address);
        if self.peers.known.len() >= MAX_PEERS && !self.peers.known.contains_key(&key) {
            return;
        }
        let known = self.peers.known.entry(key).or_default();
        self.peers.learned = true;
        known.asked = matches!(peer.owner, Owner::Asked).then_some(time);
        match &peer.owner {
            Owner::Asked | Owner::Unknown => {}
            Owner::Container { name, since } => {
                let name = self.names.intern(name);
                known.begin(name, *since, time);
            }
            Owner::Gone => known.end(time),
        }
    }

    /// Hands an exchange to the outputs, or keeps it until its backends have names.
    pub(super) fn hand_out(&mut self, time: Time, mut exchange: Exchange, sink: &mut impl Sink) {
        let waits = self.peers.name(&mut exchange, self.clock);
        if waits && self.peers.waiting.len() < MAX_WAITING {
            self.peers.waiting.push_back((time.saturating_add(PATIENCE), exchange));
        } else {
            sink.exchange(exchange);
        }
    }

    /// Hands out what waited long enough, or need not wait any longer.
    pub(super) fn tell_named(&mut self, time: Time, sink: &mut impl Sink) {
        let due = self.peers.waiting.front().is_some_and(|(until, _)| *until <= time);
        if !std::mem::take(&mut self.peers.learned) && !due {
            return;
        }
        for _ in 0..self.peers.waiting.len() {
            let Some((until, mut exchange)) = self.peers.waiting.pop_front() else { return };
            let waits = self.peers.name(&mut exchange, self.clock);
            if waits && time < until {
                self.peers.waiting.push_back((until, exchange));
            } else {
                sink.exchange(exchange);
            }
        }
    }

    pub(super) fn forget_peers(&mut self, pid: Pid) {
        self.peers.known.retain(|(of, _), _| *of != pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Steps are `SECOND:what`, with `?` asked, `-` unknown, `x` gone, `NAME@SINCE` a container. What is `expected` is
    /// who had the address at each second from 1 on.
    #[track_caller]
    fn check(steps: &str, expected: &str) {
        let mut known = Known::default();
        let number = |text: &str| text.parse::<u64>().unwrap_or_default() * SECOND;
        for (time, what) in steps.split_whitespace().filter_map(|step| step.split_once(':')) {
            match what.split_once('@') {
                Some((name, since)) => known.begin(name.into(), number(since), number(time)),
                None if what == "x" => known.end(number(time)),
                None => {}
            }
        }
        let clock = Clock::new(0, 1_000 * SECOND);
        let found: Vec<&str> = (1..=expected.split_whitespace().count() as u64)
            .map(|second| known.at((1_000 + second) * SECOND, clock).map_or("-", |name| &**name))
            .collect();
        assert_eq!(found.join(" "), expected, "{steps}");
    }

    #[test]
    fn who_had_an_address_when() {
        check("", "- -");
        check("3:a@2", "- a a");
        // It is told late, and has left since.
        check("3:a@2 4:x", "- a a - -");
        // Another one takes the address: neither is told for the other's time.
        check("2:a@1 4:x 7:b@6", "a a a - - b b");
        // It ran before, and came to the address after the other had left.
        check("2:a@1 4:x 7:b@1", "a a a b b b b");
        // That the first one left was not told.
        check("2:a@1 5:b@4", "a a a a b");
        // The same one again, and after it was called otherwise.
        check("2:a@2 3:a@1 5:c@1", "a a a a c c");
        // Of three, the one before last is still known.
        check("1:a@1 2:x 3:b@3 4:x 5:c@5", "- - b - c");
    }
}
