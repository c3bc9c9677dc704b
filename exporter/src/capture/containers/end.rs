//! The end of a process that is not our child, waited for without asking again and again.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use tokio::io::unix::AsyncFd;

use crate::event::Pid;

/// A descriptor that becomes readable when the process ends (pidfd_open(2)).
pub(super) struct End(AsyncFd<OwnedFd>);

impl End {
    #[expect(unsafe_code, reason = "there is no safe call for it in the standard library")]
    pub(super) fn of(pid: Pid) -> io::Result<Self> {
        let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
        // SAFETY: pidfd_open takes two numbers.
        let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let Some(descriptor) = libc::c_int::try_from(descriptor).ok().filter(|descriptor| *descriptor >= 0) else {
            return Err(io::Error::last_os_error());
        };
        // SAFETY: the kernel has just given it to us, and to nobody else.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        // SAFETY: it stays the same descriptor until it is closed with what owns it.
        let registered = unsafe { AsyncFd::register(descriptor) };
        registered.map(Self).map_err(io::Error::from)
    }

    pub(super) async fn wait(&self) {
        let _ = self.0.readable().await;
    }
}
