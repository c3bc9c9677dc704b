//! Where a process listens: its sockets among those of its network namespace.

use std::net::SocketAddr;

use super::{LISTEN, Proc};

impl Proc {
    /// See [`super::listening`].
    pub fn listening(&self, pid: u32) -> Vec<SocketAddr> {
        let own = self.sockets(pid);
        if own.is_empty() {
            return Vec::new();
        }
        let rows = self.tcp(pid, |row| row.state == LISTEN && own.contains_key(&row.inode));
        let mut found: Vec<SocketAddr> = rows.iter().map(|row| row.local).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}
