//! Which bodies are kept while exchanges go by: all that a rule may still select.

use super::{Budget, Counters, Cut, Exchange, Keep, Key, Pipeline, Settings, Side};
use crate::connection::{Connection, Message, Sequence};
use crate::counters::BodyOutcome;
use crate::event::Pid;
use crate::exchange::Content;
use crate::policy::{Asked, Facts, Responded};

/// Whether header lines are kept, and what of bodies.
pub(super) fn kept(settings: &Settings, before: Option<&Keep>) -> (bool, Option<Keep>) {
    let keep = settings.policy.wants_bodies().then(|| {
        let budget = match before {
            // What is held now counts on.
            Some(before) => before.budget.with_limit(settings.body_memory),
            None => Budget::new(settings.body_memory),
        };
        Keep { bytes: settings.body_bytes, budget }
    });
    (settings.policy.wants_headers(), keep)
}

/// Counts the bodies of an exchange that is told in full.
pub(super) fn count_bodies(exchange: &Exchange, counters: &Counters) {
    let attempts = exchange.attempts.iter().map(|attempt| &attempt.hop);
    let hops = exchange.server.iter().map(|server| &server.hop).chain(attempts);
    for contents in hops.filter_map(|hop| hop.contents.as_deref()) {
        for content in [&contents.request, &contents.response].into_iter().flatten() {
            counters.bodies.add(outcome(content), 1);
        }
    }
}

fn outcome(content: &Content) -> BodyOutcome {
    match content.cut {
        Some(Cut::Limit) => BodyOutcome::Limit,
        Some(Cut::Unseen) => BodyOutcome::Unseen,
        Some(Cut::Memory) => BodyOutcome::Memory,
        Some(Cut::Unwanted) => BodyOutcome::Unwanted,
        None if content.captured.truncated => BodyOutcome::Incomplete,
        None => BodyOutcome::Whole,
    }
}

impl Pipeline {
    /// Much is kept of the bodies of a message: they are forgotten where no rule can select their exchange any more.
    pub(super) fn large(&mut self, key: Key) {
        if self.is_out_of_reach(key) == Some(true)
            && let Some(connection) = self.connections.get_mut(&key.0)
        {
            connection.forget_bodies(key.1);
        }
    }

    /// None: it cannot be told yet.
    fn is_out_of_reach(&self, key: Key) -> Option<bool> {
        let connection = self.connections.get(&key.0)?;
        let message = connection.message(key.1)?;
        let pid = connection.pid;
        let run = match connection.side {
            Side::Ingress => {
                let serve = connection.serve.or(connection.hint)?;
                let handler = match connection.streams {
                    Some(_) => self.linker.handler(pid, serve, u32::try_from(key.1).ok()?)?,
                    None => serve,
                };
                self.linker.run_at(pid, handler)?
            }
            Side::Egress => match self.linker.run_for(key) {
                Some(run) => run,
                // Nobody's: a health check.
                None => return Some(!self.settings.policy.may_be_full(&[partial(connection, message)])),
            },
            Side::Unknown | Side::Own => return None,
        };
        let (client, request) = match connection.side {
            Side::Ingress => (connection, message),
            _ => self.client_of(pid, run)?,
        };
        let answered = request.response.is_some();
        let mut hops = vec![partial(client, request)];
        let (done, open) = self.linker.attempts_of(run);
        for hop in done {
            hops.push(Facts::of_hop(hop));
            if !answered {
                // It may be asked again.
                hops.push(Facts::of_hop(hop).again());
            }
        }
        for (id, sequence) in open {
            let attempt = self.connections.get(&id)?;
            hops.push(partial(attempt, attempt.message(sequence)?));
        }
        if hops.len() == 1 && !answered {
            // What will be asked of a backend is not known yet.
            return None;
        }
        Some(!self.settings.policy.may_be_full(&hops))
    }

    /// The client's request of a run.
    fn client_of(&self, pid: Pid, run: u64) -> Option<(&Connection, &Message)> {
        self.linker.servers_of(run).find_map(|(serve, stream)| {
            let connection = self.connections.get(self.serving.get(&(pid, serve))?)?;
            match stream {
                Some(stream) => Some((connection, connection.message(Sequence::from(stream))?)),
                None => Some((connection, connection.book.oldest()?.1)),
            }
        })
    }

    /// A connection is gone.
    pub(super) fn forget_serving(&mut self, connection: &Connection) {
        if let Some(serve) = connection.serve
            && self.serving.get(&(connection.pid, serve)) == Some(&connection.id)
        {
            self.serving.remove(&(connection.pid, serve));
        }
    }
}

/// A hop that still goes by.
fn partial<'a>(connection: &Connection, message: &'a Message) -> Facts<'a> {
    let asked = message.request.as_ref().map(|head| Asked {
        method: &head.method,
        path: &head.path,
        query: head.query.as_deref(),
        absolute: head.absolute.as_deref(),
        host: head.host.as_deref(),
        version: head.version,
        headers: &head.headers,
    });
    // A status that is not known will be learned, or not.
    let answered = message.response.as_ref().filter(|head| head.status != 0);
    let answered = answered.map(|head| Responded { status: head.status, headers: &head.headers });
    Facts {
        is_ingress: connection.side == Side::Ingress,
        is_tls: connection.tls.is_some(),
        ..Facts::under_way(asked, answered, connection.local, connection.peer)
    }
}
