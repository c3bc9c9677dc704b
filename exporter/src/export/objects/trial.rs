//! One harmless question to an object store, to see whether it would take objects: a list, or room in a directory.

use std::ffi::CString;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::failure::Failure;
use super::settings::{Error, Limits, Settings};
use super::store::Store;

/// A store that is to be asked.
#[derive(Debug)]
pub struct Trial {
    settings: Settings,
    limits: Limits,
}

/// The store answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// A bucket, and the keys fit.
    Answers,
    /// The keys are known and may not list: whether they may write shows with the first object.
    MayNotList { reason: String },
    /// A directory, and what is free there.
    Room { bytes: u64 },
    /// The same of one that a run will make.
    ToBeMade { bytes: u64 },
}

/// It would take nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: String,
    pub advice: String,
    /// A run with it would not even start.
    pub lasting: bool,
}

impl Trial {
    pub fn new(settings: Settings, limits: Limits) -> Self {
        Self { settings, limits }
    }

    /// What may wait for it in memory at most.
    pub fn waiting(&self) -> u64 {
        self.limits.bytes as u64
    }

    /// # Errors
    /// What stands in the way.
    pub async fn run(&self, within: Duration) -> Result<Taken, Refusal> {
        match &self.settings {
            Settings::File(file) => self.room(&file.directory),
            Settings::S3(_) => self.list(within).await,
        }
    }

    async fn list(&self, within: Duration) -> Result<Taken, Refusal> {
        let limits = Limits { timeout: within.min(self.limits.timeout), ..self.limits };
        let store = Store::open(&self.settings, &limits, &|name| std::env::var(name).ok())?;
        match store.list().await {
            Ok(()) => Ok(Taken::Answers),
            Err(failure) if failure.is_not_allowed() => Ok(Taken::MayNotList { reason: failure.reason }),
            Err(Failure { reason, advice, kind }) => {
                let advice = if kind.is_away() { "start the store, or correct endpoint and insecure" } else { advice };
                Err(Refusal { reason, advice: advice.into(), lasting: false })
            }
        }
    }

    /// A directory that is not there is not made: nothing is to stay behind.
    fn room(&self, directory: &Path) -> Result<Taken, Refusal> {
        let missing = !directory.exists();
        let there = nearest(directory);
        let unusable = |error| Error::Directory { directory: directory.to_owned(), error };
        if missing {
            writable(&there).map_err(unusable)?;
        } else {
            // As a run does it.
            Store::open(&self.settings, &self.limits, &|_| None)?;
        }
        let bytes = free(&there).map_err(unusable)?;
        if bytes == 0 {
            let reason = format!("there is no space left in {}", there.display());
            return Err(Refusal {
                reason,
                advice: "make room there, or name another directory".into(),
                lasting: false,
            });
        }
        Ok(if missing { Taken::ToBeMade { bytes } } else { Taken::Room { bytes } })
    }
}

/// Where it is: `s3://bucket at minio:9000`, `the directory /var/lib/hoptap`.
impl fmt::Display for Trial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.settings {
            Settings::File(file) => write!(formatter, "the directory {}", file.directory.display()),
            Settings::S3(s3) => {
                write!(formatter, "s3://{}", s3.bucket)?;
                // With a password in it, it is not repeated.
                match s3.endpoint.as_deref().filter(|endpoint| !endpoint.contains('@')) {
                    Some(endpoint) => write!(formatter, " at {endpoint}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let advice = "correct it in `services.object_stores`, or there".into();
        Self { reason: error.to_string(), advice, lasting: true }
    }
}

/// The directory, or the innermost one above it that is there.
fn nearest(directory: &Path) -> PathBuf {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    absolute.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/")).to_owned()
}

fn path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)
}

#[expect(unsafe_code, reason = "there is no safe call for it in the standard library")]
fn writable(directory: &Path) -> io::Result<()> {
    if !directory.is_dir() {
        return Err(io::Error::from(io::ErrorKind::NotADirectory));
    }
    let directory = path(directory)?;
    // SAFETY: a string that ends with a zero and lives through the call.
    if unsafe { libc::access(directory.as_ptr(), libc::W_OK | libc::X_OK) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Bytes that are free there for all.
#[expect(unsafe_code, reason = "there is no safe call for it in the standard library")]
fn free(directory: &Path) -> io::Result<u64> {
    let directory = path(directory)?;
    // SAFETY: all zeros is a value of this structure of numbers.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: a string that ends with a zero and a structure, which live through the call.
    if unsafe { libc::statvfs(directory.as_ptr(), &raw mut found) } == 0 {
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    } else {
        Err(io::Error::last_os_error())
    }
}
