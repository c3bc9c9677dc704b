//! The bytes of bodies that a rule may want, as they go by: the beginning of each, within limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::exchange::Cut;

/// Bytes of one message past which it is asked whether any rule can still want them, for the first time.
const FIRST_LOOK: usize = 16 * 1024;

/// How much of bodies is kept.
#[derive(Debug, Clone)]
pub struct Keep {
    /// Of each, at most.
    pub bytes: usize,
    pub budget: Budget,
}

/// What all bodies that are under way may take together.
#[derive(Debug, Clone)]
pub struct Budget {
    used: Arc<AtomicUsize>,
    limit: usize,
}

impl Budget {
    pub fn new(limit: usize) -> Self {
        Self { used: Arc::default(), limit }
    }

    /// The same with another limit: what is held counts on.
    pub fn with_limit(&self, limit: usize) -> Self {
        Self { used: Arc::clone(&self.used), limit }
    }

    /// Bytes that are held now.
    pub fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let fits = self.used.fetch_add(bytes, Relaxed).saturating_add(bytes) <= self.limit;
        if !fits {
            self.give_back(bytes);
        }
        fits
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Relaxed);
    }
}

/// Which body of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Request,
    Response,
}

/// Both bodies of one message.
#[derive(Debug)]
pub struct Bodies {
    pub request: Body,
    pub response: Body,
    budget: Budget,
    /// Bytes of both at which it is asked next whether they are wanted.
    look: usize,
}

/// The beginning of one body.
#[derive(Debug, Default)]
pub struct Body {
    pub bytes: Vec<u8>,
    /// Nothing more of it is kept, and why.
    pub cut: Option<Cut>,
}

impl Bodies {
    pub fn new(budget: Budget) -> Self {
        Self { request: Body::default(), response: Body::default(), budget, look: FIRST_LOOK }
    }

    /// A body went on by `size` bytes, of which `data` were seen. Says whether it is time to ask who wants it.
    pub fn feed(&mut self, part: Part, size: u64, data: &[u8], limit: usize) -> bool {
        let body = match part {
            Part::Request => &mut self.request,
            Part::Response => &mut self.response,
        };
        if body.cut.is_some() || size == 0 {
            return false;
        }
        let room = limit.saturating_sub(body.bytes.len());
        let kept = data.get(..room).unwrap_or(data);
        if !self.budget.take(kept.len()) {
            body.cut = Some(Cut::Memory);
            return false;
        }
        body.bytes.extend_from_slice(kept);
        if kept.len() < data.len() {
            body.cut = Some(Cut::Limit);
        } else if (data.len() as u64) < size {
            body.cut = Some(if room == data.len() { Cut::Limit } else { Cut::Unseen });
        }
        let due = self.held() >= self.look;
        if due {
            self.look = self.held().saturating_mul(2);
        }
        due
    }

    /// Nobody can want them any more.
    pub fn forget(&mut self) {
        self.budget.give_back(self.held());
        for body in [&mut self.request, &mut self.response] {
            *body = Body { bytes: Vec::new(), cut: Some(Cut::Unwanted) };
        }
    }

    /// Somebody else answers for so many of them now.
    pub fn release(&self, bytes: usize) {
        self.budget.give_back(bytes);
    }

    fn held(&self) -> usize {
        self.request.bytes.len() + self.response.bytes.len()
    }
}

impl Drop for Bodies {
    fn drop(&mut self) {
        self.budget.give_back(self.held());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds pieces of which so many bytes were seen, and says what is kept and why no more.
    #[track_caller]
    fn check(limit: usize, budget: usize, pieces: &[(u64, usize)], kept: usize, cut: Option<Cut>) {
        let budget = Budget::new(budget);
        let mut bodies = Bodies::new(budget.clone());
        for (size, seen) in pieces {
            bodies.feed(Part::Response, *size, &vec![7; *seen], limit);
        }
        assert_eq!((bodies.response.bytes.len(), bodies.response.cut), (kept, cut), "{limit} {pieces:?}");
        assert_eq!(budget.used(), kept);
        bodies.forget();
        assert_eq!(budget.used(), 0);
        drop(bodies);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn the_beginning_is_kept() {
        check(100, 1000, &[(40, 40), (60, 60)], 100, None);
        check(100, 1000, &[(40, 40), (61, 61)], 100, Some(Cut::Limit));
        check(100, 1000, &[(40, 40), (60, 60), (1, 1)], 100, Some(Cut::Limit));
        check(100, 1000, &[(40, 40), (1, 0), (9, 9)], 40, Some(Cut::Unseen));
        check(100, 1000, &[(40, 16), (9, 9)], 16, Some(Cut::Unseen));
        check(100, 1000, &[(100, 100), (50, 0)], 100, Some(Cut::Limit));
        check(100, 50, &[(40, 40), (40, 40), (5, 5)], 40, Some(Cut::Memory));
        check(0, 50, &[(40, 40)], 0, Some(Cut::Limit));
        check(100, 50, &[(0, 0)], 0, None);
    }

    #[test]
    fn it_is_asked_seldom_who_wants_them() {
        let mut bodies = Bodies::new(Budget::new(usize::MAX));
        let asked = (0..1024).filter(|_| bodies.feed(Part::Request, 1024, &[0; 1024], usize::MAX)).count();
        assert_eq!(asked, 7, "at 16 KiB, 32, 64, 128, 256, 512 and 1024");
    }
}
