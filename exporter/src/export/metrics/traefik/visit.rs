//! The times that a request asked a service, as Traefik's middleware for metrics stands before each server.

use crate::event::Name;
use crate::exchange::{Attempt, Exchange, Hop, Role};

/// One of them.
#[derive(Debug)]
pub(super) struct Visit<'a> {
    /// The one that settled it.
    pub(super) attempt: &'a Attempt,
    pub(super) service: Name,
    /// Of the first.
    pub(super) start: u64,
    pub(super) mirrored: bool,
    /// No other backend was asked for the client after it: what it got is what it told the client.
    pub(super) last: bool,
}

/// In the order in which they ended.
pub(super) fn of(exchange: &Exchange) -> impl Iterator<Item = Visit<'_>> {
    let attempts = &exchange.attempts;
    attempts.iter().enumerate().filter_map(move |(index, attempt)| {
        let service = attempt.service.as_ref()?;
        if !matches!(attempt.role, Role::Backend | Role::Mirror | Role::ErrorPage) {
            return None;
        }
        let (before, from_here) = attempts.split_at(index);
        let later = from_here.get(1..).unwrap_or_default();
        if later.iter().any(|next| is_hidden_resend(attempt, next)) {
            return None;
        }
        let first = before.iter().find(|earlier| is_hidden_resend(earlier, attempt));
        Some(Visit {
            attempt,
            service: service.clone(),
            start: first.map_or(attempt.hop.start, |first| first.hop.start),
            mirrored: attempt.role == Role::Mirror,
            last: !later.iter().any(|next| matches!(next.role, Role::Backend | Role::ErrorPage)),
        })
    })
}

/// Go's HTTP client sends a request again by itself where a kept connection turns out to be closed
/// (`shouldRetryRequest`, net/http/transport.go), and its callers hear of none of it. Traefik's middleware `retry` tries
/// again only where nothing was written (pkg/middlewares/retry/retry.go): what was sent and came again is Go's.
fn is_hidden_resend(attempt: &Attempt, next: &Attempt) -> bool {
    let sent = !attempt.hop.path.is_empty();
    sent && attempt.hop.status.is_none()
        && attempt.role == next.role
        && attempt.service == next.service
        && attempt.server_url == next.server_url
        && attempt.hop.asks_as(&next.hop)
}

/// A body that ended before its framing said so, of a response and not of a session.
pub(super) fn broke_off(hop: &Hop) -> bool {
    hop.status.is_some() && hop.upgraded.is_none() && hop.response.incomplete
}
