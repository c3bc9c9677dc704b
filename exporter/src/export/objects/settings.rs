//! What an object store needs to know, and what is wrong with it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where objects go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settings {
    S3(S3),
    File(File),
}

/// A bucket of S3, or of anything that speaks like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3 {
    /// `minio:9000`, `https://minio:9000`, `s3.amazonaws.com`; none: that of AWS for the region.
    pub endpoint: Option<String>,
    pub region: String,
    pub bucket: String,
    /// Without keys the usual places are asked: the environment (`AWS_ACCESS_KEY_ID`, …), a web identity, the
    /// container's or the machine's metadata. Profiles in `~/.aws` are not read.
    pub access_key: Option<Secret>,
    pub secret_key: Option<Secret>,
    pub session_token: Option<Secret>,
    /// In front of every key.
    pub prefix: String,
    /// `https://host/bucket/key` instead of `https://bucket.host/key`.
    pub path_style: bool,
    /// Plain HTTP is allowed; an endpoint that names no scheme is then reached by it.
    pub insecure: bool,
}

/// A directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub directory: PathBuf,
    pub prefix: String,
}

/// Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// How much may wait, how much is done at once, how long is waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of everything that waits or is under way. Past it the oldest that waits is dropped.
    pub bytes: usize,
    pub objects: usize,
    /// Uploads at once.
    pub uploads: usize,
    /// For one try.
    pub timeout: Duration,
    /// Between tries: doubled from the first to the last.
    pub first_pause: Duration,
    pub last_pause: Duration,
    /// The last where only a person can mend it: wrong keys, no bucket, no space.
    pub slow_pause: Duration,
}

impl Default for Limits {
    /// 64 MiB is a minute of 1 MiB/s: a quarter of what the whole program may take.
    fn default() -> Self {
        Self {
            bytes: 64 * 1024 * 1024,
            objects: 65_536,
            uploads: 8,
            timeout: Duration::from_secs(30),
            first_pause: Duration::from_millis(200),
            last_pause: Duration::from_secs(5),
            slow_pause: Duration::from_secs(30),
        }
    }
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{key}: expected {expected}, found {found:?}")]
    Setting { key: &'static str, expected: &'static str, found: String },
    #[error("{0}")]
    Keys(&'static str),
    #[error("{}: expected a directory that can be written to: {error}; create it, or let hoptap write to it", directory.display())]
    Directory { directory: PathBuf, error: std::io::Error },
    #[error("the object store cannot be set up: {0}")]
    Store(#[from] object_store::Error),
    #[error("the thread of the object store cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}
