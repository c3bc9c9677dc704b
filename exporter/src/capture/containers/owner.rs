//! Whose the other end of a socket is, proved by the socket tables of both ends.
//!
//! An address alone proves nothing: two networks may both have it, and what is between may translate it. A connection
//! whose two ends are found in two tables has nothing in between.

use std::collections::HashSet;
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
    /// The sockets that listen on the port: several containers may share the address.
    listeners: Vec<u64>,
}

/// Whose the peer of process `asker` is. None where that cannot be proved.
pub(super) fn find(proc: &Proc, census: &Census, asker: Pid, peer: SocketAddr) -> Option<Owner> {
    let own = network_id(proc, asker)?;
    let inside = peer.ip().is_loopback() || addresses(proc, asker).contains(&peer.ip());
    let candidates: Vec<&Network> =
        if inside { census.network(own).into_iter().collect() } else { census.with(peer.ip()).collect() };
    if candidates.is_empty() {
        return None;
    }
    let ours: HashSet<SocketAddr> =
        proc.tcp(asker, |row| row.state != LISTEN && row.remote == peer).into_iter().map(|row| row.local).collect();
    candidates.into_iter().find_map(|network| in_network(proc, network, peer, &ours))
}

fn in_network(proc: &Proc, network: &Network, peer: SocketAddr, ours: &HashSet<SocketAddr>) -> Option<Owner> {
    // Any process shows the table of its namespace; the oldest may just have ended.
    let rows = network.members.iter().find_map(|member| {
        let rows = proc.tcp(member.pid, |row| listens(row, peer) || row.local == peer);
        (!rows.is_empty()).then_some(rows)
    })?;
    if !rows.iter().any(|row| row.state != LISTEN && row.local == peer && ours.contains(&row.remote)) {
        return None;
    }
    let listeners = listeners(&rows, peer);
    let holders: Vec<(&Member, HashSet<u64>)> =
        network.members.iter().map(|member| (member, proc.sockets(member.pid))).collect();
    let holds = |sockets: &HashSet<u64>| listeners.iter().any(|inode| sockets.contains(inode));
    let (member, _) = holders.iter().find(|(_, sockets)| holds(sockets))?;
    // One that nobody here holds is of a process outside (docker-proxy listens for containers elsewhere), or of one that
    // came after the census.
    let certain = listeners.iter().all(|inode| holders.iter().any(|(_, sockets)| sockets.contains(inode)))
        && holders.iter().filter(|(_, sockets)| holds(sockets)).all(|(other, _)| other.unit == member.unit);
    certain.then(|| Owner { network: network.id, member: (*member).clone(), listeners })
}

fn listens(row: &Row, peer: SocketAddr) -> bool {
    let ip = row.local.ip();
    row.state == LISTEN && row.local.port() == peer.port() && (ip.is_unspecified() || ip == peer.ip())
}

fn listeners(rows: &[Row], peer: SocketAddr) -> Vec<u64> {
    let mut inodes: Vec<u64> = rows.iter().filter(|row| listens(row, peer)).map(|row| row.inode).collect();
    inodes.sort_unstable();
    inodes
}

impl Owner {
    /// It runs, and has the address as before.
    pub(super) fn still_has(&self, proc: &Proc, peer: SocketAddr) -> bool {
        let pid = self.member.pid;
        proc.start_time(pid) == Some(self.member.start_time)
            && network_id(proc, pid) == Some(self.network)
            && (peer.ip().is_loopback() || addresses(proc, pid).contains(&peer.ip()))
            && listeners(&proc.tcp(pid, |row| listens(row, peer)), peer) == self.listeners
    }
}
