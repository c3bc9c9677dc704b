//! A program in a terminal of its own: a pseudo-terminal with somebody who types, and a screen that can be read.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// For a key to show, and for a program to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// Ended when dropped.
pub struct Terminal {
    child: Child,
    keyboard: File,
    /// Kept open: what the program left of its settings is asked for when it has ended.
    line: OwnedFd,
    settings: Settings,
    screen: Arc<Mutex<Screen>>,
}

/// What is on the screen, and the bytes that put it there.
struct Screen {
    parser: vt100::Parser,
    written: Vec<u8>,
}

/// How a terminal treats what is typed, as `stty` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Settings([libc::tcflag_t; 4]);

impl Terminal {
    /// # Errors
    /// Where there is no pseudo-terminal, or the program cannot be started.
    pub fn start(mut command: Command, (columns, rows): (u16, u16)) -> Result<Self> {
        let (keyboard, line) = open(columns, rows)?;
        let settings = Settings::of(&line)?;
        let end = || -> Result<Stdio> { Ok(line.try_clone()?.into()) };
        command.stdin(end()?).stdout(end()?).stderr(end()?).env("TERM", "xterm");
        #[expect(unsafe_code, reason = "std has no way to give a program a terminal")]
        // SAFETY: both are system calls that may be made between fork and exec; standard input is the terminal there.
        unsafe {
            command.pre_exec(|| {
                if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = command.spawn().with_context(|| format!("start {}", command.get_program().display()))?;
        let screen = Screen { parser: vt100::Parser::new(some(rows)?, some(columns)?, 0), written: Vec::new() };
        let screen = Arc::new(Mutex::new(screen));
        let (mut output, shown) = (keyboard.try_clone()?, Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 16 * 1024];
            // Ends when nobody has the terminal open any more.
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
                shown.parser.process(&bytes[..length]);
                shown.written.extend_from_slice(&bytes[..length]);
            }
        });
        Ok(Self { child, keyboard, line, settings, screen })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// # Errors
    /// Where the terminal takes no keys.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        Ok(self.keyboard.write_all(keys.as_bytes())?)
    }

    /// # Errors
    /// Where it cannot be given another size.
    pub fn resize(&mut self, (columns, rows): (u16, u16)) -> Result<()> {
        let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        #[expect(unsafe_code, reason = "std knows no sizes of terminals")]
        // SAFETY: the descriptor is open, and `size` is what this request reads.
        let answer = unsafe { libc::ioctl(self.keyboard.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        ensure!(answer == 0, "resize a terminal: {}", std::io::Error::last_os_error());
        self.lock().parser.screen_mut().set_size(some(rows)?, some(columns)?);
        Ok(())
    }

    /// What can be read on it now.
    pub fn text(&self) -> String {
        self.lock().parser.screen().contents()
    }

    /// Everything that was written to it so far.
    pub fn written(&self) -> Vec<u8> {
        self.lock().written.clone()
    }

    /// Waits until what can be read is as it should be.
    ///
    /// # Errors
    /// Where it is not in time: with what is there instead.
    pub async fn wait_for(&self, what: &str, is_right: impl Fn(&str) -> bool) -> Result<String> {
        let begun = Instant::now();
        loop {
            let text = self.text();
            if is_right(&text) {
                return Ok(text);
            }
            ensure!(begun.elapsed() < PATIENCE, "expected {what} on the screen, found:\n{text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the program ends.
    ///
    /// # Errors
    /// Where it does not in time.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                // What it wrote last is on its way.
                tokio::time::sleep(Duration::from_millis(200)).await;
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("expected it to end, found:\n{}", self.text())
    }

    /// That it is as it was before the program started.
    ///
    /// # Errors
    /// What is not.
    pub fn is_given_back(&self) -> Result<()> {
        let settings = Settings::of(&self.line)?;
        ensure!(settings == self.settings, "expected the settings {:?}, found {settings:?}", self.settings);
        let shown = self.lock();
        let screen = shown.parser.screen();
        ensure!(!screen.alternate_screen(), "the screen behind is not shown again");
        ensure!(!screen.hide_cursor(), "the cursor is hidden");
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Settings {
    fn of(line: &OwnedFd) -> Result<Self> {
        #[expect(unsafe_code, reason = "std knows no settings of terminals")]
        // SAFETY: all zeros are a valid termios, which tcgetattr then fills in.
        let (answer, found) = unsafe {
            let mut found: libc::termios = std::mem::zeroed();
            (libc::tcgetattr(line.as_raw_fd(), &raw mut found), found)
        };
        ensure!(answer == 0, "settings of a terminal: {}", std::io::Error::last_os_error());
        Ok(Self([found.c_iflag, found.c_oflag, found.c_cflag, found.c_lflag]))
    }
}

fn some(number: u16) -> Result<NonZero<u16>> {
    NonZero::new(number).context("expected a terminal of some size")
}

/// Both ends: of who types and looks, and of the program.
fn open(columns: u16, rows: u16) -> Result<(File, OwnedFd)> {
    let (mut keyboard, mut line) = (0, 0);
    let mut size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    #[expect(unsafe_code, reason = "std has no pseudo-terminals")]
    // SAFETY: the pointers are to live variables, or null where that is allowed; what is opened is owned here alone.
    unsafe {
        let none = std::ptr::null_mut();
        let answer = libc::openpty(&raw mut keyboard, &raw mut line, none, std::ptr::null_mut(), &raw mut size);
        ensure!(answer == 0, "expected a pseudo-terminal: {}", std::io::Error::last_os_error());
        Ok((File::from_raw_fd(keyboard), OwnedFd::from_raw_fd(line)))
    }
}
