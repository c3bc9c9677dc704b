//! Takes what is secret out of the bodies of an exchange, or takes the bodies out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

use crate::exchange::{Content, Exchange};
use crate::redact::Redaction;

/// Redacts every body. Says of how many the content is withheld.
pub(super) fn redact(exchange: &mut Exchange, redaction: &Redaction, decoded: usize) -> u64 {
    // Whatever is wrong with what searches, a body that was not searched to its end is not told.
    let done = catch_unwind(AssertUnwindSafe(|| {
        contents(exchange).map(|content| u64::from(!redact_one(content, redaction, decoded))).sum()
    }));
    done.unwrap_or_else(|_| {
        let bodies = contents(exchange).count() as u64;
        exchange.hops_mut().for_each(|hop| hop.contents = None);
        bodies
    })
}

fn redact_one(content: &mut Content, redaction: &Redaction, decoded: usize) -> bool {
    match content.captured.redacted(redaction, decoded) {
        Ok(captured) => content.captured = captured,
        Err(failed) => {
            content.withheld = Some(failed);
            empty(content);
        }
    }
    content.withheld.is_none()
}

/// Leaves of every body what is known of it without its content.
pub(super) fn strip(exchange: &mut Exchange) {
    contents(exchange).for_each(empty);
}

fn empty(content: &mut Content) {
    content.captured.truncated |= !content.captured.bytes.is_empty();
    content.captured.bytes = Bytes::new();
}

fn contents(exchange: &mut Exchange) -> impl Iterator<Item = &mut Content> {
    let both = exchange.hops_mut().filter_map(|hop| hop.contents.as_deref_mut());
    both.flat_map(|both| [&mut both.request, &mut both.response]).flatten()
}
