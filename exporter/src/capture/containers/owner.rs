//! Whose the other end of a socket is, proved by finding that end.
//!
//! An address alone proves nothing: two networks may both have it, and what is between may translate it. A connection
//! that is in the table of a container's network, with both ends as they were seen at Traefik, has nothing in between.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::census::{Census, Member, Network, addresses, network_id};
use crate::capture::process::{LISTEN, Proc, Row};
use crate::event::Pid;

/// A container that has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    /// The namespace that has the address.
    network: u64,
    /// The oldest process that listens.
    pub(super) member: Member,
    /// The socket on which it listens, by descriptor and inode: several containers may share the address.
    listener: (u32, u64),
}

/// Whose the peer of process `asker` is, on a connection from `local`. None where that cannot be proved.
pub(super) fn find(proc: &Proc, census: &Census, asker: Pid, (local, peer): (SocketAddr, SocketAddr)) -> Option<Owner> {
    let inside = peer.ip().is_loopback() || peer.ip() == local.ip();
    let candidates: Vec<&Network> = if inside {
        census.network(network_id(proc, asker)?).into_iter().collect()
    } else {
        census.with(peer.ip()).collect()
    };
    candidates.into_iter().find_map(|network| in_network(proc, network, local, peer))
}

fn in_network(proc: &Proc, network: &Network, local: SocketAddr, peer: SocketAddr) -> Option<Owner> {
    let far_end = |row: &Row| row.state != LISTEN && row.local == peer && row.remote == local;
    // Any process shows the table of its namespace; the oldest may just have ended.
    let rows = network.members.iter().find_map(|member| {
        let rows = proc.tcp(member.pid, |row| listens(row, peer) || far_end(row));
        (!rows.is_empty()).then_some(rows)
    })?;
    if !rows.iter().any(far_end) {
        return None;
    }
    let listeners: Vec<u64> = rows.iter().filter(|row| listens(row, peer)).map(|row| row.inode).collect();
    let holders: Vec<(&Member, HashMap<u64, u32>)> =
        network.members.iter().map(|member| (member, proc.sockets(member.pid))).collect();
    let holds = |sockets: &HashMap<u64, u32>| listeners.iter().any(|inode| sockets.contains_key(inode));
    let (member, sockets) = holders.iter().find(|(_, sockets)| holds(sockets))?;
    let listener = listeners.iter().find_map(|inode| Some((*sockets.get(inode)?, *inode)))?;
    // One that nobody here holds is of a process outside (docker-proxy listens for containers elsewhere), or of one that
    // came after the census.
    let certain = listeners.iter().all(|inode| holders.iter().any(|(_, sockets)| sockets.contains_key(inode)))
        && holders.iter().filter(|(_, sockets)| holds(sockets)).all(|(other, _)| other.unit == member.unit);
    certain.then(|| Owner { network: network.id, member: (*member).clone(), listener })
}

fn listens(row: &Row, peer: SocketAddr) -> bool {
    let ip = row.local.ip();
    row.state == LISTEN && row.local.port() == peer.port() && (ip.is_unspecified() || ip == peer.ip())
}

impl Owner {
    /// It runs, has the address, and listens as before. No table is read for that: the kernel walks through all sockets of
    /// the machine to show one.
    pub(super) fn still_has(&self, proc: &Proc, peer: SocketAddr) -> bool {
        let pid = self.member.pid;
        proc.start_time(pid) == Some(self.member.start_time)
            && network_id(proc, pid) == Some(self.network)
            && (peer.ip().is_loopback() || addresses(proc, pid).contains(&peer.ip()))
            && proc.socket(pid, self.listener.0) == Some(self.listener.1)
    }
}
