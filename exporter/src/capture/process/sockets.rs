//! The TCP sockets of a network namespace, as `/proc/PID/net/tcp` and `tcp6` list them.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Proc;

/// `TCP_LISTEN` (include/net/tcp_states.h).
pub(in crate::capture) const LISTEN: u8 = 0x0a;

/// One socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::capture) struct Row {
    pub(in crate::capture) local: SocketAddr,
    pub(in crate::capture) remote: SocketAddr,
    pub(in crate::capture) state: u8,
    /// 0 where no process has it open.
    pub(in crate::capture) inode: u64,
}

impl Proc {
    /// Those among the sockets of a process's network namespace that `keep` wants.
    pub(in crate::capture) fn tcp(&self, pid: u32, keep: impl Fn(&Row) -> bool) -> Vec<Row> {
        let mut rows = Vec::new();
        for table in ["net/tcp", "net/tcp6"] {
            if let Some(table) = self.text(pid, table) {
                rows.extend(table.lines().filter_map(Row::parse).filter(&keep));
            }
        }
        rows
    }

    /// The sockets that a process has open: inodes, and a descriptor of each.
    pub(in crate::capture) fn sockets(&self, pid: u32) -> HashMap<u64, u32> {
        let Ok(descriptors) = std::fs::read_dir(self.of(pid).join("fd")) else {
            return HashMap::new();
        };
        descriptors
            .filter_map(|descriptor| {
                let descriptor = descriptor.ok()?.file_name().to_str()?.parse().ok()?;
                Some((self.socket(pid, descriptor)?, descriptor))
            })
            .collect()
    }

    /// Inode of the socket that a descriptor is.
    pub(in crate::capture) fn socket(&self, pid: u32, descriptor: u32) -> Option<u64> {
        let target = std::fs::read_link(self.of(pid).join("fd").join(descriptor.to_string())).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    }
}

impl Row {
    /// A line of either table; None for their headings.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut columns = line.split_ascii_whitespace();
        let local = address(columns.nth(1)?)?;
        let remote = address(columns.next()?)?;
        let state = u8::from_str_radix(columns.next()?, 16).ok()?;
        Some(Self { local, remote, state, inode: columns.nth(5)?.parse().ok()? })
    }
}

/// The kernel prints addresses as words of 32 bits in its own byte order, and the port as a number.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |index: usize| {
        let digits = ip.get(index * 8..index * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    let ip = match ip.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let mut bytes = [0; 16];
            for (index, place) in bytes.chunks_exact_mut(4).enumerate() {
                place.copy_from_slice(&word(index)?);
            }
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn lines() {
        let rest = "00000000:00000000 00:00000000 00000000     0        0 41 1 0 100 0 0 10 0";
        for (local, remote, state, expected) in [
            ("0100007F:1F90", "00000000:0000", "0A", Some("127.0.0.1:8080")),
            ("00000000:0050", "00000000:0000", "0A", Some("0.0.0.0:80")),
            ("0100007F:1F90", "0100007F:0001", "01", None),
            ("00000000000000000000000000000000:01BB", "00000000000000000000000000000000:0000", "0A", Some("[::]:443")),
            (
                "0000000000000000FFFF00000100007F:0050",
                "00000000000000000000000000000000:0000",
                "0A",
                Some("127.0.0.1:80"),
            ),
            (
                "B80D0120000000000000000001000000:0050",
                "00000000000000000000000000000000:0000",
                "0A",
                Some("[2001:db8::1]:80"),
            ),
            ("0100007F", "00000000:0000", "0A", None),
            ("0100007F:1F900", "00000000:0000", "0A", None),
            ("01é00007F:0050", "00000000:0000", "0A", None),
        ] {
            let line = format!("   0: {local} {remote} {state} {rest}");
            let expected = expected.map(|address| (address.to_owned(), 41));
            let listener = Row::parse(&line).filter(|row| row.state == LISTEN);
            let found = listener.map(|row| (row.local.to_string(), row.inode));
            assert_eq!(found, expected, "{line}");
        }
        let heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid";
        assert_eq!(Row::parse(heading), None);
        assert_eq!(Row::parse(""), None);
    }
}
