//! The socket that the pages are served on.

use std::io;
use std::net::{SocketAddr, TcpListener};

use thiserror::Error;

/// Bound and listening, not yet served: made at start, so that a wrong address ends the program before it attaches.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
}

/// Why it could not listen.
#[derive(Debug, Error)]
pub enum BindError {
    #[error("address in use: {address} is taken by another program; choose another with --listen")]
    InUse { address: SocketAddr },
    #[error("no such address: {address} is not an address of this machine; choose another with --listen")]
    NotHere { address: SocketAddr },
    #[error("not permitted: {address} is a port for root only; choose one from 1024 up with --listen")]
    Denied { address: SocketAddr },
    #[error("cannot listen on {address}: {source}; choose another with --listen")]
    Other { address: SocketAddr, source: io::Error },
}

impl Listener {
    /// Binds `address`; port 0 takes any free one.
    ///
    /// # Errors
    /// [`BindError`] says what to do about it.
    pub fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let bind = || {
            let socket = TcpListener::bind(address)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        match bind() {
            Ok(socket) => Ok(Self { socket }),
            Err(source) => Err(BindError::new(address, source)),
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub(super) fn into_inner(self) -> TcpListener {
        self.socket
    }
}

impl BindError {
    fn new(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { address },
            io::ErrorKind::AddrNotAvailable => Self::NotHere { address },
            io::ErrorKind::PermissionDenied => Self::Denied { address },
            _ => Self::Other { address, source },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[track_caller]
    fn check(address: SocketAddr, expected: &str) {
        let error = Listener::bind(address).unwrap_err().to_string();
        assert_eq!(error, expected.replace("ADDRESS", &address.to_string()));
    }

    #[test]
    fn errors_say_what_to_do() {
        let taken = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        check(
            taken.address().unwrap(),
            "address in use: ADDRESS is taken by another program; choose another with --listen",
        );
        // TEST-NET-1 belongs to nobody.
        check(
            ([192, 0, 2, 1], 29464).into(),
            "no such address: ADDRESS is not an address of this machine; choose another with --listen",
        );
    }
}
