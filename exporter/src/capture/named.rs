//! What handlers said of their names, for the records that say only which handler it was.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::event::{Pid, Probe};

/// Configurations of a process whose handlers are remembered: while one takes the place of another, records of both
/// come, and which of two CPUs was first with one is not said.
const CONFIGURATIONS: usize = 4;

/// What a handler says, of each request that it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Names {
    Router { router: Box<str>, rule: Box<str>, service: Box<str> },
    Service { service: Box<str>, url: Box<str> },
}

impl Names {
    /// As the stream tells it. `stream`: of HTTP/2, that a router serves.
    pub(super) fn as_probe(&self, stream: u32) -> Probe<'_> {
        match self {
            Self::Router { router, rule, service } => Probe::Router { router, rule, service, stream },
            Self::Service { service, url } => {
                Probe::Service { service, url: Some(&**url).filter(|url| !url.is_empty()) }
            }
        }
    }
}

/// Which handler of a process: its address, and when the configuration before it was put in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Handler {
    pub(super) address: u64,
    pub(super) generation: u64,
}

/// The names of all handlers that may be referred to.
#[derive(Debug, Default)]
pub(super) struct Named(FxHashMap<Pid, OfProcess>);

#[derive(Debug, Default)]
struct OfProcess {
    handlers: FxHashMap<Handler, Names>,
    /// Oldest first.
    generations: VecDeque<u64>,
}

impl Named {
    pub(super) fn get(&self, pid: Pid, handler: Handler) -> Option<&Names> {
        self.0.get(&pid)?.handlers.get(&handler)
    }

    pub(super) fn insert(&mut self, pid: Pid, handler: Handler, names: Names) {
        let process = self.0.entry(pid).or_default();
        if !process.generations.contains(&handler.generation) {
            process.generations.push_back(handler.generation);
            if process.generations.len() > CONFIGURATIONS
                && let Some(oldest) = process.generations.pop_front()
            {
                process.handlers.retain(|handler, _| handler.generation != oldest);
            }
        }
        process.handlers.insert(handler, names);
    }

    /// The process is not traced any more.
    pub(super) fn forget(&mut self, pid: Pid) {
        self.0.remove(&pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str) -> Names {
        Names::Service { service: name.into(), url: "http://127.0.0.1:80".into() }
    }

    #[test]
    fn an_address_says_something_else_in_another_configuration_and_process() {
        let mut named = Named::default();
        let handler = |generation| Handler { address: 0xc000_0000, generation };
        named.insert(1, handler(0), service("a"));
        named.insert(1, handler(7), service("b"));
        named.insert(2, handler(0), service("c"));
        assert_eq!(named.get(1, handler(0)), Some(&service("a")));
        assert_eq!(named.get(1, handler(7)), Some(&service("b")));
        assert_eq!(named.get(2, handler(0)), Some(&service("c")));
        assert_eq!(named.get(2, handler(7)), None);
        named.forget(2);
        assert_eq!(named.get(2, handler(0)), None);
        assert_eq!(named.get(1, handler(0)), Some(&service("a")));
    }

    #[test]
    fn the_last_configurations_are_remembered() {
        let mut named = Named::default();
        for generation in 0..6 {
            for address in 1..=100 {
                named.insert(1, Handler { address, generation }, service("a"));
            }
        }
        let known = |generation| named.get(1, Handler { address: 1, generation }).is_some();
        assert_eq!((0..6).map(known).collect::<Vec<_>>(), [false, false, true, true, true, true]);
        assert_eq!(named.0[&1].handlers.len(), 400);
    }
}
