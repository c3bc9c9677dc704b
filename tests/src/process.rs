//! A program that this process started: only such are ever stopped, each by its own pid.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a program may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(15);

/// Stopped when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
    stop_with: libc::c_int,
}

impl Process {
    /// Starts `command` with stderr (and stdout, unless the caller set it) in the file `log`.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn start(mut command: Command, log: &Path, stdout: Stdout) -> Result<Self> {
        let name = Path::new(command.get_program())
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let file = File::create(log).with_context(|| format!("create {}", log.display()))?;
        match stdout {
            Stdout::Log => drop(command.stdout(file.try_clone()?)),
            Stdout::Nowhere => drop(command.stdout(Stdio::null())),
            Stdout::AsSet => {}
        }
        // A group of its own: Ctrl-C at the terminal reaches us alone, and we end the others in order.
        let child = command
            .stdin(Stdio::null())
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        Ok(Self { child, name, log: log.to_owned(), stop_with: libc::SIGTERM })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote so far.
    pub fn output(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Asks it to stop with SIGINT, as Ctrl-C would, instead of SIGTERM.
    pub fn stop_with_interrupt(&mut self) {
        self.stop_with = libc::SIGINT;
    }

    /// The exit status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    /// Where the program ends first, or `limit` passes: with what it wrote.
    pub async fn wait_until(
        &mut self,
        what: &str,
        limit: Duration,
        mut ready: impl AsyncFnMut() -> bool,
    ) -> Result<()> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                bail!("{} ended before it {what}: {status}\n{}", self.name, self.output());
            }
            if ready().await {
                return Ok(());
            }
            if begun.elapsed() > limit {
                bail!("{} has not {what} after {limit:?}\n{}", self.name, self.output());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks it to stop and waits for it.
    ///
    /// # Errors
    /// Where it does not end in time; it is killed then.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.ended() {
            return Ok(status);
        }
        signal(self.pid(), self.stop_with);
        let begun = Instant::now();
        while begun.elapsed() < GRACE {
            if let Some(status) = self.ended() {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child.kill()?;
        self.child.wait()?;
        bail!("{} did not end within {GRACE:?} and was killed\n{}", self.name, self.output())
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _reported_by_stop = self.stop();
    }
}

/// Where the standard output of a [`Process`] goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdout {
    Log,
    /// To wherever the command says; ours by default.
    AsSet,
    Nowhere,
}

/// Sends a signal to a process that this one started.
pub fn signal(pid: u32, signal: libc::c_int) {
    let Ok(pid) = libc::pid_t::try_from(pid) else {
        return;
    };
    #[expect(unsafe_code, reason = "std has no way to send a signal other than SIGKILL")]
    // SAFETY: kill takes two integers and touches no memory of ours.
    unsafe {
        libc::kill(pid, signal);
    }
}

/// Lets this process have so many files open.
///
/// # Errors
/// Where it may not.
pub fn allow_files(count: u64) -> Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    #[expect(unsafe_code, reason = "std knows no limits")]
    // SAFETY: `limit` is a live rlimit that only these calls touch.
    let answer = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        if limit.rlim_cur >= count {
            return Ok(());
        }
        limit = libc::rlimit { rlim_cur: count, rlim_max: limit.rlim_max.max(count) };
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit)
    };
    if answer != 0 {
        bail!("expected to be allowed {count} open files: {}", std::io::Error::last_os_error());
    }
    Ok(())
}

/// A directory that goes with its owner.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// # Errors
    /// Where the temporary directory cannot be written.
    pub fn new(label: &str) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let path = std::env::temp_dir().join(format!(
            "hoptap-{label}-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        std::fs::create_dir_all(&path).with_context(|| format!("create {}", path.display()))?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _may_be_gone = std::fs::remove_dir_all(&self.0);
    }
}

/// A TCP port that nothing listens on, and that no connection is given by itself: it is below the range that Linux takes
/// those from (32768 and up, `ip_local_port_range`), so it stays free until whoever asked listens on it.
///
/// # Errors
/// Where no port can be bound.
pub fn free_port() -> Result<u16> {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 20_000;
    /// Test programs that run side by side begin at different places.
    static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| AtomicU32::new(std::process::id().wrapping_mul(211)));
    for _ in 0..COUNT {
        let port = u16::try_from(FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT)?;
        if TcpListener::bind(("0.0.0.0", port)).is_ok() && UdpSocket::bind(("0.0.0.0", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port from {FIRST} on is free")
}

/// The first of `name` in the directories of PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(OsStr::new(name))).find(|file| file.is_file())
}
