//! A real server of S3 that keeps its objects as files: `s3s-fs`, which `make test` builds.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::net::TcpStream;

use crate::files;
use crate::process::{Process, Scratch, Stdout, free_port};

/// What it lets in.
pub const ACCESS_KEY: &str = "AKIATEST";
pub const SECRET_KEY: &str = "s3cret-key";

/// Stopped when dropped.
#[derive(Debug)]
pub struct S3 {
    process: Option<Process>,
    pub port: u16,
    scratch: Scratch,
}

impl S3 {
    /// Starts it with these buckets.
    ///
    /// # Errors
    /// Where there is none, or it does not start.
    pub async fn start(buckets: &[&str]) -> Result<Self> {
        let scratch = Scratch::new("s3")?;
        for bucket in buckets {
            std::fs::create_dir_all(scratch.path().join("objects").join(bucket))?;
        }
        let mut s3 = Self { process: None, port: free_port()?, scratch };
        s3.go_on().await?;
        Ok(s3)
    }

    /// Lets it be away, as a crash would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it, or starts it again on the same port.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn go_on(&mut self) -> Result<()> {
        let mut command = Command::new(program()?);
        command.args(["--host", "127.0.0.1", "--port", &self.port.to_string()]);
        command.args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]);
        command.arg(self.scratch.path().join("objects"));
        let mut process = Process::start(command, &self.scratch.path().join("s3.log"), Stdout::Log)?;
        let port = self.port;
        process
            .wait_until("listened", Duration::from_secs(20), async || {
                TcpStream::connect(("127.0.0.1", port)).await.is_ok()
            })
            .await?;
        self.process = Some(process);
        Ok(())
    }

    /// Key and content of every object in a bucket, by key.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn objects(&self, bucket: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let root = self.scratch.path().join("objects").join(bucket);
        let mut found = files::below(&root)?;
        // The server's own notes.
        found.retain(|(key, _)| !key.split('/').any(|name| name.starts_with('.')));
        Ok(found)
    }
}

/// `HOPTAP_S3`, else what `make test` has built.
///
/// # Errors
/// Where there is neither.
pub fn program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("HOPTAP_S3") {
        return Ok(named.into());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|set| !set.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache")));
    let built = cache.unwrap_or_default().join("hoptap/s3s-fs-0.14.1/bin/s3s-fs");
    if built.is_file() {
        return Ok(built);
    }
    bail!("expected an S3 server in HOPTAP_S3 or at {}: run `make test`", built.display())
}
