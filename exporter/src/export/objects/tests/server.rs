//! A server of S3 that this process starts, kills and starts again: s3s-fs, which keeps objects as files.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use object_store::aws::{AmazonS3, AmazonS3Builder};

use super::super::S3;
use super::s3;

/// The version that `make s3` builds where there is none.
const VERSION: &str = "0.14.1";

pub(super) struct Server {
    child: Child,
    port: u16,
    scratch: Scratch,
}

impl Server {
    /// With these buckets.
    pub(super) fn start(buckets: &[&str]) -> Self {
        Self::start_on(free_port(), buckets)
    }

    pub(super) fn start_on(port: u16, buckets: &[&str]) -> Self {
        let scratch = Scratch::new();
        for bucket in buckets {
            std::fs::create_dir(scratch.0.join(bucket)).unwrap();
        }
        Self { child: run(&scratch.0, port), port, scratch }
    }

    pub(super) fn settings(&self) -> S3 {
        s3(&format!("127.0.0.1:{}", self.port))
    }

    /// Ends it as a crash would.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// On the same port, with the same objects.
    pub(super) fn restart(&mut self) {
        self.child = run(&self.scratch.0, self.port);
    }

    /// Where the objects of a bucket are.
    pub(super) fn bucket(&self, bucket: &str) -> PathBuf {
        self.scratch.0.join(bucket)
    }

    /// A client to read with.
    pub(super) fn client(&self) -> AmazonS3 {
        AmazonS3Builder::new()
            .with_endpoint(format!("http://127.0.0.1:{}", self.port))
            .with_allow_http(true)
            .with_bucket_name("traffic")
            .with_access_key_id("AKIATEST")
            .with_secret_access_key("s3cret")
            .build()
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn run(root: &Path, port: u16) -> Child {
    let child = Command::new(program())
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--access-key", "AKIATEST", "--secret-key", "s3cret"])
        .arg(root)
        .env("RUST_LOG", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the S3 server does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

/// HOPTAP_S3, else what `make s3` built.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("HOPTAP_S3") {
        return named.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|set| !set.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache"))).unwrap();
    let program = cache.join(format!("hoptap/s3s-fs-{VERSION}/bin/s3s-fs"));
    assert!(program.is_file(), "expected an S3 server in HOPTAP_S3 or at {}: run `make s3`", program.display());
    program
}

/// A port on the loopback that was free a moment ago.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A directory that goes with its owner.
pub(super) struct Scratch(pub(super) PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("hoptap-objects-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _may_be_gone = std::fs::remove_dir_all(&self.0);
    }
}
