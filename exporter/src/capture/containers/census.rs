//! The network namespaces in which containers run: their addresses, and who is in them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::capture::process::{Proc, pod_uid, short_id};
use crate::event::Pid;

/// All of them, at one moment.
#[derive(Debug, Default)]
pub(super) struct Census {
    networks: BTreeMap<u64, Network>,
}

#[derive(Debug)]
pub(super) struct Network {
    /// Inode of the namespace.
    pub(super) id: u64,
    pub(super) addresses: Vec<IpAddr>,
    /// Processes of containers, by age.
    pub(super) members: Vec<Member>,
}

/// A process of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) pid: Pid,
    pub(super) start_time: u64,
    pub(super) unit: Unit,
}

/// What has a name of its own for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unit {
    /// By its short id.
    Container(String),
    /// A pod of Kubernetes, by its uid: its containers share one address.
    Pod(String),
}

impl Census {
    pub(super) fn take(proc: &Proc) -> Self {
        let mut census = Self::default();
        proc.pids().into_iter().for_each(|pid| census.add(proc, pid));
        census
    }

    /// Takes in a process that is new, or has become another program.
    pub(super) fn add(&mut self, proc: &Proc, pid: Pid) {
        for network in self.networks.values_mut() {
            network.members.retain(|member| member.pid != pid);
        }
        let Some((member, id)) = Member::of(proc, pid).zip(network_id(proc, pid)) else { return };
        let network =
            self.networks.entry(id).or_insert_with(|| Network { id, addresses: Vec::new(), members: Vec::new() });
        // The number of a namespace that went is given to the next one.
        network.members.retain(|member| proc.start_time(member.pid) == Some(member.start_time));
        if network.members.is_empty() {
            network.addresses = addresses(proc, pid);
        }
        network.members.push(member);
        network.members.sort_by_key(|member| (member.start_time, member.pid));
    }

    /// Reads the addresses anew, and forgets who is gone.
    pub(super) fn refresh(&mut self, proc: &Proc) {
        for network in self.networks.values_mut() {
            network.members.retain(|member| proc.start_time(member.pid) == Some(member.start_time));
            if let Some(member) = network.members.first() {
                network.addresses = addresses(proc, member.pid);
            }
        }
        self.networks.retain(|_, network| !network.members.is_empty());
    }

    pub(super) fn network(&self, id: u64) -> Option<&Network> {
        self.networks.get(&id)
    }

    /// Those that have an address; several where networks are told apart by nothing else.
    pub(super) fn with(&self, address: IpAddr) -> impl Iterator<Item = &Network> {
        self.networks.values().filter(move |network| network.addresses.contains(&address))
    }
}

impl Member {
    fn of(proc: &Proc, pid: Pid) -> Option<Self> {
        let cgroup = proc.text(pid, "cgroup")?;
        let container = short_id(&cgroup)?;
        let unit = pod_uid(&cgroup).map_or(Unit::Container(container), Unit::Pod);
        Some(Self { pid, start_time: proc.start_time(pid)?, unit })
    }
}

/// Inode of the network namespace of a process.
pub(super) fn network_id(proc: &Proc, pid: Pid) -> Option<u64> {
    let link = std::fs::read_link(proc.of(pid).join("ns/net")).ok()?;
    link.to_str()?.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok()
}

/// The addresses of a process's network namespace, but for those that every one has.
pub(super) fn addresses(proc: &Proc, pid: Pid) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = proc.text(pid, "net/fib_trie").map(|text| v4(&text)).unwrap_or_default();
    found.extend(proc.text(pid, "net/if_inet6").iter().flat_map(|text| text.lines()).filter_map(v6));
    found.sort_unstable();
    found.dedup();
    found
}

/// `|-- 172.18.0.2` and below it `/32 host LOCAL`.
fn v4(fib_trie: &str) -> Vec<IpAddr> {
    let mut last = None;
    let mut found = Vec::new();
    for line in fib_trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL" {
            found.extend(last.filter(|address| !address.is_loopback()).map(IpAddr::from));
        }
    }
    found
}

/// Address, interface, length, scope, flags, name; all but the last hexadecimal. Those of a link alone say nothing
/// without it.
fn v6(line: &str) -> Option<IpAddr> {
    const GLOBAL: &str = "00";
    let mut columns = line.split_ascii_whitespace();
    let address = u128::from_str_radix(columns.next()?, 16).ok()?;
    (columns.nth(2)? == GLOBAL).then(|| Ipv6Addr::from_bits(address).into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn addresses_of_a_namespace() {
        let trie = "Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     +-- 172.18.0.0/16 2 0 2
        |-- 172.18.0.0
           /16 link UNICAST
        |-- 172.18.0.3
           /32 host LOCAL
        |-- 172.18.255.255
           /32 link BROADCAST
";
        assert_eq!(v4(trie), ["172.18.0.3".parse::<IpAddr>().unwrap()]);
        for (line, expected) in [
            ("fd000000000000000000000000000003 0d 40 00 80     eth0", Some("fd00::3")),
            ("fe80000000000000042acfffe120003a 0d 40 20 80     eth0", None),
            ("00000000000000000000000000000001 01 80 10 80       lo", None),
            ("", None),
            ("x 01 80 00 80 lo", None),
        ] {
            assert_eq!(v6(line), expected.map(|address| address.parse::<IpAddr>().unwrap()), "{line}");
        }
    }
}
